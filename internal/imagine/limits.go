package imagine

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Class is a rate class of the API: each has a purse of its own per agent.
type Class string

// The rate classes the service names in X-RateLimit-Endpoint-Type.
const (
	Auth   Class = "auth"
	Read   Class = "read"
	Write  Class = "write"
	Upload Class = "upload"
)

// Budget is what an agent may still spend in one class.
type Budget struct {
	Limit     int           // calls a minute, as last told by the service
	Remaining int           // calls left now, by the service's count and ours, whichever is lower
	Wait      time.Duration // until the pause told by a 429 is over; 0 without one
	Refusals  int           // 429s in a row, not counting those older than five minutes
}

// Priority orders calls of one class that wait for the same purse: lower goes first.
type Priority int

// The order in which a purse serves. Pollers and completion lists also leave a reserve to the others.
const (
	Person     Priority = iota // somebody waits for the answer; the default
	Delivery                   // a message cannot go out without it
	Poller                     // looks for news
	Completion                 // fills a list of suggestions
	Extra                      // looks for what is watched on wish only

	priorities
)

type priorityKey struct{}

// WithPriority marks the calls made under the returned context.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, min(max(p, Person), Extra))
}

// AsPoller marks calls as polling: people go first, and below 30 % of the purse they wait.
func AsPoller(ctx context.Context) context.Context { return WithPriority(ctx, Poller) }

func priorityOf(ctx context.Context) Priority {
	p, _ := ctx.Value(priorityKey{}).(Priority)
	return p
}

const (
	// window is the service's minute and a quarter second, since it counts at arrival.
	window = 60*time.Second + 250*time.Millisecond
	// margin is added to a pause that a 429 asks for, so that rounding never makes us early.
	margin = 100 * time.Millisecond

	ownShare     = 90 // per cent of a limit one agent's client spends by itself
	authShare    = 80 // per cent of the auth limit all clients of one address spend: 8 of 10
	pollerShare  = 70 // per cent after which pollers wait
	extraShare   = 50 // per cent after which what is watched on wish waits
	refusalsLast = 5 * time.Minute
)

// limits of the service before a reply has told better (GET /api, "rateLimits").
func newLimiter(c Class, share int) *limiter {
	limit := map[Class]int{Auth: 10, Read: 100, Write: 30, Upload: 10}[c]
	return &limiter{share: share, limit: limit, changed: make(chan struct{})}
}

// limiter is one purse: a sliding log of our own calls, corrected by what the service says of it.
type limiter struct {
	share int // per cent of limit that may be our own

	mu       sync.Mutex
	limit    int
	inFlight int         // sent and not answered: counted, whenever the service counted it
	own      []time.Time // when answered, oldest first; leaves after window
	foreign  []time.Time // spent by somebody else, by the headers: when each is taken to leave, earliest first
	until    time.Time   // no call before, said a 429
	refusals []time.Time // 429s in a row
	queue    [priorities][]*slot
	changed  chan struct{} // closed and renewed at each change, so that waiters look again
}

// slot is one paid call. Exactly one of done and refund ends it.
type slot struct{ l *limiter }

// waitError says that the purse opens only after the caller's deadline.
type waitError struct{ wait time.Duration }

func (e *waitError) Error() string { return "the rate budget is spent" }
func (e *waitError) Unwrap() error { return context.DeadlineExceeded }

// take waits for its turn and for room in the purse. It returns early with a *waitError when ctx would end first, with ctx's
// error when it ends, and with a nil slot when abort is closed.
func (l *limiter) take(ctx context.Context, p Priority, abort <-chan struct{}) (*slot, error) {
	s := &slot{l: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue[p] = append(l.queue[p], s)
	for {
		if err := ctx.Err(); err != nil {
			l.leave(p, s)
			return nil, err
		}
		wait := window
		if l.isNext(p, s) {
			if wait = l.wait(time.Now(), p); wait <= 0 {
				l.inFlight++
				l.leave(p, s)
				return s, nil
			}
			if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
				l.leave(p, s)
				return nil, &waitError{wait}
			}
		}
		if !l.sleep(ctx, wait, abort) {
			l.leave(p, s)
			return nil, nil
		}
	}
}

// tryTake is take without waiting: nil when there is no room now.
func (l *limiter) tryTake(p Priority) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	for q := range p + 1 {
		if len(l.queue[q]) > 0 {
			return nil
		}
	}
	if l.wait(time.Now(), p) > 0 {
		return nil
	}
	l.inFlight++
	return &slot{l: l}
}

// sleep gives the lock away until d has passed, something changed or ctx ended. It reports false when abort was closed.
func (l *limiter) sleep(ctx context.Context, d time.Duration, abort <-chan struct{}) bool {
	changed := l.changed
	l.mu.Unlock()
	defer l.mu.Lock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-changed:
	case <-ctx.Done():
	case <-abort:
		return false
	}
	return true
}

func (l *limiter) isNext(p Priority, s *slot) bool {
	for q := range p {
		if len(l.queue[q]) > 0 {
			return false
		}
	}
	return l.queue[p][0] == s
}

func (l *limiter) leave(p Priority, s *slot) {
	if i := slices.Index(l.queue[p], s); i >= 0 {
		l.queue[p] = slices.Delete(l.queue[p], i, i+1)
	}
	l.notify()
}

