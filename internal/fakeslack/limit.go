package fakeslack

import (
	"cmp"
	"math"
	"time"
)

// tiers are Slack's calls a minute by tier (rate limits page: "1+", "20+", "50+", "100+"); tier 0 has its own rule.
var tiers = [...]int{0, 1, 20, 50, 100}

// limiter is the app's rate limits: a window of a minute per method and workspace, a gap per channel for posting, and
// the pause after each refusal. It is pure but for its memory; the server's mutex guards it.
type limiter struct {
	opt    Limits
	calls  map[string][]time.Time // by method and workspace, the last minute
	posts  map[string]time.Time   // by channel: when the allowance is full again
	pauses map[string]time.Time   // by method and workspace
}

func newLimiter(opt Limits) limiter {
	opt.PostGap = cmp.Or(opt.PostGap, time.Second)
	opt.PostBurst = max(opt.PostBurst, 1)
	opt.Workspace = cmp.Or(opt.Workspace, 300)
	opt.Tolerance = cmp.Or(opt.Tolerance, 50*time.Millisecond)
	opt.RetryAfter = cmp.Or(opt.RetryAfter, time.Second)
	return limiter{opt: opt, calls: map[string][]time.Time{}, posts: map[string]time.Time{}, pauses: map[string]time.Time{}}
}

// paused says how long a method of a workspace still has to stay quiet.
func (l *limiter) paused(key string, now time.Time) time.Duration {
	until, ok := l.pauses[key]
	if !ok || !now.Add(l.opt.Tolerance).Before(until) {
		delete(l.pauses, key)
		return 0
	}
	return until.Sub(now)
}

func (l *limiter) pause(key string, until time.Time) { l.pauses[key] = until }

// take counts one call and says how long to wait when it is over the limit, 0 when it is not. A refused call is not
// counted.
func (l *limiter) take(m method, key, channel string, now time.Time) time.Duration {
	if l.opt.Off {
		return 0
	}
	limit := l.perMinute(m)
	wait := l.window(key, limit, now)
	if wait == 0 && m.perChannel && channel != "" {
		wait = l.gap(m.name+" "+channel, now)
	}
	if wait > 0 {
		wait = max(l.opt.RetryAfter, time.Duration(math.Ceil(wait.Seconds()))*time.Second)
		l.pause(key, now.Add(wait))
		return wait
	}
	if limit > 0 {
		l.calls[key] = append(l.calls[key], now)
	}
	return 0
}

func (l *limiter) perMinute(m method) int {
	if n, ok := l.opt.PerMinute[m.name]; ok {
		return n
	}
	if m.perChannel {
		return l.opt.Workspace
	}
	if m.history && l.opt.NewApp {
		return 1
	}
	return tiers[m.tier]
}

func (l *limiter) window(key string, limit int, now time.Time) time.Duration {
	if limit == 0 {
		return 0
	}
	calls := l.calls[key]
	for len(calls) > 0 && now.Sub(calls[0]) >= time.Minute-l.opt.Tolerance {
		calls = calls[1:]
	}
	l.calls[key] = calls
	if len(calls) < limit {
		return 0
	}
	return calls[len(calls)-limit].Add(time.Minute).Sub(now)
}

// gap is the generic cell rate algorithm: each message fills one gap, PostBurst gaps fit.
func (l *limiter) gap(key string, now time.Time) time.Duration {
	full := l.posts[key]
	if full.Before(now) {
		full = now
	}
	room := time.Duration(l.opt.PostBurst-1) * l.opt.PostGap
	if early := full.Sub(now) - room; early > l.opt.Tolerance {
		return early
	}
	l.posts[key] = full.Add(l.opt.PostGap)
	return 0
}
