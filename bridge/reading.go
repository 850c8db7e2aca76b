package bridge

import (
	"context"
	"sync"
	"time"
)

// maxReadings bounds the places whose messages of a former run are kept in memory.
const maxReadings = 256

// Readings are what a [Witness] read of its places, channels or threads, in the span
// of a [Former]. Each place is read once: what was sent by then does not grow any
// more. The zero value has read nothing.
type Readings[Place comparable] struct {
	mu sync.Mutex // guards of
	of map[Place]*Reading
}

// Reading is what a place holds of a former run. It belongs to who took it, until
// Leave.
type Reading struct {
	Posted Posted
	Blind  bool            // nobody may look there
	Asked  map[string]bool // messages from before the span that were asked for
	Cursor string          // up to where it was read, in the platform's own way; "" at the beginning

	from  time.Time     // of the span
	turn  chan struct{} // one reader at a time
	begun time.Time     // when the reading under way began
	read  time.Time     // when the reading began that came to its end; zero: not yet
}

// Take waits until nobody else reads the place. What is known of another span, or of
// one that ended earlier, is forgotten. The error is that of ctx.
func (r *Readings[Place]) Take(ctx context.Context, at Place, span Former) (*Reading, error) {
	p := r.place(at, span)
	select {
	case p.turn <- struct{}{}:
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *Readings[Place]) place(at Place, span Former) *Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.of[at]
	if p == nil || !p.covers(span) {
		if r.of == nil || len(r.of) >= maxReadings {
			r.of = map[Place]*Reading{}
		}
		p = &Reading{from: span.From, turn: make(chan struct{}, 1), Asked: map[string]bool{}}
		r.of[at] = p
	}
	return p
}

// covers reports whether what was read, or will be, is of the span.
func (p *Reading) covers(span Former) bool {
	if !p.from.Equal(span.From) {
		return false
	}
	select {
	case p.turn <- struct{}{}:
		defer p.Leave()
		return p.read.IsZero() || !p.read.Before(span.Until)
	default:
		return true // it is being read now
	}
}

// Leave lets the next one at the place.
func (p *Reading) Leave() { <-p.turn }

// Read reads on by pages until there is none: page reads the one at p.Cursor and
// returns where the next begins, "" where there is none. A reading that an error of
// page broke off goes on where it was. A place that was read is not read again.
func (p *Reading) Read(page func() (next string, err error)) error {
	for p.read.IsZero() {
		if p.Cursor == "" {
			p.begun = time.Now()
		}
		next, err := page()
		if err != nil {
			return err
		}
		if p.Cursor = next; next == "" {
			p.read = p.begun
		}
	}
	return nil
}
