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
	if _, old := m.of[key]; old {
		m.of[key] = v
		return false
	}
	m.add(key, v)
	return true
}

// add remembers something new. The caller holds mu.
func (m *memory[V]) add(key string, v V) {
	m.of[key] = v
	if m.order = append(m.order, key); len(m.order) > m.limit {
		delete(m.of, m.order[0])
		m.order = m.order[1:]
	}
}

// create remembers v unless there is something under the key, and reports whether
// it did.
func (m *memory[V]) create(key string, v V) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, old := m.of[key]; old {
		return false
	}
	m.add(key, v)
	return true
}

func (m *memory[V]) get(key string) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.of[key]
	return v, ok
}

// forget makes a key new again.
func (m *memory[V]) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.of, key)
}
