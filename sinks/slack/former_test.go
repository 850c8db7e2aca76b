package slack

import (
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
		require.Equal(t, tc.want, r.Message, name)
	}
}
