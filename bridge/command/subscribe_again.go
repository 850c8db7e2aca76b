package command

import (
	"context"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	lookTime  = 15 * time.Second       // for a suspended lane to say whether its destination takes messages again
	lookPause = 300 * time.Millisecond // between looks at its record
)

// LookAgain is the button that makes a suspended subscription try its destination
// now, by the word of the place that refuses: a setting of Discord is checked, an
// invitation at Slack is followed by another try.
func LookAgain(r *bridge.SubscriptionRecord) bridge.Action {
	return lookAgain(r.ID, r.To)
}

func lookAgain(id, to string) bridge.Action {
	label := "Try again"
	if bridge.ParseDestination(to).Scheme == Discord {
		label = "Check"
	}
	a := press(label, "subscribe resume", "subscription", id)
	a.Primary = true
	return a
}

// findTold is find, also for whoever asks in the channel that is told of the
// subscription's troubles: the button stands there.
func (h *House) findTold(ctx context.Context, who Caller, name string) (bridge.SubscriptionRecord, error) {
	r, err := h.find(ctx, who, name)
	if err == nil || who.program() || who.Place == "" || name == "" {
		return r, err
	}
	all, bad := h.Subscriptions.List(ctx)
	if bad != nil {
		return r, unread(bad)
	}
	for _, told := range all {
		if told.ID == name && told.Notify == who.Principal.Platform+":"+who.Place {
			return told, nil
		}
	}
	return r, err
}

// suspended gives the lane's record where its destination refuses everything.
func (h *House) suspended(ctx context.Context, r bridge.SubscriptionRecord) (bridge.Record, bool, error) {
	s, known, err := h.History.Standing(ctx, h.now(r))
	return s.Record, known && s.Record.State == bridge.Suspended, unread(err)
}

// tryAgain has a suspended lane look at its destination now, and waits for what it
// finds. A lane begins anew with every change of its subscription.
func (h *House) tryAgain(ctx context.Context, who Caller, a Args, r bridge.SubscriptionRecord, before bridge.Record) (Reply, error) {
	if before.Until.IsZero() { // it rests until the app is there again
		p := stillSuspended(a, &r, before.Reason)
		p.Buttons = nil
		return Reply{}, p
	}
	r, err := h.changing(ctx, func() (bridge.SubscriptionRecord, error) { return h.findTold(ctx, who, r.ID) }, func(*bridge.SubscriptionRecord) error { return nil })
	if err != nil {
		return Reply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	for {
		now, still, err := h.suspended(ctx, r)
		switch {
		case ctx.Err() != nil:
			return success(a.say("It looks again now: %s.", r.Name)), nil
		case err != nil:
			return Reply{}, err
		case !still:
			return success(a.say("It works again: %s. What waited follows.", r.Name)), nil
		case now.Until.After(before.Until):
			return Reply{}, stillSuspended(a, &r, now.Reason)
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookPause):
		}
	}
}

func stillSuspended(a Args, r *bridge.SubscriptionRecord, reason string) *Problem {
	return &Problem{Code: 409, Status: "still_suspended", Message: a.say("Not resumed: %s", a.in.Word(reason)), Buttons: []bridge.Action{LookAgain(r)}}
}
