package fakediscord

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Limit is a number of requests in a span of time. The span begins with the
// first request.
type Limit struct {
	Count int
	Per   time.Duration
}

// limiter holds the windows of every bucket and what has been closed by a 429.
type limiter struct {
	buckets  map[string]*window
	oldEdits map[string]*window // by channel
	global   []time.Time        // arrivals of the last second
	perSec   int
	banAfter int
	invalid  []time.Time
	blocked  map[string]time.Time // bucket key, blockGlobal or blockEdge → not before
}

const (
	blockGlobal = "global"
	blockEdge   = "edge"
	// tolerance is how much too early a request may be, for two clocks that
	// aren't quite the same.
	tolerance = 50 * time.Millisecond
	banTime   = 10 * time.Minute
)

func newLimiter(o Options) limiter {
	return limiter{
		buckets: map[string]*window{}, oldEdits: map[string]*window{}, blocked: map[string]time.Time{},
		perSec: o.GlobalPerSecond, banAfter: o.BanAfter,
	}
}

// window is a fixed window that begins with its first request.
type window struct {
	until time.Time
	used  int
}

// take counts one request; wait is how long it is too early, 0 when it fits.
func (w *window) take(l Limit, now time.Time) (remaining int, resetAfter, wait time.Duration) {
	if !now.Before(w.until) {
		w.until, w.used = now.Add(l.Per), 0
	}
	resetAfter = w.until.Sub(now)
	if w.used >= l.Count {
		return 0, resetAfter, resetAfter
	}
	w.used++
	return l.Count - w.used, resetAfter, 0
}

// key is the bucket with its top-level id.
func (c *call) key() string {
	top := c.PathValue("channel_id") + c.PathValue("guild_id")
	if id := c.PathValue("webhook_id"); id != "" {
		top = id + c.PathValue("webhook_token")
	}
	return c.route.group() + " " + top
}

func bucketHash(group string) string {
	sum := sha256.Sum256([]byte(group))
	return hex.EncodeToString(sum[:16])
}

// limit counts the request in the global window and in its bucket. It gives
// the 429 when one is full, and the headers.
func (s *Server) limit(c *call) (*reply, http.Header) {
	now := s.now()
	if wait := s.limits.takeGlobal(c.route, now); wait > 0 {
		s.log.stats.Exhausted++
		return new(tooMany("global", wait)), http.Header{}
	}
	l := c.route.limit
	if l.Count == 0 {
		return nil, http.Header{}
	}
	w := s.limits.buckets[c.key()]
	if w == nil {
		w = &window{}
		s.limits.buckets[c.key()] = w
	}
	remaining, resetAfter, wait := w.take(l, now)
	h := limitHeaders(c.route.group(), l, remaining, now, resetAfter)
	if wait > 0 {
		s.log.stats.Exhausted++
		return new(tooMany("user", wait)), h
	}
	return nil, h
}

func limitHeaders(group string, l Limit, remaining int, now time.Time, resetAfter time.Duration) http.Header {
	// Canonical form is what net/http sends; Discord's own spelling is X-RateLimit-….
	h := http.Header{}
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.Count))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
	h.Set("X-RateLimit-Reset", fraction(float64(now.Add(resetAfter).UnixMilli())/1000))
	h.Set("X-RateLimit-Reset-After", fraction(resetAfter.Seconds()))
	h.Set("X-RateLimit-Bucket", bucketHash(group))
	return h
}

func fraction(f float64) string { return strconv.FormatFloat(f, 'f', 3, 64) }

// takeGlobal counts in the sliding second that covers every route but those of
// interactions.
func (l *limiter) takeGlobal(rt *route, now time.Time) time.Duration {
	if rt.open || l.perSec < 0 {
		return 0
	}
	second := now.Add(-time.Second)
	l.global = slices.DeleteFunc(l.global, func(t time.Time) bool { return !t.After(second) })
	if len(l.global) >= l.perSec {
		return l.global[0].Sub(second)
	}
	l.global = append(l.global, now)
	return 0
}

// tooMany is Discord's 429 with JSON: scope user, shared or global.
func tooMany(scope string, wait time.Duration) reply {
	h := http.Header{}
	h.Set("Retry-After", seconds(wait))
	h.Set("X-RateLimit-Scope", scope)
	if scope == "global" {
		h.Set("X-RateLimit-Global", "true")
	}
	return reply{
		status: http.StatusTooManyRequests, header: h, shared: scope == "shared",
		retry: wait, scope: scope,
		body: wireError{
			Message:    "You are being rate limited.",
			RetryAfter: new(float64(wait.Milliseconds()+1) / 1000),
			Global:     new(scope == "global"),
		},
	}
}

// edge is the HTML 429 of the network in front of Discord.
func edge(wait time.Duration) reply {
	h := http.Header{}
	h.Set("Content-Type", "text/html; charset=UTF-8")
	h.Set("Retry-After", seconds(wait))
	h.Set("Server", "cloudflare")
	return reply{
		status: http.StatusTooManyRequests, header: h, retry: wait, scope: blockEdge,
		raw: []byte("<!doctype html><title>Access denied</title><p>error code: 1015"),
	}
}

// tooEarly refuses a request that comes before the time told by an earlier
// 429, and writes it down as a fault.
func (s *Server) tooEarly(c *call) *reply {
	now := s.now()
	keys := []string{blockEdge, c.key()}
	if !c.route.open {
		keys = append(keys, blockGlobal)
	}
	for _, key := range keys {
		until, ok := s.limits.blocked[key]
		if !ok {
			continue
		}
		wait := until.Sub(now)
		if wait <= tolerance {
			if wait <= 0 {
				delete(s.limits.blocked, key)
			}
			continue
		}
		s.log.stats.Early++
		s.log.fault(now, "early", c.entry.Seq, c.route.String()+": "+wait.String()+" before the Retry-After of a 429 had passed")
		switch key {
		case blockEdge:
			return new(edge(wait))
		case blockGlobal:
			return new(tooMany("global", wait))
		default:
			return new(tooMany("user", wait))
		}
	}
	return nil
}

// remember draws the consequences of an answer: what a 429 closes, and the
// count of invalid requests that ends in a ban.
func (s *Server) remember(c *call, out reply) {
	now := s.now()
	if out.retry > 0 {
		key := c.key()
		if out.scope == blockGlobal || out.scope == blockEdge {
			key = out.scope
		}
		if until := now.Add(out.retry); until.After(s.limits.blocked[key]) {
			s.limits.blocked[key] = until
		}
	}
	switch out.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		if out.shared {
			return
		}
		s.limits.invalid = append(s.limits.invalid, now)
		if s.limits.invalidNow(now) >= s.limits.banAfter {
			s.limits.blocked[blockEdge] = now.Add(banTime)
		}
	}
}

// invalidNow counts the invalid requests of the last ten minutes.
func (l *limiter) invalidNow(now time.Time) int {
	l.invalid = slices.DeleteFunc(l.invalid, func(t time.Time) bool { return now.Sub(t) > banTime })
	return len(l.invalid)
}
