package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

func withActions(o *Options) { o.Actions = english }

func english(e events.Event) []bridge.Action { return command.Actions(language.Speaker{}, e) }

func commented(st *stand, id, text string) bridge.Delivery {
	return laid(st, id, events.NotificationComment{
		Actor:   events.Agent{ID: "a1", Handle: "ada", Name: "Ada"},
		Post:    events.Post{ID: "p1", Content: "My post"},
		Comment: events.Comment{ID: "c-" + id, Content: text, PostID: "p1"},
	})
}

func TestCardsCarryButtonsThatWork(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false, withActions)
	r, _ := st.patient(t.Context(), st.sink, commented(st, "n1", "Lovely."))
	in, err := st.fake.Click("ada", st.channel, r.Message, "Like post")
	answer := st.settled(in, err)
	require.Equal(t, "Done: post like.", answer.Message.Content)
	require.NotZero(t, answer.Message.Flags&flagPrivate)
	in, err = st.fake.Click("ada", st.channel, r.Message, "Reply")
	st.form(in, err)
	in, err = st.fake.Submit(in, map[string]string{"text": "Thanks!"})
	st.settled(in, err)
	require.Equal(t, []string{"post like post=p1", "post comment post=p1 text=Thanks! reply_to=c-n1"}, d.calls())
	require.True(t, d.last().Button)
	require.NotEmpty(t, d.last().Agent)
	st.faultless()
}

func TestOrdersAreLookedAtFromTheirCards(t *testing.T) {
	t.Parallel()
	order := events.Order{ID: "cmlo0h7", Status: "PAID", Role: "seller", Title: "A song", Buyer: nova}
	for name, data := range map[string]events.Payload{
		"a new order":     events.ServiceOrdered{Order: order},
		"an order's step": events.ServiceOrderChanged{Order: order, Before: "PENDING_PAYMENT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, d := talkative(t, fakediscord.Options{}, false, withActions)
			r, _ := st.patient(t.Context(), st.sink, laid(st, "o1", data))
			in, err := st.fake.Click("ada", st.channel, r.Message, "Details")
			answer := st.settled(in, err)
			require.NotZero(t, answer.Message.Flags&flagPrivate, "money is nobody else's business")
			require.Equal(t, []string{"order show order=cmlo0h7"}, d.calls())
			st.faultless()
		})
	}
}

func TestWithoutCommandsThereAreNoDeadButtons(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{}, withActions)
	r, _ := st.patient(t.Context(), st.sink, commented(st, "n1", "Lovely."))
	for _, c := range st.fake.Messages(st.channel) {
		require.Equal(t, r.Message, c.ID)
		for _, row := range c.Components {
			for _, b := range row.Components {
				require.Equal(t, styleLink, b.Style)
			}
		}
	}
}

func TestPressedTwiceRunsOnce(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false, withActions)
	release := make(chan struct{})
	fails := true
	d.answer = func(context.Context, command.Request) command.Answer {
		<-release
		if fails {
			return command.Answer{Problem: &command.Problem{Code: 502, Message: "Not retried."}}
		}
		return ok("Retrying.")
	}
	r, _ := st.patient(t.Context(), st.sink, stage(st, "j1", "failed"))
	label := ""
	for _, c := range st.fake.Messages(st.channel)[0].Components[0].Components {
		if strings.HasPrefix(c.Label, "Retry") {
			label = c.Label
		}
	}
	st.fake.Disturb(fakediscord.Disturbance{Late: 100 * time.Millisecond, Times: 2}) // both are under way before the button rests
	first, err := st.fake.Click("ada", st.channel, r.Message, label)
	require.NoError(t, err)
	second, err := st.fake.Click("bob", st.channel, r.Message, label)
	require.NoError(t, err)
	for _, in := range []*fakediscord.Interaction{first, second} {
		_, err := in.Response(t.Context())
		require.NoError(t, err)
	}
	_, err = st.fake.Click("ada", st.channel, r.Message, label)
	require.ErrorContains(t, err, "disabled")
	close(release)
	st.eventually("it can be pressed again after a failure", func() bool {
		_, err := st.fake.Click("eve", st.channel, r.Message, label)
		return err == nil
	})
	st.eventually("pressed again", func() bool { return len(d.calls()) == 2 })
	require.Equal(t, []string{"generate retry job=j1", "generate retry job=j1"}, d.calls(), "the second after the failure")
	st.faultless()
}

