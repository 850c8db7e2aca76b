package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// bury puts n dead letters of a subscription into the store.
func bury(t *testing.T, l *Lane, subscription, reason string, n int) {
	t.Helper()
	for i := range n {
		d := bridge.DeadLetter{
			Subscription: subscription, To: "discord:1", Position: uint64(i + 1), EventID: fmt.Sprintf("ntf_%d", i+1),
			Reason: reason, Attempts: 1, Event: []byte(`{"id":"x"}`),
		}
		require.NoError(t, l.Bury(t.Context(), l.Record(), d))
	}
}

func listed(t *testing.T, b *Bus, subscription string) []bridge.DeadLetter {
	t.Helper()
	var out []bridge.DeadLetter
	require.NoError(t, b.Dead().List(t.Context(), subscription, func(l bridge.DeadLetter) bool {
		out = append(out, l)
		return true
	}))
	return out
}

func TestDeadLettersAreListedReadAndDropped(t *testing.T) {
	t.Parallel()
	b := open(t)
	require.Empty(t, listed(t, b, ""))
	one := lane(t, b, LaneSpec{Subscription: "one", Start: "all"})
	two := lane(t, b, LaneSpec{Subscription: "two", Start: "all"})
	bury(t, one, "one", "too large", 150)
	bury(t, two, "two", "blocked", 2)
	require.Len(t, listed(t, b, ""), 152)
	require.Len(t, listed(t, b, "one"), 150, "more than one reading takes")
	require.Empty(t, listed(t, b, "three"))
	require.Empty(t, listed(t, b, "a b"))
	got := listed(t, b, "two")
	require.Equal(t, "ntf_2", got[1].EventID)
	require.Nil(t, got[1].Event, "lists go without events")

	whole, ok, err := b.Dead().Get(t.Context(), got[1].ID)
	require.NoError(t, err)
	require.True(t, ok)
	require.JSONEq(t, `{"id":"x"}`, string(whole.Event))
	for _, id := range []uint64{0, 1, 1 << 40} { // none, a lane's record, beyond the end
		_, ok, err := b.Dead().Get(t.Context(), id)
		require.NoError(t, err)
		require.False(t, ok)
	}
	require.NoError(t, b.Dead().Drop(t.Context(), got[0].ID))
	require.NoError(t, b.Dead().Drop(t.Context(), got[0].ID), "twice is no error")
	require.Len(t, listed(t, b, "two"), 1)
}

func TestF74_WishesAreKeptUntilTheyAreFulfilled(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	bury(t, l, "team", "blocked", 2)
	letters := listed(t, b, "team")
	_, ok, err := l.Resend(t.Context())
	require.NoError(t, err)
	require.False(t, ok)
	var nudges atomic.Int32
	l.OnWish(func() { nudges.Add(1) })
	for range 3 {
		require.NoError(t, b.Dead().Resend(t.Context(), letters[1]), "asked again while it waits is the same wish")
	}
	require.NoError(t, b.Dead().Resend(t.Context(), letters[0]))
	require.Eventually(t, func() bool { return nudges.Load() >= 2 }, soon, step)

	again := lane(t, b, LaneSpec{Subscription: "team"}) // a new owner finds them as well
	r, ok, err := again.Resend(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, letters[1].ID, r.Letter.ID)
	require.JSONEq(t, `{"id":"x"}`, string(r.Letter.Event))
	require.NoError(t, again.Resent(t.Context(), r, true))
	require.Len(t, listed(t, b, "team"), 1)

	second, ok, err := again.Resend(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Greater(t, second.ID, r.ID)
	require.NoError(t, b.Dead().Drop(t.Context(), second.Letter.ID))
	second, ok, err = again.Resend(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Empty(t, second.Letter.Event, "dropped meanwhile")
	require.NoError(t, again.Resent(t.Context(), second, false))
	_, ok, err = again.Resend(t.Context())
	require.NoError(t, err)
	require.False(t, ok)
	left := 0
	_, err = b.read(t.Context(), streamDelivery, jetstream.ConsumerConfig{FilterSubject: resendPrefix + ">"}, 10, func(jetstream.Msg, *jetstream.MsgMetadata) { left++ })
	require.NoError(t, err)
	require.Zero(t, left)
}

// A wish is heard as it passes, which may be before the stream has it: a lane that
// looked too soon is told once more.
func TestF74_ALaneThatLookedTooSoonIsToldAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	bury(t, l, "team", "blocked", 1)
	var nudges atomic.Int32
	l.OnWish(func() {
		if nudges.Add(1) == 1 {
			l.wished.Store(false) // it looked, and found nothing
		}
	})
	require.NoError(t, b.Dead().Resend(t.Context(), listed(t, b, "team")[0]))
	require.Eventually(t, func() bool { return nudges.Load() > 1 && l.wished.Load() }, 20*time.Second, step)
	_, ok, err := l.Resend(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Eventually(t, func() bool { return nudges.Load() == 1+wishTimes }, 20*time.Second, step, "and not for ever")
}

// A lane that catches up reads ahead of its position and comes back.
func TestLaneReadsAheadAndBack(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	for i := 1; i <= 200; i++ {
		commit(t, b, "nova", fmt.Sprintf("ntf_%d", i))
	}
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	var all []bridge.Entry
	for after := uint64(0); len(all) < 200; {
		e := next(t, l, after)
		require.Zero(t, e.Skipped)
		all, after = append(all, e), e.Position
	}
	commit(t, b, "nova", "ntf_201")
	for _, jump := range []int{0, 150, 10, 199, 100, 20} {
		e := next(t, l, all[jump].Position)
		want := fmt.Sprintf("ntf_%d", jump+2)
		require.Equal(t, want, idOf(t, e.Data))
		require.Zero(t, e.Skipped, "nothing was removed")
		r := l.Record()
		r.Position, r.Ahead = all[5].Position, all[199].Position
		require.NoError(t, l.Save(t.Context(), r))
		require.Equal(t, all[5].Position, l.Record().Position, "a position behind what was read ahead stays where it is")
	}
	r := l.Record()
	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(data), `"ahead":`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.Next(ctx, 1<<30)
	require.ErrorIs(t, err, context.Canceled)
}
