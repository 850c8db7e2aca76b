package bus

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// storedIDs are the ids of all events in the stream, in its order.
func storedIDs(t *testing.T, b *Bus) []string {
	t.Helper()
	var out []string
	require.NoError(t, b.replay(t.Context(), streamEvents, jetstream.ConsumerConfig{FilterSubject: allEvents}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
		out = append(out, m.Headers().Get(jetstream.MsgIDHeader))
	}))
	return out
}

func TestCommitStoresEventsAndCursorTogether(t *testing.T) {
	t.Parallel()
	b := open(t)
	cursor, rev, err := b.Load(t.Context(), "Orbit.Bot", "notifications")
	require.NoError(t, err)
	require.Nil(t, cursor)
	require.Zero(t, rev)

	rev, err = b.Commit(t.Context(), "Orbit.Bot", "notifications", evs("Orbit.Bot", "ntf_1", "ntf_2"), []byte(`{"n":2}`), rev)
	require.NoError(t, err)
	cursor, loaded, err := b.Load(t.Context(), "Orbit.Bot", "notifications")
	require.NoError(t, err)
	require.Equal(t, `{"n":2}`, string(cursor))
	require.Equal(t, rev, loaded)
	require.Equal(t, []string{"ntf_1", "ntf_2"}, storedIDs(t, b))

	next, err := b.Commit(t.Context(), "Orbit.Bot", "notifications", nil, []byte(`{"n":3}`), rev)
	require.NoError(t, err)
	require.Greater(t, next, rev)
	_, other, err := b.Load(t.Context(), "orbit.bot", "messages")
	require.NoError(t, err)
	require.Zero(t, other, "each source has a cursor of its own")
}

func TestCommitOfAStaleOwnerIsRefusedWhole(t *testing.T) {
	t.Parallel()
	b := open(t)
	rev, err := b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_1"), []byte("1"), 0)
	require.NoError(t, err)
	for name, stale := range map[string]uint64{"first": 0, "older": rev - 1} {
		_, err = b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_"+name), []byte("2"), stale)
		require.ErrorIs(t, err, bridge.ErrFenced)
		_, err = b.Commit(t.Context(), "nova", "s", nil, []byte("2"), stale)
		require.ErrorIs(t, err, bridge.ErrFenced)
	}
	require.Equal(t, []string{"ntf_1"}, storedIDs(t, b))
	cursor, now, err := b.Load(t.Context(), "nova", "s")
	require.NoError(t, err)
	require.Equal(t, "1", string(cursor))
	require.Equal(t, rev, now)
}

func TestARepeatedIDRefusesTheBatchAndIsLeftOutOfTheNext(t *testing.T) {
	t.Parallel()
	b := open(t)
	rev, err := b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_1"), []byte("1"), 0)
	require.NoError(t, err)

	with, err := messages(evs("nova", "ntf_2", "ntf_1"))
	require.NoError(t, err)
	_, err = b.swap(t.Context(), swap{
		stream: streamEvents, with: with, subject: "ia.put.cursor.nova.s", stored: "ia.cursor.nova.s", data: []byte("2"), revision: rev,
	})
	require.ErrorIs(t, err, errDuplicate)
	require.Equal(t, []string{"ntf_1"}, storedIDs(t, b), "nothing of the batch was stored")

	_, err = b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_2", "ntf_1", "ntf_2", "ntf_3"), []byte("2"), rev)
	require.NoError(t, err)
	require.Equal(t, []string{"ntf_1", "ntf_2", "ntf_3"}, storedIDs(t, b))
}

func TestCommitTakesNoMoreThanABatchHolds(t *testing.T) {
	t.Parallel()
	b := open(t)
	many := evs("nova", "x")
	for i := len(many); i < MaxEvents; i++ {
		many = append(many, event("nova", fmt.Sprintf("ntf_%d", i)))
	}
	_, err := b.Commit(t.Context(), "nova", "s", append(many, event("nova", "one_more")), []byte("1"), 0)
	require.ErrorContains(t, err, "999 are the most")
	_, err = b.Commit(t.Context(), "nova", "s", many, []byte("1"), 0)
	require.NoError(t, err)
	require.Len(t, storedIDs(t, b), MaxEvents)
}

func TestCommitRefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	b := open(t)
	e := event("nova", "")
	_, err := b.Commit(t.Context(), "nova", "s", append(evs("nova", "ntf_1"), e), []byte("1"), 0)
	require.ErrorContains(t, err, "id is empty")
	require.Empty(t, storedIDs(t, b))
	_, _, err = b.Load(t.Context(), "", "s")
	require.Error(t, err)
}

func TestSubscribersSeeStoredEventsOnceAndRefusedOnesNever(t *testing.T) {
	t.Parallel()
	b := open(t)
	sub, err := b.nc.SubscribeSync(allEvents)
	require.NoError(t, err)
	require.NoError(t, b.nc.Flush())

	rev, err := b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_1"), []byte("1"), 0)
	require.NoError(t, err)
	_, err = b.Commit(t.Context(), "nova", "s", evs("nova", "stale_1", "stale_2"), []byte("x"), 0)
	require.ErrorIs(t, err, bridge.ErrFenced)
	_, err = b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_2"), []byte("2"), rev)
	require.NoError(t, err)

	for _, want := range []string{"ntf_1", "ntf_2"} {
		m, err := sub.NextMsg(soon)
		require.NoError(t, err)
		require.Equal(t, want, m.Header.Get(jetstream.MsgIDHeader))
		require.Equal(t, "ia.event.nova.notification.follow", m.Subject)
		require.Equal(t, "application/cloudevents+json", m.Header.Get("Content-Type"))
	}
	require.NoError(t, b.nc.Flush())
	_, err = sub.NextMsg(50 * time.Millisecond)
	require.Error(t, err, "nothing else")
}

func TestManyCommitsAtOnceAllGoIn(t *testing.T) {
	t.Parallel()
	b := open(t)
	var g errgroup.Group
	for i := range 60 {
		g.Go(func() error {
			agent := fmt.Sprintf("agent_%d", i)
			_, err := b.Commit(t.Context(), agent, "s", evs(agent, "ntf_a_"+agent, "ntf_b_"+agent), []byte("1"), 0)
			return err
		})
	}
	require.NoError(t, g.Wait())
	require.Len(t, storedIDs(t, b), 120)
}

func TestCursorOutlivesItsEvents(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *Options) { o.Keep = time.Second })
	rev, err := b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_1"), []byte("1"), 0)
	require.NoError(t, err)
	require.Eventually(t, func() bool { at, err := b.bounds(t.Context(), streamEvents); return err == nil && at.first == rev }, soon, step)
	cursor, now, err := b.Load(t.Context(), "nova", "s")
	require.NoError(t, err)
	require.Equal(t, "1", string(cursor))
	require.Equal(t, rev, now)
}

func TestF9_EventsAboveATornCursorAreNotStoredAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	cfg := b.opts.assets()[0]
	cfg.Duplicates = 100 * time.Millisecond // so that the window of the stream does not help
	_, err := b.js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	_, err = b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_1"), []byte("1"), 0)
	require.NoError(t, err)
	torn, err := messages(append(evs("nova", "ntf_2"), event("bob", "ntf_9")))
	require.NoError(t, err)
	for _, m := range torn {
		_, err := b.js.PublishMsg(t.Context(), m)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { // the window has passed
		ack, err := b.js.PublishMsg(t.Context(), torn[1])
		return err == nil && !ack.Duplicate
	}, soon, 20*time.Millisecond)

	_, rev, err := b.Load(t.Context(), "nova", "s") // as after a restart
	require.NoError(t, err)
	rev, err = b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_2", "ntf_3"), []byte("2"), rev)
	require.NoError(t, err)
	_, err = b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_4"), []byte("3"), rev)
	require.NoError(t, err)
	require.Equal(t, []string{"ntf_1", "ntf_2", "ntf_9", "ntf_9", "ntf_3", "ntf_4"}, storedIDs(t, b))
}