func TestLongBoundValuesAreNotedAndBelongToTheirGuild(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	st.sink.o.Commands = &desk{}
	long := press{Group: "post", Verb: "create", Agent: "my_agent", Args: map[string]string{"text": strings.Repeat("x", 501)}, Form: true}
	id := st.sink.customID(t.Context(), long, "1")
	require.Len(t, id, len(pressPrefix)+1+keySize+len(":post.create:my_agent"))
	require.Equal(t, id, st.sink.customID(t.Context(), long, "1"), "the same card has the same buttons")
	got, fate := st.sink.press(t.Context(), id, "1")
	require.Equal(t, readable, fate)
	require.Equal(t, long, got)
	_, fate = st.sink.press(t.Context(), id, "2")
	require.Equal(t, tooOld, fate, "F54: another guild's reads as forgotten")

	old, err := json.Marshal(kept{Press: long, At: time.Now().Add(-31 * 24 * time.Hour)})
	require.NoError(t, err)
	key, _, _ := readKept(strings.TrimPrefix(id, pressPrefix+"~"))
	require.NoError(t, st.sink.notes.PutNote(t.Context(), pressNote(key), old))
	_, fate = st.sink.press(t.Context(), id, "1")
	require.Equal(t, tooOld, fate)
}

// F52: what a custom_id says is a wish, no right.
func TestF52_ForgedButtonsGetNothing(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	d.refuse = func(q command.Request) *command.Problem {
		if q.Agent != "" && q.Agent != "my_agent" {
			return &command.Problem{Code: 404, Status: "unknown_agent", Message: "This card belongs to " + q.Agent + ", which is no longer connected here."}
		}
		return nil
	}
	n, now := 0, time.Now().Add(st.sink.rest.ahead())
	forge := func(id string) string {
		n++ // each press has an id of its own
		raw := fmt.Sprintf(`{"id":%q,"application_id":"1","type":3,"token":"t","guild_id":%q,"channel_id":%q,"member":{"user":{"id":"7"},"roles":[]},"data":{"custom_id":%q,"component_type":2},"message":{"id":"9"}}`,
			snowflakeAt(now.Add(time.Duration(n)*time.Millisecond)), st.guild, st.channel, id)
		in, readable := decode([]byte(raw))
		require.True(t, readable)
		heard := &ear{}
		(&visit{Sink: st.sink, in: in, door: heard}).serve(t.Context())
		return heard.words
	}
	forged := map[string]string{
		"another agent":     "ia1:post.like:other_agent:post=p1",
		"unknown command":   "ia1:post.steal:my_agent:post=p1",
		"unknown argument":  "ia1:post.like:my_agent:post=p1&evil=1",
		"cut":               "ia1:post.like:my_agent:pos",
		"cut in an escape":  "ia1:post.like:my_agent:post=%2",
		"doubled":           "ia1:post.like:my_agent:post=p1&post=p2",
		"foreign":           "other:thing",
		"never noted":       "ia1:~" + strings.Repeat("a", 22) + ":post.create:my_agent",
		"of no command":     "ia1:~" + strings.Repeat("a", 22),
		"a command unknown": "ia1:~" + strings.Repeat("a", 22) + ":post.steal",
		"no key":            "ia1:~../../x",
		"empty":             "",
		"only the prefix":   "ia1:",
		"no verb":           "ia1:post.:my_agent",
		"at the edge":       "ia1:post.like:my_agent:post=" + strings.Repeat("x", 100),
		"spaces":            "ia1:post like:my_agent",
		"several are bound": "ia1:post.like:my_agent:post=",
	}
	for _, whole := range []string{"ia1:post.like:other_agent:post=p1", "ia1:~" + strings.Repeat("a", 22)} {
		for n := range whole { // torn anywhere
			forged[fmt.Sprintf("the first %d of %s", n, whole)] = whole[:n]
		}
	}
	require.GreaterOrEqual(t, len(forged), 60)
	for name, id := range forged {
		require.NotEmpty(t, forge(id), name)
		require.Empty(t, d.calls(), name)
	}
	require.Contains(t, forge("ia1:post.like:other_agent:post=p1"), "no longer connected here")
	require.Contains(t, forge("ia1:~"+strings.Repeat("a", 22)+":post.create:my_agent"), "too old")
}

