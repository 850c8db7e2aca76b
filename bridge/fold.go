package bridge

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
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
	p.told = &after
	m := Fold(after, p.events[len(p.events)-1])
	m.UpdateKey, m.Final = w.foldPlace(p.events[0]), true
	m.Version = int(p.last().Stored.UnixMilli())
	return m
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
func Fold(t Tally, last events.Event) Message {
	m := Layout(last)
	if t.Count < 2 {
		return m
	}
	m.Author = authorOf(t.First)
	var with []Span
	if t.Others > 0 {
		with = []Span{say("and "), strong(others(t.Others)), say(" ")}
	}
	noun := "follow"
	switch d := last.Data.(type) {
	case events.NotificationFollow:
		verb := "now follow "
		if t.Others == 0 {
			verb = "now follows "
		}
		m.Headline, m.Footnote, m.Link, m.Actions = append(with, say(verb), self(last)), "", "", nil
	case events.NotificationLike:
		noun = "like"
		m.Headline = append(with, say("liked "), link("your post", d.Post.URL))
	case events.NotificationRepost:
		noun = "repost"
		m.Headline = append(with, say("reposted "), link("your post", d.Post.URL))
	}
	m.Footnote = joined(counted(t.Count, noun)+" since "+t.Since.UTC().Format("15:04")+" UTC", m.Footnote)
	return m
}

func others(n int) string {
	if n == 1 {
		return "1 other"
	}
	return thousands(n) + " others"
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return thousands(n/1000) + fmt.Sprintf(",%03d", n%1000)
}
