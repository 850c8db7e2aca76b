package slack

import (
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// TestP17_ASubscriptionsOwnWordsStayText: what a template makes holds words from
// outside, in its first line too.
func TestP17_ASubscriptionsOwnWordsStayText(t *testing.T) {
	t.Parallel()
	const evil = "<!here> <https://evil.example|bank> <@U1> *bold*"
	d := bridge.Delivery{Message: bridge.Message{Event: "notification.comment", Headline: []bridge.Span{{Text: evil}}, Text: evil}}
	first, ok := binder{}.render(d, full, false).blocks[0].(*slackgo.SectionBlock)
	require.True(t, ok)
	require.NotContains(t, first.Text.Text, "<!here>")
	require.NotContains(t, first.Text.Text, "<https")
	require.NotContains(t, first.Text.Text, "<@U1>")
	require.Contains(t, first.Text.Text, "bank")
	require.NotContains(t, binder{}.render(d, textOnly, false).text, "<!here>")
}
