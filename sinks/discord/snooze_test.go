package discord

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

func TestADigestIsSnoozedFromItsCard(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false, withActions)
	digest := commented(st, "n1", "One.")
	digest.Message = bridge.Digest([]events.Event{digest.Event, commented(st, "n2", "Two.").Event})
	digest.Message.Actions = []bridge.Action{{Label: "Snooze 1 h", Command: "subscribe pause", Args: map[string]string{"subscription": "public-abcdef", "until": "1h"}}}
	digest.Event.Data = nil
	r, _ := st.patient(t.Context(), st.sink, digest)
	in, err := st.fake.Click("ada", st.channel, r.Message, "Snooze 1 h")
	answer := st.settled(in, err)
	require.NotZero(t, answer.Message.Flags&flagPrivate, "the channel need not read who wants peace")
	require.Equal(t, []string{"subscribe pause subscription=public-abcdef until=1h"}, d.calls())
	st.faultless()
}
