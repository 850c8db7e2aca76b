package discord

import "sync"

// tally counts goroutines that may be started while somebody waits for them,
// which a sync.WaitGroup forbids.
type tally struct {
	mu   sync.Mutex
	idle sync.Cond
	n    int
}

func newTally() *tally {
	t := &tally{}
	t.idle.L = &t.mu
	return t
}

// run starts f and counts it until it ends.
func (t *tally) run(f func()) {
	t.mu.Lock()
	t.n++
	t.mu.Unlock()
	go func() {
		defer func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.n--; t.n == 0 {
				t.idle.Broadcast()
			}
		}()
		f()
	}()
}

// wait blocks until none runs.
func (t *tally) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.n > 0 {
		t.idle.Wait()
	}
}
