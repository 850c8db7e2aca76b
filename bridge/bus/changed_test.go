package bus

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// TestF70_APurgeFromOutsideIsAGap: what somebody took out of the stream by hand is
// counted like what retention took.
func TestF70_APurgeFromOutsideIsAGap(t *testing.T) {
	t.Parallel()
	for name, what := range map[string][]jetstream.StreamPurgeOpt{
		"the events": {jetstream.WithPurgeSubject(allEvents)}, "all of it, with the cursors": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			run(t, b)
			l := lane(t, b, LaneSpec{Subscription: "team"})
			happen(t, b, "nova", 1, 1)
			first := next(t, l, 0)
			happen(t, b, "nova", 2, 400)
			require.Eventually(t, func() bool { return l.Lag() == 400 }, soon, step)
			at := first.Position
			for i := 2; i <= 300; i++ { // what lies ready in the lane goes before
				e := next(t, l, at)
				require.Zero(t, e.Skipped)
				at = e.Position
			}
			s, err := b.js.Stream(t.Context(), streamEvents)
			require.NoError(t, err)
			require.NoError(t, s.Purge(t.Context(), what...))
			happen(t, b, "nova", 401, 401)
			got, skipped := 300, uint64(0)
			for id := ""; id != "nova_401"; {
				e := next(t, l, at)
				id, at = idOf(t, e.Data), e.Position
				skipped += e.Skipped
				require.False(t, e.AtMost)
				got++
			}
			require.Equal(t, 401, got+int(skipped), "each is shown or told")
		})
	}
}

// TestF70_WhatOthersChangedIsBroughtBack: a process that begins finds the streams in
// another form than its own.
func TestF70_WhatOthersChangedIsBroughtBack(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	for name, change := range map[string]func(*jetstream.StreamConfig){
		streamEvents:   func(c *jetstream.StreamConfig) { c.MaxBytes, c.MaxAge = 1<<20, time.Hour },
		streamDelivery: func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 },
		streamAudit:    func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "ia.other.>") },
	} {
		s, err := a.js.Stream(t.Context(), name)
		require.NoError(t, err)
		before := s.CachedInfo().Config
		changed := before
		changed.Subjects = append([]string{}, before.Subjects...)
		change(&changed)
		_, err = a.js.UpdateStream(t.Context(), changed)
		require.NoError(t, err)
		second(t, a)
		s, err = a.js.Stream(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, before, s.CachedInfo().Config)
	}
}

func TestF70_AStreamThatIsGoneIsToldAndMadeAtTheNextStart(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	in, err := a.Info(t.Context())
	require.NoError(t, err)
	require.Empty(t, a.lacking(t.Context()))
	require.NoError(t, a.js.DeleteStream(t.Context(), "KV_"+bucketLedger))
	require.Equal(t, []string{"KV_" + bucketLedger}, a.lacking(t.Context()))
	told := map[string]bool{}
	for range 2 {
		a.tellLacking(t.Context(), told)
	}
	require.Len(t, told, 1)
	require.EqualValues(t, 1, counted(t, a, "ia.status.nats"), "told once")
	b, err := Open(t.Context(), Options{URL: in.URL, Creds: in.AdminFile, Store: a.opts.Store})
	require.NoError(t, err)
	closeBus(t, b)
	require.Empty(t, a.lacking(t.Context()))
}

func TestF70_AStreamOfAnotherKindIsRefusedByName(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	require.NoError(t, a.js.DeleteStream(t.Context(), streamAudit))
	_, err := a.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: streamAudit, Subjects: []string{"ia.audit.>"}, Retention: jetstream.WorkQueuePolicy})
	require.NoError(t, err)
	in, err := a.Info(t.Context())
	require.NoError(t, err)
	_, err = Open(t.Context(), Options{URL: in.URL, Creds: in.AdminFile})
	requireState(t, err, Mismatch)
	require.ErrorContains(t, err, streamAudit)
}

// TestF70_ASecondWriterMovesNoCursorUnnoticed: whoever else writes there, the commit
// of a cursor that moved meanwhile is refused as a whole.
func TestF70_ASecondWriterMovesNoCursorUnnoticed(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	commit(t, b, "nova", "ntf_1")
	_, rev, err := b.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	_, err = b.js.PublishMsg(t.Context(), &nats.Msg{Subject: "ia.put.cursor.nova.notifications", Data: []byte(`{"at":"theirs"}`)})
	require.NoError(t, err)
	_, err = b.Commit(t.Context(), "nova", "notifications", evs("nova", "ntf_2"), []byte(`{"at":"ntf_2"}`), rev)
	require.ErrorIs(t, err, bridge.ErrFenced)
	require.Equal(t, []string{"ntf_1"}, storedIDs(t, b))
	cursor, _, err := b.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	require.JSONEq(t, `{"at":"theirs"}`, string(cursor))
}
