package discord

import (
	"context"
	"sync"
)

// Notes keeps what has to be found again after a restart and by other processes:
// which thread belongs to what, values of buttons that have no room in Discord.
type Notes interface {
	// Note gives what is noted under the key, nil for nothing.
	Note(ctx context.Context, key string) ([]byte, error)
	// PutNote notes a value in place of what was there.
	PutNote(ctx context.Context, key string, value []byte) error
	// CreateNote notes a value where there is none, and reports whether it did.
	CreateNote(ctx context.Context, key string, value []byte) (bool, error)
}

const maxLoose = 10_000

// looseNotes are notes of this process alone, where nobody keeps them better.
type looseNotes struct {
	mu    sync.Mutex // guards all below
	notes map[string][]byte
}

func newLooseNotes() *looseNotes { return &looseNotes{notes: map[string][]byte{}} }

func (l *looseNotes) Note(_ context.Context, key string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.notes[key], nil
}

func (l *looseNotes) PutNote(_ context.Context, key string, value []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(key, value)
	return nil
}

func (l *looseNotes) CreateNote(_ context.Context, key string, value []byte) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.notes[key] != nil {
		return false, nil
	}
	l.put(key, value)
	return true, nil
}

// put makes room by forgetting any one; callers hold mu.
func (l *looseNotes) put(key string, value []byte) {
	if len(l.notes) >= maxLoose {
		for k := range l.notes {
			delete(l.notes, k)
			break
		}
	}
	l.notes[key] = value
}
