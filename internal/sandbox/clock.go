package sandbox

import (
	"sync"
	"time"
)

// Clock is the emulator's own time, which tokens, rate windows, jobs and every
// timestamp follow. Untouched it is time.Now, so inside a testing/synctest
// bubble it is the bubble's time.
type Clock struct {
	mu     sync.Mutex
	bent   bool      // set once somebody changed it; until then Now is time.Now
	base   time.Time // emulated time at the moment from
	from   time.Time // real time of the last change
	scale  float64
	frozen bool
	turns  int // how often it was changed
}

// Now is the emulated instant, UTC, whole milliseconds.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if !c.bent {
		return time.Now().UTC().Truncate(time.Millisecond)
	}
	if c.frozen {
		return c.base
	}
	gone := time.Duration(float64(time.Since(c.from)) * c.scale)
	return c.base.Add(gone).UTC().Truncate(time.Millisecond)
}

// Advance moves the clock by d, which may be negative.
func (c *Clock) Advance(d time.Duration) { c.bend(func() { c.base = c.base.Add(d) }) }

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) {
	c.bend(func() { c.base = t.UTC().Truncate(time.Millisecond) })
}

// Scale lets f emulated seconds pass in a real one; 1 is real time. A factor
// that is not above zero is taken as 1.
func (c *Clock) Scale(f float64) {
	if f <= 0 {
		f = 1
	}
	c.bend(func() { c.scale = f })
}

// Freeze stops the clock, or lets it run on from where it stood.
func (c *Clock) Freeze(on bool) { c.bend(func() { c.frozen = on }) }

// bend fixes the present as the new base, then applies the change.
func (c *Clock) bend(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if !c.bent {
		c.bent, c.scale = true, 1
	}
	c.base, c.from = now, time.Now()
	c.turns++
	change()
}

// changes counts how often the clock was moved by hand: a client cannot know
// that a token expired in a jump.
func (c *Clock) changes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.turns
}

// stampLayout is ISO 8601 in UTC with exactly three digits: Python before 3.11
// reads three, six or none.
const stampLayout = "2006-01-02T15:04:05.000Z"

// stamp is an instant as replies carry it.
type stamp time.Time

// MarshalJSON writes the instant with three fractional digits and Z.
func (t stamp) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(t).UTC().Format(stampLayout) + `"`), nil
}

// stampOrNull is null for the zero time.
func stampOrNull(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	return new(stamp(t))
}
