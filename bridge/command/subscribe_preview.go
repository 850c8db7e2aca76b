package command

import (
	"context"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Preview is what a subscription would have sent.
type Preview struct {
	Since    time.Time      `json:"since"`
	Looked   int            `json:"looked"`        // events of its agents
	Sends    int            `json:"sends"`         // that it would have sent
	Filtered int            `json:"filtered"`      // of its kinds, but held back by its filter
	Others   int            `json:"others"`        // of other kinds
	Items    []PreviewEvent `json:"items"`         // the newest of the first two, newest first
	Cut      bool           `json:"cut,omitempty"` // there were more than could be looked at
}

// PreviewEvent is one event and its verdict.
type PreviewEvent struct {
	ID    string    `json:"id"`
	Event string    `json:"event"`
	Agent string    `json:"agent"`
	At    time.Time `json:"at"`
	Sent  bool      `json:"sent"`
	Why   string    `json:"why,omitempty"`  // it would not have been sent, or later
	Text  string    `json:"text,omitempty"` // what its template makes of it; "" for the usual card
}

const (
	maxLooked  = 20_000 // events that one preview looks at
	maxPreview = 50     // of them that it names
	maxNamed   = 15     // of those that people are shown
	maxWords   = 500    // letters of what a template makes
)

func previewSubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	since, err := earlier(a.Text("since"), time.Now(), a.zone)
	if err != nil {
		return Reply{}, err
	}
	r, err := h.previewOf(ctx, who, a)
	if err != nil {
		return Reply{}, err
	}
	p, err := h.previewed(ctx, r, since, a.zone)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Data: p, Text: p.sentence(a.in, a.zone), Messages: p.card(a.in, a.zone)}, nil
}

// previewOf is the subscription to look at: one that is there, with what the
// caller would change, or one that is not there yet.
func (h *House) previewOf(ctx context.Context, who Caller, a Args) (bridge.SubscriptionRecord, error) {
	var r bridge.SubscriptionRecord
	var err error
	if a.Has("subscription") || !a.Has("preset") && !a.Has("events") {
		if r, err = h.find(ctx, who, a.Text("subscription")); err != nil {
			return r, err
		}
	} else if r.Agents = who.Agents; a.Agent() != "" {
		r.Agents = []string{a.Agent()}
	}
	if len(r.Agents) == 0 {
		return r, reached(&r, who, a)
	}
	if err := choose(&r, a); err != nil {
		return r, err
	}
	if bridge.HoldsDMs(r.Events) && !who.May(Admin) && r.ID == "" {
		return r, &Problem{Code: 403, Status: "denied", Message: "Not read: only administrators may send direct messages into a channel.", Hint: "Leave them out with preset:public."}
	}
	return r, nil
}

// previewed looks at what was recorded.
func (h *House) previewed(ctx context.Context, r bridge.SubscriptionRecord, since time.Time, zone *time.Location) (Preview, error) {
	out := Preview{Since: since.UTC(), Items: []PreviewEvent{}}
	r = h.now(r)
	s, err := r.Compile()
	if e, ok := asRecordError(err); ok {
		return out, &ArgError{Arg: e.Field, Status: "refused", Reason: phrase("%s", ended(e.Reason))}
	}
	err = h.History.Events(ctx, r.Agents, since, func(e events.Event, at bridge.Entry) bool {
		out.Looked++
		if !s.Covers(e) {
			out.Others++
		} else {
			out.note(&s, e, at, zone)
		}
		out.Cut = out.Looked == maxLooked
		return !out.Cut
	})
	return out, unread(err)
}

// note counts an event of the subscription's kinds, and keeps the newest ones.
func (p *Preview) note(s *bridge.Subscription, e events.Event, at bridge.Entry, zone *time.Location) {
	item := PreviewEvent{ID: e.ID, Event: e.Name(), Agent: e.Agent(), At: at.Stored.UTC()}
	item.Sent, item.Why = verdict(s, e, at.Stored, zone)
	if item.Sent {
		p.Sends++
		item.made(s, e)
	} else {
		p.Filtered++
	}
	p.Items = append([]PreviewEvent{item}, p.Items[:min(len(p.Items), maxPreview-1)]...)
}

// made shows what the subscription's template makes of an event.
func (i *PreviewEvent) made(s *bridge.Subscription, e events.Event) {
	if s.Template == nil {
		return
	}
	text, err := s.Template.Words(e)
	if i.Text = cut(text, maxWords); err != nil {
		i.Why = cut(err.Error(), maxWords)
	}
}

// verdict says whether a subscription sends an event of its kinds, and why not, or
// why later.
func verdict(s *bridge.Subscription, e events.Event, stored time.Time, zone *time.Location) (sent bool, why string) {
	through, err := s.Filter.Match(e)
	switch {
	case !through:
		return false, "the filter holds it back: " + s.Filter.String()
	case err != nil:
		return true, "the filter broke on it, so it goes through"
	}
	if until := s.Quiet.Until(stored); !until.IsZero() {
		return true, "after the quiet hours, at " + Moment(until, zone)
	}
	return true, ""
}

func (p Preview) sentence(in language.Speaker, zone *time.Location) string {
	since := Moment(p.Since, zone)
	parts := []string{in.Say("It would have sent nothing since %s.", since)}
	if p.Sends > 0 {
		parts[0] = in.Say("It would have sent %s since %s.", counted(p.Sends, "event"), since)
	}
	if p.Filtered > 0 {
		parts = append(parts, in.Say("Its filter held back %s.", counted(p.Filtered, "event")))
	}
	if p.Others > 0 {
		parts = append(parts, in.Say("Of other kinds: %s.", counted(p.Others, "event")))
	}
	if p.Cut {
		parts = append(parts, in.Say("Only the first %d were looked at.", maxLooked))
	}
	return strings.Join(parts, " ")
}

func (p Preview) card(in language.Speaker, zone *time.Location) []bridge.Message {
	if len(p.Items) == 0 {
		return nil
	}
	m := bridge.Message{Event: "subscription.preview", Title: "The newest of them"}
	for _, i := range p.Items[:min(len(p.Items), maxNamed)] {
		name := i.Event
		if !i.Sent {
			name = in.Say("not: %s", name)
		}
		m.Fields = append(m.Fields, bridge.Field{Name: name, Value: dots(i.At.In(zone).Format("Jan 2 15:04 MST"), i.ID, i.Why, oneLine(i.Text))})
	}
	return []bridge.Message{m}
}
