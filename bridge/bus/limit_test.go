package bus

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// closed is a channel that refuses everything until it is opened.
type closed struct {
	open    atomic.Bool
	refused atomic.Bool
}

// Send implements bridge.Sink.
func (c *closed) Send(_ context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	if !c.open.Load() {
		c.refused.Store(true)
		return bridge.Receipt{}, &bridge.SendError{Verdict: bridge.Gone, Advice: "The channel is gone."}
	}
	return bridge.Receipt{Channel: "c", Message: d.Key}, nil
}

// account adds up what became of events.
type account struct {
	mu        sync.Mutex
	delivered map[string]bool
	doubled   []string
	gap       uint64
	atMost    bool
}

// Report implements bridge.Reporter.
func (a *account) Report(_ context.Context, o bridge.Outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch o.Kind {
	case bridge.Delivered:
		if a.delivered[o.EventID] {
			a.doubled = append(a.doubled, o.EventID)
		}
		a.delivered[o.EventID] = true
	case bridge.Gap:
		a.gap += o.Count
		a.atMost = a.atMost || o.Reason != ""
	case bridge.Superseded, bridge.Retried, bridge.Dead, bridge.Stopped, bridge.Resumed, bridge.Skipped:
	}
}

func (a *account) sum() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.delivered) + int(a.gap)
}

// TestF10_WhatTheFullStreamLetGoIsCounted: the stream's own limit, whose oldest leave
// while a lane waits.
func TestF10_WhatTheFullStreamLetGoIsCounted(t *testing.T) {
	t.Parallel()
	const all = 10_000
	b := open(t, func(o *Options) { o.Store = 4 << 20 })
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	sink, sum := &closed{}, &account{delivered: map[string]bool{}}
	w := bridge.NewWorker(bridge.WorkerOptions{
		Subscription: bridge.Subscription{
			Name: "team", Events: []string{"*"}, To: bridge.ParseDestination("discord:1"), Pace: bridge.Pace{CatchUp: bridge.CatchUpDigest},
		},
		Lane: l, Ledger: b, Sink: sink, Reporter: sum,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	defer func() {
		cancel()
		require.NoError(t, receive(t, done))
	}()
	commit(t, b, "nova", "ntf_0")
	require.Eventually(t, sink.refused.Load, soon, step)
	for n := 1; n < all; n += 333 {
		var ids []string
		for i := n; i < min(n+333, all); i++ {
			ids = append(ids, fmt.Sprintf("ntf_%d", i))
		}
		commit(t, b, "nova", ids...)
	}
	at, err := b.bounds(t.Context(), streamEvents)
	require.NoError(t, err)
	require.Greater(t, at.first, uint64(2000), "the limit was not reached")
	sink.open.Store(true)
	w.Resume()
	require.Eventually(t, func() bool { return sum.sum() >= all }, 6*soon, step)
	sum.mu.Lock()
	defer sum.mu.Unlock()
	require.Equal(t, all, len(sum.delivered)+int(sum.gap), "sent and told")
	require.Greater(t, sum.gap, uint64(2000))
	require.False(t, sum.atMost)
	require.Empty(t, sum.doubled)
}

// TestF10_AFullAccountHoldsTheCursors: the account's limit below the stream's, at
// which publishing is refused.
func TestF10_AFullAccountHoldsTheCursors(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	commit(t, b, "nova", "ntf_1")
	limit := func(most int64) {
		require.NoError(t, b.host.server.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{
			"": {MaxMemory: -1, MaxStore: most, MaxStreams: -1, MaxConsumers: -1},
		}))
	}
	limit(1)
	cursor, rev, err := b.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	_, err = b.Commit(t.Context(), "nova", "notifications", evs("nova", "ntf_2"), []byte(`{"at":"ntf_2"}`), rev)
	requireState(t, err, Full)
	held, again, err := b.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	require.Equal(t, []any{cursor, rev}, []any{held, again}, "the cursor holds")
	limit(-1)
	_, err = b.Commit(t.Context(), "nova", "notifications", evs("nova", "ntf_2", "ntf_3"), []byte(`{"at":"ntf_3"}`), rev)
	require.NoError(t, err)
	require.Equal(t, []string{"ntf_1", "ntf_2", "ntf_3"}, storedIDs(t, b), "nothing is lost")
}
