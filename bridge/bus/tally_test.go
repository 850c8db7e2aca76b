package bus

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// happen stores so many events of an agent, each with a cursor of its own.
func happen(t *testing.T, b *Bus, agent string, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		commit(t, b, agent, fmt.Sprintf("%s_%d", agent, i))
	}
}

// purge removes all but the newest events, as retention does.
func purge(t *testing.T, b *Bus, keep int) {
	t.Helper()
	var at []uint64
	err := b.replay(t.Context(), streamEvents, jetstream.ConsumerConfig{FilterSubject: allEvents, HeadersOnly: true},
		func(_ jetstream.Msg, md *jetstream.MsgMetadata) { at = append(at, md.Sequence.Stream) })
	require.NoError(t, err)
	if len(at) <= keep {
		return
	}
	s, err := b.js.Stream(t.Context(), streamEvents)
	require.NoError(t, err)
	end := at[len(at)-keep-1] + 1
	require.NoError(t, s.Purge(t.Context(), jetstream.WithPurgeSubject(allEvents), jetstream.WithPurgeSequence(end)))
}

func TestP8_WhatRetentionTookFromARunningLaneIsCountedExactlyAndOnce(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team", Agents: []string{"nova"}, Events: []string{"notification.*"}})
	happen(t, b, "nova", 1, 2)
	first := next(t, l, 0)
	require.Equal(t, "nova_1", idOf(t, first.Data))
	happen(t, b, "bob", 1, 10) // not for this lane
	happen(t, b, "nova", 3, laneBuffer+20)
	require.Eventually(t, func() bool { return l.Lag() == laneBuffer+20 }, soon, step)
	purge(t, b, 5)
	e := next(t, l, first.Position)
	require.Equal(t, fmt.Sprintf("nova_%d", laneBuffer+16), idOf(t, e.Data))
	require.Equal(t, uint64(laneBuffer+14), e.Skipped, "all between the first and the five that were left")
	require.False(t, e.AtMost)
	require.Equal(t, e, next(t, l, first.Position), "asked again, the same")
	require.Zero(t, next(t, l, e.Position).Skipped, "told once")
}

// Events really grow too old while a lane waits in the stream.
func TestF29_RetentionByAge(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *Options) { o.Keep = 2 * time.Second })
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team"})
	const n = 2 * laneBuffer
	happen(t, b, "nova", 1, 1)
	first := next(t, l, 0)
	happen(t, b, "nova", 2, n)
	require.Eventually(t, func() bool { return l.Lag() == n }, soon, step)
	gone(t, b)
	happen(t, b, "nova", n+1, n+1)
	e := next(t, l, first.Position)
	require.Equal(t, fmt.Sprintf("nova_%d", n+1), idOf(t, e.Data))
	require.Equal(t, uint64(n-1), e.Skipped)
	require.False(t, e.AtMost)
}

// gone waits until retention took every event.
func gone(t *testing.T, b *Bus) {
	t.Helper()
	require.Eventually(t, func() bool {
		n, err := b.pending(t.Context(), []string{allEvents}, 0)
		return err == nil && n == 0
	}, 6*soon, 20*time.Millisecond)
}

