package bridge

import (
	"context"
	"sync"
	"time"
)

const (
	tripLimit = 3               // failures in a row that break a destination's circuit
	tryLimit  = 2 * sendTimeout // for the one attempt that finds out whether it works again
)

// Circuits keep the subscriptions of one process from asking a destination one
// after the other what the first of them was told already: that it refuses, or
// fails. While a circuit is broken nobody sends; then one tries.
type Circuits struct {
	mu sync.Mutex
	at map[Destination]*circuit
}

type circuit struct {
	failures int
	until    time.Time  // nobody sends before
	why      *SendError // what refuses everything; nil for failures that pass
	trying   time.Time  // when the one began that tries
}

// enter reports that the destination may be asked now, or how long not, and why
// where it refuses everything.
func (c *Circuits) enter(to Destination) (rest time.Duration, why *SendError) {
	if c == nil {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k, now := c.at[to], time.Now()
	switch {
	case k == nil || k.until.IsZero():
		return 0, nil
	case now.Before(k.until):
		return k.until.Sub(now), k.why
	case now.Sub(k.trying) < tryLimit:
		return min(time.Second, tryLimit-now.Sub(k.trying)), nil
	}
	k.trying = now
	return 0, nil
}

// leave notes how an attempt ended: well with nil, else that the destination
// should be left alone for d.
func (c *Circuits) leave(to Destination, e *SendError, d time.Duration) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e == nil {
		delete(c.at, to)
		return
	}
	if c.at == nil {
		c.at = map[Destination]*circuit{}
	}
	k := c.at[to]
	if k == nil {
		k = &circuit{}
		c.at[to] = k
	}
	if e == k.why {
		return // what the circuit itself told
	}
	k.trying = time.Time{}
	switch e.Verdict {
	case Gone, Revoked:
		k.why = e
	case Reject:
		return // the message's fault
	case Retry, InDoubt:
		if k.failures++; k.failures < tripLimit && !e.Paced {
			return
		}
		k.why = nil
	}
	if end := time.Now().Add(d); end.After(k.until) {
		k.until = end
	}
}

// Close lets everybody send there again: something changed, or somebody wants to
// know whether it did.
func (c *Circuits) Close(to Destination) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.at, to)
}

// enter waits while the destination's circuit is broken by failures that pass. Where it refuses everything it
// returns that refusal, without having asked.
func (w *Worker) enter(ctx context.Context) error {
	for {
		rest, why := w.Circuits.enter(w.Subscription.To)
		switch {
		case why != nil:
			return why
		case rest <= 0:
			return nil
		}
		if err := wait(ctx, rest); err != nil {
			return err
		}
	}
}

// Broken is how many destinations are left alone now, by scheme.
func (c *Circuits) Broken() map[string]int {
	out := map[string]int{}
	if c == nil {
		return out
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for to, k := range c.at {
		if now.Before(k.until) {
			out[to.Scheme]++
		}
	}
	return out
}
