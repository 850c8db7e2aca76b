package discord

import (
	"context"
	"sync"
	"time"
)

const (
	editGap    = 2 * time.Second // between two edits of one message
	editMemory = time.Hour       // after its last edit a message is forgotten
	maxEdited  = 4096
)

// outbox lets edits of one message through one at a time and not too often.
// While one waits, a newer state takes its place; an older one never shows.
type outbox struct {
	mu       sync.Mutex // guards all below
	messages map[string]*edited
}

type edited struct {
	last    time.Time // of the last edit that was let through
	version int       // the newest that was let through
	waiting *waiter
}

type waiter struct {
	version    int
	superseded chan struct{} // closed when a newer one takes its place
}

func newOutbox() *outbox { return &outbox{messages: map[string]*edited{}} }

// turn waits until the message may be edited again. superseded says that a newer
// state is shown or will be, so that this one needs no edit.
func (o *outbox) turn(ctx context.Context, message string, version int) (superseded bool, err error) {
	w, delay := o.queue(message, version)
	if w == nil {
		return true, nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.superseded:
		return true, nil
	case <-ctx.Done():
		err = ctx.Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.messages[message]
	if m == nil || m.waiting != w {
		return true, nil // superseded at the same instant
	}
	m.waiting = nil
	switch {
	case err != nil:
		return false, err
	case version < m.version:
		return true, nil // a newer one went through while this one waited
	}
	m.last, m.version = time.Now(), version
	return false, nil
}

// queue takes the one waiting place, or returns nil where a newer state has it.
func (o *outbox) queue(message string, version int) (*waiter, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.messages[message]
	if m == nil {
		o.prune()
		m = &edited{}
		o.messages[message] = m
	}
	if version < m.version || m.waiting != nil && version < m.waiting.version {
		return nil, 0
	}
	if m.waiting != nil {
		close(m.waiting.superseded)
	}
	m.waiting = &waiter{version: version, superseded: make(chan struct{})}
	return m.waiting, max(0, time.Until(m.last.Add(editGap)))
}

// prune forgets messages at rest when there are very many; callers hold mu.
func (o *outbox) prune() {
	if len(o.messages) < maxEdited {
		return
	}
	for id, m := range o.messages {
		if m.waiting == nil && time.Since(m.last) > editMemory {
			delete(o.messages, id)
		}
	}
}
