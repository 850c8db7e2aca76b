package command

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Trace is the way of one event through one subscription.
type Trace struct {
	Event        string  `json:"event"`
	Subscription string  `json:"subscription"`
	Verdict      string  `json:"verdict"` // delivered, dead, waiting, filtered, not_covered, passed
	Stages       []Stage `json:"stages"`

	in   language.Speaker
	zone *time.Location // of who asks
}

// Stage is one step on that way.
type Stage struct {
	Name    string    `json:"name"`
	At      time.Time `json:"at,omitzero"`
	Verdict string    `json:"verdict"`
}

func (t *Trace) stage(name string, at time.Time, format string, args ...any) {
	t.Stages = append(t.Stages, Stage{Name: name, At: at.UTC(), Verdict: t.in.Say(format, args...)})
}

func whySubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	r, err := h.find(ctx, who, a.Text("subscription"))
	if err != nil {
		return Reply{}, err
	}
	agents := who.Agents
	if who.trusted() {
		agents = []string{"*"}
	}
	e, at, ok, err := h.History.Find(ctx, agents, a.Text("event"))
	switch {
	case err != nil:
		return Reply{}, unread(err)
	case !ok:
		return Reply{}, &Problem{
			Code: 404, Status: "no_event", Field: "event", Message: a.say("No event %q is kept here.", cut(a.Text("event"), 64)),
			Hint: "Either nobody polled it, or it is older than what is kept. Ids look like ntf_… or msg_…: the preview shows them.",
		}
	}
	t, err := h.trace(ctx, a, r, e, at)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Data: t, Text: t.sentence(r), Messages: []bridge.Message{t.card()}}, nil
}

// trace follows an event from the API to its message.
func (h *House) trace(ctx context.Context, a Args, r bridge.SubscriptionRecord, e events.Event, at bridge.Entry) (Trace, error) {
	t := Trace{Event: e.ID, Subscription: r.Name, in: a.in, zone: a.zone}
	t.stage("happened", e.Time, "%s to @%s", e.Name(), e.Agent())
	t.stage("polled and stored", at.Stored, "in one batch, at position %d", at.Position)
	r = h.now(r)
	s, err := r.Compile()
	if err != nil {
		t.Verdict = "refused"
		t.stage("subscription", time.Time{}, "its settings can't be: %s", err)
		return t, nil
	}
	if !s.Covers(e) {
		t.Verdict = "not_covered"
		t.stage("covered", time.Time{}, "no: it sends %s of %s", strings.Join(r.Events, ", "), (SubscriptionView{Agents: r.Agents}).dms(a.in))
		return t, nil
	}
	t.stage("covered", time.Time{}, "yes")
	through, why := verdict(&s, e, at.Stored, t.zone)
	if !through {
		t.Verdict = "filtered"
		t.stage("filter", time.Time{}, "no: %s", why)
		return t, nil
	}
	if s.Filter != nil {
		t.stage("filter", time.Time{}, "yes: %s", s.Filter)
	}
	if why != "" {
		t.stage("quiet hours", time.Time{}, "%s", why)
	}
	return t, h.fate(ctx, &t, r, at)
}

// fate is what became of an event that the subscription wants.
func (h *House) fate(ctx context.Context, t *Trace, r bridge.SubscriptionRecord, at bridge.Entry) error {
	letters, err := h.History.DeadLetters(ctx, r.ID)
	if err != nil {
		return unread(err)
	}
	outcomes, err := h.History.Outcomes(ctx, r.ID, at.Stored)
	if err != nil {
		return unread(err)
	}
	done := false
	for _, o := range outcomes {
		if o.EventID != t.Event {
			continue
		}
		switch o.Kind {
		case bridge.Retried:
			t.stage("attempt", o.At, "number %d failed (%s)%s", o.Attempt, o.Verdict, prefixed(": ", o.Reason))
		case bridge.Delivered:
			done, t.Verdict = true, "delivered"
			t.stage("delivered", o.At, "to %s at attempt %d", o.To, max(1, o.Attempt))
		case bridge.Superseded:
			done, t.Verdict = true, "delivered"
			t.stage("superseded", o.At, "a newer state of the same thing was shown already")
		case bridge.Dead:
			done, t.Verdict = true, "dead"
			t.stage("dead letter", o.At, "%s", o.Reason)
		case bridge.Stopped, bridge.Resumed, bridge.Gap:
		default:
			t.stage(string(o.Kind), o.At, "%s", o.Reason)
		}
	}
	if i := slices.IndexFunc(letters, func(d bridge.DeadLetter) bool { return d.EventID == t.Event }); i >= 0 && t.Verdict != "dead" && t.Verdict != "delivered" {
		done, t.Verdict = true, "dead"
		t.stage("dead letter", letters[i].At, "after %s: %s", counted(letters[i].Attempts, "attempt"), letters[i].Reason)
	}
	if done {
		return nil
	}
	return h.undone(ctx, t, r, at, outcomes)
}

