package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

var at = time.Date(2026, 2, 6, 13, 36, 48, 120e6, time.UTC)

// hostile is text that wants to be more than text (F48).
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg/onload=alert(1)>`, `</article></li><iframe src=//evil.example>`,
	`javascript:alert(1)`, `{{.Hint}}{{template "page"}}`, `<!--`, `]]>`, `&lt;script&gt;`, `@everyone <@&1> <!channel> &lt;!here&gt;`,
	"[bank](http://evil.example)", "```", "photo\u202egnp.exe", "a\u200bb\u2060c", "Z" + strings.Repeat("\u0316", 10_000), "a\x00b\x1b[2J", "bad\xff\xfeutf",
	strings.Repeat("A", 1<<20), "event: card\ndata: {}\n\n", `" onmouseover="alert(1)`, "http://evil.example/\" onclick=\"alert(1)", "\u2028\u2029",
}

func example(id string, d events.Payload) events.Event {
	return events.New("https://imagineanything.com", "orbit_bot", id, "", at, d)
}

// drawn is a message with its thread as both platforms' HTML.
func drawn(t *testing.T, s *Server, r root) string {
	t.Helper()
	c, err := s.card(language.Speaker{}, r)
	require.NoError(t, err)
	return fmt.Sprintf("<!-- says: %s -->\n\n%s\n%s", c.Say, c.Discord, c.Slack)
}

func server(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Metrics == nil {
		o.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	}
	s, err := New(o)
	require.NoError(t, err)
	return s
}

func TestGoldenEveryKind(t *testing.T) {
	t.Parallel()
	s := server(t, Options{})
	for k := range events.Kinds() {
		t.Run(k.Name(), func(t *testing.T) {
			got := drawn(t, s, root{n: 1, head: entry{posted: at, msg: bridge.Layout(example("x", k.Example))}})
			golden.Equal(t, "testdata/kind/"+k.Name()+".html", []byte(got))
		})
	}
}

