package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The file says whom a subscription mentions, and in which words: what arrives has
// exactly that mention and those words.
func TestAnAudienceAndOwnWordsFromTheFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	ann := w.team.AddUser("ann")
	w.configure(fmt.Sprintf(`subscriptions:
  - {name: d, events: ["notification.mention"], to: "discord:%s", template: "Called by {{.data.actor.handle}}"}
  - {name: s, events: ["notification.*"], to: "slack:%s", audience: {"notification.mention": "slack:user:%s"}}
`, w.channel, w.alerts, ann))
	run := w.start()
	w.ready()
	w.mention(1)
	w.eventually("Discord", 40*time.Second, func() bool { return len(w.discord.Messages(w.channel)) == 1 })
	w.eventually("Slack", 40*time.Second, func() bool { return len(w.slack.Messages(w.alerts)) == 1 })
	run.stop()
	require.Contains(t, w.slack.Messages(w.alerts)[0].Mentions(), ann)
	require.Len(t, w.slack.Messages(w.alerts)[0].Mentions(), 1)
	embed := w.discord.Messages(w.channel)[0].Embeds[0]
	require.True(t, strings.HasPrefix(embed.Description, "Called by "), embed.Description)
	require.Nil(t, embed.Author)
}
