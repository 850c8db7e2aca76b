package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
	"github.com/imaginebridge/imaginebridge/internal/load"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

var testTime = time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC)

// deliver is the delivery of an event as the worker would make it.
func deliver(k *events.Kind) bridge.Delivery {
	e := events.New("https://imagineanything.com", "orbit_bot", "id_"+k.Name(), "about_1", testTime, k.Example)
	return bridge.Delivery{
		Key: "key_" + k.Name(), Subscription: "team", To: bridge.ParseDestination("slack:C0123456789"),
		Event: e, Message: bridge.Layout(e), Attempt: 1,
	}
}

// wire is a body as Slack gets it, decoded.
func wire(t *testing.T, b body) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"text": b.text, "blocks": b.blocks, "metadata": b.metadata})
	require.NoError(t, err)
	var v any
	require.NoError(t, json.Unmarshal(raw, &v))
	if len(b.blocks) == 0 {
		delete(v.(map[string]any), "blocks")
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	require.NoError(t, enc.Encode(v))
	return out.Bytes()
}

func TestRenderEveryKind(t *testing.T) {
	t.Parallel()
	for k := range events.Kinds() {
		t.Run(k.Name(), func(t *testing.T) {
			t.Parallel()
			got := wire(t, binder{}.render(deliver(k), full, false))
			require.Empty(t, fakeslack.ValidateMessage(got))
			golden.Equal(t, "testdata/"+k.Name()+".json", got)
		})
	}
}

// digest is a list of n things.
func digest(n int) bridge.Delivery {
	var all []events.Event
	for len(all) < n {
		for k := range events.Kinds() {
			e := events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("%s_%d", k.Name(), len(all)), "about_1", testTime, k.Example)
			if all = append(all, e); len(all) == n {
				break
			}
		}
	}
	return bridge.Delivery{Key: "key_digest", To: bridge.ParseDestination("slack:C0123456789"), Event: all[n-1], Message: bridge.Digest(all), Attempt: 1}
}

// pictured are the cards that the README shows with their buttons.
var pictured = []string{"notification.comment", "message.received", "generation.completed"}

// S17: every card with the buttons that its event has.
func TestRenderEveryKindWithButtons(t *testing.T) {
	t.Parallel()
	var all []byte
	for k := range events.Kinds() {
		d := deliver(k)
		s := &Sink{opt: Options{Actions: english, Commands: func(context.Context, command.Request) command.Answer { return command.Answer{} }}}
		d.Message.Actions = s.buttons(d)
		b := binder{on: true, kept: map[string][]byte{}}.render(d, full, false)
		require.Empty(t, fakeslack.ValidateMessage(wire(t, b)), k.Name())
		require.Empty(t, b.kept, "ids have room in a button")
		all = fmt.Appendf(all, "%s:%s\n", k.Name(), labels(b))
		if slices.Contains(pictured, k.Name()) {
			golden.Equal(t, "testdata/buttons/"+k.Name()+".json", wire(t, b))
		}
	}
	golden.Equal(t, "testdata/buttons.golden", all)
	require.Empty(t, (&Sink{opt: Options{Actions: english}}).buttons(digest(25)))
}

// labels are the buttons and menu entries of a message.
func labels(b body) string {
	var out strings.Builder
	for _, block := range b.blocks {
		row, ok := block.(*slackgo.ActionBlock)
		if !ok {
			continue
		}
		for _, e := range row.Elements.ElementSet {
			switch e := e.(type) {
			case *slackgo.ButtonBlockElement:
				out.WriteString(" [" + e.Text.Text + " " + e.ActionID + " " + e.Value + "]")
			case *slackgo.OverflowBlockElement:
				for _, o := range e.Options {
					out.WriteString(" […" + o.Text.Text + " " + o.Value + "]")
				}
			}
		}
	}
	return out.String()
}

func TestRenderDigest(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3, 25, 100} {
		got := wire(t, binder{}.render(digest(n), full, false))
		require.Empty(t, fakeslack.ValidateMessage(got))
		golden.Equal(t, fmt.Sprintf("testdata/digest.%d.json", n), got)
		require.Contains(t, binder{}.render(digest(n), textOnly, false).text, "Nova")
	}
}

func TestRenderSmallerForms(t *testing.T) {
	t.Parallel()
	for k := range events.Kinds() {
		for _, f := range []form{noImages, textOnly} {
			got := wire(t, binder{}.render(deliver(k), f, true))
			require.Empty(t, fakeslack.ValidateMessage(got), k.Name())
			require.NotContains(t, string(got), `"image_url"`)
			require.Contains(t, string(got), repeatNote)
		}
	}
}

