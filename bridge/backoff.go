package bridge

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoffs are the waits after the first failures; from then on each minute.
var backoffs = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}

// backoff is the wait after the nth failure in a row, give or take a fifth.
func backoff(n int) time.Duration {
	d := backoffs[min(max(n, 1), len(backoffs))-1]
	return d - d/5 + rand.N(2*d/5) //nolint:gosec // spreads load, hides nothing
}

// obeyed is the wait for a platform that asked for one: never less, and a little
// more so that many do not come back in one instant.
func obeyed(asked time.Duration) time.Duration {
	return asked + rand.N(min(asked/10, 250*time.Millisecond)+1) //nolint:gosec // spreads load, hides nothing
}

// wait blocks for d; it returns ctx's error when ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// graceful returns a context that outlives ctx by the grace, so that what was
// begun can be finished.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = wait(out, grace)
		cancel()
	})
	return out, func() {
		stop()
		cancel()
	}
}