// A process ends in one of these situations, retention takes events, and the next
// process tells what was taken.
func TestF29_WhatRetentionTookWhileNobodyRanIsTold(t *testing.T) {
	t.Parallel()
	all, some := LaneSpec{Subscription: "team"}, LaneSpec{Subscription: "team", Agents: []string{"nova"}}
	saved := func(t *testing.T, b *Bus, l *Lane, at uint64) {
		t.Helper()
		r := l.Record()
		r.Position = at
		require.NoError(t, l.Save(t.Context(), r))
		_ = b
	}
	for name, tc := range map[string]struct {
		spec   LaneSpec
		before func(t *testing.T, b *Bus, l *Lane)
		keep   int
		count  uint64
		atMost bool
	}{
		"all of the lane's events were known": {spec: some, keep: 2, count: 8, before: func(t *testing.T, b *Bus, l *Lane) {
			happen(t, b, "nova", 1, 1)
			first := next(t, l, 0)
			happen(t, b, "nova", 2, 9)
			happen(t, b, "bob", 1, 3)
			happen(t, b, "nova", 10, 10)
			require.Eventually(t, func() bool { return l.Lag() == 10 }, soon, step)
			saved(t, b, l, first.Position) // of nova's nine one is left, and one of bob's
		}},
		"none was known, and all are for the lane": {spec: all, keep: 2, count: 8, before: func(t *testing.T, b *Bus, _ *Lane) {
			happen(t, b, "nova", 1, 10)
		}},
		"none was known, and not all are for the lane": {spec: some, keep: 2, count: 11, atMost: true, before: func(t *testing.T, b *Bus, _ *Lane) {
			happen(t, b, "bob", 1, 3)
			happen(t, b, "nova", 1, 10)
		}},
		"only cursors came since": {spec: all, count: 0, before: func(t *testing.T, b *Bus, l *Lane) {
			happen(t, b, "nova", 1, 3)
			saved(t, b, l, next(t, l, next(t, l, next(t, l, 0).Position).Position).Position)
			for range 20 {
				still(t, b, "nova")
			}
		}},
		"only cursors ever came": {spec: all, count: 0, before: func(t *testing.T, b *Bus, _ *Lane) {
			for range 20 {
				still(t, b, "nova")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := open(t, func(o *Options) { o.DataDir = dir })
			stop := run(t, b)
			tc.before(t, b, lane(t, b, tc.spec))
			stop()
			closeBus(t, b)

			b = open(t, func(o *Options) { o.DataDir = dir })
			purge(t, b, tc.keep)
			for range 2 { // whoever claims it and dies before it was told keeps it for the next
				stop = run(t, b)
				require.Equal(t, loss{tc.count, tc.atMost}, lane(t, b, tc.spec).gap)
				stop()
				closeBus(t, b)
				b = open(t, func(o *Options) { o.DataDir = dir })
			}
			run(t, b)
			l := lane(t, b, tc.spec)
			happen(t, b, "nova", 100, 100)
			e := next(t, l, l.Record().Position)
			require.Equal(t, tc.count, e.Skipped)
			require.Equal(t, tc.atMost, e.AtMost)
		})
	}
}

// still moves an agent's cursor where nothing happened.
func still(t *testing.T, b *Bus, agent string) {
	t.Helper()
	_, rev, err := b.Load(t.Context(), agent, "notifications")
	require.NoError(t, err)
	_, err = b.Commit(t.Context(), agent, "notifications", nil, []byte(`{}`), rev)
	require.NoError(t, err)
}

// The connection was away, and so were the events when it came back.
func TestWhatTheTailNeverSawIsTold(t *testing.T) {
	t.Parallel()
	b := open(t)
	l := lane(t, b, LaneSpec{Subscription: "team"})
	some := lane(t, b, LaneSpec{Subscription: "some", Agents: []string{"nova"}})
	happen(t, b, "nova", 1, 7) // nobody feeds the lanes yet
	purge(t, b, 2)
	require.NoError(t, b.recount(t.Context()))
	run(t, b)
	e := next(t, l, 0)
	require.Equal(t, "nova_6", idOf(t, e.Data))
	require.Equal(t, uint64(5), e.Skipped)
	require.False(t, e.AtMost)
	e = next(t, some, 0)
	require.Equal(t, uint64(5), e.Skipped)
	require.True(t, e.AtMost)
	require.NoError(t, b.recount(t.Context()))
	require.Equal(t, loss{}, l.gap)
}

func TestTallyIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	want := tally{seq: 12, total: 7, waiting: 3, filters: 0xbeef}
	got, ok := parseTally(want.String())
	require.True(t, ok)
	require.Equal(t, want, got)
	for _, text := range []string{"", "1 2 3", "a b c d", "-1 2 3 4"} {
		_, ok := parseTally(text)
		require.False(t, ok, text)
	}
}

func TestCursorsCountWhatTheirSourcesStored(t *testing.T) {
	t.Parallel()
	b := open(t)
	happen(t, b, "nova", 1, 3)
	commit(t, b, "bob", "b_1", "b_2")
	still(t, b, "bob")
	_, rev, err := b.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	b.refreshCursor(t.Context(), "nova.notifications", rev)
	b.cursors.forget("bob.notifications") // as after a refresh that failed
	_, rev, err = b.Load(t.Context(), "bob", "notifications")
	require.NoError(t, err)
	b.cursors.forget("bob.notifications")
	_, err = b.Commit(t.Context(), "bob", "notifications", evs("bob", "b_2", "b_3"), []byte(`{}`), rev)
	require.NoError(t, err, "one of the two is there already")
	total, err := b.committed(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(6), total)
}
