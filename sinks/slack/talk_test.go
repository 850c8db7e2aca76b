package slack

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// reactions of the message at ts.
func (d *doors) reactions(ts string) []string {
	for _, m := range d.fake.Messages(d.channel) {
		if m.TS == ts {
			return m.Reactions
		}
	}
	return nil
}

// S25: an answer in a thread goes to where the thread came from.
func TestS25_ThreadRepliesGoBack(t *testing.T) {
	t.Parallel()
	actor := events.Agent{ID: "a1", Handle: "nova_ai", Name: "Nova"}
	post := events.Post{ID: "p1", Content: "Docking ring done"}
	for name, tc := range map[string]struct {
		event       events.Payload
		group, verb string
		want        map[string]any
	}{
		"comment": {
			events.NotificationComment{Actor: actor, Post: post, Comment: events.Comment{ID: "c1", Content: "when?", PostID: "p1"}},
			"post", "comment",
			map[string]any{"post": "p1", "reply_to": "c1", "text": "At <nine> & then @ann"},
		},
		"mention": {events.NotificationMention{Actor: actor, Post: post}, "post", "comment", map[string]any{"post": "p1", "text": "At <nine> & then @ann"}},
		"message": {
			events.MessageReceived{Actor: actor, Message: events.Message{ID: "m1", Content: "free?", Sender: actor}, Conversation: events.Conversation{ID: "cv3", Participant: actor}},
			"dm", "send",
			map[string]any{"conversation": "cv3", "text": "At <nine> & then @ann"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothDoors(t, func(t *testing.T, door string) {
				d := openDoor(t, door, fine, nil)
				e := events.New("https://imagineanything.com", "orbit_bot", "ntf_1", "s", time.Now(), tc.event)
				card := d.must(bridge.Delivery{Key: "k1", To: bridge.Destination{Scheme: "slack", Place: d.channel}, Event: e, Message: bridge.Layout(e), Attempt: 1})
				ts := d.fake.Say(d.ann, d.channel, card.Message, "At &lt;nine&gt; &amp; then <@"+d.ann+"|ann>")
				d.until(func() bool { return len(d.reactions(ts)) > 0 })
				require.Equal(t, []string{"white_check_mark"}, d.reactions(ts))
				got := d.hands.effects()
				require.Len(t, got, 1)
				require.Equal(t, tc.group+" "+tc.verb, got[0].Group+" "+got[0].Verb)
				require.Equal(t, tc.want, got[0].Values)
				require.Equal(t, "orbit_bot", got[0].Agent)
				require.Equal(t, d.ann, got[0].Principal.User)
				d.clean()
			})
		})
	}
}

// S25: what is no answer goes nowhere, and the app never answers itself.
func TestS25_OtherMessagesGoNowhere(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	card := d.relay()
	root := d.fake.Say(d.ann, d.channel, "", "lunch?")
	d.fake.Say(d.ann, d.channel, root, "yes")
	d.team.Emit(map[string]any{"type": "message", "channel": d.channel, "user": d.ann, "bot_id": "B9", "text": "beep", "ts": "1.000001", "thread_ts": card.Message})
	d.team.Emit(map[string]any{"type": "message", "channel": d.channel, "user": d.ann, "subtype": "channel_join", "text": "joined", "ts": "1.000002", "thread_ts": card.Message})
	d.team.Emit(map[string]any{"type": "message", "channel": d.channel, "user": d.team.BotUser, "text": "echo", "ts": "1.000003", "thread_ts": card.Message})
	own := d.must(func() bridge.Delivery { n := d.note(2); n.Thread = card; return n }())
	require.NotEmpty(t, own.Root)
	end := d.fake.Say(d.ann, d.channel, card.Message, "the end")
	d.until(func() bool { return len(d.reactions(end)) > 0 })
	require.Len(t, d.hands.effects(), 1)
	d.clean()
}

// B43: a change does not follow what was sent on, and that is said once.
func TestB43_EditsAreToldOnce(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	card := d.relay()
	ts := d.fake.Say(d.ann, d.channel, card.Message, "helo")
	for _, text := range []string{"hello", "hello!"} {
		d.team.Emit(map[string]any{
			"type": "message", "subtype": "message_changed", "channel": d.channel,
			"message": map[string]any{"type": "message", "user": d.ann, "ts": ts, "thread_ts": card.Message, "text": text}, "previous_message": map[string]any{"text": "helo"},
		})
	}
	d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), "can't edit a sent message") })
	require.NoError(t, d.sink.Drain(t.Context()))
	require.Equal(t, 1, strings.Count(d.fake.Screen(d.channel), "can't edit a sent message"))
}

