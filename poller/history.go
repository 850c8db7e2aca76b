package poller

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// history is the cursor of a source that watches one list.
type history struct {
	seen
	Gap *gap `json:"gap,omitempty"` // a stretch that the page cap left unread
}

// gap is an unread stretch between what was known before a burst and the oldest
// item read of it.
type gap struct {
	Cursor string    `json:"cursor"` // of its next page
	To     time.Time `json:"to"`     // everything newer was read
	Edge   []string  `json:"edge"`   // ids read at that very time
	Known  seen      `json:"known"`  // before the burst
}

// fresh returns what of the items lies inside the gap, oldest first.
func (g *gap) fresh(items []item) []item {
	return slices.DeleteFunc(g.Known.fresh(items), func(it item) bool {
		return it.At.After(g.To) || it.At.Equal(g.To) && slices.Contains(g.Edge, it.ID)
	})
}

// reached is the end of a walk through the gap: the page's last item was known
// before the burst.
func (g *gap) reached(page []item) bool { return g.Known.reached(page) }

// gapAfter returns what a capped walk left unread below the given items, or nil
// where the walk was not capped.
func gapAfter(known seen, items []item, resume string) *gap {
	if resume == "" || len(items) == 0 {
		return nil
	}
	oldest := slices.MinFunc(items, byTime)
	g := &gap{Cursor: resume, To: oldest.At, Known: known}
	for _, it := range items {
		if it.At.Equal(g.To) {
			g.Edge = append(g.Edge, it.ID)
		}
	}
	return g
}

// keep is how many items a list's cursor remembers at least.
const keep = 100

// follower is one source over one list.
type follower[T any] struct {
	list     list[T]
	backfill time.Duration
	pages    int // of one look at most; 0 means maxPages
	// event makes the event of an entry; false remembers the entry without one.
	event func(e entry[T], it item) (events.Event, bool)
}

// look is one look at the list: what is new since the cursor, in batches that
// each carry their own cursor.
func (f follower[T]) look(ctx context.Context, l Look) (Found, error) {
	if l.Cursor == nil {
		return f.begin(ctx, l)
	}
	var h history
	if err := json.Unmarshal(l.Cursor, &h); err != nil {
		return Found{}, fmt.Errorf("read cursor: %w", err)
	}
	if h.Gap != nil {
		return f.fill(ctx, h)
	}
	done := h.reached
	if l.Deep {
		done = h.overlapRead
	}
	head, err := f.list.walk(ctx, "", cmp.Or(f.pages, maxPages), done)
	if err != nil {
		return Found{}, err
	}
	if items := head.items(); l.Deep && len(items) > 0 && h.reached(items) {
		head.resume = "" // what lies further back was read before; only what comes late is missed there
	}
	// The gap stands in every batch's cursor: a crash between two of them must not
	// lose what lies below both.
	h.Gap = gapAfter(h.seen, head.items(), head.resume)
	found := Found{More: h.Gap != nil}
	for fresh := range slices.Chunk(h.fresh(head.items()), maxBatch) {
		h.seen = h.with(fresh, keep)
		found.add(f.events(head, fresh), h)
	}
	return found, nil
}

// fill reads on in a gap before anything newer, so that events stay in order.
func (f follower[T]) fill(ctx context.Context, h history) (Found, error) {
	read, err := f.list.walk(ctx, h.Gap.Cursor, min(gapPages, cmp.Or(f.pages, gapPages)), h.Gap.reached)
	if err != nil {
		return Found{}, err
	}
	found, known := Found{More: true}, h.Gap.Known
	for fresh := range slices.Chunk(h.Gap.fresh(read.items()), maxBatch) {
		// Remembered without forgetting: what is still unread may be older.
		h.Gap.Known.Known = append(slices.Clone(fresh), h.Gap.Known.Known...)
		found.add(f.events(read, fresh), h)
	}
	h.Gap = gapAfter(known, read.items(), read.resume)
	found.add(nil, h)
	return found, nil
}

// begin is an account's very first look: what is there is history, except for
// what backfill asks for.
func (f follower[T]) begin(ctx context.Context, l Look) (Found, error) {
	var newest time.Time
	since := l.Now.Add(-f.backfill)
	read, err := f.list.sure(ctx, cmp.Or(f.pages, maxPages), func(page []item) bool {
		for _, it := range page {
			newest = later(newest, it.At)
		}
		last := page[len(page)-1].At
		return !ascending(page) && last.Before(newest.Add(-overlap)) && last.Before(since)
	})
	if err != nil {
		return Found{}, err
	}
	items := read.items()
	var old []item
	for _, it := range items {
		if f.backfill == 0 || !it.At.After(since) {
			old = append(old, it)
		}
	}
	h := history{seen: baseline(old, keep, since)}
	if read.resume != "" { // the account holds more than one walk reads: that is history too
		h.Floor = later(h.Floor, slices.MinFunc(items, byTime).At)
	}
	var found Found
	if f.backfill > 0 {
		h.Floor = later(h.Floor, since)
		for fresh := range slices.Chunk(h.fresh(items), maxBatch) {
			h.seen = h.with(fresh, keep)
			found.add(f.events(read, fresh), h)
		}
	}
	if len(found.Batches) == 0 {
		found.add(nil, h)
	}
	return found, nil
}

// events makes the events of fresh items, in their order.
func (f follower[T]) events(read stretch[T], fresh []item) []events.Event {
	var out []events.Event
	for _, it := range fresh {
		if e, ok := f.event(read.entries[it.index], it); ok {
			out = append(out, e)
		}
	}
	return out
}

// add appends a batch that ends in the given cursor.
func (f *Found) add(evs []events.Event, cursor any) {
	b, err := json.Marshal(cursor)
	if err != nil {
		panic(err) // cursors are plain structs of ours
	}
	f.Batches = append(f.Batches, Batch{Events: evs, Cursor: b})
}
