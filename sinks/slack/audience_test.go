package slack

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// called is a message with an audience, whose words from outside call others.
func called(t *testing.T) bridge.Delivery {
	t.Helper()
	var d bridge.Delivery
	for k := range events.Kinds() {
		if k.Name() == "notification.mention" {
			d = deliver(k)
		}
	}
	d.Message.Text = "<!here> <!subteam^S9> <@U9> come here"
	d.Mentions = []bridge.Mention{
		{Kind: bridge.MentionGroup, ID: "S1"},
		{Kind: bridge.MentionUser, ID: "U1"},
		{Kind: bridge.MentionRole, ID: "123"},
		{Kind: bridge.MentionUser, ID: "U1> <!here"},
	}
	return d
}

func TestP17_AnAudienceIsCalledAndNobodyElse(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		d := called(t)
		d.To.Place = w.channel
		r := w.must(d)
		m := w.shown()[0]
		require.Equal(t, []string{"subteam:S1", "U1"}, m.Mentions())
		d.Mentions, d.Replaces, d.Message.Text = nil, r, d.Message.Text+" again"
		w.must(d)
		require.Empty(t, w.shown()[0].Mentions())
		w.clean()
	})
	said := binder{}.render(called(t), textOnly, false).text
	require.True(t, strings.HasPrefix(said, "<!subteam^S1> <@U1>\n"), said)
	require.NotContains(t, said, "<@U9")
	require.NotContains(t, said, "<!subteam^S9")
}

func TestAnAudienceLeavesTheTextInsideItsLimit(t *testing.T) {
	t.Parallel()
	d := called(t)
	d.Message.Text, d.Message.Link = strings.Repeat("<", 6000), "https://x.example/"+strings.Repeat("y", 900)
	require.LessOrEqual(t, utf8.RuneCountInString(binder{}.render(d, textOnly, true).text), maxFallback)
}

func TestCheckSaysWhoCantBeMentioned(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{scopes: append(slices.Clone(allScopes), scopeUsers)}, func(w *world) {
		ann := w.team.AddUser("ann")
		var got []string
		for _, f := range w.sink.CheckAudience(w.Context(), []bridge.Mention{{Kind: bridge.MentionUser, ID: ann}, {Kind: bridge.MentionUser, ID: "U0NOBODY"}, {Kind: bridge.MentionGroup, ID: "S1"}}) {
			got = append(got, string(f.Level)+": "+strings.ReplaceAll(f.Problem, ann, "ANN")+" "+f.Remedy)
		}
		require.Equal(t, []string{
			"good: the person ANN can be mentioned ",
			"problem: There is no person U0NOBODY in this workspace. Open the person's profile, ⋮, Copy member ID.",
			"notice: I can't see whether there is a group S1: Slack calls nobody where there is none. Add usergroups:read under OAuth & Permissions, Bot Token Scopes, and reinstall the app to the workspace.",
		}, got)
	})
}
