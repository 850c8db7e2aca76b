package discord

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// TestP17_ASubscriptionsOwnWordsStayText: what a template makes holds words from
// outside, in its first line too.
func TestP17_ASubscriptionsOwnWordsStayText(t *testing.T) {
	t.Parallel()
	const evil = "[bank](https://evil.example) <@&1> @everyone **bold** `code`"
	e := render(bridge.Message{Event: "notification.comment", Headline: []bridge.Span{{Text: evil}}, Text: evil}, false, markOf(testNonce)).embeds[0]
	require.Contains(t, e.Description, `\[bank\](`, "no label of a link")
	require.NotContains(t, e.Description, "<@&1>")
	require.NotContains(t, e.Description, "**bold**")
}
