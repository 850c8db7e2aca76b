package bridge

import (
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Cards makes what people see, in the language of those who read it. The zero
// value speaks English.
type Cards struct{ In language.Speaker }

// Localized is a message in the language of a locale, such as "de-AT".
type Localized func(locale string) Message

// Layout is Cards.Layout in English.
func Layout(e events.Event) Message { return Cards{}.Layout(e) }

// Digest is Cards.Digest in English.
func Digest(list []events.Event) Message { return Cards{}.Digest(list) }

func (c Cards) say(key string, args ...any) string { return c.In.Say(key, args...) }

// headline says a sentence that continues the author's name, as spans: what
// stands in brackets is a link to url, and each %s is one of the parts.
func (c Cards) headline(key, url string, parts ...Span) []Span {
	var out []Span
	add := func(next Span) {
		if n := len(out); n > 0 && plain(out[n-1]) && plain(next) {
			out[n-1].Text += next.Text
			return
		}
		out = append(out, next)
	}
	for rest := c.In.Word(key); rest != ""; {
		i := strings.IndexAny(rest, "[%")
		if i < 0 {
			add(say(rest))
			break
		}
		if i > 0 {
			add(say(rest[:i]))
		}
		rest = rest[i:]
		if label, after, ok := strings.Cut(rest[1:], "]"); ok && rest[0] == '[' {
			add(link(label, url))
			rest = after
		} else if after, ok := strings.CutPrefix(rest, "%s"); ok && len(parts) > 0 {
			add(parts[0])
			parts, rest = parts[1:], after
		} else {
			add(say(rest[:1]))
			rest = rest[1:]
		}
	}
	return out
}

func plain(s Span) bool { return !s.Strong && !s.Mono && s.URL == "" }

// spoken says the labels of buttons and the names of facts.
func (c Cards) spoken(m Message) Message {
	for i := range m.Actions {
		m.Actions[i].Label = c.In.Word(m.Actions[i].Label)
	}
	for i := range m.Fields {
		m.Fields[i].Name = c.In.Word(m.Fields[i].Name)
	}
	return m
}
