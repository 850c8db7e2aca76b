package command

import (
	"reflect"
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// Note remembers whom and what an event tells of: handles, posts, comments,
// conversations, generations and notifications of its agent. The words of direct
// messages are not kept.
func (c *Completer) Note(e events.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.of(e.Agent())
	if m == nil {
		return
	}
	switch d := e.Data.(type) {
	case events.NotificationFollow:
		m.notified(e, d.Actor, "")
	case events.NotificationLike:
		m.notified(e, d.Actor, d.Post.Content, d.Post)
	case events.NotificationRepost:
		m.notified(e, d.Actor, d.Post.Content, d.Post)
	case events.NotificationComment:
		m.notified(e, d.Actor, d.Comment.Content, d.Post)
		m.remember(Comments, commentEntry(d.Comment.ID, d.Actor.Handle, d.Comment.Content)...)
	case events.NotificationReply:
		m.notified(e, d.Actor, d.Comment.Content, d.Post)
		m.remember(Comments, commentEntry(d.Comment.ID, d.Actor.Handle, d.Comment.Content)...)
	case events.NotificationQuote:
		m.notified(e, d.Actor, d.Post.Content, d.Post)
	case events.NotificationMention:
		m.mentioned(e, d)
	case events.NotificationOther:
		if d.Actor != nil {
			m.notified(e, *d.Actor, d.Text)
		}
	case events.MessageReceived:
		m.wrote(d.Conversation)
	case events.MessageSent:
		m.wrote(d.Conversation)
	case events.GenerationStarted:
		m.generated(d.Job)
	case events.GenerationProgressed:
		m.generated(d.Job)
	case events.GenerationCompleted:
		m.generated(d.Job)
		m.remember(Posts, postEntry(d.Job.PostID, e.Agent(), d.Job.PostContent+" "+d.Job.Prompt)...)
	case events.GenerationFailed:
		m.generated(d.Job)
	case events.PostPublished:
		m.remember(Posts, postEntry(d.Post.ID, d.Actor.Handle, d.Post.Content)...)
	case events.PostFollowed:
		m.posted(d.Actor, d.Post)
	case events.PostMatched:
		m.posted(d.Actor, d.Post)
	case events.ServiceListed:
		if d.Listing.Agent != nil {
			m.remember(Handles, handleEntry(d.Listing.Agent.Handle, d.Listing.Agent.Name)...)
		}
	case events.AgentMilestone, events.AgentProfileChanged: // of the agent itself
	}
}

// notified remembers a notification: who, the posts it is about, and itself.
func (m *memory) notified(e events.Event, actor events.Agent, text string, about ...events.Post) {
	m.remember(Handles, handleEntry(actor.Handle, actor.Name)...)
	for _, p := range about {
		author := e.Agent()
		if p.Agent != nil {
			author = p.Agent.Handle
		}
		m.remember(Posts, postEntry(p.ID, author, p.Content)...)
	}
	id, ok := strings.CutPrefix(e.ID, "ntf_")
	if !ok {
		return
	}
	_, kind, _ := strings.Cut(e.Name(), ".")
	m.remember(Notifications, newEntry(id, dots(kind+" by @"+bareHandle(actor.Handle), text), bareHandle(actor.Handle), text)...)
}

func (m *memory) mentioned(e events.Event, d events.NotificationMention) {
	if d.Comment == nil {
		m.notified(e, d.Actor, d.Post.Content, d.Post)
		return
	}
	m.notified(e, d.Actor, d.Comment.Content, d.Post)
	m.remember(Comments, commentEntry(d.Comment.ID, d.Actor.Handle, d.Comment.Content)...)
}

func (m *memory) wrote(v events.Conversation) {
	m.remember(Handles, handleEntry(v.Participant.Handle, v.Participant.Name)...)
	m.remember(Conversations, conversationEntry(v.ID, v.Participant.Handle, v.Participant.Name)...)
}

func (m *memory) posted(by events.Agent, p events.Post) {
	m.remember(Handles, handleEntry(by.Handle, by.Name)...)
	m.remember(Posts, postEntry(p.ID, by.Handle, p.Content)...)
}

func (m *memory) generated(j events.Job) {
	m.remember(Jobs, jobEntry(j.ID, j.Type, j.Status, j.Prompt)...)
}

// NoteReply remembers what a command has just shown or made.
func (c *Completer) NoteReply(agent string, r Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.of(bareHandle(agent))
	if m == nil {
		return
	}
	left := maxKept
	m.harvest(reflect.ValueOf(r.Data), 8, &left)
}

// harvest walks a reply's data for the API's own things, whatever holds them.
// Lists are walked from their end, so that their first item is suggested first.
func (m *memory) harvest(v reflect.Value, depth int, left *int) {
	if !v.IsValid() || depth == 0 || *left == 0 {
		return
	}
	if v.CanInterface() {
		m.recognise(v.Interface(), left)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			m.harvest(v.Elem(), depth-1, left)
		}
	case reflect.Slice, reflect.Array:
		if k := v.Type().Elem().Kind(); k != reflect.Struct && k != reflect.Pointer && k != reflect.Interface {
			return
		}
		for i := v.Len() - 1; i >= 0; i-- {
			m.harvest(v.Index(i), depth-1, left)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				m.harvest(v.Field(i), depth-1, left)
			}
		}
	default:
	}
}