// S26: another process understands a thread that this one began.
func TestS26_ThreadsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	card := d.relay()
	d.serve(d.newSink("http", nil))
	d.fake.Say(d.ann, d.channel, card.Message, "still there?")
	d.until(func() bool { return len(d.hands.effects()) == 1 })
	require.Equal(t, "p1", d.hands.effects()[0].Values["post"])
}

// F34: retries, lost copies and other event ids of one message do one thing; what
// failed says why on the message.
func TestF34_OneMessageIsOneAnswer(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, func(q command.Request) command.Answer {
			if q.Values["text"] == "refused" {
				return command.Answer{Private: true, Problem: &command.Problem{Code: 403, Message: "Not delivered: @nova doesn't accept messages from orbit_bot."}}
			}
			return fine(q)
		}, nil)
		card := d.relay()
		ts := d.fake.Say(d.ann, d.channel, card.Message, "once")
		inner := map[string]any{"type": "message", "channel": d.channel, "user": d.ann, "team": d.team.ID, "text": "once", "ts": ts, "thread_ts": card.Message}
		d.team.Emit(inner) // under another event id
		d.team.Redeliver(inner, "Ev0REPEAT")
		d.team.Redeliver(inner, "Ev0REPEAT")
		mention := map[string]any{"type": "app_mention", "channel": d.channel, "user": d.ann, "team": d.team.ID, "text": "once", "ts": ts, "thread_ts": card.Message}
		d.team.Emit(mention)
		no := d.fake.Say(d.ann, d.channel, card.Message, "refused")
		d.until(func() bool { return len(d.reactions(no)) > 0 })
		require.NoError(t, d.sink.Drain(t.Context()))
		require.Equal(t, []string{"x"}, d.reactions(no))
		require.Len(t, d.hands.effects(), 2)
		require.Equal(t, 1, strings.Count(d.fake.Screen(d.channel), "Not delivered"))
		d.clean()
	})
}

// F34: two hundred messages come three times each under their event's id, under two
// other ids and once more as a mention, all mixed up; of some the first copy is lost.
func TestF34_TwoHundredMessagesAreTwoHundredAnswers(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	d.team.SetScopes(allScopes...) // signs below messages take their turn in Slack's limits
	card := d.relay()
	const messages = 200
	event := func(kind, id string, n int) []byte {
		return fmt.Appendf(nil, `{"type":"event_callback","team_id":%q,"event_id":%q,"event":{"type":%q,"user":%q,"channel":%q,"ts":"1770385010.%06d","thread_ts":%q,"text":"words %d"}}`,
			d.team.ID, id, kind, d.ann, d.channel, n, card.Message, n)
	}
	var copies [][]byte
	for n := range messages {
		own := fmt.Sprintf("EvA%d", n)
		for range 3 - n%2 {
			copies = append(copies, event("message", own, n))
		}
		copies = append(copies, event("message", fmt.Sprintf("EvB%d", n), n), event("message", fmt.Sprintf("EvC%d", n), n), event("app_mention", fmt.Sprintf("EvD%d", n), n))
	}
	rand.New(rand.NewPCG(34, 0)).Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
	var all sync.WaitGroup
	for share := range slices.Chunk(copies, len(copies)/8) {
		all.Go(func() {
			for _, raw := range share {
				in, err := fromEvent(raw)
				if err != nil {
					t.Error(err)
					return
				}
				if out := d.sink.handle(t.Context(), in); out.then != nil {
					out.then(t.Context())
				}
			}
		})
	}
	all.Wait()
	require.NoError(t, d.sink.Drain(t.Context()))
	said := map[any]bool{}
	for _, q := range d.hands.effects() {
		said[q.Values["text"]] = true
	}
	require.Len(t, d.hands.effects(), messages)
	require.Len(t, said, messages)
}

// Answers in one thread go on in the order in which they were said.
func TestAThreadKeepsItsOrder(t *testing.T) {
	t.Parallel()
	var c chains
	c.last = map[string]chan struct{}{}
	var order []int
	var waits []func()
	for n := range 3 {
		before, done := c.link("t")
		waits = append(waits, func() {
			if before != nil {
				<-before
			}
			order = append(order, n)
			done()
		})
	}
	ended := make(chan struct{})
	go func() { waits[2](); close(ended) }()
	waits[0]()
	waits[1]()
	<-ended
	require.Equal(t, []int{0, 1, 2}, order)
	require.Empty(t, c.last)
}

// Without reactions a failure is told, and a success is silent.
func TestWithoutReactionsOnlyFailuresAreTold(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	d.team.SetScopes(allScopes...)
	card := d.relay()
	ts := d.fake.Say(d.ann, d.channel, card.Message, "hello")
	d.until(func() bool { return len(d.hands.effects()) == 1 })
	require.NoError(t, d.sink.Drain(t.Context()))
	require.Empty(t, d.reactions(ts))
	require.Len(t, d.shown(), 2)
	d.clean()
}

