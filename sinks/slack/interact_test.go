package slack

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// S35: one script, two doors, the same effects and answers.
func TestS35_BothDoorsDoTheSame(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, script, nil)
		d.slash("/ia like p1")
		d.seen(d.channel, 0)
		d.slash("/ia lik p1")
		d.seen(d.channel, 1)
		d.slash("/ia post delete p1")
		ask := d.seen(d.channel, 2)
		r, err := d.fake.Click(d.ann, d.channel, ask.TS, "Yes")
		require.NoError(t, err)
		require.True(t, r.Acked)
		d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), "The post is deleted.") })
		d.slash("/ia post show gone")
		d.seen(d.channel, 3)
		d.slash("/ia find post rockets")
		d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), "More") })
		golden.Equal(t, "testdata/doors.golden", []byte(d.fake.Screen(d.channel)))
		d.clean()
	})
}

// script answers the commands of the script.
func script(q command.Request) command.Answer {
	switch q.Group + " " + q.Verb {
	case "post delete":
		if !q.Confirmed {
			return command.Answer{NeedsConfirm: true, Question: "Delete this post? That can't be undone.", Private: true}
		}
		return command.Answer{OK: true, Reply: command.Reply{Text: "The post is deleted."}}
	case "post show":
		return command.Answer{Private: true, Problem: &command.Problem{
			Code: 404, Status: "not_found", Message: "I can't find that post. It may have been deleted.",
			Buttons: []bridge.Action{{Label: "Edit", Command: "post show", Args: map[string]string{command.Form: "yes", "post": "gone"}}},
		}}
	case "search find":
		r := command.Reply{Text: "5 posts.", More: map[string]string{"type": "posts", "query": "rockets", "cursor": "c2"}}
		for _, id := range []string{"p1", "p2", "p3", "p4", "p5"} {
			r.Messages = append(r.Messages, bridge.Message{
				Event: "post.published", Author: &bridge.Author{Name: "Nova <!here>", Handle: "nova"}, Headline: []bridge.Span{{Text: "posted"}},
				Text: "about *rockets* <!channel>", Footnote: "♥ 3", Actions: []bridge.Action{{Label: "Like", Command: "post like", Args: map[string]string{"post": id}}},
			})
		}
		return command.Answer{OK: true, Reply: r}
	case "post like":
		undo := bridge.Action{Label: "Undo", Command: "post unlike", Args: map[string]string{"post": "p1"}}
		return command.Answer{OK: true, Reply: command.Reply{Text: "Liked; that makes 5 likes.", Undo: &undo}}
	}
	return fine(q)
}

// Help fits a screen, whatever it is about.
func TestHelpFitsAScreen(t *testing.T) {
	t.Parallel()
	topics := []string{"", "lik", "like", "no such thing"}
	for _, spec := range command.Table() {
		topics = append(topics, spec.Group, spec.Name())
	}
	for _, topic := range topics {
		h := helpOn(language.Speaker{}, topic)
		require.NotEmpty(t, h.head, topic)
		require.LessOrEqual(t, strings.Count(h.head, "\n"), 40, topic)
		b := h.body(binder{on: true, kept: map[string][]byte{}}, full)
		require.LessOrEqual(t, len([]rune(h.head)), maxHead, topic)
		require.Empty(t, fakeslack.ValidateMessage(plainWire(t, b)), topic)
	}
	d := openDoor(t, "http", fine, nil)
	d.slash("/ia help post")
	require.Contains(t, d.seen(d.channel, 0).Text, "create: Post something")
	d.slash("/ia help post create")
	m := d.seen(d.channel, 1)
	require.Equal(t, d.ann, m.Ephemeral)
	_, err := d.fake.Click(d.ann, d.channel, m.TS, "Open form")
	require.NoError(t, err)
	d.until(func() bool { return d.fake.Form(d.ann) != "" })
	require.Empty(t, d.hands.effects())
	d.clean()
}

// S10: the acknowledgement comes at once, however long the API takes.
func TestS10_ACommandIsAcknowledgedBeforeItsWork(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		free := make(chan struct{})
		d := openDoor(t, door, func(q command.Request) command.Answer {
			<-free
			return fine(q)
		}, nil)
		d.slash("/ia stats") // is acknowledged while the command waits
		require.Empty(t, d.fake.Messages(d.channel))
		close(free)
		require.Contains(t, d.seen(d.channel, 0).Text, "Did stats overview.")
		d.clean()
	})
}

