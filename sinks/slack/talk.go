package slack

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// talk says what a message of ours is about, so that an answer to it finds its way
// back: by its thread, a shortcut or a button.
type talk struct {
	Agent string    `json:"agent"`
	Kind  string    `json:"kind"` // dm or post
	ID    string    `json:"id"`   // of the conversation or the post
	To    string    `json:"to,omitempty"`
	At    time.Time `json:"at"`
}

const (
	talkDM   = "dm"
	talkPost = "post"
)

// talkOf is what answers to a relayed card go to; ok is false for cards that one
// can't answer.
func talkOf(d bridge.Delivery) (t talk, ok bool) {
	if isList(d.Message) {
		return talk{}, false
	}
	kind, id, _ := strings.Cut(d.Message.ThreadKey, ":")
	t = talk{Agent: d.Message.Agent, Kind: kind, ID: id, At: time.Now().UTC()}
	switch e := d.Event.Data.(type) {
	case events.NotificationComment:
		t.To = e.Comment.ID
	case events.NotificationReply:
		t.To = e.Comment.ID
	case events.NotificationQuote:
		t.Kind, t.ID = talkPost, e.Post.ID
	case events.PostFollowed:
		t.Kind, t.ID = talkPost, e.Post.ID
	case events.PostMatched:
		t.Kind, t.ID = talkPost, e.Post.ID
	case events.NotificationMention:
		t.Kind, t.ID = talkPost, e.Post.ID
		if e.Comment != nil {
			t.To = e.Comment.ID
		}
	}
	return t, t.Agent != "" && t.ID != "" && (t.Kind == talkDM || t.Kind == talkPost)
}

func talkKey(team, channel, ts string) string {
	return bridge.ThreadNotes + placeKey(team, channel, ts)
}

// placeKey names a message or thread in the keys of notes.
func placeKey(team, channel, ts string) string {
	return "slack/" + noteWord(team) + "/talk/" + noteWord(channel) + "/" + noteWord(ts)
}

// noteTalk remembers what a message that was just sent is about, and, where it
// stands in a thread, that the thread's next answer goes to it.
func (s *Sink) noteTalk(ctx context.Context, r bridge.Receipt, d bridge.Delivery) {
	t, ok := talkOf(d)
	if !ok || s.opt.Commands == nil || r.Message == "" {
		return
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return
	}
	team := s.web.selfKnown().TeamID
	places := []string{r.Message}
	if r.Root != "" {
		places = append(places, r.Root)
	}
	for _, ts := range places {
		if err := s.opt.Notes.PutNote(ctx, talkKey(team, r.Channel, ts), raw); err != nil {
			s.log.WarnContext(ctx, "thread not noted: an answer in it will not be understood", "destination", d.To.String(), "event_id", d.Event.ID, "err", err)
		}
	}
	s.recent.add(ctx, s, thread{Channel: r.Channel, TS: places[len(places)-1], At: t.At})
}

// talkAt finds what a message or thread is about.
func (s *Sink) talkAt(ctx context.Context, team, channel, ts string) (talk, bool, error) {
	if channel == "" || ts == "" {
		return talk{}, false, nil
	}
	raw, err := s.opt.Notes.Note(ctx, talkKey(team, channel, ts))
	if err != nil || raw == nil {
		return talk{}, false, err
	}
	var t talk
	return t, json.Unmarshal(raw, &t) == nil && t.ID != "", nil
}

// command is what an answer becomes.
func (t talk) command() (group, verb string, values map[string]any) {
	if t.Kind == talkDM {
		return "dm", "send", map[string]any{"conversation": t.ID}
	}
	values = map[string]any{"post": t.ID}
	if t.To != "" {
		values["reply_to"] = t.To
	}
	return "post", "comment", values
}

// shownNow remembers the newest things a channel shows, for "last" in a line.
func (s *Sink) shownNow(r bridge.Receipt, d bridge.Delivery) {
	put := func(from command.Source, id string) {
		if id != "" {
			s.latest.put(r.Channel+" "+string(from), id)
		}
	}
	kind, id, _ := strings.Cut(d.Message.ThreadKey, ":")
	switch kind {
	case talkDM:
		put(command.Conversations, id)
	case talkPost:
		put(command.Posts, id)
	}
	if job, ok := strings.CutPrefix(d.Message.UpdateKey, "job:"); ok {
		put(command.Jobs, job)
	}
	if d.Message.Author != nil {
		put(command.Handles, d.Message.Author.Handle)
	}
	if t, ok := talkOf(d); ok {
		put(command.Comments, t.To)
	}
}
