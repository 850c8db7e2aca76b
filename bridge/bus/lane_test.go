package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

func lane(t *testing.T, b *Bus, spec LaneSpec) *Lane {
	t.Helper()
	l, err := b.Lane(t.Context(), spec)
	require.NoError(t, err)
	return l
}

func next(t *testing.T, l *Lane, after uint64) bridge.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*soon)
	defer cancel()
	e, err := l.Next(ctx, after)
	require.NoError(t, err)
	return e
}

func idOf(t *testing.T, data []byte) string {
	t.Helper()
	var e events.Event
	require.NoError(t, json.Unmarshal(data, &e))
	return e.ID
}

func TestLaneGivesItsEventsInOrderFromItsStart(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	commit(t, b, "nova", "ntf_1", "ntf_2")
	wants := map[string][]string{
		"new": {"ntf_3", "ntf_4"}, "all": {"ntf_1", "ntf_2", "ntf_3", "ntf_4"}, "1h": {"ntf_1", "ntf_2", "ntf_3", "ntf_4"},
	}
	for start := range wants {
		lane(t, b, LaneSpec{Subscription: start, Start: start})
	}
	commit(t, b, "nova", "ntf_3")
	commit(t, b, "bob", "ntf_4")
	for start, want := range wants {
		l := lane(t, b, LaneSpec{Subscription: start, Start: "all"}) // the start counts once
		at := l.Record().Position
		for _, id := range want {
			e := next(t, l, at)
			require.Equal(t, id, idOf(t, e.Data), start)
			require.Zero(t, e.Skipped)
			at = e.Position
		}
	}
	_, err := b.Lane(t.Context(), LaneSpec{Subscription: "odd", Start: "yesterday"})
	require.ErrorContains(t, err, "yesterday")
}

func TestLaneGetsOnlyWhatItAskedFor(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "some", Agents: []string{"nova", "Ann"}, Events: []string{"message.*", "notification.follow", "notification.*"}})
	wide := make([]string, 0, 2*maxFilters)
	for i := range cap(wide) {
		wide = append(wide, fmt.Sprintf("agent%d", i))
	}
	w := lane(t, b, LaneSpec{Subscription: "wide", Agents: append(wide, "ann")})
	commit(t, b, "bob", "ntf_1")
	commit(t, b, "nova", "ntf_2")
	commit(t, b, "ann", "ntf_3")
	e := next(t, l, 0)
	require.Equal(t, "ntf_2", idOf(t, e.Data))
	require.Equal(t, e, next(t, l, 0), "asked again, the same")
	require.Equal(t, "ntf_3", idOf(t, next(t, l, e.Position).Data))
	require.Equal(t, "ntf_3", idOf(t, next(t, w, 0).Data))
	require.Equal(t, "ntf_2", idOf(t, next(t, l, 0).Data), "a replay goes back")
}

func TestASlowLaneCatchesUpAndJoinsTheTailAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "slow"})
	quick := lane(t, b, LaneSpec{Subscription: "quick"})
	const n = 3 * laneBuffer
	done := make(chan []string, 1)
	go func() {
		var got []string
		var at uint64
		for len(got) < n {
			e, err := quick.Next(t.Context(), at)
			if err != nil {
				break
			}
			at = e.Position
			got = append(got, string(e.Data))
		}
		done <- got
	}()
	var at uint64
	seen := 0
	take := func() {
		e := next(t, l, at)
		seen++
		require.Equal(t, fmt.Sprintf("ntf_%d", seen), idOf(t, e.Data))
		require.Zero(t, e.Skipped)
		at = e.Position
	}
	commit(t, b, "nova", "ntf_1")
	take()
	for i := 2; i < n; i += 2 {
		commit(t, b, "nova", fmt.Sprintf("ntf_%d", i), fmt.Sprintf("ntf_%d", i+1))
		if i > n/2 { // the stream grows while the lane is reading
			take()
		}
	}
	commit(t, b, "nova", fmt.Sprintf("ntf_%d", n))
	require.Len(t, receive(t, done), n, "the slow one holds nobody back")
	for seen < n {
		take()
	}
	wake := make(chan bridge.Entry, 1)
	go func() {
		if e, err := l.Next(t.Context(), at); err == nil {
			wake <- e
		}
	}()
	require.Eventually(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return !l.behind }, soon, step)
	commit(t, b, "nova", "ntf_last")
	require.Equal(t, "ntf_last", idOf(t, receive(t, wake).Data))
	require.Equal(t, uint64(1), l.Lag())

	again := lane(t, b, LaneSpec{Subscription: "slow"})
	require.Len(t, b.tail.each(), 2, "the former owner in this process was let go")
	require.Equal(t, "ntf_1", idOf(t, next(t, again, 0).Data))
	require.LessOrEqual(t, b.tail.waiting.Load(), int64(2*laneBuffer*1000))
	require.Positive(t, again.Lag())
}

