package slack

import "sync"

// memory remembers the last n things by key.
type memory[V any] struct {
	mu    sync.Mutex // guards all below
	limit int
	of    map[string]V
	order []string // oldest first
}

func newMemory[V any](limit int) *memory[V] {
	return &memory[V]{limit: limit, of: map[string]V{}}
}

// put remembers v and reports whether the key was new.
func (m *memory[V]) put(key string, v V) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, old := m.of[key]
	m.of[key] = v
	if old {
		return false
	}
	if m.order = append(m.order, key); len(m.order) > m.limit {
		delete(m.of, m.order[0])
		m.order = m.order[1:]
	}
	return true
}

func (m *memory[V]) get(key string) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.of[key]
	return v, ok
}