func TestRenderMarksARepeatInTheSmallPrint(t *testing.T) {
	t.Parallel()
	for k := range events.Kinds() {
		require.Contains(t, string(wire(t, binder{}.render(deliver(k), full, true))), "may be a repeat")
		require.NotContains(t, string(wire(t, binder{}.render(deliver(k), full, false))), "may be a repeat")
	}
}

func TestRenderHasNoButtonsWithoutALife(t *testing.T) {
	t.Parallel()
	d := deliver(kind(t, "notification.comment"))
	d.Message.Actions = []bridge.Action{{Label: "Reply", Command: "post comment"}, {Label: "Open", URL: "https://imagineanything.com/post/1"}}
	got := string(wire(t, binder{}.render(d, full, false)))
	require.NotContains(t, got, "Reply")
	require.Contains(t, got, `"ia1:open"`)
}

func kind(t *testing.T, name string) *events.Kind {
	t.Helper()
	for k := range events.Kinds() {
		if k.Name() == name {
			return k
		}
	}
	t.Fatalf("no kind %s", name)
	return nil
}

// fields of a message with n characters each.
func filled(n int, c string) bridge.Message {
	long := strings.Repeat(c, n)
	m := bridge.Message{
		Event: "notification.comment", Agent: long, At: testTime,
		Author: &bridge.Author{Name: long, Handle: long, AvatarURL: "https://cdn.example/" + long, URL: "https://imagineanything.com/" + long},
		Title:  long, Link: "https://imagineanything.com/" + long, Text: long, Footnote: long,
	}
	for range 12 {
		m.Headline = append(m.Headline, bridge.Span{Text: long, Strong: true, URL: "https://x.example/" + long}, bridge.Span{Text: long})
		m.Quotes = append(m.Quotes, bridge.Quote{Label: long, Text: long})
		m.Fields = append(m.Fields, bridge.Field{Name: long, Value: long})
		m.Steps = append(m.Steps, bridge.Step{Name: long, State: bridge.StepNow})
		m.Media = append(m.Media, bridge.Media{URL: "https://cdn.example/" + long, Alt: long}, bridge.Media{Kind: bridge.MediaVideo, URL: "https://cdn.example/" + long})
		m.Actions = append(m.Actions, bridge.Action{Label: long, URL: "https://imagineanything.com/" + long, Primary: true})
	}
	return m
}

// S17: at, over and far over each limit nothing is refused.
func TestS17_LimitsAreKept(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"<", "&", "*", "_", "`", ":a:", "e\u0301\u0301", "👩‍👩‍👧‍👦", "\n", " ", "http://a.example/ ", "é", "\u202e", "\u0301", "(", "|"} {
		for n, forms := range map[int][]form{0: {full}, 1: {full}, 76: {full}, 201: {full}, 3001: {full, noImages, textOnly}} {
			for _, f := range forms {
				d := deliver(kind(t, "notification.comment"))
				d.Message = filled(n, c)
				b := binder{}.render(d, f, true)
				got := wire(t, b)
				require.Empty(t, fakeslack.ValidateMessage(got), "%q × %d, form %d", c, n, f)
				require.LessOrEqual(t, words10k(b), maxTotal, "%q × %d, form %d", c, n, f)
				require.True(t, utf8.Valid(got))
			}
		}
	}
}

// words10k counts the words of all blocks.
func words10k(b body) int {
	raw, _ := json.Marshal(b.blocks)
	var v any
	_ = json.Unmarshal(raw, &v)
	n := 0
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for k, e := range v {
				if s, ok := e.(string); ok && (k == "text" || k == "url" && v["type"] == "link") {
					n += utf8.RuneCountInString(s)
				}
				walk(e)
			}
		}
	}
	walk(v)
	return n
}

func TestS17_AtTheLimitTextIsUnchanged(t *testing.T) {
	t.Parallel()
	d := deliver(kind(t, "message.received"))
	d.Message.Text = strings.Repeat("x", maxText)
	require.Contains(t, string(wire(t, binder{}.render(d, full, false))), `"`+d.Message.Text+`"`)
	d.Message.Text += "x"
	require.Contains(t, string(wire(t, binder{}.render(d, full, false))), strings.Repeat("x", maxText-1)+`…"`)
}

func TestS17_LongListsKeepTheLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"<", "&", "👩‍👩‍👧‍👦", "a "} {
		d := digest(1)
		d.Message.Quotes = nil
		for range 60 {
			d.Message.Quotes = append(d.Message.Quotes, bridge.Quote{Label: strings.Repeat(c, 3000), Text: strings.Repeat(c, 3000)})
		}
		for _, f := range []form{full, noImages, textOnly} {
			b := binder{}.render(d, f, true)
			require.Empty(t, fakeslack.ValidateMessage(wire(t, b)))
			require.LessOrEqual(t, words10k(b), maxTotal)
		}
	}
}

