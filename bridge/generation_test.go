package bridge_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

func TestReplayIsSentAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(job("pending", 0), job("completed", 0))
		r := w.run(t)
		wait(time.Second)
		r.stop(t)
		require.Len(t, w.seen(), 1)

		w.record.Generation, w.record.Position = 1, 0
		r = w.run(t)
		wait(time.Second)
		r.stop(t)
		require.Len(t, w.seen(), 2, "a replay shows its message anew")
		sends := w.attempts()
		require.Len(t, sends, 4)
		require.NotEqual(t, sends[0].Key, sends[2].Key)
		require.Equal(t, 1, sends[2].Generation)
	})
}

func job(status string, retry int) events.Event {
	j := events.Job{ID: "j1", Type: "image", Status: status, RetryCount: retry}
	var data events.Payload
	switch status {
	case "pending":
		data = events.GenerationStarted{Job: j}
	case "completed":
		data = events.GenerationCompleted{Job: j}
	case "failed":
		data = events.GenerationFailed{Job: j}
	default:
		data = events.GenerationProgressed{Job: j}
	}
	return events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("job_j1_%d_%s", retry, status), "j1", time.Now(), data)
}

func TestF46_NoAddressIsInTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(job("pending", 0), job("completed", 0))
		r := w.run(t, func(o *bridge.WorkerOptions) {
			o.Subscription.To = bridge.ParseDestination("webhook:https://hooks.example/t0ken")
		})
		wait(time.Second)
		r.stop(t)
		keys := slices.Collect(maps.Keys(w.receipts))
		require.Len(t, keys, 1)
		require.Contains(t, keys[0], "webhook:hooks.example#")
		require.NotContains(t, keys[0], "t0ken")
	})
}

func TestF26_GenerationIsOneMessageThatOnlyGrows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		order []events.Event
		title string
		sends int
	}{
		"in order":        {[]events.Event{job("pending", 0), job("generating", 0), job("uploading", 0), job("completed", 0)}, "Image ready", 4},
		"progress late":   {[]events.Event{job("pending", 0), job("completed", 0), job("generating", 0), job("uploading", 0)}, "Image ready", 2},
		"only the end":    {[]events.Event{job("completed", 0), job("pending", 0)}, "Image ready", 1},
		"retried":         {[]events.Event{job("failed", 0), job("pending", 1), job("completed", 1)}, "Image ready", 3},
		"old end is late": {[]events.Event{job("pending", 1), job("failed", 0), job("generating", 1)}, "Generating an image", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.publish(tc.order...)
				r := w.run(t)
				wait(time.Second)
				require.Len(t, w.seen(), 1)
				require.Equal(t, tc.title, w.shown[0].title)
				require.Len(t, w.attempts(), tc.sends)
				r.stop(t)
			})
		})
	}
}

func TestF26_RemovedMessageComesBackOnlyForTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := w.run(t)
		w.publish(job("pending", 0))
		wait(time.Second)
		w.mu.Lock()
		w.shown = nil
		w.mu.Unlock()
		w.publish(job("generating", 0), job("uploading", 0))
		wait(time.Second)
		require.Empty(t, w.seen())
		w.publish(job("completed", 0), job("uploading", 0))
		wait(time.Second)
		require.Equal(t, []string{"job_j1_0_completed"}, w.seen())
		r.stop(t)
	})
}