// An app that is not in the channel answers by the response_url, in the channel too.
func TestAnswersReachChannelsWithoutTheApp(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	abroad := d.team.AddForeignChannel("abroad")
	_, err := d.fake.Slash(d.ann, abroad, "/ia stats")
	require.NoError(t, err)
	m := d.seen(abroad, 0)
	require.Equal(t, "Did stats overview.", m.Text)
	require.Empty(t, m.Ephemeral)
	d.clean("not_in_channel")
}

// S4: what can't be recorded is not done, and says so.
func TestS4_NothingRunsUnrecorded(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*hands){
		"refused": func(h *hands) { h.refuse = errors.New("no store") },
		"slow":    func(h *hands) { h.slow = 10 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothDoors(t, func(t *testing.T, door string) {
				d := openDoor(t, door, fine, nil, func(s *Sink) { s.recordIn = 300 * time.Millisecond })
				card := d.relay(bridge.Action{Label: "Like", Command: "post like", Args: map[string]string{"post": "p1"}})
				d.impatient()
				d.hands.mu.Lock()
				set(d.hands)
				d.hands.mu.Unlock()
				d.slash("/ia like p1")
				require.Contains(t, d.seen(d.channel, 1).Text, "Not done: the bridge could not note this.")
				c, err := d.fake.Click(d.ann, d.channel, card.Message, "Like")
				require.NoError(t, err)
				require.True(t, c.Acked)
				require.Contains(t, d.seen(d.channel, 2).Text, "Not done")
				require.Empty(t, d.hands.effects())
				before := len(d.fake.Deliveries())
				d.fake.Say(d.ann, d.channel, card.Message, "hello there")
				d.until(func() bool { // refused at least once before the store is back
					return len(d.fake.Deliveries()) > before
				})
				d.hands.mu.Lock()
				d.hands.refuse, d.hands.slow = nil, 0
				d.hands.mu.Unlock()
				d.until(func() bool { return len(d.hands.effects()) == 1 })
				require.Equal(t, "hello there", d.hands.effects()[0].Values["text"])
			})
		})
	}
}

// F33: a second press of a button that makes something finds the first.
func TestF33_TwoPressesMakeOne(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, fine, nil)
		card := d.relay(bridge.Action{Label: "Repost", Command: "post repost", Args: map[string]string{"post": "p1"}})
		for range 2 {
			r, err := d.fake.Click(d.ann, d.channel, card.Message, "Repost")
			if err == nil { // the button may be gone by now
				require.True(t, r.Acked)
			}
		}
		d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), "Did post repost. (ann)") })
		require.Len(t, d.hands.effects(), 1)
		d.clean()
	})
}

// A press that failed for good may be pressed again; the card gets its buttons back.
func TestAFailedPressGivesTheButtonBack(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", func(command.Request) command.Answer {
		return command.Answer{Private: true, Problem: &command.Problem{Code: 502, Status: "service_error", Message: "ImagineAnything had a problem (500). Not shared."}}
	}, nil)
	card := d.relay(bridge.Action{Label: "Repost", Command: "post repost", Args: map[string]string{"post": "p1"}})
	for n := range 2 {
		d.until(func() bool {
			_, err := d.fake.Click(d.ann, d.channel, card.Message, "Repost")
			return err == nil
		})
		require.Contains(t, d.seen(d.channel, n+1).Text, "Not shared.")
		d.until(func() bool { return len(d.hands.effects()) == n+1 })
	}
	d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), "[Repost]") })
	d.clean()
}

// A button on a private message whose command answers in public leaves no
// "Working" behind.
func TestAPrivateButtonWithAPublicAnswer(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		tries := 0
		d := openDoor(t, door, func(q command.Request) command.Answer {
			if tries++; tries == 1 {
				return command.Answer{Private: true, Problem: &command.Problem{
					Code: 502, Message: "ImagineAnything had a problem (500). Not posted.",
					Buttons: []bridge.Action{{Label: "Try again", Command: "post create", Args: map[string]string{"text": "Docking ring done"}}},
				}}
			}
			return fine(q)
		}, nil)
		d.slash("/ia post Docking ring done")
		m := d.seen(d.channel, 0)
		_, err := d.fake.Click(d.ann, d.channel, m.TS, "Try again")
		require.NoError(t, err)
		all := d.seen(d.channel, 1)
		require.Empty(t, all.Ephemeral)
		require.Equal(t, "Did post create.", all.Text)
		require.Equal(t, "Did post create.", d.seen(d.channel, 0).Text)
		require.NotContains(t, d.fake.Screen(d.channel), "Working")
		require.Equal(t, "Docking ring done", d.hands.effects()[1].Values["text"])
		d.clean()
	})
}

