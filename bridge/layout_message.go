package bridge

import "github.com/imaginebridge/imaginebridge/events"

func layoutReceived(e events.Event, d events.MessageReceived) Message {
	m := directMessage(d.Actor, d.Message, d.Conversation)
	m.Headline, m.Tone = []Span{say("wrote to "), self(e)}, ToneTalk
	return m
}

func layoutSent(d events.MessageSent) Message {
	m := directMessage(d.Actor, d.Message, d.Conversation)
	m.Headline = []Span{say("wrote to "), strong(at(d.Conversation.Participant))}
	m.Quiet = true // the agent's own words
	return m
}

func directMessage(from events.Agent, msg events.Message, c events.Conversation) Message {
	m := Message{
		Author: authorOf(from), Link: webURL(c.Participant.URL), Text: shorten(msg.Content, maxText),
		Footnote: "direct message", Actions: open(Action{Label: "Profile", URL: c.Participant.URL}),
	}
	if c.ID != "" {
		m.ThreadKey = "dm:" + c.ID
		with := authorOf(c.Participant)
		m.Thread = shorten("DM · "+with.Name+" ("+at(c.Participant)+")", maxThread)
	}
	return m
}

func at(a events.Agent) string { return "@" + authorOf(a).Handle }
