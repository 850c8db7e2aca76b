package bridge

import "github.com/imaginebridge/imaginebridge/events"

func (c Cards) layoutReceived(e events.Event, d events.MessageReceived) Message {
	m := c.directMessage(d.Actor, d.Message, d.Conversation)
	m.Headline, m.Tone = c.headline("wrote to %s", "", self(e)), ToneTalk
	return m
}

func (c Cards) layoutSent(d events.MessageSent) Message {
	m := c.directMessage(d.Actor, d.Message, d.Conversation)
	m.Headline = c.headline("wrote to %s", "", strong(at(d.Conversation.Participant)))
	m.Quiet = true // the agent's own words
	return m
}

func (c Cards) directMessage(from events.Agent, msg events.Message, in events.Conversation) Message {
	m := Message{
		Author: authorOf(from), Link: webURL(in.Participant.URL), Text: shorten(msg.Content, maxText),
		Footnote: c.say("direct message"), Actions: open(Action{Label: "Profile", URL: in.Participant.URL}),
	}
	if in.ID != "" {
		m.ThreadKey = "dm:" + in.ID
		with := authorOf(in.Participant)
		m.Thread = shorten("DM · "+with.Name+" ("+at(in.Participant)+")", maxThread)
	}
	return m
}

func at(a events.Agent) string { return "@" + authorOf(a).Handle }
