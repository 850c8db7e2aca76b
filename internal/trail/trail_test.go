package trail_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/trail"
)

func TestEveryLineNamesTheIdsOfItsContext(t *testing.T) {
	t.Parallel()
	both := func(ctx context.Context) context.Context {
		return trail.WithCommand(trail.WithEvent(ctx, "ntf_1"), "discord:7")
	}
	for name, tc := range map[string]struct {
		ctx  func(context.Context) context.Context
		args []any
		want map[string]any
	}{
		"none":            {func(ctx context.Context) context.Context { return ctx }, nil, map[string]any{}},
		"both":            {both, nil, map[string]any{"event_id": "ntf_1", "command_id": "discord:7"}},
		"its own is kept": {both, []any{"event_id", "ntf_2"}, map[string]any{"event_id": "ntf_2", "command_id": "discord:7"}},
		"the inner wins": {
			func(ctx context.Context) context.Context { return trail.WithEvent(both(ctx), "ntf_3") }, nil,
			map[string]any{"event_id": "ntf_3", "command_id": "discord:7"},
		},
		"an empty one changes nothing": {
			func(ctx context.Context) context.Context { return trail.WithEvent(both(ctx), "") }, nil,
			map[string]any{"event_id": "ntf_1", "command_id": "discord:7"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := slog.New(trail.Handler(slog.NewJSONHandler(&out, nil))).With("component", "poller")
			log.InfoContext(tc.ctx(t.Context()), "stored", tc.args...)
			var line map[string]any
			require.NoError(t, json.Unmarshal(out.Bytes(), &line))
			require.Equal(t, "poller", line["component"])
			for _, key := range []string{"time", "level", "msg", "component"} {
				delete(line, key)
			}
			require.Equal(t, tc.want, line)
		})
	}
}

func TestWithoutATracerThereAreNoSpans(t *testing.T) {
	t.Parallel()
	tracer := trail.Or(nil)
	ctx, end := tracer.Begin(t.Context(), trail.Span{Name: "send", Event: "ntf_1"})
	require.Equal(t, t.Context(), ctx)
	require.Empty(t, tracer.Parent(ctx))
	require.NotPanics(t, func() { end(errors.New("refused"), slog.Int("attempt", 1)) })
}
