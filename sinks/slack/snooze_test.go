package slack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// TestADigestIsSnoozedFromItsCard: who presses is answered privately, and the card
// stays as it is for the others.
func TestADigestIsSnoozedFromItsCard(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, func(command.Request) command.Answer {
			return command.Answer{OK: true, Private: true, Reply: command.Reply{Text: "Paused."}}
		}, nil)
		n := d.note(1)
		n.Event.Data, n.Message = nil, bridge.Message{
			Title: "2 things happened", Quotes: []bridge.Quote{{Label: "a"}, {Label: "b"}},
			Actions: []bridge.Action{{Label: "Snooze 1 h", Command: "subscribe pause", Args: map[string]string{"subscription": "public-abcdef", "until": "1h"}}},
		}
		card := d.must(n)
		before := d.fake.Screen(d.channel)
		r, err := d.fake.Click(d.ann, d.channel, card.Message, "Snooze 1 h")
		require.NoError(t, err)
		require.True(t, r.Acked)
		require.Equal(t, d.ann, d.seen(d.channel, 1).Ephemeral)
		require.Equal(t, map[string]any{"subscription": "public-abcdef", "until": "1h"}, d.hands.effects()[0].Values)
		require.Contains(t, d.fake.Screen(d.channel), before)
		d.clean()
	})
}
