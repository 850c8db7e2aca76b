package bridge

import (
	"context"
	"time"
)

// Reporter is told what becomes of deliveries. Report does not block for long
// and keeps its own troubles to itself.
type Reporter interface {
	Report(ctx context.Context, o Outcome)
}

// Outcome is what became of an event, or of a lane.
type Outcome struct {
	Kind         OutcomeKind
	Subscription string
	To           string // label of the destination, without secrets
	EventID      string
	Event        string // name of the event
	EventTime    time.Time
	Position     uint64
	Attempt      int
	Verdict      string        // of the failed attempt, where one failed
	Reason       string        // for people: what is wrong and what to do; no secrets
	RetryIn      time.Duration // until the next attempt
	Count        uint64        // events that a gap holds
	From, Until  time.Time     // of a gap: it lies between these instants
	At           time.Time     // when it was noted
}

// OutcomeKind names an outcome as subjects and metrics spell it.
type OutcomeKind string

// Outcomes.
const (
	Delivered  OutcomeKind = "delivered"
	Superseded OutcomeKind = "superseded" // a newer state of the same thing is already shown
	Retried    OutcomeKind = "retried"
	Dead       OutcomeKind = "dead"      // in the dead letters
	Stopped    OutcomeKind = "suspended" // the lane, told once
	Resumed    OutcomeKind = "resumed"   // the lane, after it was suspended
	Gap        OutcomeKind = "gap"       // retention took events before the lane came to them
	Skipped    OutcomeKind = "skipped"   // left out for its age, as catch_up: skip asks
)
