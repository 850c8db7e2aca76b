package sandbox

import (
	"cmp"
	"slices"
	"time"
)

// mark is a place in a list: an instant in milliseconds, then the id, so items
// of one instant have a total order too.
type mark struct {
	ms int64
	id string
}

func markOf(t time.Time, id string) mark { return mark{t.UnixMilli(), id} }

func (m mark) compare(o mark) int {
	return cmp.Or(cmp.Compare(m.ms, o.ms), cmp.Compare(m.id, o.id))
}

// marked is what a timeline holds.
type marked interface{ mark() mark }

// timeline is a list kept in order, oldest first; pages are cut from its end.
// An item dated back lands where its date says.
type timeline[T marked] []T

func (t timeline[T]) find(m mark) (int, bool) {
	return slices.BinarySearchFunc(t, m, func(x T, m mark) int { return x.mark().compare(m) })
}

func (t *timeline[T]) add(x T) {
	i, _ := t.find(x.mark())
	*t = slices.Insert(*t, i, x)
}

func (t *timeline[T]) remove(x T) {
	if i, ok := t.find(x.mark()); ok {
		*t = slices.Delete(*t, i, i+1)
	}
}

// sortedBy makes a timeline of a list ordered by something else than its own
// instants.
func sortedBy[T marked](items []T) timeline[T] {
	slices.SortFunc(items, func(a, b T) int { return a.mark().compare(b.mark()) })
	return items
}

// newest walks from the newest to the oldest.
func (t timeline[T]) newest(yield func(T) bool) {
	for _, x := range slices.Backward(t) {
		if !yield(x) {
			return
		}
	}
}
