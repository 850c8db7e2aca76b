package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// maxDigest is how many lines one digest has.
const maxDigest = 25

// errDue says that it is time for something else than the next event.
var errDue = errors.New("the digest is due")

// digests reports whether the subscription gathers events as a rule.
func (w *Worker) digests() bool {
	return (w.Subscription.Digest > 0 || w.Subscription.Pace.DigestAt != nil) && w.chats()
}

// digestDue is when a digest goes whose first event is given.
func (w *Worker) digestDue(first Entry) time.Time {
	if at := w.Subscription.Pace.DigestAt; at != nil {
		return at.Next(first.Stored)
	}
	return first.Stored.Add(w.Subscription.Digest)
}

// message renders the parcel.
func (w *Worker) message(p *parcel) Message {
	switch p.form {
	case formNotice:
		return w.Cards.Notice(*w.record.Gap)
	case formFold:
		return w.fold(p)
	case formResend:
		m := w.layout(p.events[0])
		m.UpdateKey, m.Version = "", 0 // shown anew
		m.Footnote = joined(m.Footnote, w.Cards.say("sent again on request"))
		return m
	case formCatchUp:
		if w.record.Away != nil && w.record.Away.Count > 1 {
			return w.snoozable(w.Cards.AfterOutage(p.events, *w.record.Away))
		}
	case formPlain, formDigest, formAhead, formAside:
	}
	if len(p.events) == 1 {
		return w.layout(p.events[0])
	}
	return w.snoozable(w.Cards.Digest(p.events))
}

// layout is the card of one event. A template that breaks on it is told in the log.
func (w *Worker) layout(e events.Event) Message {
	m, err := w.Subscription.layout(w.Cards, e)
	if err != nil {
		w.log.Warn("the template broke on an event, which gets its usual card", "event_id", e.ID, "err", err)
	}
	return m
}

// snoozable gives a digest the one button that is about its subscription: peace for
// an hour. Its answer offers the other ways. Cards of single events have none: their
// buttons are about what they show.
func (w *Worker) snoozable(m Message) Message {
	m.Actions = append(m.Actions, Action{
		Label: w.Cards.In.Word("Snooze 1 h"), Command: "subscribe pause", Args: map[string]string{"subscription": w.Subscription.Name, "until": "1h"},
	})
	return m
}

// idle waits for d, broken off by a nudge.
func (w *Worker) idle(ctx context.Context, d time.Duration) error {
	ctx, stop := w.interruptible(ctx)
	defer stop()
	err := wait(ctx, d)
	if err != nil && w.takeNudge() {
		return errNudged
	}
	return err
}
