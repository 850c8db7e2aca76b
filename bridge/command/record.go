package command

import (
	"context"
	"errors"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// State is how far a recorded command is.
type State string

// States of a record, in the order of its life (docs/reliability.md, "The life of a command").
const (
	Recorded  State = "recorded"  // known, not begun
	Scheduled State = "scheduled" // to be begun when it is due
	Running   State = "running"   // the intent: the API may have been called
	Done      State = "done"
	Failed    State = "failed"
	Unknown   State = "unknown" // may have been done; nobody can tell
)

// Record is one command in the ledger.
type Record struct {
	ID      string    `json:"id"`
	State   State     `json:"state"`
	Request Request   `json:"request"`           // without secrets and files; without values once ended
	At      time.Time `json:"at"`                // when it was recorded
	Since   time.Time `json:"since,omitzero"`    // when it first began to run
	Due     time.Time `json:"due,omitzero"`      // when it is to begin, where that is scheduled
	Owner   string    `json:"owner,omitempty"`   // the process that runs it
	Skipped bool      `json:"skipped,omitempty"` // had secrets or files, which are not kept: it can't be run from here
	Answer  *Answer   `json:"answer,omitempty"`
	Owed    bool      `json:"owed,omitempty"` // it ended, and the person has no answer yet, as far as is known

	Rev   uint64       `json:"-"` // of the stored record
	Newer bridge.Newer `json:"-"` // what a newer version stored with it
}

// ErrMoved reports that a record was changed by somebody else meanwhile.
var ErrMoved = errors.New("the record was changed by another process")

// Records is the ledger of commands, shared by all processes.
type Records interface {
	// Create stores r unless its ID is taken. It gives what is stored then, and whether that is r.
	Create(ctx context.Context, r Record) (stored Record, fresh bool, err error)
	// Update replaces the record whose Rev is still r.Rev and gives it with its new one. Errors: ErrMoved.
	Update(ctx context.Context, r Record) (Record, error)
	// Open lists the records that are neither done nor failed nor unknown, and those whose answer is owed. Those that are
	// scheduled stay until then.
	Open(ctx context.Context) ([]Record, error)
}
