package bridge_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

func TestTemplatesMakeWordsOfEvents(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ template, kind, want string }{
		"fields":                   {"{{.data.actor.handle}}: {{.data.comment.content}}", "notification.comment", "nova_ai: "},
		"a kind":                   {"{{.family}}.{{.type}} of {{.agent}}", "notification.like", "notification.like of orbit_bot"},
		"a choice":                 {`{{if eq .type "comment"}}{{cut 5 .data.comment.content}}{{else}}no{{end}}`, "notification.like", "no"},
		"a date":                   {`{{date "Europe/Berlin" "15:04" .time}}`, "notification.like", "14:36"},
		"inside":                   {"{{with .data.actor}}{{upper .handle}}{{end}}", "notification.like", "NOVA_AI"},
		"nothing":                  {`{{if eq .type "comment"}}x{{end}}`, "notification.like", ""},
		"what looks like a loop":   {"range over {{.type}}", "notification.like", "range over like"},
		"the event itself, again":  {"{{with .data}}{{$.type}}{{end}}", "notification.like", "like"},
		"own words with a brace {": {"{ {{.type}} }", "notification.like", "{ like }"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := bridge.CompileTemplate(tc.template, []string{"notification.like", "notification.comment"})
			if name == "fields" { // which a like lacks
				made, err = bridge.CompileTemplate(tc.template, []string{"notification.comment"})
			}
			require.NoError(t, err)
			got, err := made.Words(example(t, tc.kind))
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(got, tc.want), got)
			require.Equal(t, tc.want == "", got == "")
		})
	}
}

func TestTemplateErrorsAreSentences(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{"{{.data.actor.handel}}", `"data.actor.handel" does not exist for notification.*; did you mean "handle"?`},
		{"{{if false}}{{.data.actr.handle}}{{end}}", `"data.actr" does not exist for notification.*; did you mean "actor"?`},
		{"{{.agnt}}", `"agnt" does not exist for notification.*; did you mean "agent"?`},
		{"{{.data.comment.content}}", `line 1: notification.follow has no "comment"; put it into {{if ne .type "follow"}} … {{end}}, or name fewer events (.data.comment.content)`},
		{"{{range .data.post.hashtags}}{{.}}{{end}}", "{{range .data.post.hashtags}}{{.}}{{end}}: there are no loops and no templates inside templates; join makes a text of a list"},
		{`{{define "x"}}{{end}}`, `"define" and "block" are not for templates of subscriptions`},
		{`{{template "template"}}`, `{{template "template"}}: there are no loops and no templates inside templates; join makes a text of a list`},
		{`{{printf "%099999999d" 1}}`, `line 1: there is no function "printf"; there are and, cut, date, eq, ge, gt, index, join, le, len, lower, lt, ne, not, or, trim, upper`},
		{"{{.data.actor}}", "at notification.follow it shows a whole object; name one of its fields"},
		{"{{.type", "line 1: unclosed action"},
		{`{{date "Mars/Base" "15:04" .time}}`, `line 1: error calling date: no time zone "Mars/Base" (date "Mars/Base" "15:04" .time), at notification.follow`},
		{strings.Repeat("x", 2001), "the template has 2001 bytes of at most 2000"},
		{`{{len 3}}`, "line 1: error calling len: len of type int (len 3), at notification.follow"},
	} {
		_, err := bridge.CompileTemplate(tc.text, []string{"notification.*"})
		require.EqualError(t, err, tc.want, tc.text)
	}
}

// TestTemplatesAreBounded: at the limit of the text, with words as long as an event
// may hold, what is made stays short.
func TestTemplatesAreBounded(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("{{.data.comment.content}}", 80)
	require.LessOrEqual(t, len(text), 2000)
	made, err := bridge.CompileTemplate(text, []string{"notification.comment"})
	require.NoError(t, err)
	e := comment(1)
	e.Data = events.NotificationComment{Comment: events.Comment{Content: strings.Repeat("ab ", 5000)}}
	got, err := made.Words(e)
	require.NoError(t, err)
	require.LessOrEqual(t, len([]rune(got)), 6000)
	require.True(t, strings.HasSuffix(got, "…"))
	_, err = bridge.CompileTemplate(strings.Repeat("x", 2000), []string{"*"})
	require.NoError(t, err)
}

func TestASubscriptionSendsItsOwnWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(words(1), like(2), words(3))
		r := w.run(t, func(o *bridge.WorkerOptions) {
			made, err := bridge.CompileTemplate("{{if eq .type \"comment\"}}New: {{.data.comment.content}}\n@everyone [x](http://evil.example){{end}}", []string{"*"})
			require.NoError(t, err)
			o.Subscription.Template = made
		})
		wait(time.Minute)
		r.stop(t)
		sent := w.attempts()
		require.Len(t, sent, 3)
		m := sent[0].Message
		require.Equal(t, []bridge.Span{{Text: "New: words 1"}}, m.Headline)
		require.Equal(t, "@everyone [x](http://evil.example)", m.Text, "it is for the sink to make text of it")
		require.Nil(t, m.Author)
		require.Empty(t, m.Quotes)
		require.Equal(t, "post:p", m.ThreadKey, "it belongs where the usual card belongs")
		require.NotNil(t, sent[1].Message.Author, "what a template is silent about gets its usual card")
	})
}

// TestATemplateThatBreaksLeavesTheUsualCard: an event is never lost to its words.
func TestATemplateThatBreaksLeavesTheUsualCard(t *testing.T) {
	t.Parallel()
	made, err := bridge.CompileTemplate("{{index .data.post.hashtags 0}}", []string{"post.published"})
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		e := example(t, "post.published")
		d := e.Data.(events.PostPublished)
		d.Post.Hashtags = nil
		e.Data = d
		w.publish(e)
		r := w.run(t, func(o *bridge.WorkerOptions) { o.Subscription.Template = made })
		wait(time.Minute)
		r.stop(t)
		require.Len(t, w.attempts(), 1)
		require.NotNil(t, w.attempts()[0].Message.Author)
	})
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"{{.data.actor.handle}}", "{{if", "{{range 9}}{{end}}", `{{with $x := .data}}{{$x.post.url}}{{end}}`, "{{/* a */}}", `{{cut -1 "x"}}`, "{{index .data.post.hashtags 99}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		made, err := bridge.CompileTemplate(text, []string{"*"})
		if err != nil {
			require.NotEmpty(t, err.Error())
			require.Less(t, len(err.Error()), 2000)
			return
		}
		got, err := made.Words(comment(1))
		if err == nil {
			require.LessOrEqual(t, len([]rune(got)), 6000)
		}
	})
}
