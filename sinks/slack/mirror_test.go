package slack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// T5: what somebody repeats word for word is not sent on by itself; a person's
// press sends it.
func TestT5_WhatARepeaterSaysIsNotSentOn(t *testing.T) {
	t.Parallel()
	const words = "I am away until Monday, nine o'clock."
	actor := events.Agent{ID: "a1", Handle: "nova_ai", Name: "Nova"}
	d := openDoor(t, "http", fine, nil)
	e := events.New("https://imagineanything.com", "orbit_bot", "msg_1", "s", time.Now(), events.MessageReceived{
		Actor: actor, Message: events.Message{ID: "m1", Content: words, Sender: actor}, Conversation: events.Conversation{ID: "cv3", Participant: actor},
	})
	card := d.must(bridge.Delivery{Key: "k1", To: bridge.Destination{Scheme: "slack", Place: d.channel}, Event: e, Message: bridge.Layout(e), Attempt: 1})
	ts := d.fake.Say(d.ann, d.channel, card.Message, words)
	d.until(func() bool { return len(d.reactions(ts)) > 0 })
	require.Equal(t, []string{"x"}, d.reactions(ts))
	require.Empty(t, d.hands.effects())
	var told fakeslack.Message
	d.until(func() bool {
		for _, m := range d.fake.Messages(d.channel) {
			if m.Ephemeral == d.ann {
				told = m
			}
		}
		return told.TS != ""
	})
	require.Contains(t, told.Text, "word for word")
	_, err := d.fake.Click(d.ann, d.channel, told.TS, "Send it anyway")
	require.NoError(t, err)
	d.until(func() bool { return len(d.hands.effects()) == 1 })
	require.Equal(t, map[string]any{"conversation": "cv3", "text": words}, d.hands.effects()[0].Values)
	ts = d.fake.Say(d.ann, d.channel, card.Message, "Then until Monday it is.")
	d.until(func() bool { return len(d.reactions(ts)) > 0 })
	require.Equal(t, []string{"white_check_mark"}, d.reactions(ts))
	d.clean()
}
