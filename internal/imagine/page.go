package imagine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
)

const (
	// MaxLimit is the most items a page holds; larger wishes are lowered to it.
	MaxLimit = 100
	// MaxPages is where Pages and All stop walking.
	MaxPages = 50

	maxItems = 10_000 // on one page, where a server ignores the limit
)

// ErrPageCap ends a walk that would go on after MaxPages pages.
var ErrPageCap = fmt.Errorf("stopped after %d pages", MaxPages)

// PageQuery asks for one page: Limit 0 is the service's default of 20, an empty Cursor the newest items.
type PageQuery struct {
	Limit  int
	Cursor string
}

func (q PageQuery) values() url.Values { return q.valuesUpTo(MaxLimit) }

func (q PageQuery) valuesUpTo(most int) url.Values {
	v := url.Values{}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(min(q.Limit, most)))
	}
	if q.Cursor != "" {
		v.Set("cursor", q.Cursor)
	}
	return v
}

// Page is one page of a list, in the server's order (newest first, as far as is known: sort before relying on it).
type Page[T any] struct {
	Items      []T               `json:"items"`
	Raw        []json.RawMessage `json:"-"` // the bytes of each item, aligned with Items
	Bad        []BadItem         `json:"-"` // items that could not be read
	NextCursor string            `json:"nextCursor,omitempty"`
	HasMore    bool              `json:"hasMore"` // there is a next page, and NextCursor leads to it
}

// BadItem is an item of a page that could not be read. It does not make the page fail.
type BadItem struct {
	Index int // its place on the page, counted with the good ones
	Raw   json.RawMessage
	Err   error
}

// readPage reads a list from a reply: under its own key, under one that any list may have, a bare array, or the only array
// in the object.
func readPage[T any](body []byte, key string, read func(*fields) T) (*Page[T], error) {
	p := &Page[T]{}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, bom))
	if len(body) > 0 && body[0] == '[' {
		var items []json.RawMessage
		if err := json.Unmarshal(body, &items); err != nil {
			return nil, garbled(err)
		}
		return p, p.fill(items, read)
	}
	f, err := parseFields(body)
	if err != nil {
		return nil, err
	}
	items, err := f.listUnder(key)
	if err != nil {
		return nil, err
	}
	p.NextCursor = f.text("nextCursor")
	p.HasMore = p.NextCursor != "" && (f.at("hasMore") == nil || f.flag("hasMore"))
	return p, p.fill(items, read)
}

func (f *fields) listUnder(key string) ([]json.RawMessage, error) {
	keys := []string{key}
	if own, ok := aliases["list."+key]; ok {
		keys = slices.Clone(own)
	}
	for _, k := range append(keys, listKeys...) {
		if v := f.at(k); v != nil && v[0] == '[' {
			return elements(v), nil
		}
	}
	var only []json.RawMessage
	arrays := 0
	for k := range f.raw {
		if v := f.at(k); v != nil && v[0] == '[' {
			only = elements(v)
			arrays++
		}
	}
	if arrays == 1 {
		return only, nil
	}
	for _, k := range []string{key, "nextCursor", "hasMore"} {
		if _, said := f.raw[k]; said && arrays == 0 {
			return nil, nil // null is the empty list
		}
	}
	return nil, fmt.Errorf("no list %q in the reply", key)
}

// parseItem is parseFields of an element of a list whose form was checked.
func parseItem(raw json.RawMessage) (*fields, error) {
	if len(raw) > 0 && raw[0] == '{' {
		return fieldsOf(raw), nil
	}
	return parseFields(raw)
}

func (p *Page[T]) fill(items []json.RawMessage, read func(*fields) T) error {
	if len(items) > maxItems {
		return fmt.Errorf("%w: %d items on one page", ErrTooLarge, len(items))
	}
	for i, raw := range items {
		raw = bytes.Clone(raw) // it is kept longer than the page
		f, err := parseItem(raw)
		if err == nil {
			item := read(f)
			if err = f.err; err == nil {
				p.Items, p.Raw = append(p.Items, item), append(p.Raw, raw)
				continue
			}
		}
		p.Bad = append(p.Bad, BadItem{Index: i, Raw: raw, Err: err})
	}
	return nil
}

// Lister is any of the client's list methods, or a closure over one that takes more.
type Lister[T any] func(ctx context.Context, q PageQuery) (*Page[T], error)

// Pages walks a list page by page from q on. It ends at the last page, at an empty one and at a cursor seen before; after
// MaxPages pages it ends with ErrPageCap. An error comes last, once.
func Pages[T any](ctx context.Context, list Lister[T], q PageQuery) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		seen := map[string]bool{q.Cursor: true}
		for range MaxPages {
			p, err := list(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(p, nil) || !p.HasMore || seen[p.NextCursor] || len(p.Items)+len(p.Bad) == 0 {
				return
			}
			q.Cursor = p.NextCursor
			seen[q.Cursor] = true
		}
		yield(nil, ErrPageCap)
	}
}

// All walks the items of a list under the guards of Pages. Items that cannot be read are passed over; who needs them uses Pages.
func All[T any](ctx context.Context, list Lister[T], q PageQuery) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for p, err := range Pages(ctx, list, q) {
			if err != nil {
				yield(*new(T), err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}
