package bus

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

const (
	soon = 20 * time.Second // for what happens at once, on a busy machine too
	step = 5 * time.Millisecond
)

// What the rooms that use a Bus ask of it, in their own words.
var (
	_ bridge.Ledger   = (*Bus)(nil)
	_ bridge.Reporter = (*Bus)(nil)
	_ interface {
		Load(ctx context.Context, agent, source string) (cursor []byte, revision uint64, err error)
		Commit(ctx context.Context, agent, source string, evs []events.Event, cursor []byte, revision uint64) (next uint64, err error)
		Hold(ctx context.Context, kind string, names []string, work func(ctx context.Context, name string) error) error
	} = (*Bus)(nil)
)

// open starts a bus with an embedded server that nobody else can reach.
func open(t *testing.T, change ...func(*Options)) *Bus {
	t.Helper()
	o := Options{DataDir: t.TempDir(), Listen: "off", Store: 64 << 20, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&o)
	}
	b, err := Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { closeBus(t, b) })
	return b
}

func closeBus(t *testing.T, b *Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), soon)
	defer cancel()
	require.NoError(t, b.Close(ctx))
}

// run runs the bus until the returned function is called or the test ends.
func run(t *testing.T, b *Bus) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		require.NoError(t, receive(t, done))
	}
	t.Cleanup(stop)
	return stop
}

// receive waits for a value with a deadline.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(2 * soon):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

func event(agent, id string) events.Event {
	return events.New("https://imagineanything.com", agent, id, "post_1",
		time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC), events.NotificationFollow{Actor: events.Agent{ID: "a1", Handle: "nova"}})
}

func evs(agent string, ids ...string) []events.Event {
	out := make([]events.Event, 0, len(ids))
	for _, id := range ids {
		out = append(out, event(agent, id))
	}
	return out
}

// commit adds events with a cursor of their own.
func commit(t *testing.T, b *Bus, agent string, ids ...string) {
	t.Helper()
	_, rev, err := b.Load(t.Context(), agent, "notifications")
	require.NoError(t, err)
	_, err = b.Commit(t.Context(), agent, "notifications", evs(agent, ids...), []byte(`{"at":"`+ids[len(ids)-1]+`"}`), rev)
	require.NoError(t, err)
}

func requireState(t *testing.T, err error, want State) {
	t.Helper()
	e, ok := errors.AsType[*StateError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, want, e.State, e.Text)
}

func contextWithin(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

func withHeader(subject, data, name, value string) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: []byte(data), Header: nats.Header{name: {value}}}
}
