package bridge

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrFenced is returned by a Lane whose record was moved by another owner: this
// process must stop sending for it at once.
var ErrFenced = errors.New("another process owns this lane now")

// Lane is a subscription's own place in the one stream of events. It belongs to
// one worker at a time; every write is a compare-and-set on the lane's record.
type Lane interface {
	// Record returns the record as this owner last read or wrote it.
	Record() Record
	// Next blocks for the first event after the given position. Events come in
	// the order of the stream. It returns ctx's error when ctx ends first.
	Next(ctx context.Context, after uint64) (Entry, error)
	// Save stores the record, also after the lane's own context ended: a worker
	// saves last. It may move the position on over events that are not for this
	// lane, never over one that Next has still to return. It returns ErrFenced when
	// another owner wrote since.
	Save(ctx context.Context, r Record) error
	// Bury stores a dead letter and the moved record in one commit: both or none.
	Bury(ctx context.Context, r Record, d DeadLetter) error
}

// Entry is one stored event on its way through a lane.
type Entry struct {
	Position uint64    // of the event in the stream
	Data     []byte    // the event as stored
	Stored   time.Time // when the stream took it
	Skipped  uint64    // events that retention removed before this lane came to them
	AtMost   bool      // Skipped is the most that it can be
	Since    time.Time // when the stream took what stands before those skipped, where that is known
}

// Record is what a lane remembers across crashes and owners.
type Record struct {
	Epoch      uint64    `json:"epoch"`                // grows with each owner
	Position   uint64    `json:"position"`             // everything up to here is done
	Generation int       `json:"generation,omitempty"` // grows with each replay
	Intent     *Intent   `json:"intent,omitempty"`     // the message being sent, if one is
	State      State     `json:"state"`
	Reason     string    `json:"reason,omitempty"` // for people, when held, paused or suspended
	Until      time.Time `json:"until,omitzero"`   // when it goes on by itself
	Updated    time.Time `json:"updated,omitzero"`

	// Ahead is up to where messages and mentions are done while the lane catches up;
	// at or below Position it means nothing.
	Ahead  uint64  `json:"ahead,omitempty"`
	Away   *Away   `json:"away,omitempty"`   // what the lane catches up with
	Gap    *Away   `json:"gap,omitempty"`    // what will not be sent and is not told yet
	Asides []Aside `json:"asides,omitempty"` // events set aside for their next attempts, oldest first
	Sent   []int64 `json:"sent,omitempty"`   // times of the newest messages, in Unix milliseconds, for a cap
	Told   bool    `json:"told,omitempty"`   // the owner knows that the lane is suspended
	Rerun  int     `json:"rerun,omitempty"`  // number of the newest Rerun that was begun
	Bound  uint64  `json:"bound,omitempty"`  // the next message ends here: one that went on beyond it was refused

	Former *Former `json:"former,omitempty"` // another run may have sent what waits; nil: none

	Failing time.Time `json:"failing,omitzero"` // first failure since a webhook last took something
	Dying   time.Time `json:"dying,omitzero"`   // first failure twelve hours and more after that
}

// GoBack sets the lane back to a position before its own: the stream lost what
// stood behind, and what of it was done comes again under positions of its own.
func (r *Record) GoBack(position uint64) {
	r.Position = min(r.Position, position)
	if r.Intent != nil && r.Intent.Form != formResend && r.Intent.Position > r.Position {
		r.Intent = nil
	}
	r.Ahead, r.Away, r.Bound = 0, nil, 0
	r.Asides = slices.DeleteFunc(slices.Clone(r.Asides), func(a Aside) bool { return a.Position > r.Position })
}

// Away is a number of events and the span of time they are from.
type Away struct {
	Count   uint64    `json:"count"`
	From    time.Time `json:"from,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	AtMost  bool      `json:"at_most,omitempty"` // Count is the most that it can be
	Skipped bool      `json:"skipped,omitempty"` // left out on the owner's wish, not taken by retention
}

// Aside is an event that failed and waits for its next attempt while later ones
// go on.
type Aside struct {
	Position uint64    `json:"position"`
	Attempt  int       `json:"attempt"` // of the last attempt
	Due      time.Time `json:"due"`
	Since    time.Time `json:"since"` // of the first attempt
}

// Form is how events become one message.
type Form string

// Forms. The zero value is one event by itself.
const (
	formPlain   Form = ""
	formDigest  Form = "digest"
	formFold    Form = "fold"     // one message that is edited as more of the same comes
	formCatchUp Form = "catch_up" // a digest after an outage
	formAhead   Form = "ahead"    // one event out of line, during a catch-up
	formAside   Form = "aside"    // one event that was set aside
	formNotice  Form = "notice"   // of events that will not be sent
	formResend  Form = "resend"   // a dead letter that a person wants sent
)

// Intent is written before a message is sent: a crash leaves at most this one in
// doubt.
type Intent struct {
	Position uint64    `json:"position"` // of its last event; of a dead letter, the id of the wish
	Form     Form      `json:"form,omitempty"`
	Attempt  int       `json:"attempt"`
	At       time.Time `json:"at"`             // of the first attempt that may have arrived
	Tried    time.Time `json:"tried,omitzero"` // of the newest attempt
}

// State of a lane.
type State string

// States of a lane.
const (
	Live      State = "live"
	Held      State = "held"      // waits by itself: quiet hours, a pause the platform asked for
	Paused    State = "paused"    // by a person
	Suspended State = "suspended" // the destination or its credential refuses; the backlog is kept
)

// DeadLetter is an event that could not be delivered, kept with the reason.
type DeadLetter struct {
	ID           uint64    `json:"-"` // given by the store
	Agent        string    `json:"-"` // that the event is of; "" where it can't be read
	Subscription string    `json:"subscription"`
	To           string    `json:"to"`
	Position     uint64    `json:"position"`
	EventID      string    `json:"event_id,omitempty"`
	Reason       string    `json:"reason"`
	Attempts     int       `json:"attempts"`
	At           time.Time `json:"at"`
	Event        []byte    `json:"event"` // as stored
}

// Resend is a person's wish that a dead letter be sent again. Its id is the
// generation of what is sent: no other replay has that number.
type Resend struct {
	ID     uint64     // later ones have higher ids
	Letter DeadLetter // its ID is set also where the letter is gone
}

// Resender is a Lane that keeps wishes for dead letters to be sent again.
type Resender interface {
	// Resend returns the oldest wish; ok is false where there is none.
	Resend(ctx context.Context) (r Resend, ok bool, err error)
	// Resent removes a wish, and with it the letter where it was sent.
	Resent(ctx context.Context, r Resend, sent bool) error
}

// Ledger remembers where messages live, by update key and thread key, so that
// later ones can edit or join them.
type Ledger interface {
	// Receipt returns what was kept under the key, or the zero Receipt.
	Receipt(ctx context.Context, key string) (Receipt, error)
	// Keep stores the receipt under the key. Keys are any text.
	Keep(ctx context.Context, key string, r Receipt) error
}
