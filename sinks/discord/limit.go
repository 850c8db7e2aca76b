package discord

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	patience     = 6 * time.Second // the longest a request waits here; what must wait longer goes back to its caller
	globalRate   = 45.0            // requests a second of one bot; Discord allows 50 (docs, "Rate Limits")
	globalBurst  = 3               // at once after a rest: 45 a second and ten more at once would pass the 50 of a second
	leastShare   = 5.0             // requests a second that each of many processes keeps
	resetMargin  = 25 * time.Millisecond
	defaultStop  = 10 * time.Minute // after an answer from the edge without Retry-After
	defaultPause = 2 * time.Second  // after a 429 that tells no time
	longestPause = 24 * time.Hour
	maxBuckets   = 4096
)

// limiter holds requests of one token back so that Discord never has to: the
// emergency stop first, then the global limit, then the bucket. One request of a
// bucket is under way at a time. Figures come from answers alone.
type limiter struct {
	shares func() int // processes that use the token now
	pace   *rate.Limiter

	mu      sync.Mutex // guards all below
	buckets map[string]*bucket
	names   map[string]string // call → bucket, as Discord told
	stop    time.Time         // nothing goes out before
	global  time.Time         // nothing but interactions goes out before
	fuse    fuse
}

// bucket is one of Discord's rate limits. Whoever holds its turn may send.
type bucket struct {
	turn      chan struct{}
	remaining int
	reset     time.Time
}

func newLimiter(shares func() int) *limiter {
	return &limiter{
		shares: shares, pace: rate.NewLimiter(globalRate, globalBurst),
		buckets: map[string]*bucket{}, names: map[string]string{},
	}
}

// ticket is the right to make one request. Its done or release must be called.
type ticket struct {
	l *limiter
	c call
	b *bucket
}

// admit waits until the request may go out. It returns a *Error with After when
// that takes longer than patience or than ctx lasts, else ctx's error.
func (l *limiter) admit(ctx context.Context, c call) (*ticket, error) {
	b, err := l.turn(ctx, c)
	if err != nil {
		return nil, err
	}
	t := &ticket{l: l, c: c, b: b}
	for paced := c.exempt; ; paced = true {
		if err := l.pass(ctx, t); err != nil {
			t.release()
			return nil, err
		}
		if paced {
			return t, nil
		}
		if err := l.wait(ctx, c, l.reserve()); err != nil {
			t.release()
			return nil, err
		}
	}
}

// turn takes the bucket's turn. The bucket may get another name while we wait.
func (l *limiter) turn(ctx context.Context, c call) (*bucket, error) {
	for {
		b := l.bucket(c)
		select {
		case b.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, l.late(ctx, c)
		}
		if l.bucket(c) == b {
			return b, nil
		}
		<-b.turn
	}
}

// pass waits until neither stop nor global limit nor bucket is in the way.
func (l *limiter) pass(ctx context.Context, t *ticket) error {
	for {
		d := l.hold(t.c, t.b, time.Now())
		if d <= 0 {
			return nil
		}
		if err := l.wait(ctx, t.c, d); err != nil {
			return err
		}
	}
}

// late is the error of a request whose context ended before its turn.
func (l *limiter) late(ctx context.Context, c call) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Method: c.method, Route: c.route, After: time.Second, Held: true}
	}
	return ctx.Err()
}

func (l *limiter) wait(ctx context.Context, c call, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	end, bounded := ctx.Deadline()
	if d > patience || bounded && time.Now().Add(d).After(end) {
		return &Error{Method: c.method, Route: c.route, After: d, Held: true}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return l.late(ctx, c)
	}
}

// reserve takes a place in this process's share of the global rate and returns
// how long it is until then.
func (l *limiter) reserve() time.Duration {
	share := globalRate
	if l.shares != nil {
		share = max(leastShare, globalRate/float64(max(1, l.shares())))
	}
	if l.pace.Limit() != rate.Limit(share) {
		l.pace.SetLimit(rate.Limit(share))
		l.pace.SetBurst(max(1, int(globalBurst*share/globalRate)))
	}
	return l.pace.Reserve().Delay()
}

