package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

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

// Outcome is what became of one attempt to deliver, stored on
// ia.delivery.<subscription>.<outcome>.
type Outcome struct {
	Subscription string    `json:"subscription"`
	Outcome      string    `json:"outcome"` // "delivered", "retried", "dead"
	To           string    `json:"to"`
	EventID      string    `json:"event_id"`
	Position     uint64    `json:"position"`
	Attempt      int       `json:"attempt"`
	Reason       string    `json:"reason,omitempty"` // no secrets
	At           time.Time `json:"at"`
}

// Outcome notes what became of an attempt. It does not wait for the store: the
// lane's record decides, this is for those who watch.
func (b *Bus) Outcome(o Outcome) error {
	subscription, err := events.Token(o.Subscription)
	if err != nil {
		return fmt.Errorf("outcome: %w", err)
	}
	outcome, err := events.Token(o.Outcome)
	if err != nil {
		return fmt.Errorf("outcome of %s: %w", o.Subscription, err)
	}
	if o.At.IsZero() {
		o.At = time.Now().UTC()
	}
	data, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encode outcome of %s: %w", o.Subscription, err)
	}
	if err := b.nc.PublishMsg(jsonMsg("ia.delivery."+subscription+"."+outcome, data)); err != nil {
		return b.explain("note an outcome", err)
	}
	return nil
}

func jsonMsg(subject string, data []byte) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: data, Header: nats.Header{"Content-Type": {"application/json"}}}
}
