package command_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// crowded starts as many generations as ImagineAnything allows.
func crowded(w *world) {
	connect("OPENAI")(w)
	for range 3 {
		w.do("generate image", map[string]any{"prompt": "sandbox:slow ring", "provider": "OPENAI"})
	}
}

// TestAGenerationWaitsForAFreeSlotWhenAsked: it says so, and starts when one ends.
func TestAGenerationWaitsForAFreeSlotWhenAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		crowded(w)
		refused := w.try("generate image", map[string]any{"prompt": "a fourth ring", "provider": "OPENAI"}).Problem
		require.Equal(t, "too_many_jobs", refused.Status)
		queue := refused.Buttons[1]
		require.Equal(t, "Queue it", queue.Label)
		q := w.request(queue.Command, map[string]any{})
		for name, v := range queue.Args {
			q.Values[name] = v
		}
		var told []string
		q.Tell = func(r command.Reply) { told = append(told, r.Text) }
		began := time.Now()
		end := time.AfterFunc(20*time.Second, func() { w.box.Clock().Advance(time.Hour) }) // of the three
		defer end.Stop()
		a := w.runner.Do(t.Context(), q)
		require.True(t, a.OK, "%v", a.Problem)
		require.NotEmpty(t, a.Reply.Job)
		require.Contains(t, told, "Three generations are running; yours starts when one ends.")
		require.Less(t, time.Since(began), time.Minute)
	})
}

// TestAWaitForASlotEnds: with who waits, and at the latest with a command's time.
func TestAWaitForASlotEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		patience time.Duration
		said     string
	}{
		"cancelled": {32 * time.Second, "Not started: it took too long. [Try again]"},
		"in vain":   {time.Hour, "Not started: no slot became free in time. [Show] [Queue it]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				crowded(w)
				w.box.Clock().Scale(0.000001) // the three never end
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stop := time.AfterFunc(tc.patience, cancel)
				defer stop.Stop()
				began := len(w.box.Journal())
				a := w.runner.Do(ctx, w.request("generate image", map[string]any{"prompt": "a fourth ring", "provider": "OPENAI", "wait": "on"}))
				require.Equal(t, tc.said, sentence(a.Problem))
				tries := len(w.calls(began))
				time.Sleep(10 * time.Minute)
				require.Len(t, w.calls(began), tries, "nothing is tried any more")
			})
		})
	}
}
