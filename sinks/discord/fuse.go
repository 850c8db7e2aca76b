package discord

import "time"

// Discord bans an address after 10,000 answers of 401, 403 or 429 in ten
// minutes (docs, "Invalid Request Limit"). Long before that we stop by
// ourselves.
const (
	fuseSpan  = 10 * time.Minute
	fuseSlots = 60
	fuseWarn  = 1000
	fuseBlow  = 5000
	slotSpan  = fuseSpan / fuseSlots
)

// fuse counts refused requests of the last ten minutes. Its zero value is ready.
type fuse struct {
	slots [fuseSlots]struct {
		number int64
		count  int
	}
}

func (f *fuse) add(now time.Time) {
	number := now.UnixNano() / int64(slotSpan)
	slot := &f.slots[number%fuseSlots]
	if slot.number != number {
		slot.number, slot.count = number, 0
	}
	slot.count++
}

func (f *fuse) count(now time.Time) int {
	number, n := now.UnixNano()/int64(slotSpan), 0
	for _, slot := range f.slots {
		if slot.number > number-fuseSlots {
			n += slot.count
		}
	}
	return n
}

// hold is how long requests must wait: until the oldest refusals are ten
// minutes old.
func (f *fuse) hold(now time.Time) time.Duration {
	if f.count(now) < fuseBlow {
		return 0
	}
	return slotSpan
}
