package poller

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

const (
	lookAgain     = 5 * time.Minute // an active conversation is read this often whatever its preview says
	activeFor     = time.Hour
	readsPerLook  = 10   // conversations read in one look; the rest follow at once
	maxRemembered = 2000 // conversations in a cursor
	keepMessages  = 5    // messages remembered of one at least
)

// messages watches an agent's conversations: one read tells which have news,
// one more reads each of those.
type messages struct {
	agent    Agent
	backfill time.Duration
}

// Name implements Source.
func (*messages) Name() string { return "messages" }

// inbox is the cursor of messages.
type inbox struct {
	Floor         time.Time               `json:"floor"` // for conversations that are not remembered
	Conversations map[string]conversation `json:"conversations"`
}

// conversation is what the cursor remembers of one.
type conversation struct {
	seen
	Mark   string    `json:"mark"` // of the last message, as the list showed it
	Unread int       `json:"unread,omitempty"`
	Looked time.Time `json:"looked,omitzero"`
}

// Poll implements Source.
func (m *messages) Poll(ctx context.Context, l Look) (Found, error) {
	l2 := list[imagine.Conversation]{
		read: m.agent.API.Conversations,
		id:   func(v *imagine.Conversation) item { return item{ID: v.ID, At: lastActive(v)} },
	}
	box, first, err := openInbox(l)
	if err != nil {
		return Found{}, err
	}
	if first {
		listed, err := l2.sure(ctx, maxPages, func([]item) bool { return false })
		if err != nil {
			return Found{}, err
		}
		return m.begin(ctx, l, box, listed.entries)
	}
	listed, err := l2.walk(ctx, "", maxPages, func(page []item) bool {
		return !ascending(page) && !l.Deep && box.quiet(page)
	})
	if err != nil {
		return Found{}, err
	}
	return m.readNews(ctx, l, box, listed.entries)
}

func openInbox(l Look) (box inbox, first bool, err error) {
	if l.Cursor == nil {
		return inbox{Floor: l.Now.Add(-overlap), Conversations: map[string]conversation{}}, true, nil
	}
	if err := json.Unmarshal(l.Cursor, &box); err != nil {
		return box, false, fmt.Errorf("read cursor: %w", err)
	}
	if box.Conversations == nil {
		box.Conversations = map[string]conversation{}
	}
	return box, false, nil
}

// quiet reports whether a page ends with a conversation that has no news, so
// that in a list ordered by activity none follows.
func (b inbox) quiet(page []item) bool {
	last := page[len(page)-1]
	known, ok := b.Conversations[last.ID]
	return ok && !last.At.After(known.newest())
}

// begin remembers where every conversation stands. Only backfill asks for what
// lies before.
func (m *messages) begin(ctx context.Context, l Look, box inbox, listed []entry[imagine.Conversation]) (Found, error) {
	if m.backfill > 0 {
		box.Floor = l.Now.Add(-m.backfill)
		return m.readNews(ctx, l, box, listed)
	}
	for _, e := range listed {
		if e.value == nil {
			continue
		}
		v := e.value
		c := conversation{seen: seen{Floor: cmpTime(lastActive(v), box.Floor)}, Mark: mark(v), Unread: v.UnreadCount}
		if v.LastMessage != nil && v.LastMessage.ID != "" && !v.LastMessage.CreatedAt.IsZero() {
			last := item{ID: v.LastMessage.ID, At: v.LastMessage.CreatedAt}
			c.Floor, c.Known = last.At.Add(-time.Nanosecond), []item{last}
		}
		box.Conversations[v.ID] = c
		box.Floor = later(box.Floor, lastActive(v))
	}
	var found Found
	found.add(nil, box.bounded())
	return found, nil
}

