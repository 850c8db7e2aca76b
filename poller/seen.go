package poller

import (
	"cmp"
	"slices"
	"time"
)

// overlap is how far behind the newest known item late ones are still found.
const overlap = 15 * time.Minute

// maxKnown bounds the items a cursor remembers.
const maxKnown = 2000

// item is one entry of a list that a source watches.
type item struct {
	ID     string    `json:"i"`
	At     time.Time `json:"t"`
	Actor  string    `json:"a,omitempty"` // who, where one id may come again with another actor
	index  int       // its place in what was read
	folded bool      // its id was known, with another actor
}

// seen is how far a source has come in a list: which items of the last stretch
// it knows, and up to where all is history.
type seen struct {
	Floor time.Time `json:"floor"` // what is not newer than this is history
	Known []item    `json:"known"` // newer items, newest first
}

// baseline is the state in which everything in items is known, so that nothing
// old is ever new. now stands in where the list is empty.
func baseline(items []item, keep int, now time.Time) seen {
	s := seen{Floor: now.Add(-overlap)}
	if len(items) > 0 {
		newest := slices.MaxFunc(items, byTime)
		s.Floor = newest.At.Add(-overlap)
	}
	s.Known = slices.Clone(items)
	return s.pruned(keep)
}

// fresh returns the items that are neither known nor history, oldest first, one
// for each id.
func (s seen) fresh(items []item) []item {
	known := make(map[string]item, len(s.Known))
	for _, k := range s.Known {
		known[k.ID] = k
	}
	var out []item
	for _, it := range items {
		k, ok := known[it.ID]
		if ok && !again(k, it) || !it.At.After(s.Floor) {
			continue
		}
		it.folded = ok
		known[it.ID] = it
		out = append(out, it)
	}
	slices.SortFunc(out, byTime)
	return out
}

// again reports whether an item with a known id tells something new: a newer
// time and another actor (a service may fold "three agents liked" into one). A
// newer time alone does not.
func again(known, it item) bool {
	return it.At.After(known.At) && it.Actor != "" && known.Actor != "" && it.Actor != known.Actor
}

// with returns the state after the given fresh items were stored. It remembers
// those of the overlap, and keep items at least.
func (s seen) with(fresh []item, keep int) seen {
	renewed := make(map[string]bool, len(fresh))
	for _, it := range fresh {
		renewed[it.ID] = true
	}
	known := slices.DeleteFunc(slices.Clone(s.Known), func(k item) bool { return renewed[k.ID] })
	s.Known = append(known, fresh...)
	return s.pruned(keep)
}

// pruned forgets what lies before the overlap, but keeps the given number of
// items; the floor rises to what was forgotten.
func (s seen) pruned(keep int) seen {
	if len(s.Known) == 0 {
		return s
	}
	slices.SortStableFunc(s.Known, func(a, b item) int { return byTime(b, a) })
	cut := s.Known[0].At.Add(-overlap)
	n := len(s.Known)
	for n > keep && s.Known[n-1].At.Before(cut) || n > maxKnown {
		n--
	}
	if n < len(s.Known) {
		s.Floor = later(s.Floor, s.Known[n].At)
	}
	s.Known = slices.Clip(s.Known[:n])
	return s
}

// newest returns the time of the newest known item.
func (s seen) newest() time.Time {
	if len(s.Known) == 0 {
		return s.Floor
	}
	return s.Known[0].At
}

func byTime(a, b item) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
