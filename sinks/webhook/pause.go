package webhook

import (
	"maps"
	"sync"
	"time"
)

// pauses keeps the time before which an address wants no request, for all
// subscriptions that send to it.
type pauses struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// begin keeps everybody from the address for so long.
func (p *pauses) begin(address string, d time.Duration) {
	if d <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil {
		p.until = map[string]time.Time{}
	}
	now := time.Now()
	maps.DeleteFunc(p.until, func(_ string, t time.Time) bool { return t.Before(now) })
	p.until[address] = now.Add(d)
}

// rest is how long the address is still to be left alone.
func (p *pauses) rest(address string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until[address])
}