func TestOneOwnerAtATimeMovesALane(t *testing.T) {
	t.Parallel()
	b := open(t)
	commit(t, b, "nova", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	old := lane(t, b, LaneSpec{Subscription: "Team A", Start: "all"})
	r := old.Record()
	require.Equal(t, uint64(1), r.Epoch)
	require.Equal(t, bridge.Live, r.State)
	r.Position = 7
	r.Intent = &bridge.Intent{Position: 8, Attempt: 1, At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	require.NoError(t, old.Save(t.Context(), r))

	fresh := lane(t, b, LaneSpec{Subscription: "Team A"})
	got := fresh.Record()
	require.Equal(t, uint64(2), got.Epoch)
	require.Equal(t, uint64(7), got.Position)
	require.Equal(t, r.Intent, got.Intent, "the new owner finds the message in doubt")

	r.Position = 9
	require.ErrorIs(t, old.Save(t.Context(), r), bridge.ErrFenced)
	require.ErrorIs(t, old.Bury(t.Context(), r, bridge.DeadLetter{Subscription: "Team A"}), bridge.ErrFenced)
	require.ErrorIs(t, old.Save(t.Context(), r), bridge.ErrFenced, "for good")
	got.Position = 8
	got.Intent = nil
	require.NoError(t, fresh.Save(t.Context(), got))
	require.Equal(t, uint64(8), fresh.Record().Position)
	at, err := b.bounds(t.Context(), streamDelivery)
	require.NoError(t, err)
	require.Equal(t, uint64(4), at.last, "no dead letter of the old owner")
}

func TestBuryStoresDeadLetterAndPositionTogether(t *testing.T) {
	t.Parallel()
	b := open(t)
	commit(t, b, "nova", "1", "2", "3", "4", "5", "6")
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	r := l.Record()
	r.Position = 5
	d := bridge.DeadLetter{Subscription: "team", To: "discord:1", Position: 5, Reason: "invalid body", Attempts: 3, Event: []byte(`{"id":"x"}`)}
	require.NoError(t, l.Bury(t.Context(), r, d))
	m, err := b.last(t.Context(), streamDelivery, "ia.dead.team")
	require.NoError(t, err)
	var kept bridge.DeadLetter
	require.NoError(t, json.Unmarshal(m.data, &kept))
	require.Equal(t, d, kept)
	require.Equal(t, uint64(5), lane(t, b, LaneSpec{Subscription: "team"}).Record().Position)

	l = lane(t, b, LaneSpec{Subscription: "team"})
	r = l.Record()
	r.Position = 6
	d.Event = []byte(strings.Repeat("x", 1<<20))
	require.NoError(t, l.Bury(t.Context(), r, d), "a poison event of 1 MiB fits, cut")
}

func TestQuietLaneMovesWithTheStream(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "quiet", Agents: []string{"nobody"}})
	waiting, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := l.Next(waiting, 0); ended <- err }()
	commit(t, b, "nova", "ntf_1", "ntf_2", "ntf_3")
	require.Eventually(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return !l.behind && b.tail.end().seq == 3 }, soon, step)
	require.NoError(t, l.Save(t.Context(), l.Record()))
	require.Equal(t, uint64(3), l.Record().Position)
	cancel()
	require.ErrorIs(t, receive(t, ended), context.Canceled)
}

func TestLastSaveOfAClosedLaneSkipsNothing(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := b.Lane(ctx, LaneSpec{Subscription: "team"})
	require.NoError(t, err)
	commit(t, b, "nova", "ntf_1")
	first := next(t, l, 0)
	commit(t, b, "nova", "ntf_2", "ntf_3")
	require.Eventually(t, func() bool { return l.Lag() == 3 }, soon, step)
	cancel()
	require.Eventually(t, func() bool { return len(b.tail.each()) == 0 }, soon, step)
	r := l.Record()
	r.Position = first.Position
	require.NoError(t, l.Save(t.Context(), r))
	require.Equal(t, first.Position, l.Record().Position)
	again := lane(t, b, LaneSpec{Subscription: "team"})
	require.Equal(t, "ntf_2", idOf(t, next(t, again, first.Position).Data))
}
