package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// Condition of a component.
type Condition string

// Conditions.
const (
	OK       Condition = "ok"
	Degraded Condition = "degraded" // works, with less
	Down     Condition = "down"
)

// Status is a change in a component's condition, stored on ia.status.<component>.
type Status struct {
	Component string    `json:"component"` // "poller", "discord", "nats"
	Agent     string    `json:"agent"`     // handle, "" where none is concerned
	State     Condition `json:"state"`
	Reason    string    `json:"reason"` // one sentence, no secrets
	Next      string    `json:"next"`   // what to do, or what happens next
	Since     time.Time `json:"since"`
}

// Status tells everybody who listens that a component's condition changed.
func (b *Bus) Status(ctx context.Context, s Status) error {
	component, err := events.Token(s.Component)
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	if s.Since.IsZero() {
		s.Since = time.Now().UTC()
	}
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode status of %s: %w", s.Component, err)
	}
	return b.put(ctx, jsonMsg("ia.status."+component, data))
}

// outcome is how bridge.Outcome is written on ia.delivery.<subscription>.<outcome>.
type outcome struct {
	Subscription string             `json:"subscription"`
	Outcome      bridge.OutcomeKind `json:"outcome"`
	To           string             `json:"to"`
	EventID      string             `json:"event_id,omitempty"`
	Event        string             `json:"event,omitempty"`
	EventTime    time.Time          `json:"event_time,omitzero"`
	Position     uint64             `json:"position,omitempty"`
	Attempt      int                `json:"attempt,omitempty"`
	Verdict      string             `json:"verdict,omitempty"`
	Reason       string             `json:"reason,omitempty"`
	RetryIn      string             `json:"retry_in,omitempty"` // a duration, "1m30s"
	Count        uint64             `json:"count,omitempty"`
	From         time.Time          `json:"from,omitzero"`
	Until        time.Time          `json:"until,omitzero"`
	At           time.Time          `json:"at"`
}

var _ bridge.Reporter = (*Bus)(nil)

// Report stores what became of a delivery on ia.delivery.<subscription>.<outcome>.
// It does not wait for the store: the lane's record decides, this is for those
// who watch.
func (b *Bus) Report(_ context.Context, o bridge.Outcome) {
	subscription, err := events.Token(o.Subscription)
	if err != nil {
		return
	}
	kind, err := events.Token(string(o.Kind))
	if err != nil {
		return
	}
	out := outcome{
		Subscription: o.Subscription, Outcome: o.Kind, To: o.To, EventID: o.EventID, Event: o.Event, EventTime: o.EventTime,
		Position: o.Position, Attempt: o.Attempt, Verdict: o.Verdict, Reason: o.Reason,
		Count: o.Count, From: o.From, Until: o.Until, At: o.At,
	}
	if o.RetryIn > 0 {
		out.RetryIn = o.RetryIn.String()
	}
	data, err := json.Marshal(out)
	if err == nil {
		err = b.nc.PublishMsg(jsonMsg(outcomePrefix+subscription+"."+kind, data))
	}
	if err != nil {
		b.log.Debug("an outcome was not noted", "subscription", o.Subscription, "err", b.explain("note an outcome", err))
	}
}

func jsonMsg(subject string, data []byte) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: data, Header: nats.Header{"Content-Type": {"application/json"}}}
}