func (l *limiter) notify() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// wait says how long a call of this priority has to wait at least; 0 means it may go.
func (l *limiter) wait(now time.Time, p Priority) time.Duration {
	l.expire(now)
	if d := l.until.Sub(now); d > 0 {
		return d
	}
	all := l.limit
	switch {
	case p >= Extra:
		all = max(1, l.limit*extraShare/100)
	case p >= Poller:
		all = max(1, l.limit*pollerShare/100)
	}
	var leaving []time.Time
	for _, t := range l.own {
		leaving = append(leaving, t.Add(window))
	}
	mine := max(1, l.limit*l.share/100)
	d := waitFor(now, leaving, l.inFlight+len(l.own)-mine)
	leaving = append(leaving, l.foreign...)
	slices.SortFunc(leaving, time.Time.Compare)
	return max(d, waitFor(now, leaving, l.inFlight+len(leaving)-all))
}

// waitFor is the time until more than over of the calls have left; a whole window when those in flight decide it.
func waitFor(now time.Time, leaving []time.Time, over int) time.Duration {
	switch {
	case over < 0:
		return 0
	case over < len(leaving):
		return leaving[over].Sub(now)
	default:
		return window
	}
}

func (l *limiter) expire(now time.Time) {
	l.own = dropWhile(l.own, func(t time.Time) bool { return !t.Add(window).After(now) })
	l.foreign = dropWhile(l.foreign, func(t time.Time) bool { return !t.After(now) })
	l.refusals = dropWhile(l.refusals, func(t time.Time) bool { return !t.Add(refusalsLast).After(now) })
}

func dropWhile(ts []time.Time, gone func(time.Time) bool) []time.Time {
	n := 0
	for n < len(ts) && gone(ts[n]) {
		n++
	}
	return slices.Delete(ts, 0, n)
}

// done books an answered call: from now on it counts for a whole window, whenever the service counted it.
func (s *slot) done() {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.l.inFlight--
	s.l.own = append(s.l.own, time.Now())
	s.l.refusals = nil
	s.l.notify()
}

// refund gives back a call that was not made or that the service did not count.
func (s *slot) refund() {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.l.inFlight--
	s.l.notify()
}

// observe corrects the purse by a reply's headers: the limit replaces ours, and a lower remainder means that somebody else
// spends from the same purse.
func (l *limiter) observe(r rate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.expire(now)
	if r.limit > 0 {
		l.limit = r.limit
	}
	if r.hasRemaining {
		left := l.limit - l.inFlight - len(l.own) - len(l.foreign)
		switch {
		case r.remaining < left:
			l.addForeign(now, min(left-r.remaining, l.limit), r)
		case r.remaining > left+l.inFlight:
			n := min(len(l.foreign), r.remaining-left-l.inFlight)
			l.foreign = l.foreign[:len(l.foreign)-n]
		}
	}
	l.notify()
}

// addForeign books n calls of somebody else. When nothing is left, Reset says when the first of all leaves.
func (l *limiter) addForeign(now time.Time, n int, r rate) {
	for range n {
		l.foreign = append(l.foreign, now.Add(window))
	}
	if r.remaining == 0 && r.hasReset && r.reset > 0 && r.reset < window {
		l.foreign[len(l.foreign)-1] = now.Add(r.reset + margin)
	}
	slices.SortFunc(l.foreign, time.Time.Compare)
}

// refuse closes the purse as a 429 asks. What was guessed about others is forgotten: the pause replaces it.
func (l *limiter) refuse(wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.expire(now)
	l.foreign = nil
	l.refusals = append(l.refusals, now)
	if t := now.Add(wait + margin); t.After(l.until) {
		l.until = t
	}
	l.notify()
}

func (l *limiter) budget() Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.expire(now)
	b := Budget{Limit: l.limit, Refusals: len(l.refusals)}
	b.Remaining = max(0, l.limit-l.inFlight-len(l.own)-len(l.foreign))
	if b.Wait = max(0, l.until.Sub(now)); b.Wait > 0 {
		b.Remaining = 0
	}
	return b
}

// slots is what one call pays: its class, and for sign-ins the address's purse too.
type slots []*slot

func (s slots) done() {
	for _, one := range s {
		one.done()
	}
}

func (s slots) refund() {
	for _, one := range s {
		one.refund()
	}
}

// pay waits for room in the purse, or both purses for auth. It gives nil when abort was closed meanwhile.
func (c *Client) pay(ctx context.Context, class Class, p Priority, abort <-chan struct{}) (slots, error) {
	purses := []*limiter{c.limits[class]}
	if class == Auth {
		purses = append(purses, c.site.signIns)
	}
	var paid slots
	for _, l := range purses {
		s, err := l.take(ctx, p, abort)
		if s == nil {
			paid.refund()
			return nil, err
		}
		paid = append(paid, s)
	}
	return paid, nil
}

// tryPayAuth is pay for a sign-in, without waiting.
func (c *Client) tryPayAuth(p Priority) slots {
	own := c.limits[Auth].tryTake(p)
	if own == nil {
		return nil
	}
	shared := c.site.signIns.tryTake(p)
	if shared == nil {
		own.refund()
		return nil
	}
	return slots{own, shared}
}
