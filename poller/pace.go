package poller

import (
	"math/rand/v2"
	"time"
)

// pace decides how long a source waits: activity pulls it to the floor, quiet
// lets it drift to the ceiling. The drift begins only after some empty looks:
// things seldom come alone.
type pace struct {
	floor, ceiling, interval time.Duration
	empty                    int  // looks in a row that found nothing
	watch                    bool // no drift: floor while something is under way, half the ceiling otherwise
}

// patientLooks is how many empty looks the floor is kept for.
const patientLooks = 6

func newPace(floor, ceiling time.Duration) pace {
	ceiling = max(ceiling, floor)
	return pace{floor: floor, ceiling: ceiling, interval: floor}
}

func watchPace(floor, ceiling time.Duration) pace {
	p := newPace(floor, ceiling)
	p.watch, p.interval = true, max(floor, ceiling/2)
	return p
}

// next returns the pace after a look.
func (p pace) next(active, busy bool) pace {
	switch {
	case p.watch && (active || busy):
		p.interval = p.floor
	case p.watch:
		p.interval = max(p.floor, p.ceiling/2)
	case active || busy:
		p.interval, p.empty = p.floor, 0
	case p.empty < patientLooks:
		p.empty++
	default:
		p.interval = min(p.interval*13/10, p.ceiling)
	}
	return p
}

// wait returns the interval with jitter, never below the floor nor above the
// ceiling by more than a tenth; a service that refuses repeatedly is asked half
// as often.
func (p pace) wait(refusals int) time.Duration {
	d := p.interval
	if refusals >= 3 {
		d *= 2
	}
	return jitter(d)
}

// phaseOf is the share of its first wait that the nth of so many agents waits, above
// 0 and at most 1. Agents that a process begins with at one moment are so looked at
// spread over the interval: what many of them have to tell would else come to one
// destination, and what is asked to the API, all at once.
func phaseOf(nth, of int) float64 { return 1 - float64(nth)/float64(of) }

// jitter spreads a duration by ±10 %.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1) //nolint:gosec // spreading load, not hiding anything
}

// backoff returns how long to wait after the given number of failures in a row:
// 1 s doubling to a minute, with jitter.
func backoff(failures int) time.Duration {
	return jitter(min(time.Second<<min(failures-1, 6), time.Minute))
}
