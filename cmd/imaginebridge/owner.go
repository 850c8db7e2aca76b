package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// tellOwner brings notices about a subscription to where its owner wants them, and
// to everybody who listens on ia.status.
func (pr *process) tellOwner(r bridge.SubscriptionRecord) func(context.Context, bridge.OwnerNotice) error {
	return func(ctx context.Context, n bridge.OwnerNotice) error {
		s := bus.Status{Component: "subscription", State: bus.Down, Reason: fmt.Sprintf("%s: %s", r.Name, n.Reason), Next: "What is not sent waits. It is looked at again every hour, or now: subscribe resume."}
		if n.Works {
			s.State, s.Reason, s.Next = bus.OK, fmt.Sprintf("%s: %s works again.", r.Name, n.To), ""
		}
		status := pr.bus.Status(ctx, s)
		if r.Notify == "" {
			return status
		}
		to := bridge.ParseDestination(r.Notify)
		i := slices.IndexFunc(pr.doors, func(d door) bool { return d.scheme == to.Scheme })
		if i < 0 {
			return errors.Join(status, fmt.Errorf("nothing sends to %s", to.Label()))
		}
		_, err := pr.doors[i].exit(r).Send(ctx, bridge.Delivery{
			Key: n.Key, Subscription: r.ID, To: to, Event: events.Event{ID: "notice_" + n.Key, Time: time.Now()}, Message: ownerMessage(&r, n), Attempt: 1,
		})
		return errors.Join(status, err)
	}
}

// ownerMessage is a notice as people read it.
func ownerMessage(r *bridge.SubscriptionRecord, n bridge.OwnerNotice) bridge.Message {
	m := bridge.Message{Event: "bridge.suspended", At: time.Now(), Tone: bridge.ToneBad, Title: "Subscription " + r.Name + " is suspended", Text: n.Reason}
	look := command.LookAgain(r)
	m.Footnote, m.Actions = "What is not sent waits. I look again every hour, or now: press "+look.Label+".", []bridge.Action{look}
	if n.Reason == absence {
		m.Footnote, m.Actions = "What is not sent waits.", nil // adding the app again is the look
	}
	if n.Works {
		m = bridge.Message{Event: "bridge.resumed", At: time.Now(), Tone: bridge.ToneGood, Title: fmt.Sprintf("Subscription %s works again", r.Name)}
		m.Text = n.To + " takes messages again."
		if n.Waiting > 0 {
			m.Text += fmt.Sprintf(" About %d events waited and follow now.", n.Waiting)
		}
	}
	m.Headline = []bridge.Span{{Text: m.Title}}
	return m
}
