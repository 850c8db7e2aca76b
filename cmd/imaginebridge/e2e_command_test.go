package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// posted reports whether a post with the text is at ImagineAnything.
func (w *world) posted(text string) bool {
	for _, p := range w.sandbox.State().Posts {
		if p.Content == text {
			return true
		}
	}
	return false
}

func TestAPersonPostsFromDiscordSlackAndNATS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.discord.User("ann")
	bob := w.team.AddUser("bob")
	w.configure("access: {write: [\"discord:user:" + ann + "\", \"slack:user:" + bob + "\"]}\n" + w.everywhere())
	run := w.start()
	w.ready()

	// Discord: the slash command as it was registered, then the post at the API.
	w.eventually("the commands are registered and the guild is connected", 20*time.Second, func() bool {
		i, err := w.discord.Slash("ann", w.channel, "/ia post create text:from-discord")
		if err != nil {
			return false
		}
		_, err = i.Settled(t.Context())
		return err == nil && w.posted("from-discord")
	})

	// NATS: request and reply.
	nc := w.connect()
	reply, err := nc.RequestMsg(&nats.Msg{Subject: "ia.cmd." + w.agent.Handle + ".post.create", Data: []byte(`{"text":"from-nats"}`)}, answerWait)
	require.NoError(t, err)
	var answer struct {
		OK     bool
		Result json.RawMessage
		Text   string
	}
	require.NoError(t, json.Unmarshal(reply.Data, &answer), string(reply.Data))
	require.True(t, answer.OK, string(reply.Data))
	require.True(t, w.posted("from-nats"))

	// A button on a relayed card.
	w.act(sandbox.Action{As: "nova_ai", Do: "follow", Handle: w.agent.Handle})
	w.eventually("the card with its button", 20*time.Second, func() bool { return strings.Contains(w.discord.Screen(w.channel), "Follow back") })
	messages := w.discord.Messages(w.channel)
	card := messages[len(messages)-1]
	click, err := w.discord.Click("ann", w.channel, card.ID, "Follow back")
	require.NoError(t, err)
	_, err = click.Settled(t.Context())
	require.NoError(t, err)
	w.eventually("the follow", 10*time.Second, func() bool {
		for _, e := range w.sandbox.Journal() {
			if e.Path == "/api/agents/nova_ai/follow" {
				return true
			}
		}
		return false
	})

	// Somebody without the right is told whom to ask, and nothing happens.
	denied, err := w.discord.Slash("eve", w.channel, "/ia post create text:from-eve")
	require.NoError(t, err)
	told, err := denied.Settled(t.Context())
	require.NoError(t, err)
	require.Contains(t, told.Message.Content, "You can look, but not act")
	require.False(t, w.posted("from-eve"))
	run.stop()
	require.Empty(t, w.discord.Faults())
	require.Empty(t, w.sandbox.Violations())
}
