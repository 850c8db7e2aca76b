package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// TestEachReaderIsAnsweredInTheirLanguage: German where Discord, Slack, a NATS
// header or the terminal's environment says so, English for who reads French. The
// machine's words stay.
func TestEachReaderIsAnsweredInTheirLanguage(t *testing.T) {
	t.Parallel()
	const german, english = "Ich finde diesen Beitrag nicht.", "I can't find that post."
	w := newWorld(t)
	w.team = w.slack.AddWorkspace("haus", "chat:write", "commands", "channels:history", "channels:read", "users:read")
	w.alerts = w.team.AddChannel("alerts")
	bea, fay := w.team.AddUser("bea"), w.team.AddUser("fay")
	w.slack.Settle(bea, "Europe/Berlin", "de-DE")
	w.slack.Settle(fay, "Europe/Paris", "fr-FR")
	w.discord.Settle("ann", "de")
	w.discord.Settle("eve", "fr")
	w.configure("access: {write: [\"discord:user:" + w.discord.User("ann") + "\", \"slack:user:" + bea + "\"]}\n" +
		"subscriptions: [{name: d, events: [\"notification.*\"], to: \"discord:" + w.channel + "\"}, {name: s, events: [\"notification.*\"], to: \"slack:" + w.alerts + "\"}]\n")
	run := w.startWith([]string{"SLACK_APP_TOKEN=" + w.slack.AppToken()}, "run")
	w.ready()
	w.eventually("Slack's sockets are open", 20*time.Second, func() bool { return w.slack.Sockets() > 0 })

	for person, want := range map[string]string{"ann": german, "eve": english} {
		w.eventually("an answer at Discord", 20*time.Second, func() bool {
			i, err := w.discord.Slash(person, w.channel, "/ia post show post:cmnosuchpost")
			if err != nil {
				return false // not registered yet
			}
			r, err := i.Settled(t.Context())
			return err == nil && r.Message != nil && strings.Contains(r.Message.Content, want)
		})
	}
	room := w.team.AddChannel("languages")
	for person, want := range map[string]string{bea: german, fay: english} {
		_, err := w.slack.Slash(person, room, "/ia post show cmnosuchpost")
		require.NoError(t, err)
		w.eventually("an answer at Slack", 20*time.Second, func() bool {
			for _, m := range w.slack.Messages(room) {
				if m.Ephemeral == person && strings.Contains(m.Text, want) {
					return true
				}
			}
			return false
		})
	}
	// A generation's life, in the language of who started it.
	_, err := w.discord.Slash("ann", w.channel, "/ia generate music prompt:a-waltz")
	require.NoError(t, err)
	w.eventually("the generation's end at Discord", 40*time.Second, func() bool { return strings.Contains(w.discord.Screen(w.channel), "Musik fertig") })
	require.NotContains(t, w.discord.Screen(w.channel), "Music ready")
	_, err = w.slack.Slash(bea, room, "/ia music a tango")
	require.NoError(t, err)
	w.eventually("the generation's end at Slack", 40*time.Second, func() bool { return strings.Contains(w.slack.Screen(room), "Musik mit ElevenLabs") })
	require.NotContains(t, w.slack.Screen(room), "made music")
	nc := w.connect()
	for locale, want := range map[string]string{"de-AT, en;q=0.5": german, "fr": english, "": english} {
		m := nats.NewMsg("ia.cmd." + w.agent.Handle + ".post.show")
		m.Data = []byte(`{"post":"cmnosuchpost"}`)
		m.Header.Set("Accept-Language", locale)
		reply, err := nc.RequestMsg(m, answerWait)
		require.NoError(t, err)
		var answer struct {
			Error struct{ Status, Message, Field string }
		}
		require.NoError(t, json.Unmarshal(reply.Data, &answer), string(reply.Data))
		require.Equal(t, "not_found", answer.Error.Status)
		require.Equal(t, "post", answer.Error.Field)
		require.Contains(t, answer.Error.Message, want)
	}
	run.stop()
	require.Empty(t, w.discord.Faults())
	require.Empty(t, w.slack.Faults())
}
