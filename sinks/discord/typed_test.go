package discord

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// sent is what the agent wrote into its conversation with nova, on its way into
// that conversation's thread.
func sent(st *stand, id, text string, thread bridge.Receipt) bridge.Delivery {
	luna := events.Agent{ID: "o1", Handle: "orbit_bot", Name: "Orbit"}
	d := laid(st, id, events.MessageSent{
		Actor: luna, Message: events.Message{ID: id, Content: text, Sender: luna}, Conversation: events.Conversation{ID: "v1", Participant: nova},
	})
	d.Thread = thread
	return d
}

// What a person typed in a thread does not come back there as the agent's card.
func TestTypedWordsAreNotRepeatedInTheirThread(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	reached, polled := make(chan struct{}), make(chan struct{})
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		switch q.Values["text"] {
		case "see you":
			close(reached)
			<-polled
		case "refused":
			return command.Answer{Problem: &command.Problem{Code: 403, Message: "Not delivered."}}
		case "in doubt":
			return command.Answer{Problem: &command.Problem{Code: 504, Message: "I can't tell.", Unknown: true}}
		}
		return ok("Sent.")
	}
	cards := func() (n int) {
		for _, m := range st.fake.Messages(head.Thread) {
			if len(m.Embeds) > 0 {
				n++
			}
		}
		return n
	}
	send := func(id, text string) bridge.Receipt {
		r, tries := st.patient(t.Context(), st.sink, sent(st, id, text, head))
		require.Equal(t, 1, tries)
		return r
	}
	said := st.fake.Say("ada", head.Thread, "  see you ", "", false)
	<-reached
	require.Zero(t, send("s1", "see you"), "the poller was quicker than the answer")
	close(polled)
	st.signed(head.Thread, said, signDone)
	require.Zero(t, send("s1", "see you"), "delivered again")
	require.Zero(t, cards())
	require.NotZero(t, send("s2", "see you"), "said once more, elsewhere")
	require.NotZero(t, send("s3", "other words"))
	require.Equal(t, 2, cards())

	elsewhere := sent(st, "s1", "see you", bridge.Receipt{})
	shown, _ := st.patient(t.Context(), st.sink, elsewhere)
	require.NotZero(t, shown, "in another place it is news")

	st.signed(head.Thread, st.fake.Say("ada", head.Thread, "refused", "", false), signFail)
	require.NotZero(t, send("s4", "refused"), "what did not go out is nobody's echo")
	st.signed(head.Thread, st.fake.Say("ada", head.Thread, "in doubt", "", false), signFail)
	require.Zero(t, send("s5", "in doubt"), "what may have gone out is")
	st.faultless()
}

// Files can't go into a conversation: their sender is told, and keeps the words.
func TestB42_FilesInAThreadAreRefusedAndTheWordsKept(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	cat := fakediscord.Upload{Name: "cat.png", ContentType: "image/png", Data: []byte("\x89PNG\r\n\x1a\ncat")}
	id := st.fake.Say("ada", head.Thread, "look at this", "", false, cat)
	st.signed(head.Thread, id, signFail)
	st.eventually("told why", func() bool { return len(st.fake.Messages(head.Thread)) == 2 })
	why := st.fake.Messages(head.Thread)[1]
	require.Equal(t, id, why.Reference.MessageID)
	require.Contains(t, why.Content, "an answer here carries words alone")
	require.Empty(t, d.calls())
	in, err := st.fake.Click("ada", head.Thread, why.ID, "Send the words alone")
	st.settled(in, err)
	st.eventually("sent", func() bool { return len(d.calls()) == 1 })
	require.Equal(t, "dm send conversation=v1 text=look at this", d.calls()[0])

	alone := st.fake.Say("ada", head.Thread, "", "", false, cat)
	st.signed(head.Thread, alone, signFail)
	st.eventually("told why again", func() bool { return len(st.fake.Messages(head.Thread)) == 4 })
	require.Empty(t, st.fake.Messages(head.Thread)[3].Components, "there are no words to send")

	// The menu takes words and files together.
	in, err = st.fake.MessageCommand("ada", head.Thread, id, shareMenu)
	require.Equal(t, "look at this", st.form(in, err).Components[0].Component.Value)
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		data, err := readAll(t, q.Files["files"][0])
		require.NoError(t, err)
		require.Equal(t, cat.Data, data)
		return ok("Posted.")
	}
	require.Equal(t, "Posted.", st.said(st.fake.Submit(in, nil)))
	require.Equal(t, "post create text=look at this files=1 files", d.calls()[1])
	require.Contains(t, st.said(st.fake.MessageCommand("ada", head.Thread, id, replyMenu)), "carries words alone")
	st.faultless()
}

