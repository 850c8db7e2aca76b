package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// tracks notes what is traced, as "parent/name".
type tracks struct {
	mu   sync.Mutex
	all  []string
	told []slog.Attr
}

type spanKey struct{}

func (s *tracks) Begin(ctx context.Context, span trail.Span) (context.Context, trail.End) {
	parent, _ := ctx.Value(spanKey{}).(string)
	if parent == "" {
		parent = span.Event
	}
	path := parent + "/" + span.Name
	s.note(path, span.Attrs)
	return context.WithValue(ctx, spanKey{}, path), func(_ error, attrs ...slog.Attr) { s.note("", attrs) }
}

func (s *tracks) note(path string, attrs []slog.Attr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if path != "" {
		s.all = append(s.all, path)
	}
	s.told = append(s.told, attrs...)
}

func (s *tracks) Parent(context.Context) string { return "" }

func TestAnEventIsFollowedThroughTheLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, traced := newWorld(), &tracks{}
		var out bytes.Buffer
		w.answer = func(_ context.Context, n int, _ bridge.Delivery) error {
			if n == 1 {
				return &bridge.SendError{Verdict: bridge.Retry}
			}
			return nil
		}
		filter, err := bridge.CompileFilter(`id != "ntf_2"`, []string{"*"})
		require.NoError(t, err)
		w.publish(likes(2)...)
		r := w.run(t, func(o *bridge.WorkerOptions) {
			o.Trace, o.Subscription.Filter = traced, filter
			o.Log = slog.New(trail.Handler(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		})
		wait(10 * time.Second)
		r.stop(t)
		const deliver = "ntf_1/deliver"
		require.Equal(t, []string{
			"ntf_1/filter", deliver, deliver + "/layout", deliver + "/send", deliver + "/layout", deliver + "/send", "ntf_2/filter",
		}, traced.all)
		for _, a := range traced.told {
			require.NotContains(t, a.Value.String(), "Look", "no words of people in %s", a.Key)
		}
		stages := map[string][]string{}
		for line := range strings.Lines(out.String()) {
			var l struct {
				Msg     string
				EventID string `json:"event_id"`
			}
			require.NoError(t, json.Unmarshal([]byte(line), &l))
			stages[l.EventID] = append(stages[l.EventID], l.Msg)
		}
		require.Equal(t, []string{"not sent, trying again", "delivered"}, stages["ntf_1"])
		require.Equal(t, []string{"filtered"}, stages["ntf_2"])
	})
}

// Each event of a digest leads to the lines of its message.
func TestADigestIsFoundByEachOfItsEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var out bytes.Buffer
		w.publish(likes(3)...)
		r := w.run(t, func(o *bridge.WorkerOptions) {
			o.Subscription.Digest = time.Minute
			o.Log = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		wait(2 * time.Minute)
		r.stop(t)
		into := map[string]string{}
		delivered := ""
		for line := range strings.Lines(out.String()) {
			var l struct {
				Msg  string
				ID   string `json:"event_id"`
				Into string
			}
			require.NoError(t, json.Unmarshal([]byte(line), &l))
			switch l.Msg {
			case "gathered":
				into[l.ID] = l.Into
			case "delivered":
				delivered = l.ID
			}
		}
		require.NotEmpty(t, delivered)
		require.Equal(t, map[string]string{"ntf_1": delivered, "ntf_2": delivered, "ntf_3": delivered}, into)
	})
}

func TestP7_AWorkerKnowsSinceWhenItsMessageWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(context.Context, int, bridge.Delivery) error { return &bridge.SendError{Verdict: bridge.Retry} }
		began := time.Now()
		w.publish(likes(3)...)
		r := w.run(t)
		wait(6 * time.Minute)
		since, behind := r.Waiting()
		require.Equal(t, began, since.In(began.Location()))
		require.GreaterOrEqual(t, behind, uint64(2))
		w.mu.Lock()
		w.answer = nil
		w.mu.Unlock()
		wait(3 * time.Minute)
		since, behind = r.Waiting()
		require.Zero(t, since)
		require.Zero(t, behind)
		r.stop(t)
	})
}

func TestP7_NobodyIsLateWhoIsToBeQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		quiet, err := bridge.ParseQuiet("00:00", "08:00", "") // a bubble begins at midnight
		require.NoError(t, err)
		w.publish(like(1))
		r := w.run(t, func(o *bridge.WorkerOptions) { o.Subscription.Quiet = quiet })
		wait(time.Hour)
		since, _ := r.Waiting()
		require.Zero(t, since)
		require.Empty(t, w.seen())
		wait(8 * time.Hour)
		require.Len(t, w.seen(), 1)
		r.stop(t)
	})
}

func TestBrokenCircuitsAreCountedByScheme(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, circuits := newWorld(), &bridge.Circuits{}
		require.Empty(t, circuits.Broken())
		w.answer = func(context.Context, int, bridge.Delivery) error { return &bridge.SendError{Verdict: bridge.Gone} }
		w.publish(like(1))
		r := w.run(t, func(o *bridge.WorkerOptions) { o.Circuits = circuits })
		wait(time.Minute)
		require.Equal(t, map[string]int{r.Subscription.To.Scheme: 1}, circuits.Broken())
		r.stop(t)
	})
}
