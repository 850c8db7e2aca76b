package bus

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

func TestStatusAndOutcomesAreHeardAndKept(t *testing.T) {
	t.Parallel()
	b := open(t)
	heard, err := b.nc.SubscribeSync("ia.status.>")
	require.NoError(t, err)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	require.NoError(t, b.Status(t.Context(), Status{Component: "poller", Agent: "nova", State: Degraded, Reason: "the token was refused", Next: "renew it", Since: at}))
	m, err := heard.NextMsg(soon)
	require.NoError(t, err)
	require.Equal(t, "ia.status.poller", m.Subject)
	require.JSONEq(t, `{"component":"poller","agent":"nova","state":"degraded","reason":"the token was refused","next":"renew it","since":"2026-01-02T03:04:05Z"}`, string(m.Data))

	require.Error(t, b.Status(t.Context(), Status{}))

	b.Report(t.Context(), bridge.Outcome{}) // nothing to note
	b.Report(t.Context(), bridge.Outcome{
		Kind: bridge.Retried, Subscription: "Team A", To: "discord:1", EventID: "ntf_1", Position: 3, Attempt: 1, RetryIn: 90 * time.Second, At: at,
	})
	var kept stored
	require.Eventually(t, func() bool {
		kept, err = b.last(t.Context(), streamAudit, "ia.delivery.team=20a.retried")
		return err == nil && kept.seq > 0
	}, soon, step)
	require.JSONEq(t, `{"subscription":"Team A","outcome":"retried","to":"discord:1","event_id":"ntf_1","position":3,"attempt":1,"retry_in":"1m30s","at":"2026-01-02T03:04:05Z"}`, string(kept.data))
}

func TestTailShowsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	b := open(t)
	commit(t, b, "nova", "old_1")
	type line struct {
		id  string
		err error
	}
	tail := func(q Query) <-chan line {
		lines := make(chan line, 16)
		ready := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			close(ready)
			done <- b.Tail(ctx, q, func(e events.Event, s Stored) { lines <- line{e.ID, s.Err} })
		}()
		<-ready
		t.Cleanup(func() { cancel(); require.ErrorIs(t, receive(t, done), context.Canceled) })
		return lines
	}
	since := tail(Query{Since: time.Now().Add(-time.Hour)})
	require.Equal(t, line{id: "old_1"}, receive(t, since))
	commit(t, b, "nova", "new_1")
	require.Equal(t, line{id: "new_1"}, receive(t, since))
	only := tail(Query{Agents: []string{"Bob"}, Events: []string{"notification.*"}, Since: time.Now().Add(-time.Hour)})
	commit(t, b, "bob", "new_2")
	require.Equal(t, line{id: "new_2"}, receive(t, only))
	require.Equal(t, line{id: "new_2"}, receive(t, since))

	_, err := b.js.Publish(t.Context(), "ia.put.event.bob.notification.follow", []byte("{"))
	require.NoError(t, err)
	require.Error(t, receive(t, since).err, "poison is shown as such")
	require.Error(t, b.Tail(t.Context(), Query{Agents: []string{""}}, nil))
}

func TestRecordsOfTheOldHalfAreWrittenAnew(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *Options) { o.Store = 1 << 20 })
	l := lane(t, b, LaneSpec{Subscription: "quiet"})
	rev, err := b.Commit(t.Context(), "quiet", "s", nil, []byte("keep me"), 0)
	require.NoError(t, err)
	other := lane(t, b, LaneSpec{Subscription: "busy"})
	big := make([]byte, 60<<10)
	for range 40 { // several times what fits
		_, err := b.js.Publish(t.Context(), "ia.put.event.x.notification.other", big)
		require.NoError(t, err)
		r := other.Record()
		r.Reason = string(make([]byte, 1000))
		require.NoError(t, other.Save(t.Context(), r))
		_, err = b.js.Publish(t.Context(), "ia.dead.busy", big[:20<<10])
		require.NoError(t, err)
		b.refresh(t.Context())

	}
	cursor, now, err := b.Load(t.Context(), "quiet", "s")
	require.NoError(t, err)
	require.Equal(t, "keep me", string(cursor))
	require.Greater(t, now, rev)
	m, err := b.last(t.Context(), streamDelivery, "ia.lane.quiet")
	require.NoError(t, err)
	require.NotZero(t, m.seq)
	require.NoError(t, l.Save(t.Context(), l.Record()))
}

func TestNearlyFullStreamIsToldOnce(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *Options) { o.Store = 1 << 20 })
	told := map[string]bool{}
	heard, err := b.nc.SubscribeSync("ia.status.nats")
	require.NoError(t, err)
	b.alarm(t.Context(), told)
	big := make([]byte, 60<<10)
	for range 9 {
		_, err := b.js.Publish(t.Context(), "ia.put.event.x.notification.other", big)
		require.NoError(t, err)
	}
	b.alarm(t.Context(), told)
	b.alarm(t.Context(), told)
	s, err := b.js.Stream(t.Context(), streamEvents)
	require.NoError(t, err)
	require.NoError(t, s.Purge(t.Context()))
	b.alarm(t.Context(), told)
	m, err := heard.NextMsg(soon)
	require.NoError(t, err)
	require.Contains(t, string(m.Data), `"degraded","reason":"IA_EVENTS fills 8`)
	m, err = heard.NextMsg(soon)
	require.NoError(t, err)
	require.Contains(t, string(m.Data), `"ok","reason":"IA_EVENTS has room again."`)
}

func TestOwnerDoesNotNoticeThatItsCursorWasWrittenAnew(t *testing.T) {
	t.Parallel()
	b := open(t)
	rev, err := b.Commit(t.Context(), "nova", "s", nil, []byte("1"), 0)
	require.NoError(t, err)
	b.refreshCursor(t.Context(), "nova.s", rev)
	b.refreshCursor(t.Context(), "nova.s", b.cursors.known["nova.s"].revision)
	_, err = b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_1"), []byte("2"), rev)
	require.NoError(t, err)
}
