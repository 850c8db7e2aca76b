package slack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Whoever is let in is known by their id: a name can be anybody's.
func TestAMentionOfWhomToListKeepsItsID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"access allow write <@U0ABC123|ann.smith>":       "@U0ABC123",
		"access allow may:write who:<@W0ABC123|ann>":     "@W0ABC123",
		"access allow write <@U0ABC123>":                 "@U0ABC123",
		"access allow write &lt;@U0ABC123|ann&gt;":       "<@U0ABC123|ann>", // typed, and no mention
		"access allow write <!subteam^S0ABC123|@office>": "slack:group:S0ABC123",
	} {
		line, p := command.ParseLine(language.Speaker{}, decodeText(byID(text)), nil)
		require.Nil(t, p, text)
		require.Equal(t, want, line.Values["who"], text)
	}
}
