package discord

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// F18: an answer that a former run sent on, and that a ledger of before does not
// know, is known by the sign on it.
func TestF18_AnAnswerThatWasSentIsKnownByItsSign(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	before := st.fake.Say("ada", head.Thread, "before", "", false)
	st.signed(head.Thread, before, signDone)
	st.stop()
	require.NoError(t, st.sink.notes.PutNote(t.Context(), seenNote(head.Thread), []byte("1"))) // as a copy of before has it
	after := st.fake.Say("ada", head.Thread, "after", "", false)
	st.run()
	st.signed(head.Thread, after, signDone)
	require.Equal(t, []string{"dm send conversation=v1 text=before", "dm send conversation=v1 text=after"}, d.calls())
	st.faultless()
}

// F18: what was posted within the span is found by its mark, in the channel and in
// threads, whatever its message shows by now; what was not is not.
func TestF18_WhatAFormerRunPostedIsFound(t *testing.T) {
	t.Parallel()
	st, _, head := conversing(t, fakediscord.Options{})
	began := time.Now().Add(-time.Minute)
	plain := commented(st, "n1", "hm")
	plain.Message.ThreadKey, plain.Message.Thread = "", ""
	posted, _ := st.patient(t.Context(), st.sink, plain)
	job := commented(st, "n2", "a picture")
	job.Message.UpdateKey, job.Message.Version, job.Message.ThreadKey, job.Message.Thread = "job:1", 1, "", ""
	made, _ := st.patient(t.Context(), st.sink, job)
	next := job
	next.Key, next.Replaces, next.Message.Version = bridge.Key("s", "n3", job.To, 0, 0), made, 2
	st.patient(t.Context(), st.sink, next)
	talk := direct(st, "m1", "more")
	talk.Thread = head
	inThread, _ := st.patient(t.Context(), st.sink, talk)
	require.Equal(t, head.Thread, inThread.Channel)

	span := bridge.Former{From: began, Until: time.Now()}
	reads := func() (n int) {
		for _, r := range st.fake.Requests() {
			if r.Route == "GET /channels/{channel_id}/messages" {
				n++
			}
		}
		return n
	}
	first := reads()
	for name, tc := range map[string]struct {
		d    bridge.Delivery
		want string
	}{
		"in the channel":        {plain, posted.Message},
		"edited since":          {job, made.Message},
		"a later state of it":   {next, made.Message},
		"in its thread":         {talk, inThread.Message},
		"of another event":      {commented(st, "n9", "hm"), ""},
		"to another place":      {func() bridge.Delivery { d := plain; d.To.Place = "7"; return d }(), ""},
		"by another generation": {func() bridge.Delivery { d := plain; d.Generation = 1; return d }(), ""},
	} {
		r, err := st.sink.Sent(t.Context(), tc.d, span)
		if name == "to another place" {
			e, typed := err.(*bridge.SendError) //nolint:errorlint // Sent returns no other
			require.True(t, typed, name)
			require.Equal(t, bridge.Gone, e.Verdict, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, tc.want, r.Message, name)
	}
	require.LessOrEqual(t, reads()-first, 3, "each place is read once")
}