// readNews reads every conversation that has news, up to a number for each look.
func (m *messages) readNews(ctx context.Context, l Look, box inbox, listed []entry[imagine.Conversation]) (Found, error) {
	var found Found
	var fresh []events.Event
	reads, changed := 0, false
	for _, e := range listed {
		if e.value == nil || !box.hasNews(e.value, l.Now) {
			continue
		}
		if reads == readsPerLook {
			found.More = true
			break
		}
		reads++
		evs, c, err := m.read(ctx, l, box, e.value)
		if err != nil && !imagine.IsNotFound(err) && !imagine.IsForbidden(err) {
			return Found{}, err
		}
		changed = true
		box.Conversations[e.value.ID] = c
		fresh = append(fresh, evs...)
	}
	if !changed {
		return found, nil
	}
	slices.SortStableFunc(fresh, func(a, b events.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	found.add(fresh, box.bounded())
	return found, nil
}

// hasNews compares a conversation as it is listed with what is remembered.
func (b inbox) hasNews(v *imagine.Conversation, now time.Time) bool {
	known, ok := b.Conversations[v.ID]
	if !ok {
		return true
	}
	if mark(v) != known.Mark || v.UnreadCount > known.Unread || lastActive(v).After(known.newest()) && !v.UpdatedAt.IsZero() && v.UpdatedAt.After(known.Looked) {
		return true
	}
	return now.Sub(later(known.newest(), lastActive(v))) < activeFor && now.Sub(known.Looked) >= lookAgain
}

// read reads a conversation back to what is known of it. Where it is gone or
// forbidden the state still moves, so that it is not asked again and again.
func (m *messages) read(ctx context.Context, l Look, box inbox, v *imagine.Conversation) ([]events.Event, conversation, error) {
	c, ok := box.Conversations[v.ID]
	if !ok {
		c.seen = seen{Floor: box.Floor}
	}
	before := c.seen
	c.Mark, c.Unread, c.Looked = mark(v), v.UnreadCount, l.Now
	words := list[imagine.Message]{
		read: func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Message], error) {
			q.Limit = 50
			return m.agent.API.Messages(ctx, v.ID, q)
		},
		id: func(w *imagine.Message) item { return item{ID: w.ID, At: w.CreatedAt} },
	}
	read, err := words.walk(ctx, "", maxPages, before.reached)
	if err != nil {
		return nil, c, err
	}
	fresh := before.fresh(read.items())
	if len(fresh) > maxBatch {
		fresh, c.Mark = fresh[:maxBatch], "" // the rest at the next look
	}
	c.seen = before.with(fresh, keepMessages)
	if l.Now.Sub(lastActive(v)) < lookAgain && !shows(read.items(), v) {
		c.Mark = "" // the list knows more than was shown: look again soon
	}
	var out []events.Event
	for _, it := range fresh {
		out = append(out, m.event(v, read.entries[it.index], it))
	}
	return out, c, nil
}

func (m *messages) event(v *imagine.Conversation, e entry[imagine.Message], it item) events.Event {
	base := m.agent.API.BaseURL()
	s := site(base)
	talk := events.Conversation{ID: v.ID, Participant: s.agentOf(v.Participant), UnreadCount: v.UnreadCount}
	event := func(id string, data events.Payload) events.Event {
		return events.New(base, m.agent.Handle, id, v.ID, it.At, data)
	}
	if e.value == nil {
		return event("msg_"+it.ID+"_other", events.NotificationOther{RawType: "MESSAGE", Problem: clip(fmt.Sprint(e.err), maxName), Raw: rawOf(e.raw)})
	}
	w := events.Message{ID: e.value.ID, Content: clip(e.value.Content, maxText), CreatedAt: e.value.CreatedAt}
	if m.fromPartner(v, e.value) {
		w.Sender = talk.Participant
		return event("msg_"+w.ID, events.MessageReceived{Actor: talk.Participant, Message: w, Conversation: talk})
	}
	w.Sender = s.agentOf(e.value.Sender)
	w.Sender.Handle = cmp.Or(w.Sender.Handle, m.agent.Handle)
	w.Sender.URL = s.agent(w.Sender.Handle)
	return event("msg_"+w.ID+"_sent", events.MessageSent{Actor: w.Sender, Message: w, Conversation: talk})
}

// shows reports whether what was read of a conversation holds the last message
// that the list tells of.
func shows(read []item, v *imagine.Conversation) bool {
	last := v.LastMessage
	if last == nil || last.ID == "" && last.CreatedAt.IsZero() {
		return true
	}
	return slices.ContainsFunc(read, func(it item) bool {
		return it.ID == last.ID || last.ID == "" && !it.At.Before(last.CreatedAt)
	})
}

// fromPartner tells the two sides apart by id, else by handle.
func (m *messages) fromPartner(v *imagine.Conversation, w *imagine.Message) bool {
	switch {
	case w.Sender.Handle != "":
		return w.Sender.Handle != m.agent.Handle
	case w.SenderID != "" && v.Participant.ID != "":
		return w.SenderID == v.Participant.ID
	}
	return true
}

// bounded forgets the conversations that were quiet longest; the floor rises to
// what was forgotten.
func (b inbox) bounded() inbox {
	if len(b.Conversations) <= maxRemembered {
		return b
	}
	ids := slices.SortedFunc(maps.Keys(b.Conversations), func(x, y string) int {
		return b.Conversations[y].newest().Compare(b.Conversations[x].newest())
	})
	for _, id := range ids[maxRemembered:] {
		b.Floor = later(b.Floor, b.Conversations[id].newest())
		delete(b.Conversations, id)
	}
	return b
}

// mark is what tells two previews apart: the last message's id, else its time
// and text.
func mark(v *imagine.Conversation) string {
	switch {
	case v.LastMessage == nil:
		return "-"
	case v.LastMessage.ID != "":
		return v.LastMessage.ID
	}
	sum := sha256.Sum256([]byte(v.UpdatedAt.Format(time.RFC3339Nano) + v.LastMessage.Content))
	return hex.EncodeToString(sum[:8])
}

// lastActive is when something last happened in a conversation, as far as the
// list says.
func lastActive(v *imagine.Conversation) time.Time {
	at := later(v.CreatedAt, v.UpdatedAt)
	if v.LastMessage != nil {
		at = later(at, v.LastMessage.CreatedAt)
	}
	return at
}

func cmpTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}
