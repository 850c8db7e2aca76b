package discord

import (
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// topic is a choice of events that people tick.
type topic struct {
	key, label string
	events     []string
}

// topics are offered in this order.
func topics() []topic {
	return []topic{
		{"mentions", "Mentions", []string{"notification.mention"}},
		{"replies", "Replies", []string{"notification.reply"}},
		{"comments", "Comments", []string{"notification.comment"}},
		{"quotes", "Quotes", []string{"notification.quote"}},
		{"dms", "Direct messages", []string{"message.received"}},
		{"finished", "Finished generations", []string{"generation.completed", "generation.failed"}},
		{"progress", "Generations on their way", []string{"generation.started", "generation.progressed"}},
		{"follows", "New followers", []string{"notification.follow"}},
		{"likes", "Likes", []string{"notification.like"}},
		{"reposts", "Reposts", []string{"notification.repost"}},
	}
}

func topicOf(key string) topic {
	for _, t := range topics() {
		if t.key == key {
			return t
		}
	}
	return topic{}
}

// topicsOf are those that a preset takes in.
func topicsOf(preset string) []string {
	p, _ := bridge.FindPreset(preset)
	var out []string
	for _, t := range topics() {
		if !slices.ContainsFunc(t.events, func(e string) bool { return !takesIn(p, e) }) {
			out = append(out, t.key)
		}
	}
	return out
}

func takesIn(p bridge.Preset, event string) bool {
	return slices.ContainsFunc(p.Events, func(pattern string) bool { return events.MatchPattern(pattern, event) })
}

// presetOf is the preset that takes in exactly these, "" for none.
func presetOf(keys []string) string {
	for _, p := range bridge.Presets() {
		if same := topicsOf(p.Name); len(same) > 0 && len(same) == len(keys) && !slices.ContainsFunc(same, func(k string) bool { return !slices.Contains(keys, k) }) {
			return p.Name
		}
	}
	return ""
}

// patternsOf are the events of topics, as the command takes them.
func patternsOf(keys []string) string {
	var out []string
	for _, t := range topics() {
		if slices.Contains(keys, t.key) {
			out = append(out, t.events...)
		}
	}
	return strings.Join(out, ",")
}

// pacing is a choice when messages go.
type pacing struct {
	key, label string
	values     map[string]any
}

func paces() []pacing {
	return []pacing{
		{"instant", "Each at once", nil},
		{"capped", "At most 5 a minute, the rest gathered", map[string]any{"cap": "5"}},
		{"hourly", "Gathered for an hour", map[string]any{"digest": "1h"}},
		{"daily", "Once a day, at 09:00 UTC", map[string]any{"digest": "09:00"}},
	}
}

func paceOf(key string) pacing {
	for _, p := range paces() {
		if p.key == key {
			return p
		}
	}
	return pacing{}
}

// destinations are the types of channels that can be chosen.
func destinations() []int {
	return []int{textChannel, announcementChannel, announcementThread, publicThread, privateThread}
}

// screen draws the wizard as it is; note is what its last step led to.
func (v *visit) screen(w wizard, note string) reply {
	in, agents := v.reader(), v.agents()
	lines := []string{"**" + block(in.Say("Set up ImagineBridge"), maxTitle) + "**"}
	r := reply{Embeds: []embed{}, AllowedMentions: nobody()}
	if len(agents) == 0 {
		lines = append(lines, block(in.Say("No agent of ImagineAnything is connected to this server yet. Connect yours by its client id and secret (ImagineAnything → agent settings → API), or redeem a code that its owner gave you. Both are typed into a form that only you see, and never shown again."), maxContent))
		r.Components = []row{buttonRow(
			button{Style: styleNext, Label: in.Say("Connect an agent"), CustomID: w.id(stepConnect)},
			button{Style: styleCalm, Label: in.Say("I have a code"), CustomID: w.id(stepRedeem)},
			button{Style: styleCalm, Label: in.Say("Cancel"), CustomID: w.id(stepCancel)},
		)}
	} else {
		fit := lacks(in, w)
		lines = append(lines, w.summary(in, agents)...)
		if fit != "" {
			lines = append(lines, "⚠️ "+fit)
		}
		r.Components = append(w.menus(in, agents), buttonRow(
			button{Style: styleCalm, Label: in.Say("Send test"), CustomID: w.id(stepTest), Disabled: fit != ""},
			button{Style: styleNext, Label: in.Say("Start"), CustomID: w.id(stepStart), Disabled: fit != ""},
			button{Style: styleCalm, Label: in.Say("Another agent"), CustomID: w.id(stepConnect)},
			button{Style: styleCalm, Label: in.Say("Cancel"), CustomID: w.id(stepCancel)},
		))
	}
	if note != "" {
		lines = append(lines, "→ "+block(note, maxTitle*2))
	}
	r.Content = cut(strings.Join(lines, "\n"), maxContent, false)
	return r
}

func buttonRow(list ...button) row {
	for i := range list {
		list[i].Type = kindButton
	}
	return row{Type: kindRow, Components: list}
}

func menuRow(m button) row { return row{Type: kindRow, Components: []button{m}} }

// summary says in words what will be.
func (w wizard) summary(in language.Speaker, agents []string) []string {
	who := agents
	if w.Agent != "" {
		who = []string{w.Agent}
	}
	var labels []string
	for _, t := range topics() {
		if slices.Contains(w.Topics, t.key) {
			labels = append(labels, in.Word(t.label))
		}
	}
	names := block("@"+strings.Join(who, ", @"), maxTitle*2)
	lines := []string{
		block(in.Say("Agent:"), maxTitle) + " " + names,
		block(in.Say("Channel:"), maxTitle) + " <#" + w.Channel + ">",
		block(in.Say("Events:"), maxTitle) + " " + block(strings.Join(labels, ", "), maxTitle*2),
		block(in.Say("Pace:"), maxTitle) + " " + block(in.Word(paceOf(w.Pace).label), maxTitle),
	}
	if slices.Contains(w.Topics, "dms") {
		lines = append(lines, block(in.Say("Everybody who reads that channel will read the direct messages."), maxTitle*2))
	}
	return lines
}

// menus are what can be chosen; the agent is skipped where there is one.
func (w wizard) menus(in language.Speaker, agents []string) []row {
	var out []row
	if len(agents) > 1 {
		m := button{Type: kindSelect, CustomID: w.id(stepAgent), Placeholder: in.Say("Which agent")}
		m.Options = append(m.Options, menuOption{Label: in.Say("All agents connected here"), Value: bridge.EveryAgent, Default: w.Agent == ""})
		for _, handle := range agents[:min(len(agents), maxChoices-1)] {
			m.Options = append(m.Options, menuOption{Label: plain("@"+handle, maxChoiceText), Value: handle, Default: w.Agent == handle})
		}
		out = append(out, menuRow(m))
	}
	channel := button{Type: kindChannels, CustomID: w.id(stepChannel), Placeholder: in.Say("Which channel"), ChannelTypes: destinations()}
	if slices.Contains(destinations(), w.Venue.Type) {
		channel.Chosen = []chosen{{w.Channel, "channel"}}
	}
	kinds := button{Type: kindSelect, CustomID: w.id(stepEvents), Placeholder: in.Say("Which events"), MaxValues: len(topics())}
	for _, t := range topics() {
		kinds.Options = append(kinds.Options, menuOption{Label: in.Word(t.label), Value: t.key, Default: slices.Contains(w.Topics, t.key)})
	}
	pace := button{Type: kindSelect, CustomID: w.id(stepPace), Placeholder: in.Say("When they come")}
	for _, p := range paces() {
		pace.Options = append(pace.Options, menuOption{Label: in.Word(p.label), Value: p.key, Default: w.Pace == p.key})
	}
	return append(out, menuRow(channel), menuRow(kinds), menuRow(pace))
}

// kindChannels is a menu of channels, Discord docs "Channel Select".
const kindChannels = 8

// lacks says what keeps the bot from sending into the chosen channel, and the
// click that mends it; "" where nothing does.
func lacks(in language.Speaker, w wizard) string {
	if !slices.Contains(destinations(), w.Venue.Type) {
		return block(in.Say("That channel takes no messages of this kind. Choose a text or announcement channel, or a thread."), maxContent/4)
	}
	needed := []permission{sendMessages, embedLinks}
	if (channelView{Type: w.Venue.Type}).isThread() {
		needed = []permission{sendInThreads, embedLinks}
	}
	gone := lacking(w.Venue.May, needed...)
	if len(gone) == 0 {
		return ""
	}
	for i := range gone {
		gone[i] = in.Word(gone[i])
	}
	return block(in.Say("There I may not: %s. Mend it in Channel settings → Permissions → ImagineBridge, then choose the channel again.", strings.Join(gone, ", ")), maxContent/4)
}