// recognise remembers one thing of the API.
func (m *memory) recognise(thing any, left *int) {
	switch t := thing.(type) {
	case imagine.AgentRef:
		m.remember(Handles, handleEntry(t.Handle, t.Name)...)
	case imagine.Post:
		m.remember(Posts, postEntry(t.ID, t.Agent.Handle, t.Content)...)
	case imagine.Comment:
		m.remember(Comments, commentEntry(t.ID, t.Agent.Handle, t.Content)...)
	case imagine.Conversation:
		m.remember(Conversations, conversationEntry(t.ID, t.Participant.Handle, t.Participant.Name)...)
	case imagine.Job:
		m.remember(Jobs, jobEntry(t.ID, t.Type, t.Status, t.Prompt)...)
	case imagine.Notification:
		m.remember(Notifications, notificationEntry(t)...)
	case imagine.Service:
		m.outdate(keyProviders)
	case imagine.Media:
		m.outdate(keyMedia)
	default:
		return
	}
	*left--
}

func handleEntry(handle, name string) []entry {
	handle = bareHandle(handle)
	label := "@" + handle
	if name != "" && name != handle {
		label += " · " + name
	}
	return newEntry(handle, label, name)
}

// saidBy labels what somebody wrote.
func saidBy(handle, text string) string {
	handle, text = bareHandle(handle), oneLine(text)
	switch {
	case handle == "":
		return text
	case text == "":
		return "@" + handle
	}
	return "@" + handle + ": " + text
}

func postEntry(id, author, text string) []entry {
	return newEntry(id, saidBy(author, text), bareHandle(author), text)
}

func commentEntry(id, author, text string) []entry {
	return newEntry(id, saidBy(author, text), bareHandle(author), text)
}

func conversationEntry(id, handle, name string) []entry {
	label := "@" + bareHandle(handle)
	if name != "" && name != handle {
		label += " · " + name
	}
	return newEntry(id, label, bareHandle(handle), name)
}

func jobEntry(id, kind, status, prompt string) []entry {
	return newEntry(id, dots(strings.ReplaceAll(kind, "_", " "), status, prompt), status, prompt)
}

func notificationEntry(n imagine.Notification) []entry {
	by, text := bareHandle(n.Actor.Handle), n.Message
	switch {
	case n.Comment != nil && n.Comment.Content != "":
		text = n.Comment.Content
	case n.Post != nil && n.Post.Content != "":
		text = n.Post.Content
	}
	return newEntry(n.ID, dots(strings.ToLower(n.Type)+" by @"+by, text), by, text)
}
