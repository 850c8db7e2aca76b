package bridge

import (
	"context"
	"errors"
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
}

// Intent is written before a message is sent: a crash leaves at most this one in
// doubt.
type Intent struct {
	Position uint64    `json:"position"`
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
	Subscription string    `json:"subscription"`
	To           string    `json:"to"`
	Position     uint64    `json:"position"`
	EventID      string    `json:"event_id,omitempty"`
	Reason       string    `json:"reason"`
	Attempts     int       `json:"attempts"`
	At           time.Time `json:"at"`
	Event        []byte    `json:"event"` // as stored
}

// Ledger remembers where messages live, by update key and thread key, so that
// later ones can edit or join them.
type Ledger interface {
	// Receipt returns what was kept under the key, or the zero Receipt.
	Receipt(ctx context.Context, key string) (Receipt, error)
	// Keep stores the receipt under the key. Keys are any text.
	Keep(ctx context.Context, key string, r Receipt) error
}
