package poller

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

const (
	pageSize = 100 // a page of 100 costs the same read as one of 20
	maxPages = 50  // of one round; the next goes on from where this one stopped
	gapPages = 15  // of one round in a gap: what it read stays in the cursor until it is through
)

// entry is one entry of a page: what identifies it, and what it says. A nil
// value was not readable.
type entry[T any] struct {
	item
	value *T
	raw   []byte
	err   error
}

// stretch is what a walk read: from the head of a list, or from a resume point,
// back towards the known.
type stretch[T any] struct {
	entries []entry[T]
	resume  string // cursor of the next page, where the page cap ended the walk
}

func (s stretch[T]) items() []item {
	out := make([]item, len(s.entries))
	for i, e := range s.entries {
		out[i] = e.item
		out[i].index = i
	}
	return out
}

// list reads pages of one thing and says what identifies an item of it.
type list[T any] struct {
	read func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[T], error)
	id   func(v *T) item
}

// walk reads pages, newest first, until done says that a page reaches what needs
// no more reading. A page that shifts, repeats or arrives out of order costs
// nothing; a cursor that is refused starts the walk again at the head, once.
func (l list[T]) walk(ctx context.Context, from string, pages int, done func(page []item) bool) (stretch[T], error) {
	var out stretch[T]
	used := map[string]bool{}
	restarted := false
	cursor := from
	for range pages {
		page, err := l.read(ctx, imagine.PageQuery{Limit: pageSize, Cursor: cursor})
		if err != nil {
			if cursor == "" || restarted || !refusedCursor(err) {
				return out, err
			}
			restarted, cursor, used = true, "", map[string]bool{}
			continue
		}
		entries := l.entries(page)
		out.entries = append(out.entries, entries...)
		// Guards: an endless cursor, a page without items, an end.
		if !page.HasMore || len(entries) == 0 || used[page.NextCursor] || done(stretch[T]{entries: entries}.items()) {
			return out, nil
		}
		cursor = page.NextCursor
		used[cursor] = true
	}
	out.resume = cursor
	return out, nil
}

// sure is walk for an account's very first look: an empty list is believed only
// when two reads agree, since everything would be news after a wrong one.
func (l list[T]) sure(ctx context.Context, pages int, done func(page []item) bool) (stretch[T], error) {
	read, err := l.walk(ctx, "", pages, done)
	if err != nil || len(read.entries) > 0 {
		return read, err
	}
	return l.walk(ctx, "", pages, done)
}

// refusedCursor reports whether the service no longer takes a page cursor.
func refusedCursor(err error) bool {
	e, ok := errors.AsType[*imagine.Error](err)
	return ok && slices.Contains([]int{400, 404, 410}, e.Status)
}

// entries returns a page's items and unreadable ones in their places. One
// without a time gets its neighbour's.
func (l list[T]) entries(page *imagine.Page[T]) []entry[T] {
	out := make([]entry[T], 0, len(page.Items)+len(page.Bad))
	next := 0
	for _, bad := range page.Bad {
		for len(out) < bad.Index && next < len(page.Items) {
			out = append(out, l.entry(page, next))
			next++
		}
		out = append(out, entry[T]{item: strangeItem(bad.Raw), raw: bad.Raw, err: bad.Err})
	}
	for ; next < len(page.Items); next++ {
		out = append(out, l.entry(page, next))
	}
	fillTimes(out)
	return out
}

func (l list[T]) entry(page *imagine.Page[T], i int) entry[T] {
	e := entry[T]{item: l.id(&page.Items[i]), value: &page.Items[i]}
	if i < len(page.Raw) {
		e.raw = page.Raw[i]
	}
	return e
}

// fillTimes gives entries without a time the time of the entry before, or else
// after.
func fillTimes[T any](entries []entry[T]) {
	var last time.Time
	for _, inOrder := range []bool{true, false} {
		for i := range entries {
			if !inOrder {
				i = len(entries) - 1 - i
			}
			if entries[i].At.IsZero() {
				entries[i].At = last
			}
			last = entries[i].At
		}
	}
}

// reached is the end of a quick walk: the page's last item is not new. Pages
// that come oldest first say nothing about what follows.
func (s seen) reached(page []item) bool {
	if ascending(page) {
		return false
	}
	return len(s.fresh(page[len(page)-1:])) == 0
}

// overlapRead is the end of a deep walk: the page goes back beyond the overlap
// and beyond everything new.
func (s seen) overlapRead(page []item) bool {
	if ascending(page) || !s.reached(page) {
		return false
	}
	return page[len(page)-1].At.Before(s.newest().Add(-overlap)) || !page[len(page)-1].At.After(s.Floor)
}

func ascending(page []item) bool {
	return len(page) > 1 && page[0].At.Before(page[len(page)-1].At)
}
