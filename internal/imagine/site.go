package imagine

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Site is what the clients of one base URL share in a process: the connections, the purse that keeps their sign-ins under the
// limit per address, and the pause when something in front of the service turns everybody away.
type Site struct {
	transport http.RoundTripper
	signIns   *limiter

	mu     sync.Mutex
	until  time.Time // no call before
	turned int       // times turned away in a row
}

// NewSite makes one. Its transport obeys the proxy variables and refuses reply headers over 64 KiB.
func NewSite() *Site {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	t.MaxResponseHeaderBytes = 64 << 10
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.MaxConnsPerHost = 64, 16, 0
	t.IdleConnTimeout = 90 * time.Second
	t.TLSHandshakeTimeout = 10 * time.Second
	return &Site{transport: t, signIns: newLimiter(Auth, authShare)}
}

// CloseIdle closes the connections that nobody uses.
func (s *Site) CloseIdle() {
	if t, ok := s.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

const (
	firstTurnAway = time.Second
	mostTurnAway  = 2 * time.Minute
	pollersLater  = 2 * time.Second
)

// turnAway notes a page of HTML with 403, 429 or 503, which comes from in front of the service: everybody waits as told, or a
// second doubling to two minutes. Calls sent before an earlier one began to wait don't count again.
func (s *Site) turnAway(sent time.Time, told time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if sent.Before(s.until) {
		return
	}
	d := min(firstTurnAway<<min(s.turned, 10), mostTurnAway)
	d += rand.N(d/4 + 1) //nolint:gosec // G404: jitter needs no secrecy
	s.turned++
	s.until = now.Add(max(d, min(told, maxPause)))
}

// letIn notes a reply of the service itself.
func (s *Site) letIn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turned = 0
}

// wait waits until calls may go again. Pollers come a little later, and not all at once.
func (s *Site) wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		d := time.Until(s.until)
		s.mu.Unlock()
		if d <= 0 {
			return ctx.Err()
		}
		if priorityOf(ctx) >= Poller {
			d += rand.N(pollersLater) //nolint:gosec // G404: jitter needs no secrecy
		}
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
}

// sleep waits, or returns at once with a *waitError when ctx would end first.
func sleep(ctx context.Context, d time.Duration) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		if err := ctx.Err(); err != nil {
			return err
		}
		return &waitError{d}
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
