package discord

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// subject is what a thread or a card is about, as it is noted: a conversation,
// or a post and perhaps one comment of it.
type subject struct {
	Agent        string `json:"agent"`
	Conversation string `json:"conversation,omitempty"`
	Post         string `json:"post,omitempty"`
	Comment      string `json:"comment,omitempty"`
}

func (s subject) known() bool { return s.Agent != "" && (s.Conversation != "" || s.Post != "") }

func threadNote(id string) string { return bridge.ThreadNotes + "discord." + id }
func cardNote(id string) string   { return "discord.card." + id }

// subjectOf reads what an event is about.
func subjectOf(d bridge.Delivery) subject {
	out := subject{Agent: d.Message.Agent}
	form, err := json.Marshal(d.Event.Data)
	if err == nil {
		n, _ := parse(form)
		out.Conversation = n.at("conversation", "id").text()
		out.Post, out.Comment = n.at("post", "id").text(), n.at("comment", "id").text()
	}
	kind, id, _ := strings.Cut(d.Message.ThreadKey, ":")
	switch kind {
	case "dm":
		out.Conversation, out.Post, out.Comment = id, "", ""
	case "post":
		out.Conversation, out.Post = "", id
	}
	return out
}

// chart notes what the sent card and its thread are about, so that answers in
// the thread find their way. A note that can't be written costs answers, not the
// card.
func (j *job) chart(ctx context.Context, r bridge.Receipt) {
	about := subjectOf(j.d)
	if j.o.Commands == nil || r.Message == "" || !about.known() {
		return
	}
	form, err := json.Marshal(about)
	if err == nil {
		err = j.notes.PutNote(ctx, cardNote(r.Message), form)
	}
	if err == nil && r.Thread != "" && j.d.Message.ThreadKey != "" && !j.charted.has(r.Thread) {
		about.Comment = ""
		if form, err = json.Marshal(about); err == nil {
			_, err = j.notes.CreateNote(ctx, threadNote(r.Thread), form)
		}
		if err == nil {
			j.charted.add(r.Thread)
		}
	}
	if err != nil {
		j.log.Warn("thread not noted; answers in it will not be heard", "destination", j.d.To.String(), "event_id", j.d.Event.ID, "err", err)
	}
}

// about is what a thread or card was noted as.
func (s *Sink) about(ctx context.Context, note string) (subject, error) {
	form, err := s.notes.Note(ctx, note)
	var out subject
	if err != nil || form == nil {
		return out, err
	}
	if json.Unmarshal(form, &out) != nil {
		out = subject{} // of another version: as good as none
	}
	return out, nil
}

// charted remembers threads that are noted already.
type charted struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (c *charted) has(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ids[id]
}

func (c *charted) add(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil || len(c.ids) >= maxNames {
		c.ids = map[string]bool{}
	}
	c.ids[id] = true
}
