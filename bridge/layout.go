package bridge

import (
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
)

// Lengths that layouts keep, in letters as people count them. Sinks cut further
// where their platform asks for it.
const (
	maxText   = 6000
	maxPrompt = 300
	maxQuote  = 200
	maxName   = 80
	maxThread = 60
)

// Layout makes what people see of an event. It is pure and knows no platform: it
// shortens, but leaves escaping to the sink.
func (c Cards) Layout(e events.Event) Message {
	var m Message
	switch d := e.Data.(type) {
	case events.NotificationFollow, events.NotificationLike, events.NotificationRepost:
		m = c.layoutApplause(e)
	case events.NotificationComment, events.NotificationReply, events.NotificationQuote, events.NotificationMention:
		m = c.layoutTalk(e)
	case events.NotificationOther:
		m = c.layoutOther(d)
	case events.MessageReceived:
		m = c.layoutReceived(e, d)
	case events.MessageSent:
		m = c.layoutSent(d)
	case events.GenerationStarted:
		m = c.layoutJob(e, d.Job)
	case events.GenerationProgressed:
		m = c.layoutJob(e, d.Job)
	case events.GenerationCompleted:
		m = c.layoutJob(e, d.Job)
	case events.GenerationFailed:
		m = c.layoutJob(e, d.Job)
	case events.PostPublished:
		m = c.layoutPost(d.Actor, d.Post)
	case events.PostFollowed:
		m = c.layoutPost(d.Actor, d.Post)
	case events.PostMatched:
		m = c.layoutPost(d.Actor, d.Post)
		m.Title = c.say("A post about %s", shorten(d.Watch, maxName))
	case events.AgentMilestone:
		m = c.layoutMilestone(d)
	case events.AgentProfileChanged:
		m = c.layoutProfile(d)
	case events.ServiceListed:
		m = c.layoutListing(d.Listing)
	case events.ServiceOrdered:
		m = c.layoutOrder(d.Order, "")
	case events.ServiceOrderChanged:
		m = c.layoutOrder(d.Order, d.Before)
	}
	m.Event, m.Agent, m.At = e.Name(), e.Agent(), e.Time
	return c.spoken(m)
}

func authorOf(a events.Agent) *Author {
	handle := shorten(strings.TrimPrefix(a.Handle, "@"), maxName)
	name := shorten(a.Name, maxName)
	if name == "" {
		name = handle
	}
	return &Author{Name: name, Handle: handle, AvatarURL: webURL(a.AvatarURL), URL: webURL(a.URL), Verified: a.Verified}
}

func say(text string) Span { return Span{Text: text} }

func strong(text string) Span { return Span{Text: text, Strong: true} }

func link(text, url string) Span { return Span{Text: text, URL: webURL(url)} }

// self names the agent concerned.
func self(e events.Event) Span { return strong("@" + shorten(e.Agent(), maxName)) }

// quote is for words that stand beside the main ones; nil where there are none.
func quote(label, text string) []Quote {
	if text = shorten(oneLine(text), maxQuote); text == "" {
		return nil
	}
	return []Quote{{Label: label, Text: text}}
}

// open makes a button for each page that exists, in the order given.
func open(pages ...Action) []Action {
	var out []Action
	for _, a := range pages {
		if a.URL = webURL(a.URL); a.URL != "" {
			out = append(out, a)
		}
	}
	return out
}

func (c Cards) postThread(p events.Post) (key, name string) {
	if p.ID == "" {
		return "", ""
	}
	if name = shorten(oneLine(p.Content), maxThread); name == "" {
		name = c.say("Post %s", shorten(p.ID, maxThread))
	}
	return "post:" + p.ID, name
}
