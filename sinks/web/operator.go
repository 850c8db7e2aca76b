package web

import (
	"context"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Operator is what the pages look at that are for whoever runs the bridge, and how
// they act. All of it is required, and safe for concurrent use. Looks are free of
// traces; whatever changes something, or asks what became of something, is a
// command.
type Operator struct {
	// Do carries out a command and writes it into the audit.
	Do func(ctx context.Context, q command.Request) command.Answer
	// Subscriptions are all of them as they stand now.
	Subscriptions func(ctx context.Context) ([]command.SubscriptionView, error)
	Agents        func(ctx context.Context) ([]Agent, error)
	Workspaces    func(ctx context.Context) ([]bridge.WorkspaceRecord, error)
	Installs      func(ctx context.Context) ([]bridge.Installation, error)
	// NotGranted says what an installation may not do, for want of which scopes.
	NotGranted func(in language.Speaker, granted []string) []string
	Store      func(ctx context.Context) (Store, error)
	History    History
	Dead       DeadLetters
	// Journal hands over the audit and what became of deliveries since an instant,
	// and from now on, until ctx ends.
	Journal func(ctx context.Context, since time.Time, done func(command.Entry), became func(bridge.Outcome)) error
}

// History is what was stored.
type History interface {
	// Events hands over the agents' events since an instant, oldest first, until fn
	// returns false.
	Events(ctx context.Context, agents []string, since time.Time, fn func(e events.Event, at bridge.Entry) bool) error
	// Find looks an event up by its id.
	Find(ctx context.Context, agents []string, id string) (e events.Event, at bridge.Entry, ok bool, err error)
	// Audits hands over the audit since an instant, oldest first, until fn returns
	// false.
	Audits(ctx context.Context, since time.Time, fn func(command.Entry) bool) error
}

// DeadLetters are the events that could not be delivered.
type DeadLetters interface {
	// List hands over the letters of a subscription, "" for all, oldest first,
	// without their events, until fn returns false.
	List(ctx context.Context, subscription string, fn func(bridge.DeadLetter) bool) error
}

// Agent is how one agent account goes, as the process that polls it tells.
type Agent struct {
	Handle  string    `json:"handle"`
	State   string    `json:"state"` // one of the States
	Reason  string    `json:"reason,omitempty"`
	Next    string    `json:"next,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Process string    `json:"process,omitempty"` // that polls it; "" for none
	Sources []Source  `json:"sources,omitempty"`
	Budgets []Budget  `json:"budgets,omitempty"`
}

// Source is one thing that is polled for an agent.
type Source struct {
	Name     string    `json:"name"`
	Last     time.Time `json:"last,omitzero"` // look that worked
	Failures int       `json:"failures,omitempty"`
	Problem  string    `json:"problem,omitempty"`
}

// Budget is what an agent may still ask of the API in this minute.
type Budget struct {
	Class     string        `json:"class"` // read, write, upload, auth
	Limit     int           `json:"limit"` // calls a minute
	Remaining int           `json:"remaining"`
	Wait      time.Duration `json:"wait,omitempty"` // of a pause that the API asked for
}

// Store is how the bridge's store goes.
type Store struct {
	Version  string // of the NATS server
	URL      string // without credentials; "" for one inside this process
	Embedded bool
	Members  int // processes that share the work
	Streams  []Stream
}

// Stream is the size of a stream or bucket.
type Stream struct {
	Name            string
	Messages, Bytes uint64
	Share           float64 // of what it may hold, 0 to 1; 0 where nothing bounds it
}
