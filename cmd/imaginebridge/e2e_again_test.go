package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

const noPermission = 50013 // Discord: "Missing Permissions"

// The owner's notice of a closed channel holds the button that has it looked at
// now: it tells that nothing changed, or that it works again, and what waited
// follows without waiting for the hour.
func TestB54_TheNoticeOfAClosedChannelHasItLookedAtNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	ann, bob := w.discord.User("ann"), w.team.AddUser("bob")
	desk, office := w.discord.Channel(w.discord.Guild("Office"), "desk"), w.team.AddChannel("office")
	w.configure("access: {write: [\"discord:user:" + ann + "\", \"slack:user:" + bob + `"]}
subscriptions:
  - {name: d, events: ["notification.*"], to: "discord:` + w.channel + `", notify: "discord:` + desk + `"}
  - {name: s, events: ["notification.*"], to: "slack:` + w.alerts + `", notify: "slack:` + office + `"}
`)
	text, err := os.ReadFile(w.file())
	require.NoError(t, err)
	text = []byte(strings.Replace(string(text), "slack: {", "slack: {app_token: "+w.slack.AppToken()+", ", 1))
	require.NoError(t, os.WriteFile(w.file(), text, 0o600))
	closed := w.discord.Inject(fakediscord.Rule{
		Route: "POST /channels/{channel_id}/messages", Effect: fakediscord.Refuse(noPermission),
		Match: func(r fakediscord.Request) bool { return strings.Contains(r.Path, w.channel) },
	})
	uninvited := w.slack.Inject(fakeslack.Trouble{Method: "chat.postMessage", Channel: w.alerts, Kind: fakeslack.Refused, Error: "not_in_channel"})
	run := w.start()
	w.ready()
	w.mention(1)
	changing := regexp.MustCompile(`#ib-\w+|<!date[^>]*>|\d{4}-\d\d-\d\dT[\d:.]+Z`)
	plain := func(screen string) []byte { return []byte(changing.ReplaceAllString(screen, "…")) }
	w.eventually("a notice at Discord", answerWait, func() bool { return strings.Contains(w.discord.Screen(desk), "Subscription d is suspended") })
	golden.Equal(t, "testdata/notice/B54_may_not_send.golden", plain(w.discord.Screen(desk)))
	w.eventually("a notice at Slack", answerWait, func() bool { return strings.Contains(w.slack.Screen(office), "Subscription s is suspended") })
	golden.Equal(t, "testdata/notice/B53_not_invited.golden", plain(w.slack.Screen(office)))

	pressed := func(want string) {
		t.Helper()
		in, err := w.discord.Click("ann", desk, w.discord.Messages(desk)[0].ID, "Check")
		require.NoError(t, err)
		w.eventually(want, answerWait, func() bool {
			r, err := in.Settled(t.Context())
			return err == nil && r.Message != nil && strings.Contains(textOf(t, r.Message), want)
		})
		_, err = w.slack.Click(bob, office, w.slack.Messages(office)[0].TS, "Try again")
		require.NoError(t, err)
		w.eventually(want, answerWait, func() bool { return strings.Contains(w.slack.Screen(office), want) })
	}
	pressed("Not resumed:")
	closed.Stop()
	uninvited.Stop()
	pressed("It works again:")
	w.eventually("what waited", answerWait, func() bool { return len(w.atDiscord()) == 1 && len(w.atSlack()) == 1 })
	w.eventually("that it works", answerWait, func() bool {
		return strings.Contains(w.discord.Screen(desk), "Subscription d works again") && strings.Contains(w.slack.Screen(office), "Subscription s works again")
	})
	run.stop()
}
