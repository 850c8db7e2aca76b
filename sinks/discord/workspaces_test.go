package discord

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// book keeps workspaces in memory, as the store does for all processes.
type book struct {
	mu   sync.Mutex
	list map[string]bridge.WorkspaceRecord
	rev  uint64
}

func newBook() *book { return &book{list: map[string]bridge.WorkspaceRecord{}} }

func (b *book) List(context.Context) ([]bridge.WorkspaceRecord, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.list)), nil
}

func (b *book) Change(_ context.Context, platform, id string, change func(*bridge.WorkspaceRecord) (bool, error)) (bridge.WorkspaceRecord, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, known := b.list[id]
	if !known {
		r = bridge.WorkspaceRecord{Platform: platform, ID: id}
	}
	wanted, err := change(&r)
	if err != nil || !wanted {
		return r, err
	}
	b.rev++
	r.Rev = b.rev
	b.list[id] = r
	return r, nil
}

func (b *book) get(id string) bridge.WorkspaceRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list[id]
}
