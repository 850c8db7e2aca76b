package bridge

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// Sink sends to one platform. Two Sends with one Key show one message wherever
// the platform allows it.
type Sink interface {
	// Send delivers once and reports where the message now lives. Errors are
	// *SendError; any other error counts as Unknown. Send ends within its own deadline
	// whatever the platform does, and its errors hold no secret.
	//
	// A zero Receipt without an error means that it is done and there is nothing
	// to remember: a progress for a message that somebody removed is dropped so. A
	// Final one is posted anew instead, with a new Receipt.
	Send(ctx context.Context, d Delivery) (Receipt, error)
}

// Destination is a place that messages go to, written "scheme:place":
// "discord:123", "slack:C012", "webhook:https://…", "console".
type Destination struct{ Scheme, Place string }

// ParseDestination reads the form "scheme:place".
func ParseDestination(text string) Destination {
	scheme, place, _ := strings.Cut(text, ":")
	return Destination{Scheme: scheme, Place: place}
}

// String returns the form "scheme:place".
func (d Destination) String() string {
	if d.Place == "" {
		return d.Scheme
	}
	return d.Scheme + ":" + d.Place
}

// Label is the destination as logs, metrics and records may show it: of an
// address only the host, since the rest may hold a secret.
func (d Destination) Label() string {
	if u, err := url.Parse(d.Place); err == nil && u.Host != "" {
		return d.Scheme + ":" + u.Host
	}
	return d.String()
}

// Delivery is one message on its way to one destination.
type Delivery struct {
	Key          string // stable over retries and processes: nonce, metadata
	Subscription string
	To           Destination
	Event        events.Event
	Generation   int // 0, or the number of the replay that a person asked for
	Message      Message
	Mentions     []Mention // whom a new message calls, from the subscription alone; of an edit none
	Replaces     Receipt   // edit this one instead, when set
	Thread       Receipt   // root of the thread to post into, when set
	Attempt      int       // 1 for the first
	Doubt        time.Time // when set, an earlier attempt of that instant may have arrived: look before repeating
	Told         Told      // of a message about several events: which they are, for a Witness to know them by
	Unsure       bool      // another run may have sent it, and nobody may look: a new message says so where it can
}

// Receipt says where a message lives on its platform. The zero value means none.
type Receipt struct {
	Channel string    `json:"channel,omitempty"`
	Message string    `json:"message,omitempty"`
	Thread  string    `json:"thread,omitempty"` // the thread it stands in or heads
	Root    string    `json:"root,omitempty"`   // the message that heads that thread, if not this one
	At      time.Time `json:"at,omitzero"`
	Version int       `json:"version,omitempty"` // of what is shown there

	Fold *Tally `json:"fold,omitempty"` // what is told there, where more is folded into it

	Newer *Newer `json:"-"` // what a newer version stored with it, nil for nothing

	// Delivery is the key of what was sent there last, or of what heads the
	// thread. The worker fills it in.
	Delivery string `json:"delivery,omitempty"`
}

// IsZero reports whether there is no receipt.
func (r Receipt) IsZero() bool { return r == Receipt{} }

// Verdict says what a failed Send means for the next attempt.
type Verdict int

// Verdicts.
const (
	Retry   Verdict = iota // nothing arrived: again after SendError.After, or with backoff
	InDoubt                // it may have arrived: look before repeating
	Reject                 // this message can never be sent: dead letter, go on
	Gone                   // the destination refuses everything: suspend the subscription, keep the backlog
	Revoked                // the credential is dead: stop all that uses it
)

// String names the verdict as logs and metrics spell it.
func (v Verdict) String() string {
	switch v {
	case Retry:
		return "retry"
	case InDoubt:
		return "in_doubt"
	case Reject:
		return "reject"
	case Gone:
		return "gone"
	case Revoked:
		return "revoked"
	}
	return fmt.Sprintf("verdict(%d)", int(v))
}

// SendError says why a Send failed and what follows from it.
type SendError struct {
	Verdict Verdict
	After   time.Duration // the platform's own wish, or 0
	Paced   bool          // a wait the platform asked for (429): not counted as an attempt
	Unknown bool          // the sink knows nothing of this answer: retried for ten minutes at most, then a dead letter
	Advice  string        // for the owner: what is wrong and the next step, one or two sentences; "" where there is nothing to do
	Err     error         // for the log; holds no secret
}

// Error implements error.
func (e *SendError) Error() string {
	if e.Err == nil {
		return e.Verdict.String()
	}
	return e.Verdict.String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }
