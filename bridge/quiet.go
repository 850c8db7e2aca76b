package bridge

import (
	"errors"
	"fmt"
	"time"
)

// Quiet is a span of each day without messages, by the clocks on the wall of a
// place. It may span midnight.
type Quiet struct {
	From, To WallTime
	Zone     *time.Location
}

// WallTime is a time of day as a clock on the wall shows it.
type WallTime struct{ Hour, Minute int }

// ParseQuiet reads two times of day such as "22:00" and the name of a time zone
// such as "Europe/Berlin"; "" is UTC.
func ParseQuiet(from, to, zone string) (*Quiet, error) {
	q := &Quiet{}
	var errs [3]error
	q.From, errs[0] = parseWallTime(from)
	q.To, errs[1] = parseWallTime(to)
	if q.Zone, errs[2] = time.LoadLocation(zone); errs[2] != nil || zone == "Local" {
		errs[2] = fmt.Errorf("no time zone %q; use names like Europe/Berlin", zone)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if q.From == q.To {
		return nil, fmt.Errorf("from and to are both %s, which leaves no time to send", from)
	}
	return q, nil
}

func parseWallTime(text string) (WallTime, error) {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return WallTime{}, fmt.Errorf("%q is not a time of day (00:00–23:59)", text)
	}
	return WallTime{Hour: t.Hour(), Minute: t.Minute()}, nil
}

// Until returns when the quiet span that now lies in ends, or the zero time when
// now lies in none. Spans run from instant to instant, so that a night in which
// clocks are moved has one beginning and one end as well.
func (q *Quiet) Until(now time.Time) time.Time {
	if q == nil {
		return time.Time{}
	}
	y, m, d := now.In(q.Zone).Date()
	for _, day := range []int{d - 1, d} {
		last := day
		if q.To.before(q.From) {
			last++
		}
		from, end := q.From.on(y, m, day, q.Zone), q.To.on(y, m, last, q.Zone)
		if !now.Before(from) && now.Before(end) {
			return end
		}
	}
	return time.Time{}
}

func (w WallTime) before(o WallTime) bool {
	return w.Hour < o.Hour || w.Hour == o.Hour && w.Minute < o.Minute
}

func (w WallTime) on(y int, m time.Month, d int, zone *time.Location) time.Time {
	return time.Date(y, m, d, w.Hour, w.Minute, 0, 0, zone)
}
