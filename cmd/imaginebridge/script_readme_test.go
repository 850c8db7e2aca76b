package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the README tells a new user to set and to press is what the scripts set and
// press.
func TestScriptsFollowTheREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for section, scripts := range map[string][]string{"Discord": {"discord", "discord_channel"}, "Slack": {"slack"}} {
		_, text, ok := strings.Cut(string(readme), "\n### "+section+"\n")
		require.True(t, ok, section)
		text, _, _ = strings.Cut(text, "\n### ")
		var all strings.Builder
		for _, name := range scripts {
			script, err := os.ReadFile("testdata/script/" + name + ".txtar")
			require.NoError(t, err)
			all.Write(script)
		}
		steps := 0
		for _, step := range regexp.MustCompile(`export ([A-Z_]+)=|→ \*\*([^*]+)\*\*|Press \*\*([^*]+)\*\*|(deploy/slack/[a-z-]+\.json)`).FindAllStringSubmatch(text, -1) {
			what := strings.Join(step[1:], "")
			if what == "Bot" || what == "DISCORD_BOT_TOKEN" { // in Discord's portal, which is no page of ours
				continue
			}
			require.Contains(t, all.String(), what, "%s: a step of the README", section)
			steps++
		}
		require.GreaterOrEqual(t, steps, 3, section)
	}
}
