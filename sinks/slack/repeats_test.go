package slack

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// conversing relays a message of a conversation, which heads its thread, and gives
// what sends on what the agent then wrote into it.
func conversing(t *testing.T, d *doors) (head bridge.Receipt, sent func(id, text string, thread bridge.Receipt) bridge.Receipt) {
	t.Helper()
	nova, orbit := events.Agent{ID: "a1", Handle: "nova_ai", Name: "Nova"}, events.Agent{ID: "o1", Handle: "orbit_bot", Name: "Orbit"}
	deliver := func(id string, p events.Payload, thread bridge.Receipt) bridge.Receipt {
		e := events.New("https://imagineanything.com", "orbit_bot", id, "cv3", time.Now(), p)
		return d.must(bridge.Delivery{
			Key: id, To: bridge.Destination{Scheme: "slack", Place: d.channel}, Event: e, Message: bridge.Layout(e), Attempt: 1, Thread: thread,
		})
	}
	about := events.Conversation{ID: "cv3", Participant: nova}
	head = deliver("m0", events.MessageReceived{Actor: nova, Message: events.Message{ID: "m0", Content: "free?", Sender: nova}, Conversation: about}, bridge.Receipt{})
	return head, func(id, text string, thread bridge.Receipt) bridge.Receipt {
		return deliver(id, events.MessageSent{Actor: orbit, Message: events.Message{ID: id, Content: text, Sender: orbit}, Conversation: about}, thread)
	}
}

// What a person typed in a thread does not come back there as the agent's card;
// what the agent wrote elsewhere does.
func TestTypedWordsAreNotRepeatedInTheirThread(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		reached, polled := make(chan struct{}), make(chan struct{})
		d := openDoor(t, door, func(q command.Request) command.Answer {
			switch q.Values["text"] {
			case "see you":
				close(reached)
				<-polled
			case "refused":
				return command.Answer{Problem: &command.Problem{Code: 403, Message: "Not delivered."}}
			case "in doubt":
				return command.Answer{Problem: &command.Problem{Code: 504, Message: "I can't tell.", Unknown: true}}
			}
			return fine(q)
		}, nil)
		head, sent := conversing(t, d)
		say := func(text string) {
			ts := d.fake.Say(d.ann, d.channel, head.Message, text)
			d.until(func() bool { return len(d.reactions(ts)) > 0 })
			require.NoError(t, d.sink.Drain(t.Context()))
		}
		d.fake.Say(d.ann, d.channel, head.Message, "  see you ")
		<-reached
		require.Zero(t, sent("s1", "see you", head), "the poller was quicker than the answer")
		close(polled)
		require.Zero(t, sent("s1", "see you", head), "a repeat of the same event")
		require.NotZero(t, sent("s2", "see you", head), "typed once, sent twice")
		for range 2 {
			say("again")
		}
		require.Zero(t, sent("s3", "again", head))
		require.Zero(t, sent("s4", "again", head))
		require.NotZero(t, sent("s5", "again", head))
		say("refused")
		require.NotZero(t, sent("s6", "refused", head), "another program of the agent's got through")
		say("in doubt")
		require.Zero(t, sent("s7", "in doubt", head))
		say("for the channel")
		require.NotZero(t, sent("s8", "for the channel", bridge.Receipt{}), "elsewhere it is shown")
		require.NotZero(t, sent("s9", "never typed here", head))
	})
}

// So it is in another process, and words that are typed very often are shown
// rather than lost.
func TestTypedWordsAreKnownToAllProcesses(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	head, _ := conversing(t, d)
	d.fake.Say(d.ann, d.channel, head.Message, "hello")
	d.until(func() bool { return len(d.hands.effects()) == 1 })
	d.sink = d.newSink("http", nil)
	_ = d.sink.web.meet(t.Context())
	_, sent := conversing(t, d)
	require.Zero(t, sent("s1", "hello", head))
	in := inbound{at: scene{team: d.team.ID, channel: d.channel, thread: head.Message}}
	q := command.Request{Values: map[string]any{"text": "ok"}}
	for n := range maxAlike {
		in.event.Event.TS = fmt.Sprintf("%d.000001", n)
		key := d.sink.wrote(t.Context(), in, q)
		require.NotEmpty(t, key)
		require.Equal(t, key, d.sink.wrote(t.Context(), in, q), "begun again after a crash")
	}
	in.event.Event.TS = "99.000001"
	require.Empty(t, d.sink.wrote(t.Context(), in, q))
}
