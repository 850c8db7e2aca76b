package web

import (
	"crypto/rand"
	"sync"
	"time"
)

// result is what became of an action, for the page that follows it.
type result struct {
	OK         bool
	Text, Hint string
	at         time.Time
}

// results wait for the page that shows them, which takes them.
type results struct {
	mu  sync.Mutex
	all map[string]result
}

const (
	maxResults = 100
	resultTime = 10 * time.Minute
)

// leave keeps a result under a key that nobody guesses.
func (n *results) leave(one result) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	one.at = time.Now()
	for key, old := range n.all {
		if len(n.all) >= maxResults || one.at.Sub(old.at) > resultTime {
			delete(n.all, key)
		}
	}
	key := rand.Text()
	n.all[key] = one
	return key
}

// take gives the result out once; nil where there is none.
func (n *results) take(key string) *result {
	n.mu.Lock()
	defer n.mu.Unlock()
	one, ok := n.all[key]
	if !ok {
		return nil
	}
	delete(n.all, key)
	return &one
}
