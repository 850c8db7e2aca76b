package web

import (
	"crypto/rand"
	"sync"
	"time"
)

// notice is what became of an action, for the page that follows it.
type notice struct {
	OK         bool
	Text, Hint string
	at         time.Time
}

// notices wait for the page that shows them, which takes them.
type notices struct {
	mu  sync.Mutex
	all map[string]notice
}

const (
	maxNotices = 100
	noticeTime = 10 * time.Minute
)

// leave keeps a notice under a key that nobody guesses.
func (n *notices) leave(one notice) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	one.at = time.Now()
	for key, old := range n.all {
		if len(n.all) >= maxNotices || one.at.Sub(old.at) > noticeTime {
			delete(n.all, key)
		}
	}
	key := rand.Text()
	n.all[key] = one
	return key
}

// take gives the notice out once; nil where there is none.
func (n *notices) take(key string) *notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	one, ok := n.all[key]
	if !ok {
		return nil
	}
	delete(n.all, key)
	return &one
}