func TestF48_HostileTextStaysText(t *testing.T) {
	t.Parallel()
	for _, text := range sinktest.HostileTexts(hostileTexts, load.Pick(t, 100, 300)) {
		for _, f := range []form{full, noImages, textOnly} {
			b := binder{}.render(everywhere(t, text), f, false)
			harmless(t, b, fmt.Sprintf("%.40q, form %d", text, f))
		}
	}
}

// hostileTexts try to be more than text.
var hostileTexts = []string{
	"<!channel> <!here> <!everyone> <@U012AB3CD> <#C012AB3CD> <!subteam^S012AB3CD> <!date^0^{ago}|x>",
	"&lt;!here&gt; &amp;lt;!here&amp;gt;", "*bold* _it_ ~no~ `code` ```fence``` > quote", "[bank](http://evil.example/a)",
	"<http://evil.example/b|bank>", "javascript:alert(1)", "safe \u202egpj.exe\u202c", "a\x00b\xff\xfe\xed\xa0\x80", "@everyone @here @channel",
	strings.Repeat("z\u0301\u0301\u0301\u0301\u0301\u0301", 500), strings.Repeat("long ", 200_000), "http://user:pw@evil.example/", "http://xn--80ak6aa92e.com http://аррӏе.com",
	":heart: :100:", "|", "`", "``` `` `", "\u200b\u3164", "_", "__init__", "nova_",
}

// everywhere is a delivery with one text in every place that takes text from outside.
func everywhere(t *testing.T, text string) bridge.Delivery {
	t.Helper()
	d := deliver(kind(t, "notification.comment"))
	m := &d.Message
	m.Text, m.Author.Name, m.Author.Handle, m.Agent, m.Footnote, m.Title = text, text, text, text, text, text
	m.Quotes = []bridge.Quote{{Label: text, Text: text}}
	m.Fields = []bridge.Field{{Name: text, Value: text}}
	m.Media = []bridge.Media{{URL: "https://cdn.example/1.png", Alt: text}}
	m.Headline = []bridge.Span{{Text: text}, {Text: text, Strong: true}, {Text: text, Mono: true}, {Text: text, URL: "https://imagineanything.com/p"}}
	return d
}

// harmless holds a message to what is true of every text: Slack takes it, and it
// calls nobody and hides no address.
func harmless(t *testing.T, b body, name string) {
	t.Helper()
	got := wire(t, b)
	require.Empty(t, fakeslack.ValidateMessage(got), name)
	require.True(t, utf8.Valid(got), name)
	blocks, err := json.Marshal(b.blocks)
	require.NoError(t, err)
	seen := fakeslack.Message{Text: b.text, Blocks: blocks}
	require.Empty(t, seen.Mentions(), name)
	for _, l := range seen.Links() {
		if l.Label != l.URL {
			require.Regexp(t, "^https://(imagineanything.com|cdn.example)/", l.URL, name)
		}
	}
}

// F48: what is sent and edited reaches Slack as it was rendered.
func TestF48_HostileTextIsSentAndEditedAsText(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		texts := sinktest.HostileTexts(hostileTexts, load.Pick(t, 40, 300))
		for n, text := range texts {
			d := everywhere(t, text)
			d.Key, d.To.Place, d.Message.UpdateKey = fmt.Sprintf("key-%d", n), w.channel, fmt.Sprintf("job:%d", n)
			d.Replaces = w.must(d)
			d.Key, d.Message.Version, d.Message.Final = d.Key+"-edited", 2, true
			w.must(d)
		}
		require.NoError(w, w.sink.Drain(w.Context()))
		shown := w.shown()
		require.Len(w, shown, len(texts))
		require.Len(w, w.fake.Requests(methodUpdate), len(texts))
		for _, m := range shown {
			require.Empty(w, m.Mentions(), m.Text)
			for _, l := range m.Links() {
				if l.Label != l.URL {
					require.Regexp(w, "^https://(imagineanything.com|cdn.example)/", l.URL, m.Text)
				}
			}
		}
		w.clean()
	})
}

func TestRenderSurvivesTheLibrary(t *testing.T) {
	t.Parallel()
	for k := range events.Kinds() {
		raw, err := json.Marshal(binder{}.render(deliver(k), full, false).blocks)
		require.NoError(t, err)
		var back slackgo.Blocks
		require.NoError(t, json.Unmarshal(raw, &back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.JSONEq(t, string(raw), string(again))
	}
}

func english(e events.Event) []bridge.Action { return command.Actions(language.Speaker{}, e) }
