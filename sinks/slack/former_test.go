package slack

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// F18: an answer that a former run sent on, and that a ledger of before does not
// know, is known by the sign on it.
func TestF18_AnAnswerThatWasSentIsKnownByItsSign(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	card := d.relay()
	seen := d.fake.Say(d.ann, d.channel, card.Message, "before")
	d.until(func() bool { return len(d.reactions(seen)) > 0 })
	require.NoError(t, d.sink.Drain(t.Context()))
	d.fake.SetDeliver(fakeslack.Deliver{EventsURL: "http://127.0.0.1:1/", Retries: []time.Duration{}})
	missed := d.fake.Say(d.ann, d.channel, card.Message, "meanwhile")
	d.hands = newHands(fine) // as a copy of before has it
	require.NoError(t, d.newSink("http", nil).CatchUp(t.Context()))
	d.until(func() bool { return len(d.reactions(missed)) > 0 })
	require.Len(t, d.hands.effects(), 1)
	require.Equal(t, "meanwhile", d.hands.effects()[0].Values["text"])
}

// F18: what was posted within the span is found by its metadata, in the channel and
// in threads, whatever its message shows by now; what was not is not.
func TestF18_WhatAFormerRunPostedIsFound(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	began := time.Now().Add(-time.Minute)
	send := func(key string, change func(*bridge.Delivery)) (bridge.Delivery, bridge.Receipt) {
		out := bridge.Delivery{Key: bridge.Key("s", key, bridge.Destination{Scheme: "slack", Place: d.channel}, 0, 0), Subscription: "s", To: bridge.Destination{Scheme: "slack", Place: d.channel}, Message: bridge.Message{Title: key}}
		change(&out)
		r, err := d.sink.Send(t.Context(), out)
		require.NoError(t, err)
		return out, r
	}
	plain, posted := send("n1", func(*bridge.Delivery) {})
	job, made := send("n2", func(d *bridge.Delivery) { d.Message.UpdateKey, d.Message.Version = "job:1", 1 })
	next, _ := send("n3", func(d *bridge.Delivery) {
		d.Message.UpdateKey, d.Message.Version, d.Replaces = "job:1", 2, made
	})
	talk, inThread := send("n4", func(d *bridge.Delivery) { d.Message.ThreadKey, d.Thread = "t", posted })
	require.NoError(t, d.sink.Drain(t.Context()))
	span := bridge.Former{From: began, Until: time.Now()}
	other := plain
	other.Key = bridge.Key("s", "n9", plain.To, 0, 0)
	for name, tc := range map[string]struct {
		d    bridge.Delivery
		want string
	}{
		"in the channel":      {plain, posted.Message},
		"edited since":        {job, made.Message},
		"a later state of it": {next, made.Message},
		"in its thread":       {talk, inThread.Message},
		"of another event":    {other, ""},
	} {
		r, err := d.sink.Sent(t.Context(), tc.d, span)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, r.Receipt.Message, name)
	}
}

// F18: of a digest each of its events is known to be told, of a message that more is
// folded into those that are; a message from before the span is looked at too, for it
// may have been edited since.
func TestF18_WhatAFormerRunToldAmongOthersIsFound(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	began := time.Now().Add(-time.Minute)
	asked := func(id string) bridge.Delivery {
		to := bridge.Destination{Scheme: "slack", Place: d.channel}
		return bridge.Delivery{Key: bridge.Key("s", id, to, 0, 0), Subscription: "s", To: to, Message: bridge.Message{Title: id}}
	}
	told := func(ids ...string) (out bridge.Told) {
		for _, id := range ids {
			key := asked(id).Key
			out.Keys = append(out.Keys, key[len(key)-7:])
		}
		return out
	}
	fold := func(id string, version int, ids ...string) bridge.Delivery {
		out := asked(id)
		out.Message, out.Told = bridge.Message{Title: "liked", UpdateKey: "fold:p", Version: version, Final: true}, told(ids...)
		return out
	}
	send := func(out bridge.Delivery) bridge.Receipt {
		r, err := d.sink.Send(t.Context(), out)
		require.NoError(t, err)
		return r
	}
	r := send(fold("l1", 1, "l1"))
	grown := fold("l3", 3, "l1", "l2", "l3")
	grown.Replaces = r
	send(grown)
	var many []string
	for i := range 250 {
		many = append(many, "n"+strconv.Itoa(i))
	}
	digest := asked("digest")
	digest.Told = told(many...)
	send(digest)
	require.NoError(t, d.sink.Drain(t.Context()))

	during := bridge.Former{From: began, Until: time.Now()}
	after := bridge.Former{From: time.Now().Add(time.Minute), Until: time.Now().Add(time.Hour)}
	replacing := fold("l2", 2, "l2")
	replacing.Replaces = r
	for name, tc := range map[string]struct {
		d       bridge.Delivery
		span    bridge.Former
		told    bool
		message string
	}{
		"the first of a digest":            {asked("n0"), during, true, ""},
		"the last of it":                   {asked("n249"), during, true, ""},
		"another event":                    {asked("n250"), during, false, ""},
		"told in a fold":                   {fold("l2", 2), during, true, r.Message},
		"of the same thing, and not told":  {fold("l4", 4), during, false, r.Message},
		"told in a fold, asked by itself":  {asked("l3"), during, true, ""},
		"in a message from before it":      {replacing, after, true, r.Message},
		"in a span that ends, asked later": {asked("n9"), bridge.Former{From: began, Until: after.Until}, true, ""},
	} {
		seen, err := d.sink.Sent(t.Context(), tc.d, tc.span)
		require.NoError(t, err, name)
		require.Equal(t, tc.told, seen.Told, name)
		require.Equal(t, tc.message, seen.Receipt.Message, name)
		require.False(t, seen.Blind, name)
		if tc.message != "" {
			require.Equal(t, 3, seen.Receipt.Version, name)
		}
	}
}

// F18: without a history scope nobody can tell what was sent: asked once, and what is
// sent then says that it may be a repeat.
func TestF18_WithoutHistoryWhatMayHaveBeenSentSaysSo(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{scopes: []string{"chat:write"}})
	out := w.note(1)
	for range 3 {
		seen, err := w.sink.Sent(t.Context(), out, bridge.Former{From: time.Now().Add(-time.Minute), Until: time.Now()})
		require.NoError(t, err)
		require.Equal(t, bridge.Sighting{Blind: true}, seen)
	}
	out.Unsure = true
	_, err := w.sink.Send(t.Context(), out)
	require.NoError(t, err)
	require.Contains(t, w.fake.Screen(w.channel), "may be a repeat")
}

// What rides along may be too much for Slack: then the message goes without the list
// of what it tells, and still carries its own key.
func TestAMessageGoesWithoutTheListThatSlackRefuses(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	to := bridge.Destination{Scheme: "slack", Place: d.channel}
	out := bridge.Delivery{Key: bridge.Key("s", "n1", to, 0, 0), Subscription: "s", To: to, Message: bridge.Message{Title: "much"}}
	out.Told.Keys = []string{strings.Repeat("x", 9<<10)}
	r, err := d.sink.Send(t.Context(), out)
	require.NoError(t, err)
	out.Replaces, out.Message.Title, out.Message.Version, out.Message.Final = r, "more", 2, true
	_, err = d.sink.Send(t.Context(), out)
	require.NoError(t, err)
	shown := d.fake.Messages(d.channel)
	require.Len(t, shown, 1)
	require.Equal(t, out.Key, shown[0].Metadata.Payload["d"])
	require.NotContains(t, shown[0].Metadata.Payload, "e")
	require.Contains(t, d.fake.Screen(d.channel), "more")
}
