package bus

import (
	"context"
	"sync"
)

func (b *Bus) refreshCursor(ctx context.Context, key string, revision uint64) {
	m, err := b.last(ctx, streamEvents, "ia.cursor."+key)
	if err != nil || m.seq != revision {
		b.cursors.forget(key)
		return
	}
	now, err := b.swap(ctx, swap{
		stream: streamEvents, subject: "ia.put.cursor." + key, stored: "ia.cursor." + key, data: m.data, revision: revision,
		header: countHeaders(countOf(m.header)),
	})
	if err != nil {
		b.log.Debug("cursor was not refreshed", "cursor", key, "err", err)
		return
	}
	b.cursors.moved(key, revision, now)
}

// cursors are the revisions of the cursors that this process read or wrote.
type cursors struct {
	mu    sync.Mutex
	known map[string]cursorState
}

// cursorState is what is known of a cursor.
type cursorState struct {
	revision uint64
	alias    uint64 // the revision that its owner still knows it by after a refresh
	count    uint64 // events that its source ever stored
	followed bool   // this process wrote it last, so that no event of it is above it
}

func (c *cursors) read(key string, m stored) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[key] = cursorState{revision: m.seq, count: countOf(m.header)}
}

func (c *cursors) wrote(key string, revision, count uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[key] = cursorState{revision: revision, count: count, followed: true}
}

// countOf is how many events the cursor's source ever stored.
func (b *Bus) countOf(ctx context.Context, key string, revision uint64) (uint64, error) {
	b.cursors.mu.Lock()
	s, known := b.cursors.known[key]
	b.cursors.mu.Unlock()
	if known || revision == 0 {
		return s.count, nil
	}
	m, err := b.lookUp(ctx, streamEvents, "ia.cursor."+key)
	return countOf(m.header), err
}

func (c *cursors) followed(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[key].followed
}

func (c *cursors) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, key)
}

func (c *cursors) moved(key string, from, to uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.known[key]; s.revision == from {
		if s.alias == 0 {
			s.alias = from
		}
		s.revision = to
		c.known[key] = s
	}
}

// current is the revision to expect where the owner knows the given one.
func (c *cursors) current(key string, revision uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.known[key]; s.alias != 0 && s.alias == revision {
		return s.revision
	}
	return revision
}

func (c *cursors) olderThan(limit uint64) map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]uint64{}
	for key, s := range c.known {
		if s.revision > 0 && s.revision < limit {
			out[key] = s.revision
		}
	}
	return out
}