// Where the app may not read what people write, an answer that names it arrives.
func TestAnswersByMention(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	d.team.SetScopes("chat:write", "commands", "app_mentions:read", "reactions:write")
	card := d.relay()
	d.fake.Say(d.ann, d.channel, card.Message, "nobody hears this")
	ts := d.fake.Say(d.ann, d.channel, card.Message, "<@"+d.team.BotUser+"> count me in")
	d.until(func() bool { return len(d.reactions(ts)) > 0 })
	require.Len(t, d.hands.effects(), 1)
	require.Equal(t, "count me in", d.hands.effects()[0].Values["text"])
	d.fake.Say(d.ann, d.channel, "", "<@"+d.team.BotUser+"> hello?")
	d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), "Answer in the thread of a card") })
	d.fake.Say(d.ann, d.channel, "", "<@"+d.team.BotUser+"> hello again?")
	require.NoError(t, d.sink.Drain(t.Context()))
	require.Equal(t, 1, strings.Count(d.fake.Screen(d.channel), "Answer in the thread of a card"), "once a day")
	d.clean()
}

// What was typed while nobody listened arrives when somebody does again.
func TestCatchUpSendsWhatWasMissed(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	card := d.relay()
	seen := d.fake.Say(d.ann, d.channel, card.Message, "before")
	d.until(func() bool { return len(d.reactions(seen)) > 0 })
	d.fake.SetDeliver(fakeslack.Deliver{EventsURL: "http://127.0.0.1:1/", Retries: []time.Duration{}})
	missed := d.fake.Say(d.ann, d.channel, card.Message, "meanwhile")
	require.NoError(t, d.newSink("http", nil).CatchUp(t.Context()))
	d.until(func() bool { return len(d.reactions(missed)) > 0 })
	require.Len(t, d.hands.effects(), 2)
	require.Equal(t, "meanwhile", d.hands.effects()[1].Values["text"])
}

// A message shortcut answers a relayed card, and nothing else.
func TestShortcutsOpenForms(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, fine, nil)
		card := d.relay()
		lunch := d.fake.Say(d.ann, d.channel, "", "lunch &amp; more")
		for _, tc := range []struct {
			callback, ts, form string
		}{{"ia1:reply", card.Message, "Comment on a post"}, {"ia1:share", lunch, "Post something"}} {
			r, err := d.fake.MessageShortcut(d.ann, d.channel, tc.ts, tc.callback)
			require.NoError(t, err)
			require.True(t, r.Acked)
			d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), tc.form) })
		}
		_, err := d.fake.SubmitForm(d.ann, nil)
		require.NoError(t, err)
		d.until(func() bool { return len(d.hands.effects()) == 1 })
		require.Equal(t, "lunch & more", d.hands.effects()[0].Values["text"])
		_, err = d.fake.MessageShortcut(d.ann, d.channel, lunch, "ia1:reply")
		require.NoError(t, err)
		d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), "not from ImagineAnything") })
		for _, callback := range []string{"ia1:post.create", "ia1:generate"} {
			r, err := d.fake.Shortcut(d.ann, callback)
			require.NoError(t, err)
			require.True(t, r.Acked)
			d.until(func() bool { return d.fake.Form(d.ann) != "" })
		}
		d.clean()
	})
}

// F43: sockets come and go: all warned, all cut, one told to refresh or warned while the
// other stands; every answer is done once, though what nobody acknowledged comes again.
func TestF43_AnswersOutliveTheirSockets(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "socket", fine, nil)
	deliver := losingDeliveries()
	deliver.Warning = 100 * time.Millisecond
	d.fake.SetDeliver(deliver)
	d.team.SetScopes(allScopes...)
	card := d.relay()
	const answers = 50
	for n := range answers {
		d.fake.Say(d.ann, d.channel, card.Message, fmt.Sprintf("answer %d", n))
		switch n {
		case 10:
			d.fake.Disconnect("warning")
		case 20: // what was cut before may not be back yet
			d.until(func() bool { return d.fake.CutSockets() > 0 })
		case 30:
			d.until(func() bool { return d.fake.DisconnectOldest("refresh_requested") })
		case 40:
			d.until(func() bool { return d.fake.DisconnectOldest("warning") })
		}
	}
	d.until(func() bool { return len(d.hands.effects()) >= answers })
	require.NoError(t, d.sink.Drain(t.Context()))
	said := map[any]int{}
	for _, q := range d.hands.effects() {
		said[q.Values["text"]]++
	}
	require.Len(t, said, answers)
	for text, n := range said {
		require.Equal(t, 1, n, text)
	}
}
