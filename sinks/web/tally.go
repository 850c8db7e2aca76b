package web

import (
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// tallies count what became of deliveries in the last hour, by subscription.
type tallies struct {
	mu  sync.Mutex
	all map[string]*tally
}

type tally struct {
	minutes map[int64]int // deliveries, by the minute since 1970
	last    time.Time     // delivery
	problem string        // newest
	at      time.Time     // of the problem
}

// counted is what a tally says at one moment.
type counted struct {
	Hour, Five int // deliveries in the last sixty and the last five minutes
	Last       time.Time
	Problem    string
	ProblemAt  time.Time
}

func newTallies() *tallies { return &tallies{all: map[string]*tally{}} }

const maxTallies = 5000 // subscriptions that are counted; more are not

// note counts one outcome.
func (t *tallies) note(o bridge.Outcome, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.all[o.Subscription]
	if one == nil {
		if len(t.all) == maxTallies {
			return
		}
		one = &tally{minutes: map[int64]int{}}
		t.all[o.Subscription] = one
	}
	switch o.Kind {
	case bridge.Delivered, bridge.Superseded:
		one.minutes[minute(o.At)]++
		if o.At.After(one.last) {
			one.last = o.At
		}
	case bridge.Retried, bridge.Dead, bridge.Stopped, bridge.Gap, bridge.Skipped:
		one.problem, one.at = o.Reason, o.At
	case bridge.Resumed:
	}
	for m := range one.minutes {
		if m <= minute(now)-60 {
			delete(one.minutes, m)
		}
	}
}

// clear forgets everything, before it is all told again.
func (t *tallies) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.all)
}

func minute(at time.Time) int64 { return at.Unix() / 60 }

// of is what is known of a subscription now.
func (t *tallies) of(subscription string, now time.Time) counted {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.all[subscription]
	if one == nil {
		return counted{}
	}
	c := counted{Last: one.last, Problem: one.problem, ProblemAt: one.at}
	for m, n := range one.minutes {
		switch age := minute(now) - m; {
		case age < 5:
			c.Five += n
			c.Hour += n
		case age < 60:
			c.Hour += n
		}
	}
	return c
}
