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

	phase float64   // the share of its first wait that is waited, at most 1
	due   time.Time // when the next look is planned
}

// patientLooks is how many empty looks the floor is kept for.
const patientLooks = 6

func newPace(floor, ceiling time.Duration) pace {
	ceiling = max(ceiling, floor)
	return pace{floor: floor, ceiling: ceiling, interval: floor, phase: 1}
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

// wait returns how long it is from now to the next look: the interval, longer or
// shorter by a tenth at most. A service that refuses repeatedly is asked half as often.
//
// Looks are planned an interval apart, and what one began too late or too early the
// next makes good. The agents' turns would else drift until some come at one moment.
func (p *pace) wait(now time.Time, refusals int) time.Duration {
	d := p.interval
	if refusals >= 3 {
		d *= 2
	}
	if p.phase < 1 {
		d, p.phase = time.Duration(p.phase*float64(d)), 1
	}
	late := now.Sub(p.due)
	if late < -d || late > d { // nothing was planned, or long ago
		late = 0
	}
	p.due = now.Add(d - late)
	return d + min(max(spread(d/20)-late, -d/10), d/10)
}

// phaseOf is the share of its first wait that the nth of so many agents waits, above
// 0 and at most 1. Agents that a process begins with at one moment are so looked at
// spread over the interval: what many of them have to tell would else come to one
// destination, and what is asked to the API, all at once.
func phaseOf(nth, of int) float64 { return 1 - float64(nth)/float64(of) }

// jitter spreads a duration by ±10 %.
func jitter(d time.Duration) time.Duration {
	return d + spread(d/10)
}

// spread is anything from -d to d.
func spread(d time.Duration) time.Duration {
	return rand.N(2*d+1) - d //nolint:gosec // spreading load, not hiding anything
}

// backoff returns how long to wait after the given number of failures in a row:
// 1 s doubling to a minute, with jitter.
func backoff(failures int) time.Duration {
	return jitter(min(time.Second<<min(failures-1, 6), time.Minute))
}
