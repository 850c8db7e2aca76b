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
	editGap       = 3 * time.Second // between two edits of one message
	editsPerMin   = 40
	editBurst     = 10
	groupsPerMin  = 18 // Tier 2
	groupBurst    = 6
	maxRemembered = 1000
	// apart lies between any two calls of one method, 200 a minute: so the answer
	// to one, which may ask for a pause, is mostly there before the next goes out,
	// also when many channels waited for the same pause.
	apart = 300 * time.Millisecond
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
	slots  map[string][]*rate.Limiter
	pauses map[string]time.Time // by method: what Slack asked for
	gaps   map[call]time.Time   // by channel or message: when the next one may go out
}

func newPacer() *pacer {
	return &pacer{slots: map[string][]*rate.Limiter{}, pauses: map[string]time.Time{}, gaps: map[call]time.Time{}}
}

// wait returns how long the call has to wait for its channel or message, and for
// a pause that Slack asked for.
func (p *pacer) wait(now time.Time, c call) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.pauses[c.method].Sub(now), p.gaps[c].Sub(now))
}

// book takes the next slot among all calls of the method, first come, first
// served, and returns how long it is until then. cancel gives the slot back.
func (p *pacer) book(now time.Time, method string) (wait time.Duration, cancel func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	limits := p.slots[method]
	if limits == nil {
		limits = []*rate.Limiter{rate.NewLimiter(rate.Every(apart), 1)}
		if most, burst := quota(method); most > 0 {
			// A bucket lets its burst and a minute's refill through in one minute.
			limits = append(limits, rate.NewLimiter(rate.Limit(float64(most-burst)/time.Minute.Seconds()), burst))
		}
		p.slots[method] = limits
	}
	var taken []*rate.Reservation
	for _, l := range limits {
		r := l.ReserveN(now, 1)
		taken, wait = append(taken, r), max(wait, r.DelayFrom(now))
	}
	return wait, func() {
		for _, r := range taken {
			r.CancelAt(now)
		}
	}
}

// quota is how many calls of a method may go out in a minute, and how many of them
// at once; 0 for as many as are apart.
func quota(method string) (most, burst int) {
	switch method {
	case methodUpdate:
		return editsPerMin, editBurst
	case methodGroups, methodGroupUsers:
		return groupsPerMin, groupBurst
	}
	return 0, 0
}

// done says that the call ended now. The gap to the next one counts from here and
// not from the sending: Slack measures when requests arrive, and only the answer
// tells that this one did.
func (p *pacer) done(now time.Time, c call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gap := map[string]time.Duration{methodPost: postGap, methodUpdate: editGap}[c.method]
	if gap == 0 || c.channel == "" {
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
