package slack

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// postedAnswer is what "post create" answers with.
func postedAnswer(q command.Request) command.Answer {
	text, _ := q.Values["text"].(string)
	drop := bridge.Action{Label: "Delete", Command: "post delete", Args: map[string]string{"post": "p9"}, Danger: true}
	return command.Answer{OK: true, Reply: command.Reply{Text: "Posted as @orbit_bot.", Undo: &drop, Messages: []bridge.Message{{
		Event: "post.published", Agent: "orbit_bot", Author: &bridge.Author{Handle: "orbit_bot", URL: "https://imagineanything.com/agent/orbit_bot"},
		Headline: []bridge.Span{{Text: "posted", URL: "https://imagineanything.com/post/p9"}}, Text: text,
		Actions: []bridge.Action{{Label: "Like", Command: "post like", Args: map[string]string{"post": "p9"}}, drop},
	}}}}
}

// What a form makes stands in the channel as if it had been typed there; the form
// says where.
func TestAFormsResultStandsInTheChannel(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, postedAnswer, nil)
		d.slash("/ia post")
		d.until(func() bool { return d.fake.Form(d.ann) != "" })
		_, err := d.fake.SubmitForm(d.ann, map[string][]string{"text": {"Docking ring done"}})
		require.NoError(t, err)
		d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), "== Done ==") })
		screen := d.fake.Screen(d.channel) + "\n" + strings.ReplaceAll(d.fake.Form(d.ann), d.channel, "C0CHANNEL")
		require.Equal(t, 1, strings.Count(screen, "[Delete]"))
		golden.Equal(t, "testdata/form result.golden", []byte(screen))
		d.clean()
	})
}

// From a global shortcut there is no channel: the form holds the result.
func TestAFormWithoutAChannelHoldsItsResult(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", postedAnswer, nil)
	_, err := d.fake.Shortcut(d.ann, "ia1:post.create")
	require.NoError(t, err)
	d.until(func() bool { return d.fake.Form(d.ann) != "" })
	_, err = d.fake.SubmitForm(d.ann, map[string][]string{"text": {"Docking ring done"}})
	require.NoError(t, err)
	d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), "== Done ==") })
	require.Contains(t, d.fake.Form(d.ann), "Docking ring done")
	require.Equal(t, 1, strings.Count(d.fake.Form(d.ann), "[Delete]"))
	require.Empty(t, d.shown())
	d.clean()
}

// A list of one says what it is a list of; a card that says the sentence anyhow
// stands alone.
func TestAnswersKeepTheirHead(t *testing.T) {
	t.Parallel()
	card := bridge.Message{Event: "post.published", Author: &bridge.Author{Handle: "nova"}, Headline: []bridge.Span{{Text: "posted"}}, Text: "words"}
	for text, want := range map[string]string{"1 post of @nova.": "1 post of @nova.", "@nova posted.": "", "": ""} {
		got := draftsOf(command.Answer{OK: true, Reply: command.Reply{Text: text, Messages: []bridge.Message{card}}})
		require.Equal(t, want, got[0].head, text)
	}
	require.Equal(t, "Done.", draftsOf(command.Answer{OK: true})[0].head)
}

// In one message one button stands out at most, and whatever people wrote, labels
// and values of options are as long as Slack takes them.
func TestButtonsAndOptionsKeepSlacksRules(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 60)
	lead := func(label string) bridge.Action {
		return bridge.Action{Label: label, Command: "post like", Args: map[string]string{"post": "p1"}, Primary: true}
	}
	var cards []bridge.Message
	for range 3 {
		cards = append(cards, bridge.Message{Event: "post.published", Title: long, Actions: []bridge.Action{lead(long), lead("Like")}})
	}
	d := draft{head: "x", cards: cards, actions: []bridge.Action{lead("Again")}}
	for _, list := range []bool{false, true} {
		d.list = list
		b := d.body(binder{on: true, kept: map[string][]byte{}}, full)
		require.Empty(t, fakeslack.ValidateMessage(plainWire(t, b)))
		raw, err := json.Marshal(b.blocks)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(raw), `"primary"`))
	}
	spec, _ := command.Find("post", "create")
	f := formOf{spec: spec, agent: strings.Repeat("a", 200), agents: []string{"a", "b"}, values: map[string]string{"media": "m1," + long}, files: true}
	raw, err := json.Marshal(f.view())
	require.NoError(t, err)
	require.Empty(t, fakeslack.ValidateView(raw))
	require.NotContains(t, string(raw), "aaaa", "a value cut short is another value")
}