// Where several agents could act, the thread's or the channel's does, unless
// another is named.
func TestTheChannelDecidesWhichAgentActs(t *testing.T) {
	t.Parallel()
	hall := make(chan string, 1)
	var asked []string
	st, d, head := conversing(t, fakediscord.Options{}, func(o *Options) {
		o.Agents = func(string) []string { return []string{"luna", "my_agent", "orbit_bot"} }
		o.Usual = func(channel string) string {
			if len(hall) == 1 {
				return "stranger" // reached from elsewhere
			}
			return map[bool]string{true: "luna"}[channel != ""]
		}
		o.Complete = func(_ context.Context, agent string, _ command.Source, _ string) []Choice {
			asked = append(asked, agent)
			return nil
		}
	})
	agent := func(in *fakediscord.Interaction, err error) string {
		t.Helper()
		st.settled(in, err)
		return d.last().Agent
	}
	require.Equal(t, "luna", agent(st.fake.Slash("ada", st.channel, "/ia post like post:p1")))
	require.Equal(t, "my_agent", agent(st.fake.Slash("ada", st.channel, "/ia post like post:p1 agent:my_agent")), "an explicit choice wins")
	require.Equal(t, "orbit_bot", agent(st.fake.Slash("ada", head.Thread, "/ia dm list")), "the thread is about orbit_bot")
	st.settled(st.fake.Complete("ada", st.channel, "/ia post like post:p"))
	st.settled(st.fake.Complete("ada", head.Thread, "/ia post like post:p"))
	require.Equal(t, []string{"luna", "orbit_bot"}, asked)
	hall <- "hall"
	require.Empty(t, agent(st.fake.Slash("ada", st.channel, "/ia post like post:p1")), "nobody: the runner asks which")
	st.faultless()
}

// B45: a button whose values are forgotten offers its form anew.
func TestB45_ForgottenButtonsOpenAFreshForm(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	d.answer = func(context.Context, command.Request) command.Answer {
		a := ok("Done.")
		a.Reply.Undo = &bridge.Action{Label: "Again", Command: "generate image", Args: map[string]string{"prompt": strings.Repeat("ring ", 40), "provider": "OPENAI", "form": "yes"}}
		return a
	}
	r := st.settled(st.fake.Slash("ada", st.channel, "/ia post like post:p1"))
	st.sink.notes = newLooseNotes() // as a month later
	in, err := st.fake.Click("ada", st.channel, r.Message.ID, "Again")
	old := st.settled(in, err)
	require.Equal(t, "This button is too old. Here is a fresh form:", old.Message.Content)
	require.NotZero(t, old.Message.Flags&flagPrivate)
	in, err = st.fake.Click("ada", st.channel, old.Message.ID, "Open")
	require.Equal(t, "Make an image", st.form(in, err).Title)
	st.faultless()
}

// Files wait for their form for a quarter of an hour; the words wait with the
// person.
func TestB45_FormWhoseFileIsGoneKeepsTheWords(t *testing.T) {
	t.Parallel()
	st, _ := talkative(t, fakediscord.Options{}, false)
	cat := fakediscord.Upload{Name: "cat.png", ContentType: "image/png", Data: []byte("\x89PNG\r\n\x1a\ncat")}
	said := st.fake.Say("ada", st.channel, "a cat", "", false, cat)
	in, err := st.fake.MessageCommand("ada", st.channel, said, shareMenu)
	st.form(in, err)
	st.sink.visits.mu.Lock()
	clear(st.sink.visits.held) // as after a restart
	st.sink.visits.mu.Unlock()
	in, err = st.fake.Submit(in, map[string]string{"text": "my cat"})
	gone := st.settled(in, err)
	require.Contains(t, gone.Message.Content, "The file is gone meanwhile, and the words are kept.")
	in, err = st.fake.Click("ada", st.channel, gone.Message.ID, "Open")
	require.Equal(t, "my cat", st.form(in, err).Components[0].Component.Value)
	st.faultless()
}
