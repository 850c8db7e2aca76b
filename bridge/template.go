package bridge

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// Template is a subscription's own words for an event, such as
//
//	{{.data.actor.handle}} wrote: {{cut 80 .data.comment.content}}
//
// It is a Go text/template over the names that a filter sees: agent, family
// ("notification"), type ("like"), id, source, subject, time and data, with fields
// spelled as in the event's JSON. Absent texts are empty, absent objects have empty
// fields. An empty outcome shows the usual card.
//
// There are no loops, no templates inside templates and none of Go's functions that
// make long texts of short ones, so that it ends soon and takes little room. What it
// makes is text: a sink escapes it like words from outside.
type Template struct {
	text string
	tree *template.Template
}

const (
	maxTemplate = 2000     // bytes of its text
	maxMade     = 32 << 10 // bytes that it may make before they are shortened
	maxOpening  = 150      // letters of a first line that stands as the headline
)

// CompileTemplate reads a template for the kinds of events that the patterns cover,
// and tries it on an example of each. Errors are sentences that name what is wrong
// and the nearest right word.
func CompileTemplate(text string, patterns []string) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("the template has %d bytes of at most %d", len(text), maxTemplate)
	}
	trees, err := parse.Parse("template", text, "", "", words(), plainFuncs())
	if err != nil {
		return nil, errors.New(said(err))
	}
	tree := trees["template"]
	if len(trees) != 1 || tree == nil {
		return nil, errors.New(`"define" and "block" are not for templates of subscriptions`)
	}
	c := &templateCheck{patterns: patterns}
	if c.node(tree.Root, true); c.err != nil {
		return nil, c.err
	}
	made, err := template.New("template").Funcs(words()).Option("missingkey=error").AddParseTree("template", tree)
	if err != nil {
		return nil, errors.New(said(err))
	}
	t := &Template{text: text, tree: made}
	for k := range events.Kinds() {
		if !slices.ContainsFunc(patterns, func(p string) bool { return events.MatchPattern(p, k.Name()) }) {
			continue
		}
		e := events.New("https://imagineanything.com", "agent", "example", "example", time.Now(), k.Example)
		made, err := t.Words(e)
		if err != nil {
			return nil, err
		}
		if strings.Contains(made, "map[") && !strings.Contains(text, "map[") {
			return nil, fmt.Errorf("at %s it shows a whole object; name one of its fields", k.Name())
		}
	}
	return t, nil
}

// String returns the template as it was written.
func (t *Template) String() string {
	if t == nil {
		return ""
	}
	return t.text
}

// Words are what the template makes of an event. An error names the kind of event
// and what broke.
func (t *Template) Words(e events.Event) (string, error) {
	out := &short{}
	if err := t.tree.Execute(out, valuesOf(e)); err != nil && !errors.Is(err, errEnough) {
		return "", broken(e, err)
	}
	return shorten(strings.TrimSpace(out.String()), maxText), nil
}

// short holds so much and no more.
type short struct{ strings.Builder }

// errEnough ends a template that makes too much.
var errEnough = errors.New("enough")

// Write implements io.Writer.
func (s *short) Write(p []byte) (int, error) {
	if s.Len()+len(p) > maxMade {
		s.Builder.Write(p[:maxMade-s.Len()])
		return 0, errEnough
	}
	return s.Builder.Write(p)
}

var _ io.Writer = (*short)(nil)

// words are the functions of ours.
func words() map[string]any {
	return map[string]any{
		"cut":   func(n int, text string) string { return shorten(oneLine(text), min(max(n, 1), maxText)) },
		"lower": strings.ToLower, "upper": strings.ToUpper, "trim": strings.TrimSpace,
		"join": func(sep string, list []any) string {
			var out []string
			for _, v := range list {
				out = append(out, fmt.Sprint(v))
			}
			return strings.Join(out, shorten(sep, maxName))
		},
		"date": func(zone, layout string, at time.Time) (string, error) {
			where, err := time.LoadLocation(zone)
			if err != nil || zone == "Local" {
				return "", fmt.Errorf("no time zone %q", zone)
			}
			return at.In(where).Format(layout), nil
		},
	}
}

// plainFuncs are those of Go's own that are pure and make nothing long.
func plainFuncs() map[string]any {
	out := map[string]any{}
	for _, name := range []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index"} {
		out[name] = true // their names alone matter to the parser
	}
	return out
}

// layout is an event's card in the subscription's words, where it has some. A
// template that breaks on an event leaves it its usual card.
func (s *Subscription) layout(c Cards, e events.Event) (Message, error) {
	m := c.Layout(e)
	if s.Template == nil {
		return m, nil
	}
	text, err := s.Template.Words(e)
	if err != nil || text == "" {
		return m, err
	}
	return m.Worded(text), nil
}

// Worded is the message with a template's words in place of its own. Pictures and
// buttons stay.
func (m Message) Worded(text string) Message {
	m.Author, m.Headline, m.Title, m.Text, m.Quotes, m.Fields, m.Footnote = nil, nil, "", text, nil, nil, ""
	if first, rest, _ := strings.Cut(text, "\n"); len([]rune(first)) <= maxOpening {
		m.Headline, m.Text = []Span{say(first)}, strings.TrimSpace(rest)
	}
	return m
}

var (
	placed   = regexp.MustCompile(`^template: template:(\d+)(?::\d+)?: (.*)$`)
	running  = regexp.MustCompile(`^executing "template" at <(.*?)>: (.*)$`)
	noEntry  = regexp.MustCompile(`map has no entry for key "([^"]*)"$`)
	unlisted = regexp.MustCompile(`function "([^"]*)" not defined`)
)

// said words the library's error for people.
func said(err error) string {
	line, what := "", oneLine(err.Error())
	if m := placed.FindStringSubmatch(what); m != nil {
		line, what = "line "+m[1]+": ", m[2]
	}
	if m := unlisted.FindStringSubmatch(what); m != nil {
		names := slices.Sorted(func(yield func(string) bool) {
			for _, list := range []map[string]any{words(), plainFuncs()} {
				for name := range list {
					if !yield(name) {
						return
					}
				}
			}
		})
		return line + fmt.Sprintf("there is no function %q; there are %s", m[1], strings.Join(names, ", "))
	}
	return line + shorten(what, maxQuote)
}

// broken says at which event a template broke, and how.
func broken(e events.Event, err error) error {
	what := said(err)
	line, rest, found := strings.Cut(what, ": ")
	if m := running.FindStringSubmatch(rest); found && m != nil {
		if absent := noEntry.FindStringSubmatch(m[2]); absent != nil {
			_, kind, _ := strings.Cut(e.Name(), ".")
			return fmt.Errorf("%s: %s has no %q; put it into {{if ne .type %q}} … {{end}}, or name fewer events (%s)", line, e.Name(), absent[1], kind, m[1])
		}
		what = fmt.Sprintf("%s: %s (%s)", line, m[2], m[1])
	}
	return fmt.Errorf("%s, at %s", what, e.Name())
}