// ear is a door that keeps the words of the first response.
type ear struct{ words string }

func (e *ear) first(_ context.Context, r response) error {
	form, err := json.Marshal(r)
	if err != nil {
		return err
	}
	e.words = string(form)
	return nil
}

func FuzzCustomID(f *testing.F) {
	for _, id := range []string{
		"ia1:post.like:my_agent:post=p1", "ia1:moy.post.create:a:text=%F0%9F%91%8B&~=files", "ia1:.help", "ia1:~0123456789012345678901", "", "ia1:", "ia1:a.b:%zz",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		p, ok := readPress(id)
		if !ok {
			return
		}
		again, ok := readPress(p.text())
		if len(p.text()) > maxCustomID {
			return // is noted then
		}
		require.True(t, ok, "%q from %q", p.text(), id)
		if len(p.Args) == 0 {
			p.Args, again.Args = nil, nil
		}
		require.Equal(t, p, again)
	})
}

// F55: who lost the right meanwhile is refused when the yes is pressed.
func TestF55_RightsAreLookedAtWhenItRuns(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	asked := st.settled(st.fake.Slash("ada", st.channel, "/ia post delete post:p1"))
	d.refuse = func(command.Request) *command.Problem {
		return &command.Problem{Code: 403, Status: "forbidden", Message: "You can look, but not act."}
	}
	in, err := st.fake.Click("ada", st.channel, asked.Message.ID, "Yes, do it")
	require.Equal(t, "You can look, but not act.", st.said(in, err))
	require.Empty(t, d.calls())
	st.faultless()
}

func TestPressOfAnythingThatIsNotOursIsAnswered(t *testing.T) {
	t.Parallel()
	st, _ := talkative(t, fakediscord.Options{}, false, withActions)
	r, _ := st.patient(t.Context(), st.sink, delivery(st, "n1"))
	st.sink.table = nil // as after an update that dropped the command
	in, err := st.fake.Click("ada", st.channel, r.Message, "Follow back")
	require.Contains(t, st.said(in, err), "not known here any more")
	require.Contains(t, st.said(st.fake.Slash("ada", st.channel, "/ia post like post:p1")), "no longer part of the bridge")
}

// pictured are the cards that the README shows with their buttons.
var pictured = []string{"notification.comment", "message.received", "generation.completed"}

// What people can press below the card of each kind of event.
func TestButtonsOfEachKind(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	st.sink.o.Commands = &desk{}
	var b strings.Builder
	for k := range events.Kinds() {
		e := eventOf(k)
		m := bridge.Layout(e)
		m.Actions = append(english(e), m.Actions...)
		fmt.Fprintf(&b, "%s\n", k.Name())
		card := render(m, false, markOf(testNonce), st.sink.ids(t.Context(), m.Actions, m.Agent, "")...)
		if slices.Contains(pictured, k.Name()) {
			golden.Equal(t, "testdata/buttons/"+k.Name()+".golden", pretty(t, card.create(testNonce)))
		}
		for _, r := range card.rows {
			for _, c := range r.Components {
				require.True(t, c.CustomID != "" || c.URL != "")
				fmt.Fprintf(&b, "  ‹%s› %d %s%s\n", c.Label, c.Style, c.CustomID, c.URL)
				if p, fate := st.sink.press(t.Context(), c.CustomID, st.guild); c.CustomID != "" {
					require.Equal(t, readable, fate)
					require.NotNil(t, st.sink.spec(p.Group, p.Verb))
				}
			}
		}
	}
	golden.Equal(t, "testdata/buttons.golden", []byte(b.String()))
}
