package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// B53, S31: who subscribes in a channel that the app is not in is told to invite it,
// and presses a button then: in a public channel, and in a private one, which Slack
// hides from the app.
func TestB53_TryAgainAfterTheInvitation(t *testing.T) {
	t.Parallel()
	m := &matrix{world: installable(t)}
	base := "http://" + m.web
	m.slack.SetDeliver(fakeslack.Deliver{CommandsURL: base + "/slack/commands", InteractionsURL: base + "/slack/interactions", EventsURL: base + "/slack/events", AckWithin: answerWait})
	acme := m.slack.AddEmptyWorkspace("acme")
	m.running = m.start()
	m.ready()
	m.nc = m.connect()
	_, err := m.nc.Subscribe("ia.audit.>", m.trail.hear)
	require.NoError(t, err)
	require.NoError(t, m.nc.Flush())
	page, err := m.slack.Install(t.Context(), fakeslack.Install{
		URL: "http://" + m.web + "/slack/install", Workspace: acme.ID, // without chat:write.public, with which nobody need invite it
		Scopes: []string{"chat:write", "commands", "links:read", "links:write", "im:history", "channels:read", "groups:read"},
	})
	require.NoError(t, err)
	require.Equal(t, 200, page.Status, page.Body)
	m.connects(acme, m.agent.ClientID, m.agent.ClientSecret)
	for name, channel := range map[string]string{"alerts": acme.AddForeignChannel("alerts"), "desk": acme.AddPrivateChannel("desk")} {
		m.slack.Kick(channel)
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(m.slack.Screen(channel))
			}
		})
		m.world.types(acme.Owner, channel, "/ia subscribe add --name "+name+" --events notification.mention,notification.like")
		tried := func(n int) func() bool {
			return func() bool {
				entries := m.trail.those(func(h heard) bool { return h.Place == channel && h.Verb == "add" })
				return len(entries) == n && strings.Contains(m.slack.Screen(channel), "then press [Try again].")
			}
		}
		m.eventually("what to do", answerWait, tried(1))
		golden.Equal(t, "testdata/notice/B53_uninvited_"+name+".golden", []byte(m.slack.Screen(channel)))
		press := func() { // the button may give way to what it does at this moment
			m.eventually("pressed", answerWait, func() bool {
				all := m.slack.Messages(channel)
				_, err := m.slack.Click(acme.Owner, channel, all[len(all)-1].TS, "Try again")
				return err == nil
			})
		}
		press()
		m.eventually("not invited yet", answerWait, tried(2))
		m.slack.Invite(channel)
		press()
		m.eventually("subscribed", answerWait, func() bool { return strings.Contains(m.slack.Screen(channel), "Subscribed: "+name) })
		require.Contains(t, m.slack.Screen(channel), "notification.like")
	}
	m.running.stop()
}
