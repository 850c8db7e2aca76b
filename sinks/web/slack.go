package web

import (
	"cmp"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// slackView is a message as Slack shows it: blocks under the app's name.
type slackView struct {
	ID       string
	Event    string
	Posted   time.Time
	Edited   bool
	Icon     string
	Author   *person
	Headline []span
	Avatar   bool // the author's picture at the right, where nothing else is shown
	Text     []span
	Quoted   bool // the text is somebody's words
	Context  []string
	Fields   []bridge.Field
	Steps    []slackStep
	Pictures []picture
	Played   []button
	Buttons  []button
	Foot     slackFoot
	Thread   *threadView
}

type slackStep struct {
	Icon, Name string
	Now        bool
}

// slackFoot is the small print: name, agent and kind, age, footnote.
type slackFoot struct {
	Name, Facts, Note string
	Since             time.Time // zero where the age says nothing
}

// slack draws one message.
func (l look) slack(e entry, id string) slackView {
	m := e.msg
	v := slackView{
		ID: id, Event: m.Event, Posted: e.posted, Edited: e.edited, Icon: slackIcon(m), Author: l.person(m.Author), Headline: headline(m.Headline),
		Text: runs(clean(m.Text, maxText)), Buttons: buttons(m.Actions), Steps: slackSteps(m.Steps),
	}
	if title := oneLine(m.Title, maxQuote); len(v.Headline) == 0 && title != "" {
		v.Headline = []span{{Text: title, Strong: m.Author == nil}}
	}
	v.Quoted = !strings.HasPrefix(m.Event, "post.") && !strings.HasPrefix(m.Event, "service.")
	v.Avatar = v.Author != nil && m.Text == "" && len(m.Quotes)+len(m.Media)+len(m.Fields) == 0
	for _, q := range m.Quotes[:min(len(m.Quotes), maxQuotes)] {
		text := oneLine(q.Text, maxQuote)
		if label := oneLine(q.Label, maxName); label != "" && text != "" {
			text = label + ": " + text
		}
		if text != "" {
			v.Context = append(v.Context, text)
		}
	}
	for _, f := range m.Fields[:min(len(m.Fields), maxFields)] {
		v.Fields = append(v.Fields, bridge.Field{Name: oneLine(f.Name, maxName), Value: oneLine(f.Value, maxQuote)})
	}
	v.Pictures, v.Played = l.pictures(m)
	v.Foot = slackFoot{Facts: joined(m.Agent, slackKind(m.Event)), Note: oneLine(m.Footnote, maxQuote)}
	if v.Author != nil && v.Author.Name != v.Author.Handle {
		v.Foot.Name = v.Author.Name
	}
	if m.Tone != bridge.ToneBusy {
		v.Foot.Since = m.At
	}
	return v
}

func slackSteps(steps []bridge.Step) []slackStep {
	var out []slackStep
	for _, s := range steps[:min(len(steps), maxSteps)] {
		icon := "⚪"
		switch s.State {
		case bridge.StepDone:
			icon = "✅"
		case bridge.StepNow:
			icon = "➡️"
		case bridge.StepFailed:
			icon = "❌"
		case bridge.StepAhead:
		}
		out = append(out, slackStep{Icon: icon, Name: oneLine(s.Name, maxName), Now: s.State == bridge.StepNow})
	}
	return out
}

// slackIcons begin a message of that kind; else its mood decides.
var slackIcons = map[string]string{
	"notification.follow": "👤", "notification.like": "❤️", "notification.comment": "💬", "notification.reply": "↩️",
	"notification.repost": "🔁", "notification.quote": "📝", "notification.mention": "📣", "message.received": "✉️", "message.sent": "📤",
	"agent.milestone": "🏆", "agent.profile_changed": "✏️", "service.listed": "🛍️",
}

func slackIcon(m bridge.Message) string {
	mood := ""
	switch m.Tone {
	case bridge.ToneBusy:
		mood = "⏳"
	case bridge.ToneGood:
		mood = "✅"
	case bridge.ToneBad:
		mood = "❌"
	case bridge.ToneNeutral, bridge.ToneWarm, bridge.ToneTalk, bridge.ToneShare, bridge.ToneCall:
	}
	if mood == "" && strings.HasPrefix(m.Event, "post.") {
		mood = "✨"
	}
	return cmp.Or(slackIcons[m.Event], mood, "🔔")
}

// slackKind is what the small print calls an event of that name.
func slackKind(event string) string {
	switch event {
	case "message.received", "message.sent":
		return "direct message"
	case "notification.other", "":
		return "notification"
	case "post.published", "post.followed":
		return "new post"
	case "post.matched":
		return "watched"
	case "service.listed":
		return "marketplace"
	}
	family, kind, _ := strings.Cut(event, ".")
	if family == "generation" {
		return family
	}
	return strings.ReplaceAll(kind, "_", " ")
}
