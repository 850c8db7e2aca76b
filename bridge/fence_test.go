package bridge_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// A process that lost its lane ends what it sends at once: the next owner repeats
// it soon, and the two must not be at it together. A shutdown is patient.
func TestP14_SendOfALostLaneIsEndedAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		why  error
		ends time.Duration
	}{
		"lost":     {bridge.ErrFenced, 0},
		"shutdown": {nil, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				var ended time.Time
				w.answer = func(ctx context.Context, _ int, _ bridge.Delivery) error {
					<-ctx.Done()
					ended = time.Now()
					return &bridge.SendError{Verdict: bridge.InDoubt, Err: ctx.Err()}
				}
				w.publish(like(1))
				p, life := w.start(t)
				ctx, cancel := context.WithCancelCause(life)
				done := make(chan error, 1)
				worker := p.worker()
				go func() { done <- worker.Run(ctx) }()
				synctest.Wait()
				require.Len(t, w.attempts(), 1)
				begin := time.Now()
				cancel(tc.why)
				require.NoError(t, <-done)
				require.Equal(t, tc.ends, ended.Sub(begin))
				require.NotNil(t, w.stored().Intent, "whoever comes next knows of it")
			})
		})
	}
}

// slowLane takes its time to store its first intent, as in a process that was
// stopped and woke up.
type slowLane struct {
	bridge.Lane
	pause   time.Duration
	intents int
}

func (l *slowLane) Save(ctx context.Context, r bridge.Record) error {
	err := l.Lane.Save(ctx, r)
	if r.Intent != nil {
		if l.intents++; l.intents == 1 {
			wait(l.pause)
		}
	}
	return err
}

func TestF4_IntentOfAWokenProcessIsStoredAgainBeforeItSends(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pause   time.Duration
		intents int
	}{
		"quick": {time.Second, 1},
		"woken": {30 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.publish(like(1))
				var l *slowLane
				r := w.run(t, func(o *bridge.WorkerOptions) {
					l = &slowLane{Lane: o.Lane, pause: tc.pause}
					o.Lane = l
				})
				wait(time.Minute)
				require.Equal(t, tc.intents, l.intents)
				require.Len(t, w.attempts(), 1)
				r.stop(t)
			})
		})
	}
}

func TestF4_WokenProcessThatLostItsLaneSendsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(like(1))
		r := w.run(t, func(o *bridge.WorkerOptions) { o.Lane = &slowLane{Lane: o.Lane, pause: 30 * time.Second} })
		wait(time.Second)
		w.mu.Lock()
		w.record.Epoch++ // another took over meanwhile
		w.mu.Unlock()
		require.ErrorIs(t, <-r.done, bridge.ErrFenced)
		require.Empty(t, w.attempts())
	})
}
