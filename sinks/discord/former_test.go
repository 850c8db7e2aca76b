package discord

import (
	"strconv"
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
		require.Equal(t, tc.want, r.Receipt.Message, name)
	}
	require.LessOrEqual(t, reads()-first, 3, "each place is read once")
}

// F18: of a digest each of its events is known to be told, of a message that more is
// folded into those that are.
func TestF18_WhatAFormerRunToldAmongOthersIsFound(t *testing.T) {
	t.Parallel()
	st, _, _ := conversing(t, fakediscord.Options{})
	began := time.Now().Add(-time.Minute)
	asked := func(id string) bridge.Delivery {
		d := commented(st, id, "hm")
		d.Key, d.Message = bridge.Key("team", id, d.To, 0, 0), bridge.Message{Title: id}
		return d
	}
	told := func(ids ...string) (out bridge.Told) {
		for _, id := range ids {
			key := asked(id).Key
			out.Keys = append(out.Keys, key[len(key)-7:])
		}
		return out
	}
	fold := func(id string, version int, ids ...string) bridge.Delivery {
		d := asked(id)
		d.Message = bridge.Message{Title: "liked", UpdateKey: "fold:p", Version: version, Final: true, Author: &bridge.Author{Name: "Nova", URL: site + "/agent/nova"}}
		d.Told = told(ids...)
		return d
	}
	grown := fold("l1", 1, "l1")
	r, _ := st.patient(t.Context(), st.sink, grown)
	grown = fold("l3", 3, "l1", "l2", "l3")
	grown.Replaces = r
	st.patient(t.Context(), st.sink, grown)
	var many []string
	for i := range 250 {
		many = append(many, "n"+strconv.Itoa(i))
	}
	digest := asked("digest")
	digest.Told = told(many...)
	digest.Told.From, digest.Told.Until = began, time.Now()
	_, _ = st.patient(t.Context(), st.sink, digest)

	during := bridge.Former{From: began, Until: time.Now()}
	after := bridge.Former{From: time.Now().Add(time.Minute), Until: time.Now().Add(time.Hour)}
	replacing := fold("l2", 2, "l2")
	replacing.Replaces = r
	for name, tc := range map[string]struct {
		d    bridge.Delivery
		span bridge.Former
		want bridge.Sighting
	}{
		"the first of a digest":            {asked("n0"), during, bridge.Sighting{Told: true}},
		"the last of it":                   {asked("n249"), during, bridge.Sighting{Told: true}},
		"another event":                    {asked("n250"), during, bridge.Sighting{}},
		"told in a fold":                   {fold("l2", 2), during, bridge.Sighting{Told: true, Receipt: bridge.Receipt{Message: r.Message, Version: 3}}},
		"of the same thing, and not told":  {fold("l4", 4), during, bridge.Sighting{Receipt: bridge.Receipt{Message: r.Message, Version: 3}}},
		"told in a fold, asked by itself":  {asked("l3"), during, bridge.Sighting{Told: true}},
		"in a message from before it":      {replacing, after, bridge.Sighting{Told: true, Receipt: bridge.Receipt{Message: r.Message, Version: 3}}},
		"of a message that is not there":   {func() bridge.Delivery { d := replacing; d.Replaces.Message = "7"; return d }(), bridge.Former{From: after.Until, Until: after.Until}, bridge.Sighting{}},
		"in a span that ends, asked later": {asked("n9"), bridge.Former{From: began, Until: after.Until}, bridge.Sighting{Told: true}},
	} {
		seen, err := st.sink.Sent(t.Context(), tc.d, tc.span)
		require.NoError(t, err, name)
		require.Equal(t, tc.want.Told, seen.Told, name)
		require.Equal(t, tc.want.Receipt.Message, seen.Receipt.Message, name)
		require.Equal(t, tc.want.Receipt.Version, seen.Receipt.Version, name)
	}
	st.faultless()
}