// hold is how long the request has to wait at this instant.
func (l *limiter) hold(c call, b *bucket, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.stop.Sub(now)
	if !c.exempt {
		d = max(d, l.global.Sub(now))
		if !c.probe {
			d = max(d, l.fuse.hold(now))
		}
	}
	if b.remaining <= 0 {
		d = max(d, b.reset.Sub(now))
	}
	return d
}

// bucket finds or makes the bucket of a request.
func (l *limiter) bucket(c call) *bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := c.key()
	if learned, ok := l.names[name]; ok {
		name = learned
	}
	b, ok := l.buckets[name]
	if !ok {
		l.prune()
		b = &bucket{turn: make(chan struct{}, 1), remaining: 1}
		l.buckets[name] = b
	}
	return b
}

// prune forgets buckets at rest when there are very many; callers hold mu.
func (l *limiter) prune() {
	if len(l.buckets) < maxBuckets {
		return
	}
	now := time.Now()
	for name, b := range l.buckets {
		if len(b.turn) == 0 && b.reset.Before(now) {
			delete(l.buckets, name)
		}
	}
	for call, name := range l.names {
		if l.buckets[name] == nil {
			delete(l.names, call)
		}
	}
}

// release gives the turn back. Further calls do nothing.
func (t *ticket) release() {
	if t.b != nil {
		<-t.b.turn
		t.b = nil
	}
}

// done learns from an answer and gives the turn back. It fills in how long a
// refusal asks to wait where Discord did not say. many says that so many requests
// were refused lately that people should look.
func (t *ticket) done(h http.Header, e *Error) (many bool) {
	if t.b == nil {
		return false
	}
	l, now := t.l, time.Now()
	l.mu.Lock()
	b := t.b
	b.remaining = 1 // unless a limit is known
	if told, ok := readLimits(h); ok {
		b = l.rename(t, told.bucket)
		b.remaining, b.reset = told.remaining, now.Add(told.resetAfter+resetMargin)
	}
	if e != nil {
		l.refused(b, e, now)
	}
	many = l.fuse.count(now) >= fuseWarn
	l.mu.Unlock()
	t.release()
	return many
}

// refused learns from a refusal; callers hold mu.
func (l *limiter) refused(b *bucket, e *Error, now time.Time) {
	switch {
	case e.Edge, e.Code == codeInternalNetwork:
		if e.After <= 0 {
			e.After = defaultStop
		}
		l.stop = later(l.stop, now.Add(e.After))
	case e.Status == http.StatusTooManyRequests:
		if e.After <= 0 {
			e.After = defaultPause
		}
		e.After += resetMargin
		if e.Global {
			l.global = later(l.global, now.Add(e.After))
			break
		}
		b.remaining, b.reset = 0, later(b.reset, now.Add(e.After))
	}
	if e.invalid() {
		l.fuse.add(now)
	}
}

// rename files the bucket under the name Discord gave; callers hold mu. Where
// another request has found that bucket before, that one is returned.
func (l *limiter) rename(t *ticket, hash string) *bucket {
	if hash == "" {
		return t.b
	}
	name := hash + " " + t.c.top
	l.names[t.c.key()] = name
	if b, ok := l.buckets[name]; ok {
		return b
	}
	if l.buckets[t.c.key()] == t.b {
		delete(l.buckets, t.c.key())
	}
	l.buckets[name] = t.b
	return t.b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// call names a request: method, route template and the id its limit hangs on.
type call struct {
	method string
	route  string // "/channels/{channel}/messages"
	top    string // the channel or guild in it
	path   string // "/channels/123/messages?limit=100"
	exempt bool   // interactions are no part of the global limit
	probe  bool   // goes out even when many requests were refused
}

func (c call) key() string { return c.method + " " + c.route + " " + c.top }

// fill puts ids into the route template, in order. The first is the top one.
func fill(method, route string, ids ...string) call {
	c := call{method: method, route: route, path: route}
	for i, id := range ids {
		if i == 0 {
			c.top = id
		}
		open, shut := strings.IndexByte(c.path, '{'), strings.IndexByte(c.path, '}')
		c.path = c.path[:open] + id + c.path[shut+1:]
	}
	return c
}