// undone says where an event is of which nothing was told: still before the lane,
// inside a digest, or passed by.
func (h *House) undone(ctx context.Context, t *Trace, r bridge.SubscriptionRecord, at bridge.Entry, outcomes []bridge.Outcome) error {
	s, ok, err := h.History.Standing(ctx, r)
	if err != nil {
		return unread(err)
	}
	record := s.Record
	sends, until := r.Sends(time.Now())
	switch {
	case !ok:
		t.Verdict = "waiting"
		t.stage("lane", time.Time{}, "it has not begun yet")
	case record.Position < at.Position && !sends:
		t.Verdict = "waiting"
		if until.IsZero() {
			t.stage("lane", time.Time{}, "paused; it waits")
		} else {
			t.stage("lane", time.Time{}, "paused until %s; it waits", Moment(until, t.zone))
		}
	case record.Position < at.Position && record.Intent != nil && record.Intent.Position >= at.Position:
		t.Verdict = "waiting"
		t.stage("lane", record.Intent.Tried, "it is being sent, attempt %d", record.Intent.Attempt)
	case record.Position < at.Position:
		t.Verdict = "waiting"
		t.stage("lane", record.Updated, "%s%s; %s wait", record.State, prefixed(": ", record.Reason), counted(s.Waiting, "event"))
	case !r.Made.IsZero() && at.Stored.Before(r.Made) && r.Start != "all":
		t.Verdict = "passed"
		t.stage("lane", r.Made, "the subscription was made after it and began there")
	default:
		t.Verdict = "passed"
		i := slices.IndexFunc(outcomes, func(o bridge.Outcome) bool { return o.Kind == bridge.Delivered && o.Position >= at.Position })
		if i < 0 {
			t.stage("lane", record.Updated, "it stands at position %d, beyond it, and nothing is noted of this event", record.Position)
			return nil
		}
		t.Verdict = "delivered"
		t.stage("delivered", outcomes[i].At, "with the next message to %s, which gathers several", outcomes[i].To)
	}
	return nil
}

func (t Trace) sentence(r bridge.SubscriptionRecord) string {
	switch t.Verdict {
	case "delivered":
		return t.in.Say("%s sent it to %s.", r.Name, r.Label())
	case "dead":
		return t.in.Say("%s could not deliver it: it is a dead letter.", r.Name)
	case "waiting":
		return t.in.Say("It waits for %s.", r.Name)
	case "filtered":
		return t.in.Say("The filter of %s holds it back.", r.Name)
	case "not_covered":
		return t.in.Say("%s is not about events of this kind or agent.", r.Name)
	}
	return t.in.Say("%s has passed it by.", r.Name)
}

func (t Trace) card() bridge.Message {
	m := bridge.Message{Event: "subscription.why", Title: t.in.Say("The way of %s", t.Event)}
	for _, s := range t.Stages {
		when := ""
		if !s.At.IsZero() {
			when = s.At.In(t.zone).Format("Jan 2 15:04:05 MST")
		}
		m.Fields = append(m.Fields, bridge.Field{Name: upper(t.in.Word(s.Name)), Value: dots(when, s.Verdict)})
	}
	return m
}

func asRecordError(err error) (*bridge.RecordError, bool) {
	return errors.AsType[*bridge.RecordError](err)
}