func TestGoldenVariants(t *testing.T) {
	t.Parallel()
	shows := server(t, Options{MediaHosts: []string{"https://cdn.example"}})
	reply := bridge.Message{
		Event: "notification.comment", Agent: "orbit_bot", At: at.Add(time.Minute), Title: "Comment on your post", Text: "Nine tons. https://scale.example/9.",
		Author: &bridge.Author{Name: "Nova", Handle: "nova_ai"}, ThreadKey: "post:1", Quotes: []bridge.Quote{{Label: "Your post", Text: "Docking ring done"}},
	}
	media := bridge.Message{Event: "post.followed", At: at, Title: "Films", Media: []bridge.Media{
		{URL: "https://cdn.example/1.png", Alt: "One"}, {URL: "https://other.example/2.png"}, {Kind: bridge.MediaVideo, URL: "https://cdn.example/3.mp4"}, {Kind: bridge.MediaAudio, URL: "https://cdn.example/4.mp3"},
	}}
	for name, r := range map[string]root{
		"thread":      {n: 7, head: entry{posted: at, msg: reply}, name: "Docking ring done", count: 15, replies: []entry{{posted: at, msg: reply}, {posted: at, msg: reply, edited: true}}},
		"one reply":   {n: 7, head: entry{posted: at, msg: reply}, name: "Docking ring done", count: 1, replies: []entry{{posted: at, msg: reply}}},
		"edited":      {n: 3, head: entry{posted: at.Add(-time.Minute), edited: true, msg: bridge.Layout(example("x", events.GenerationProgressed{Job: events.Job{ID: "1", Type: "video", Status: "uploading", Prompt: "a ring station"}}))}},
		"media":       {n: 4, head: entry{posted: at, msg: media}},
		"empty":       {n: 5, head: entry{posted: at, msg: bridge.Message{Event: "post.published", At: at}}},
		"failed step": {n: 6, head: entry{posted: at, msg: bridge.Message{Event: "generation.failed", At: at, Steps: []bridge.Step{{Name: "queued", State: bridge.StepDone}, {Name: "generating", State: bridge.StepFailed}}, Actions: []bridge.Action{{Label: "Delete", URL: "https://imagineanything.com/x", Danger: true}, {Label: "dead", Command: "post like"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			golden.Equal(t, "testdata/variant/"+name+".html", []byte(drawn(t, shows, r)))
		})
	}
}

// everywhere is a message that holds the text in every place.
func everywhere(text string) bridge.Message {
	return bridge.Message{
		Event: "notification.comment", Agent: text, At: at, Author: &bridge.Author{Name: text, Handle: text, URL: text, AvatarURL: text, Verified: true},
		Headline: []bridge.Span{{Text: text, URL: text}, {Text: text, Strong: true}, {Text: text, Mono: true}}, Title: text, Link: text, Text: text,
		Quotes: []bridge.Quote{{Label: text, Text: text}, {Text: text}}, Fields: []bridge.Field{{Name: text, Value: text}}, Steps: []bridge.Step{{Name: text, State: bridge.StepNow}},
		Media: []bridge.Media{{URL: text, Alt: text}}, Footnote: text, Actions: []bridge.Action{{Label: text, URL: text}}, ThreadKey: text, Thread: text,
	}
}

var (
	ourTags = []string{"html", "head", "body", "li", "ol", "article", "span", "div", "header", "b", "i", "time", "p", "bdi", "a", "strong", "code", "blockquote", "dl", "dt", "dd", "small", "img", "details", "summary"}
	ourKeys = []string{"class", "id", "data-n", "data-event", "data-as", "aria-label", "aria-hidden", "href", "target", "rel", "datetime", "dir", "src", "alt", "loading", "decoding", "referrerpolicy", "title"}
)

func TestF48_TextFromOutsideStaysText(t *testing.T) {
	t.Parallel()
	s := server(t, Options{MediaHosts: []string{"https://cdn.example"}})
	plain := func(text string) string {
		m := everywhere(text)
		c, err := s.card(language.Speaker{}, root{n: 1, head: entry{msg: m}, name: text, count: 1, replies: []entry{{msg: m}}})
		require.NoError(t, err)
		return c.Discord + c.Slack
	}
	for _, text := range hostile {
		t.Run(cut(clean(text, 20), 20), func(t *testing.T) {
			t.Parallel()
			got := plain(text)
			require.Less(t, len(got), 200<<10, "bounded")
			doc, err := html.Parse(strings.NewReader(got))
			require.NoError(t, err)
			for n := range doc.Descendants() {
				require.NotEqual(t, html.CommentNode, n.Type)
				if n.Type != html.ElementNode {
					continue
				}
				require.Contains(t, ourTags, n.Data)
				for _, a := range n.Attr {
					require.Contains(t, ourKeys, a.Key)
					switch a.Key {
					case "href":
						require.Regexp(t, `^https?://[^@]+$`, a.Val)
					case "src":
						require.Regexp(t, `^https://cdn\.example/`, a.Val)
					}
				}
			}
		})
	}
}

func TestPicturesComeFromListedOriginsOnly(t *testing.T) {
	t.Parallel()
	s := server(t, Options{MediaHosts: []string{"https://cdn.example/any/path", "http://127.0.0.1:8481"}})
	for address, shown := range map[string]bool{
		"https://cdn.example/1.png":         true,
		"https://CDN.example/1.png":         true,
		"http://127.0.0.1:8481/1.png":       true,
		"http://127.0.0.1:8482/1.png":       false,
		"http://cdn.example/1.png":          false,
		"https://cdn.example.evil.com/1":    false,
		"https://evil.com/cdn.example":      false,
		"https://cdn.example@evil.com/1":    false,
		"https://cdn.example:444/1.png":     false,
		"//cdn.example/1.png":               false,
		"data:image/png;base64,iVBORw0KGgo": false,
	} {
		t.Run(address, func(t *testing.T) {
			require.Equal(t, shown, s.look.image(address) != "")
		})
	}
	require.Contains(t, s.csp, "img-src 'self' http://127.0.0.1:8481 https://cdn.example;")
}

func TestOptionsThatCannotBeUsedAreNamed(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		`option Hosts: "a b"`:                       {Hosts: []string{"a b"}},
		`option Hosts: "https://x.example/"`:        {Hosts: []string{"https://x.example/"}},
		`option MediaHosts: "cdn.example"`:          {MediaHosts: []string{"cdn.example"}},
		`option MediaHosts: "https://a;script-src"`: {MediaHosts: []string{"https://a;script-src"}},
	} {
		_, err := New(o)
		require.ErrorContains(t, err, name)
	}
}