// S36, F52, F54: what a button holds proves nothing.
func TestF52_ForgedValuesAreRefused(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	other := d.fake.AddWorkspace("rivals", botScopes...)
	key := "ABCDEFGHIJKLMNOPQRSTUV"
	require.NoError(t, d.notes.PutNote(t.Context(), valueKey(other.ID, key), []byte(`{"team":"`+other.ID+`","command":"post.like","agent":"a","args":{"post":"p"}}`)))
	require.NoError(t, d.notes.PutNote(t.Context(), valueKey(d.team.ID, "ABCDEFGHIJKLMNOPQRSTUW"), []byte(`{"team":"`+d.team.ID+`","command":"post.delete","agent":"a"}`)))
	for name, p := range map[string]press{
		"another workspace's": {action: "ia1:post.like", value: "~" + key},
		"another command's":   {action: "ia1:post.like", value: "~ABCDEFGHIJKLMNOPQRSTUW"},
		"unknown":             {action: "ia1:post.like", value: "~ABCDEFGHIJKLMNOPQRSTUX"},
		"a path":              {action: "ia1:post.like", value: "~../../../../thread/xxx"},
		"cut":                 {action: "ia1:post.like", value: "~ABC"},
		"no command":          {action: "ia1:post.explode", value: "orbit_bot:post=p1"},
		"broken":              {action: "ia1:post.like", value: "orbit_bot:%zz"},
		"too long":            {action: "ia1:post.like", value: "orbit_bot:post=" + strings.Repeat("x", maxButtonValue)},
	} {
		t.Run(name, func(t *testing.T) {
			in := inbound{kind: click, who: person{id: d.ann}, at: scene{team: d.team.ID, channel: d.channel}, press: p}
			out := d.sink.handle(t.Context(), in)
			require.False(t, out.again)
			require.NotNil(t, out.then)
			out.then(t.Context())
		})
	}
	require.Empty(t, d.hands.effects())
	for _, m := range d.fake.Messages(d.channel) {
		require.Equal(t, d.ann, m.Ephemeral)
		require.Contains(t, m.Text, "too old")
	}
	d.clean()
}

// S36: people of other organisations are in no workspace of ours.
func TestS36_OutsidersAreNobodysPrincipals(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	guest := d.team.AddGuest("eve")
	card := d.relay(bridge.Action{Label: "Like", Command: "post like", Args: map[string]string{"post": "p1"}})
	_, err := d.fake.Click(guest, d.channel, card.Message, "Like")
	require.NoError(t, err)
	d.until(func() bool { return len(d.hands.effects()) == 1 })
	p := d.hands.effects()[0].Principal
	require.Empty(t, p.Workspace)
	require.False(t, p.Manages)
	require.Equal(t, guest, p.User)
}

// S39, L22: blocks from the future and odd fields do not cost a click.
func TestS39_OddPayloadsAreClicksAllTheSame(t *testing.T) {
	t.Parallel()
	raw := `{"type":"block_actions","trigger_id":"t1","is_enterprise_install":"false","enterprise":7,"team":{"id":"T1"},"user":{"id":"U1","name":["odd"]},
		"channel":{"id":"C1"},"message":{"ts":"1.2","text":{"odd":1},"blocks":[{"type":"hologram","block_id":7},5]},
		"actions":[{"action_id":"ia1:post.like","block_id":"b","value":"a:post=p1","selected_option":"odd"}],"view":"none"}`
	in, err := decodeInteraction([]byte(raw))
	require.NoError(t, err)
	require.Equal(t, click, in.kind)
	require.Equal(t, press{action: "ia1:post.like", block: "b", value: "a:post=p1"}, in.press)
	require.Equal(t, "U1", in.who.id)
	require.Equal(t, "1.2", in.message.TS)
}

// Long values go by way of a note and come back whole.
func TestBoundValuesComeBack(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	_ = d.sink.web.meet(t.Context())
	for name, text := range map[string]string{"short": "a & b = ünï: ~", "long": strings.Repeat("ü", 1500)} {
		t.Run(name, func(t *testing.T) {
			b := d.sink.binder()
			a := bridge.Action{Command: "post create", Args: map[string]string{"text": text, command.Form: "yes", agentArg: "luna"}}
			value := b.bind("orbit_bot", a, maxButtonValue, false)
			require.LessOrEqual(t, len(value), maxButtonValue)
			d.sink.keep(t.Context(), b.kept)
			got, err := d.sink.unbind(t.Context(), d.team.ID, press{action: "ia1:post.create:2", value: value})
			require.NoError(t, err)
			require.Equal(t, "luna", got.Agent)
			require.Equal(t, map[string]string{"text": text, command.Form: "yes"}, got.Args)
		})
	}
}
