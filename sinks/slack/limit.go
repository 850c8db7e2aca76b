package slack

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pace, under Slack's limits (Slack docs: "Rate limits"): one message a second
// and channel and a few hundred a minute and workspace; chat.update is Tier 3,
// 50 a minute, which other uses of the app share.
const (
	postGap       = time.Second
	postsPerMin   = 200
	postBurst     = 20
	editGap       = 3 * time.Second // between two edits of one message
	editsPerMin   = 40
	editBurst     = 10
	maxRemembered = 1000
)

// Methods of the Web API in use.
const (
	methodPost    = "chat.postMessage"
	methodUpdate  = "chat.update"
	methodHistory = "conversations.history"
	methodReplies = "conversations.replies"
	methodInfo    = "conversations.info"
	methodAuth    = "auth.test"
	methodOpen    = "apps.connections.open"
)

// call is what a limit depends on.
type call struct{ method, channel, ts string }

// pacer decides when a call to one installation may go out. It never reads a
// clock: the caller says what time it is.
type pacer struct {
	mu     sync.Mutex // guards all below
	posts  *rate.Limiter
	edits  *rate.Limiter
	pauses map[string]time.Time // by method: what Slack asked for
	gaps   map[call]time.Time   // by channel or message: when the next one may go out
}

func newPacer() *pacer {
	// A bucket lets its burst and a minute's refill through in one minute; both
	// together are the limit.
	perMinute := func(n int) rate.Limit { return rate.Limit(float64(n) / time.Minute.Seconds()) }
	return &pacer{
		posts:  rate.NewLimiter(perMinute(postsPerMin-postBurst), postBurst),
		edits:  rate.NewLimiter(perMinute(editsPerMin-editBurst), editBurst),
		pauses: map[string]time.Time{}, gaps: map[call]time.Time{},
	}
}

// take books the call and returns 0, or books nothing and returns how long to
// wait before asking again.
func (p *pacer) take(now time.Time, c call) time.Duration { return p.ask(now, c, true) }

// wait returns how long the call would have to wait. It books nothing.
func (p *pacer) wait(now time.Time, c call) time.Duration { return p.ask(now, c, false) }

func (p *pacer) ask(now time.Time, c call, book bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := max(p.pauses[c.method].Sub(now), p.gaps[c].Sub(now)); wait > 0 {
		return wait
	}
	bucket := map[string]*rate.Limiter{methodPost: p.posts, methodUpdate: p.edits}[c.method]
	if bucket == nil {
		return 0
	}
	r := bucket.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 || !book {
		r.CancelAt(now)
	}
	return wait
}

// done says that the call ended now. The gap to the next one counts from here and
// not from the sending: Slack measures when requests arrive, and only the answer
// tells that this one did.
func (p *pacer) done(now time.Time, c call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gap := map[string]time.Duration{methodPost: postGap, methodUpdate: editGap}[c.method]
	if gap == 0 {
		return
	}
	if len(p.gaps) >= maxRemembered {
		for old, until := range p.gaps {
			if !until.After(now) {
				delete(p.gaps, old)
			}
		}
	}
	p.gaps[c] = now.Add(gap)
}

// pause keeps a method quiet for as long as Slack asked, and a little longer: at
// most 10 % and 250 ms. It returns the whole wait.
func (p *pacer) pause(now time.Time, method string, asked time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := asked + asked/20 + 100*time.Millisecond
	if until := now.Add(wait); until.After(p.pauses[method]) {
		p.pauses[method] = until
	}
	return p.pauses[method].Sub(now)
}
