package bridge

import (
	"cmp"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// maxLine bounds each half of a digest's line, so that a full digest fits every
// platform's message.
const maxLine = 100

// digestKinds are the kinds of a digest's lines, what matters first.
var digestKinds = []struct {
	one   string // counted in the last line
	names []string
}{
	{"message", []string{"message.received", "message.sent"}},
	{"mention", []string{"notification.mention"}},
	{"reply", []string{"notification.reply"}},
	{"comment", []string{"notification.comment"}},
	{"quote", []string{"notification.quote"}},
	{"failed generation", []string{"generation.failed"}},
	{"generation", []string{"generation.completed", "generation.started", "generation.progressed"}},
	{"repost", []string{"notification.repost"}},
	{"follow", []string{"notification.follow"}},
	{"like", []string{"notification.like"}},
	{"post", []string{"post.matched", "post.followed", "post.published"}},
}

// line is one line of a digest and the events it tells of.
type line struct {
	rank   int
	newest events.Event
	tally  Tally
}

// Digest makes one message of several events: what matters first, grouped by kind,
// each kind oldest first. Likes, reposts and follows of one thing are one line; of
// a generation only the newest state is told.
func (c Cards) Digest(list []events.Event) Message {
	last := list[len(list)-1]
	m := Message{Event: last.Name(), Agent: last.Agent(), At: last.Time}
	for _, e := range list {
		if e.Agent() != m.Agent {
			m.Agent = ""
		}
	}
	things := 0
	kinds := make([]int, len(digestKinds)+1)
	for _, l := range linesOf(list) {
		m.Quotes = append(m.Quotes, l.quote(c))
		things += l.tally.Count
		kinds[l.rank] += l.tally.Count
	}
	what := c.say("%s happened", language.Counted(things, "thing"))
	if m.Agent != "" {
		what = c.say("%s happened to %s", language.Counted(things, "thing"), "@"+shorten(m.Agent, maxName))
	}
	m.Title, m.Headline = what, []Span{say(what)}
	m.Footnote = joined(c.say("digest"), c.kindCounts(kinds))
	return m
}

// AfterOutage is a digest of part of what happened while nothing could be sent.
func (c Cards) AfterOutage(list []events.Event, away Away) Message {
	m := c.Digest(list)
	m.Title = c.say("While I was away: %d of %d events, %s", len(list), min(away.Count, 1<<31), c.clock(away.From, away.Until))
	m.Headline = []Span{say(m.Title)}
	m.Quiet = true
	return m
}

// linesOf sorts events into lines.
func linesOf(list []events.Event) []*line {
	byKey := map[string]*line{}
	var out []*line
	for _, e := range list {
		key := lineKey(e)
		l := byKey[key]
		if l == nil {
			l = &line{}
			byKey[key], out = l, append(out, l)
		}
		l.newest, l.rank = e, rankOf(e)
		if foldKey(e) != "" {
			l.tally = l.tally.add([]events.Event{e})
		} else {
			l.tally.Count = 1
		}
	}
	slices.SortStableFunc(out, func(a, b *line) int { return cmp.Compare(a.rank, b.rank) })
	return out
}

func rankOf(e events.Event) int {
	for i, k := range digestKinds {
		if slices.Contains(k.names, e.Name()) {
			return i
		}
	}
	return len(digestKinds)
}

// kindCounts says how many of each kind there are, for more than one kind.
func (c Cards) kindCounts(counts []int) string {
	var parts []string
	for i, n := range counts {
		switch {
		case n == 0:
		case i == len(digestKinds):
			parts = append(parts, c.others(n))
		case n > 1 && digestKinds[i].one == "reply":
			parts = append(parts, c.say("%d replies", n))
		default:
			parts = append(parts, c.In.Count(n, digestKinds[i].one))
		}
	}
	return strings.Join(parts, " · ")
}

func (l *line) quote(c Cards) Quote {
	m := c.Layout(l.newest)
	if l.tally.Count > 1 {
		m = c.Fold(l.tally, l.newest)
	}
	return Quote{Label: digestLabel(m), Text: digestText(m)}
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
	return shorten(oneLine(b.String()), maxLine)
}

// digestText is the words of the event, or else those it is about.
func digestText(m Message) string {
	if m.Text == "" && len(m.Quotes) > 0 {
		return shorten(oneLine(m.Quotes[0].Text), maxLine)
	}
	return shorten(oneLine(m.Text), maxLine)
}
