package bus

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

func TestSubscriptionsAreKeptByCompareAndSet(t *testing.T) {
	t.Parallel()
	b := open(t)
	s := b.Subscriptions()
	none, err := s.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)

	one, err := s.Put(t.Context(), bridge.SubscriptionRecord{ID: "team-abc", Name: "team", To: "console", Events: []string{"*"}})
	require.NoError(t, err)
	_, err = s.Put(t.Context(), bridge.SubscriptionRecord{ID: "team-abc"})
	require.ErrorIs(t, err, command.ErrMoved, "there is one already")
	stale := one
	one.Name = "crew"
	one, err = s.Put(t.Context(), one)
	require.NoError(t, err)
	_, err = s.Put(t.Context(), stale)
	require.ErrorIs(t, err, command.ErrMoved)
	require.ErrorIs(t, s.Remove(t.Context(), stale), command.ErrMoved)

	all, err := s.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []bridge.SubscriptionRecord{one}, all)
	require.NoError(t, s.Remove(t.Context(), one))
	all, err = s.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	again, err := s.Put(t.Context(), bridge.SubscriptionRecord{ID: "team-abc"})
	require.NoError(t, err, "a name may come back")
	require.Greater(t, again.Rev, one.Rev)
}

func TestAWatchTellsAllSubscriptionsAndEveryChange(t *testing.T) {
	t.Parallel()
	b := open(t)
	s := b.Subscriptions()
	one, err := s.Put(t.Context(), bridge.SubscriptionRecord{ID: "one"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan []bridge.SubscriptionRecord, 16)
	ended := make(chan error, 1)
	go func() {
		ended <- s.Watch(ctx, func(list []bridge.SubscriptionRecord) { told <- list })
	}()
	until := func(want ...string) {
		t.Helper()
		for end := time.After(2 * soon); ; {
			select {
			case list := <-told:
				var ids []string
				for _, r := range list {
					ids = append(ids, r.ID)
				}
				if len(ids) == len(want) && (len(want) == 0 || ids[0] == want[0] && ids[len(ids)-1] == want[len(want)-1]) {
					return
				}
			case <-end:
				require.Fail(t, "not told", "%v", want)
			}
		}
	}
	until("one")
	_, err = s.Put(t.Context(), bridge.SubscriptionRecord{ID: "two"})
	require.NoError(t, err)
	until("one", "two")
	require.NoError(t, s.Remove(t.Context(), one))
	until("two")
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestARemovedSubscriptionLeavesItsDeadLettersOnly(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	commit(t, b, "nova", "ntf_1", "ntf_2")
	s := b.Subscriptions()
	r, err := s.Put(t.Context(), bridge.SubscriptionRecord{ID: "team", Agents: []string{"*"}, Events: []string{"*"}})
	require.NoError(t, err)
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	first := next(t, l, 0)
	moved := l.Record()
	moved.Position = first.Position
	require.NoError(t, l.Bury(t.Context(), moved, bridge.DeadLetter{Subscription: "team", EventID: "ntf_1", Event: first.Data}))
	h := b.History()
	at, known, err := h.Standing(t.Context(), r)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, 1, at.Waiting)

	require.NoError(t, s.Remove(t.Context(), r))
	_, known, err = h.Standing(t.Context(), r)
	require.NoError(t, err)
	require.False(t, known)
	letters, err := h.DeadLetters(t.Context(), "team")
	require.NoError(t, err)
	require.Len(t, letters, 1)
	require.ErrorIs(t, l.Save(t.Context(), moved), bridge.ErrFenced, "a worker that is still there moves nothing")
}

func TestALaneBeginsWhereItsSubscriptionWasMade(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	commit(t, b, "nova", "ntf_1")
	made := lastStored(t, b).Add(time.Nanosecond)
	commit(t, b, "nova", "ntf_2")
	for start, want := range map[string]string{"new": "ntf_2", "": "ntf_2", "all": "ntf_1", "1h": "ntf_1"} {
		l := lane(t, b, LaneSpec{Subscription: "made-" + start + "x", Start: start, After: made})
		require.Equal(t, want, idOf(t, next(t, l, l.Record().Position).Data), start)
	}
}

// lastStored is when the stream took its newest message.
func lastStored(t *testing.T, b *Bus) time.Time {
	t.Helper()
	at, err := b.bounds(t.Context(), streamEvents)
	require.NoError(t, err)
	return at.lastAt
}

func TestALaneThatIsSetBackSendsUnderNewKeys(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	commit(t, b, "nova", "ntf_1")
	since := lastStored(t, b).Add(time.Nanosecond)
	commit(t, b, "nova", "ntf_2")
	commit(t, b, "nova", "ntf_3")
	l := lane(t, b, LaneSpec{Subscription: "again", Start: "all"})
	r := l.Record()
	for range 3 {
		r.Position = next(t, l, r.Position).Position
		require.NoError(t, l.Save(t.Context(), r))
	}
	require.NoError(t, l.Seek(t.Context(), since, 1))
	back := l.Record()
	require.Equal(t, 1, back.Generation)
	require.Equal(t, 1, back.Rerun)
	require.Equal(t, "ntf_2", idOf(t, next(t, l, back.Position).Data))
	require.NoError(t, l.Seek(t.Context(), time.Now().Add(-time.Hour), 2))
	require.Equal(t, "ntf_1", idOf(t, next(t, l, l.Record().Position).Data))
	require.Equal(t, 2, lane(t, b, LaneSpec{Subscription: "again"}).Record().Rerun, "the next owner knows that it was begun")
}

func TestHistoryFindsEventsByTheirIds(t *testing.T) {
	t.Parallel()
	b := open(t)
	commit(t, b, "nova", "ntf_1", "ntf_2")
	commit(t, b, "bob", "ntf_3")
	h := b.History()
	e, at, ok, err := h.Find(t.Context(), []string{"nova"}, "ntf_2")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "ntf_2", e.ID)
	require.NotZero(t, at.Position)
	_, _, ok, err = h.Find(t.Context(), []string{"nova"}, "ntf_3")
	require.NoError(t, err)
	require.False(t, ok, "another agent's")
	var seen []string
	require.NoError(t, h.Events(t.Context(), []string{"*"}, time.Now().Add(-time.Hour), func(e events.Event, _ bridge.Entry) bool {
		seen = append(seen, e.ID)
		return len(seen) < 2
	}))
	require.Equal(t, []string{"ntf_1", "ntf_2"}, seen, "until it has enough")
}

