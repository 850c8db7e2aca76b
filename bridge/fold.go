package bridge

import (
	"context"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	foldPause   = 5 * time.Second // between two edits of one message
	maxGathered = 250             // events that one message tells of
)

// Tally is what a message tells that more and more is folded into. It is kept
// with the message's receipt.
type Tally struct {
	Since  time.Time    `json:"since"`  // when the stream took its first event
	At     time.Time    `json:"at"`     // when the message was sent or edited last
	First  events.Agent `json:"first"`  // who did it first
	Others int          `json:"others"` // others who did it
	Count  int          `json:"count"`  // events that are told
	Told   Told         `json:"told,omitzero"`
}

// foldKey names what likes, reposts and follows are about, so that many of them
// can become one message; "" for other events.
func foldKey(e events.Event) string {
	switch d := e.Data.(type) {
	case events.NotificationLike:
		if d.Post.ID != "" {
			return "like:" + e.Agent() + ":" + d.Post.ID
		}
	case events.NotificationRepost:
		if d.Post.ID != "" {
			return "repost:" + e.Agent() + ":" + d.Post.ID
		}
	case events.NotificationFollow:
		return "follow:" + e.Agent()
	}
	return ""
}

// lineKey names the line of a digest that tells of the event.
func lineKey(e events.Event) string {
	if key := foldKey(e); key != "" {
		return key
	}
	if job, ok := jobOf(e); ok && job.ID != "" {
		return "job:" + job.ID
	}
	return e.Name() + ":" + e.ID
}

func jobOf(e events.Event) (events.Job, bool) {
	switch d := e.Data.(type) {
	case events.GenerationStarted:
		return d.Job, true
	case events.GenerationProgressed:
		return d.Job, true
	case events.GenerationCompleted:
		return d.Job, true
	case events.GenerationFailed:
		return d.Job, true
	}
	return events.Job{}, false
}

// since is when the stream took the first event that a fold's message tells of.
func (p *parcel) since() time.Time {
	if p.tally != nil {
		return p.tally.Since
	}
	return p.entries[0].Stored
}

// tally is what the message tells that the event folds into, nil where it begins
// one of its own. It is decided by when the stream took the event, so that every
// attempt decides alike.
func (w *Worker) tally(ctx context.Context, e events.Event, entry Entry) (*Tally, error) {
	r, err := w.receipt(ctx, w.updateKey(Message{UpdateKey: w.foldPlace(e)}))
	if err != nil || r.Fold == nil || entry.Stored.Sub(r.Fold.Since) > w.Subscription.Pace.Fold {
		return nil, err
	}
	return r.Fold, nil
}

// foldPlace is the update key of a fold's message. Two subscriptions to one
// channel count for themselves.
func (w *Worker) foldPlace(e events.Event) string {
	return "fold:" + w.Subscription.Name + ":" + foldKey(e)
}

// fold makes the parcel's message, and notes in the parcel what it tells.
func (w *Worker) fold(p *parcel) Message {
	var before Tally
	if p.tally != nil {
		before = *p.tally
	}
	after := before.add(p.events)
	after.Since, after.At = p.since().UTC(), time.Now().UTC()
	after.Told = before.Told.and(w.told(p), after.Since.Add(-lateAge), newest(p.events))
	p.told = &after
	m := w.Cards.Fold(after, p.events[len(p.events)-1])
	m.UpdateKey, m.Final = w.foldPlace(p.events[0]), true
	m.Version = int(p.last().Stored.UnixMilli())
	return m
}

// newest is when the last of the events happened.
func newest(list []events.Event) (at time.Time) {
	for _, e := range list {
		if e.Time.After(at) {
			at = e.Time
		}
	}
	return at
}

// folds reports whether the event goes into a message that tells of more like it.
func (w *Worker) folds(e events.Event) bool {
	return w.Subscription.Pace.Fold > 0 && w.chats() && foldKey(e) != ""
}

func (t Tally) add(list []events.Event) Tally {
	for _, e := range list {
		actor := actorOf(e)
		switch {
		case t.Count == 0:
			t.First = actor
		case actor.Handle == "" || actor.Handle != t.First.Handle:
			t.Others++
		}
		t.Count++
	}
	return t
}

func actorOf(e events.Event) events.Agent {
	switch d := e.Data.(type) {
	case events.NotificationLike:
		return d.Actor
	case events.NotificationRepost:
		return d.Actor
	case events.NotificationFollow:
		return d.Actor
	}
	return events.Agent{}
}

// Fold makes one message of what a tally tells; last is the newest of its events.
func (c Cards) Fold(t Tally, last events.Event) Message {
	m := c.Layout(last)
	if t.Count < 2 {
		return m
	}
	m.Author = authorOf(t.First)
	key, noun, address := "", "", ""
	switch d := last.Data.(type) {
	case events.NotificationFollow:
		key, noun = "now follows %s", "follow"
		m.Footnote, m.Link, m.Actions = "", "", nil
	case events.NotificationLike:
		key, noun, address = "liked [your post]", "like", d.Post.URL
	case events.NotificationRepost:
		key, noun, address = "reposted [your post]", "repost", d.Post.URL
	}
	parts := []Span{self(last)}
	if t.Others > 0 {
		key = map[string]string{
			"now follows %s": "and %s now follow %s", "liked [your post]": "and %s liked [your post]", "reposted [your post]": "and %s reposted [your post]",
		}[key]
		parts = []Span{strong(c.others(t.Others)), self(last)}
	}
	m.Headline = c.headline(key, address, parts...)
	m.Footnote = joined(c.say("%s since %s UTC", language.Counted(t.Count, noun), t.Since.UTC().Format("15:04")), m.Footnote)
	return m
}

func (c Cards) others(n int) string {
	if n == 1 {
		return c.say("1 other")
	}
	return c.say("%d others", n)
}
