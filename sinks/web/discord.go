package web

import (
	"cmp"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// discordView is a message as Discord shows it: one embed under the bot's name.
type discordView struct {
	ID       string
	Event    string
	Posted   time.Time
	At       time.Time
	Edited   bool
	Bar      string // name of the colour at the embed's edge
	Author   *person
	Title    string
	TitleURL string
	Headline []span
	Text     []span
	Quotes   [][]span
	Fields   []discordField
	Pictures []picture
	Footer   string
	Buttons  []button
	Thread   *threadView
}

type discordField struct {
	Name   string
	Value  []span
	Since  time.Time // shown instead of Value, as time that passes
	Inline bool
}

// threadView is the row under a message that heads a thread.
type threadView struct {
	Name    string
	Count   int // replies
	Older   int // of them not shown any more
	Last    time.Time
	LastBy  *person
	LastSay string
	People  []*person // newest speakers, each once
	Discord []discordView
	Slack   []slackView
}

// discord draws one message. Inside a thread it leaves out what the thread itself
// says.
func (l look) discord(e entry, id string, inThread bool) discordView {
	m := e.msg
	v := discordView{
		ID: id, Event: m.Event, Posted: e.posted, At: m.At, Edited: e.edited, Bar: discordBar(m), Author: l.person(m.Author),
		Title: oneLine(m.Title, maxQuote), Text: runs(clean(m.Text, maxText)), Footer: discordFooter(m), Fields: discordFields(m, inThread),
	}
	if m.Text == "" || m.Title == "" && !inThread {
		v.Headline = headline(m.Headline)
	}
	for _, q := range m.Quotes[:min(len(m.Quotes), maxQuotes)] {
		if text := clean(q.Text, maxQuote); q.Label == "" && text != "" {
			v.Quotes = append(v.Quotes, runs(text))
		}
	}
	var played []button
	v.Pictures, played = l.pictures(m)
	v.Buttons = append(played, buttons(m.Actions)...)
	v.TitleURL = webURL(m.Link)
	for _, b := range v.Buttons {
		if b.URL == v.TitleURL {
			v.TitleURL = "" // a button leads there already
		}
	}
	if v.Author == nil && v.Title == "" && len(v.Headline)+len(v.Text)+len(v.Quotes) == 0 {
		v.Title = oneLine(cmp.Or(m.Event, "event"), maxName)
	}
	return v
}

// discordBar follows the event where it has a colour of its own, else the mood.
func discordBar(m bridge.Message) string {
	family, _, _ := strings.Cut(m.Event, ".")
	switch {
	case m.Event == "notification.follow":
		return "sky"
	case family == "message":
		return "blurple"
	}
	switch m.Tone {
	case bridge.ToneWarm, bridge.ToneBad:
		return "red"
	case bridge.ToneTalk, bridge.ToneGood:
		return "green"
	case bridge.ToneShare:
		return "purple"
	case bridge.ToneCall:
		return "yellow"
	case bridge.ToneBusy:
		return "orange"
	case bridge.ToneNeutral:
	}
	return "grey"
}

// discordFooter is the small print, with the agent concerned in front where no
// other part of the card is sure to name it.
func discordFooter(m bridge.Message) string {
	own := m.Author != nil && m.Author.Handle == m.Agent
	parts := []string{m.Agent, m.Footnote}
	if own || m.Agent == m.Footnote {
		parts = parts[1:]
	}
	return joined(parts...)
}

func joined(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p = oneLine(p, maxQuote); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " · ")
}

const maxColumn = 40 // letters of the longest value that reads well in a column

// discordFields are the facts in columns: how far it is, what was said before,
// the rest.
func discordFields(m bridge.Message, inThread bool) []discordField {
	var out []discordField
	if len(m.Steps) > 0 {
		out = append(out, discordField{Name: "Status", Value: []span{{Text: progress(m.Steps)}}, Inline: true})
		if m.Tone == bridge.ToneBusy && !m.At.IsZero() {
			out = append(out, discordField{Name: "Since", Since: m.At, Inline: true})
		}
	}
	subject := inThread && strings.HasPrefix(m.ThreadKey, "post:")
	for _, q := range m.Quotes[:min(len(m.Quotes), maxQuotes)] {
		label, text := oneLine(q.Label, maxQuote), clean(q.Text, maxQuote)
		if label != "" && text != "" && !subject {
			out = append(out, discordField{Name: label, Value: runs(text)})
		}
	}
	for _, f := range m.Fields[:min(len(m.Fields), maxFields)] {
		name, value := oneLine(f.Name, maxName), clean(f.Value, maxQuote)
		if name != "" && value != "" {
			out = append(out, discordField{Name: name, Value: runs(value), Inline: len([]rune(value)) <= maxColumn})
		}
	}
	return out
}

// progress draws the stages as a bar and names the one that counts. The first
// stage is the waiting line: being in it is no progress yet.
func progress(steps []bridge.Step) string {
	var bar strings.Builder
	name := ""
	for i, s := range steps[:min(len(steps), maxSteps)] {
		sign := "▱"
		switch s.State {
		case bridge.StepDone:
			sign = "▰"
		case bridge.StepNow:
			name = s.Name
			if i > 0 {
				sign = "▰"
			}
		case bridge.StepFailed:
			sign, name = "✕", s.Name
		case bridge.StepAhead:
		}
		bar.WriteString(sign)
	}
	return strings.TrimSpace(bar.String() + " " + oneLine(name, maxName))
}