func TestAnAddressThatMayHoldASecretIsSealed(t *testing.T) {
	t.Parallel()
	b := open(t)
	s := b.Subscriptions()
	r := bridge.SubscriptionRecord{ID: "hook", To: "webhook:https://x.example/in?token=canary", Events: []string{"*"}}
	_, err := s.Put(t.Context(), r)
	require.Error(t, err, "without a key")
	one, err := seal.New("one")
	require.NoError(t, err)
	two, err := seal.New("two")
	require.NoError(t, err)
	b.opts.Seal = one
	r, err = s.Put(t.Context(), r)
	require.NoError(t, err)
	m, err := b.last(t.Context(), streamConfig, subscriptionsPrefix+"hook")
	require.NoError(t, err)
	require.NotContains(t, string(m.data), "canary")
	all, err := s.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []bridge.SubscriptionRecord{r}, all)

	b.opts.Seal = two
	all, err = s.List(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, all[0].Sealed)
	require.Equal(t, "webhook:x.example", all[0].To)
	_, err = all[0].Compile()
	require.ErrorContains(t, err, "another key", "nothing is sent to what is left of it")
	_, err = s.Put(t.Context(), all[0])
	require.NoError(t, err, "pausing it keeps the address")
	b.opts.Seal = one
	all, err = s.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, r.To, all[0].To)
}
