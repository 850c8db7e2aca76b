package bridge

import (
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
)

// Digest makes one message of several events, oldest first; of a generation only
// the newest state is told.
func Digest(list []events.Event) Message {
	last := list[len(list)-1]
	m := Message{Event: last.Name(), Agent: last.Agent(), At: last.Time}
	newest := map[string]int{}
	messages := make([]Message, len(list))
	for i, e := range list {
		messages[i] = Layout(e)
		if key := messages[i].UpdateKey; key != "" {
			newest[key] = i
		}
		if e.Agent() != m.Agent {
			m.Agent = ""
		}
	}
	for i, one := range messages {
		if one.UpdateKey == "" || newest[one.UpdateKey] == i {
			m.Quotes = append(m.Quotes, Quote{Label: digestLabel(one), Text: digestText(one)})
		}
	}
	what := counted(len(m.Quotes), "thing") + " happened"
	if m.Agent != "" {
		what += " to @" + shorten(m.Agent, maxName)
	}
	m.Title, m.Headline = what, []Span{say(what)}
	m.Footnote = "digest"
	return m
}

// digestLabel says who did what in a line. The name is text from outside, as
// everything in a label is to a sink.
func digestLabel(m Message) string {
	var b strings.Builder
	if m.Author != nil {
		b.WriteString(m.Author.Name + " ")
	}
	for _, s := range m.Headline {
		b.WriteString(s.Text)
	}
	return shorten(oneLine(b.String()), maxQuote)
}

// digestText is the words of the event, or else those it is about.
func digestText(m Message) string {
	if m.Text == "" && len(m.Quotes) > 0 {
		return m.Quotes[0].Text
	}
	return shorten(oneLine(m.Text), maxQuote)
}
