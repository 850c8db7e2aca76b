package command

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// House is the bridge itself, as its own commands see it: those that need no
// agent at ImagineAnything. All of it is required.
type House struct {
	Subscriptions Subscriptions
	History       History
	Channels      Channels
	Dead          DeadLetters
	Workspaces    Workspaces
	Invites       Invites
	Accounts      Accounts
	// Within is a subscription as it works at this moment: about the agents alone, of
	// those that it names, that its workspace reaches. nil: as it is.
	Within func(r bridge.SubscriptionRecord) bridge.SubscriptionRecord
	// Audits hands over the audit since an instant, oldest first, until fn returns
	// false.
	Audits func(ctx context.Context, since time.Time, fn func(Entry) bool) error
	// Listed are the access lists of the operator.
	Listed func() Lists
	// Reach are the agents that a workspace reaches now, and Operated those of them
	// that the operator's own subscriptions bring there.
	Reach, Operated func(platform, workspace string) []string
	// Send sends one message the way a subscription's messages go. Errors are
	// *bridge.SendError where the platform refused.
	Send func(ctx context.Context, r bridge.SubscriptionRecord, key string, m bridge.Message) error
}

// Subscriptions keeps subscriptions for all processes. Each of them follows what
// is stored, so that a change is at work within a second.
type Subscriptions interface {
	List(ctx context.Context) ([]bridge.SubscriptionRecord, error)
	// Put stores one over that of its revision, 0 for a new one. ErrMoved says that
	// another is stored there by now.
	Put(ctx context.Context, r bridge.SubscriptionRecord) (bridge.SubscriptionRecord, error)
	// Remove takes one out, with its lane; its dead letters stay. ErrMoved as in Put.
	Remove(ctx context.Context, r bridge.SubscriptionRecord) error
}

// History is what was stored, and what became of it.
type History interface {
	// Events hands over the agents' events since an instant, oldest first, until fn
	// returns false.
	Events(ctx context.Context, agents []string, since time.Time, fn func(e events.Event, at bridge.Entry) bool) error
	// Find looks an event up by its id.
	Find(ctx context.Context, agents []string, id string) (e events.Event, at bridge.Entry, ok bool, err error)
	// Outcomes are those of a subscription since an instant, oldest first.
	Outcomes(ctx context.Context, subscription string, since time.Time) ([]bridge.Outcome, error)
	// DeadLetters are those of a subscription.
	DeadLetters(ctx context.Context, subscription string) ([]bridge.DeadLetter, error)
	// Standing is where its lane stands; false while it has none.
	Standing(ctx context.Context, r bridge.SubscriptionRecord) (Standing, bool, error)
}

// Standing is where a subscription's lane stands.
type Standing struct {
	Record  bridge.Record
	Waiting int // events of its kinds stored since
}

// Channels knows the places that messages can go to.
type Channels interface {
	// Workspace is the guild or team that a channel belongs to; "" where there is
	// none, or nobody can tell.
	Workspace(ctx context.Context, to bridge.Destination) string
	// Sees reports whether a channel is one of a workspace, as far as anybody can tell:
	// whoever sends there does so as that workspace.
	Sees(ctx context.Context, workspace string, to bridge.Destination) bool
	// Check says what keeps the bridge from sending there as a workspace, "" for its
	// own, and how to mend it; nil where nothing does.
	Check(ctx context.Context, workspace string, to bridge.Destination) *Problem
	// Readers tells what people call a channel and about how many read it; "" and 0
	// where nobody can tell.
	Readers(ctx context.Context, workspace string, to bridge.Destination) (name string, people int)
	// CheckAudience says who of them can't be mentioned there, and why; nil where all
	// can, as far as anybody can tell.
	CheckAudience(ctx context.Context, workspace string, to bridge.Destination, who []bridge.Mention) *Problem
}

// now is a subscription as it works at this moment.
func (h *House) now(r bridge.SubscriptionRecord) bridge.SubscriptionRecord {
	if h.Within == nil {
		return r
	}
	return h.Within(r)
}

// Caller is who asks something of the house.
type Caller struct {
	Principal Principal
	ID        string            // of the request, "" for none
	Place     string            // the channel where it was asked
	Agents    []string          // handles within reach
	May       func(Access) bool // whether they have that access

	in     language.Speaker
	narrow bool   // asked over NATS on the subject of one agent
	only   string // that agent, where there are others: permission for it is none for them

	label func(ctx context.Context, listed string) string       // a listed principal's name; nil where none is known
	group func(ctx context.Context, in tenant, id string) error // why nobody can be told to be in a user group; nil: that can be told
}

// trusted reports a caller whom NATS or the terminal let in to everything.
func (c Caller) trusted() bool { return c.program() && c.only == "" }

// program reports a caller who is in no channel and no workspace.
func (c Caller) program() bool {
	return c.Principal.Platform == NATS || c.Principal.Platform == Terminal
}

// person is the caller as records keep them.
func (c Caller) person() bridge.Person {
	return bridge.Person{Platform: c.Principal.Platform, ID: c.Principal.User, Name: cut(oneLine(c.Principal.Name), 64)}
}

// house runs a command of the bridge itself.
func (r *Runner) house(ctx context.Context, j *job) (Reply, error) {
	if r.o.House == nil {
		return Reply{}, &Problem{Code: 503, Status: "not_here", Message: j.say("%s: only a running bridge can do that.", j.say(j.spec.failed())), Hint: `Start one with "imaginebridge run".`}
	}
	lists := r.o.Access(j.q.Principal, j.q.Agent)
	who := Caller{
		Principal: j.q.Principal, ID: j.q.ID, Place: j.q.Place, Agents: r.Reachable(j.q.Principal), in: j.q.speaker(),
		May: func(a Access) bool { return lists.allows(j.q.Principal, a) },
	}
	if r.o.Label != nil {
		who.label = func(ctx context.Context, listed string) string { return r.o.Label(ctx, who.Principal, listed) }
	}
	if r.o.Groups != nil {
		who.group = func(ctx context.Context, in tenant, id string) error {
			_, err := r.o.Groups(ctx, Principal{Platform: in.platform, Workspace: in.id, User: j.q.Principal.User}, []string{id})
			return err
		}
	}
	// Whoever says that a terminal asks is allowed what the subject allows, no more.
	if j.q.bound() {
		who.narrow = true
		if len(who.Agents) > 1 {
			who.only, who.Agents = j.q.Agent, []string{j.q.Agent}
		}
	}
	reply, err := j.spec.House(ctx, r.o.House, who, j.args)
	return reply, j.housed(err)
}

// bound reports a request on the NATS subject of one agent.
func (q Request) bound() bool {
	return q.Agent != "" && (q.Principal.Platform == NATS || q.Principal.Platform == Terminal) &&
		strings.HasPrefix(q.Place, commandPrefix) && !strings.HasPrefix(q.Place, anyAgent)
}

// anyAgent begins the subjects that name no agent: who may publish there may do
// it for all of them.
const anyAgent = commandPrefix + "-."

// commandPrefix begins the subjects of commands.
const commandPrefix = "ia.cmd."

// housed words what the house's own store can answer; other errors stay as they
// are.
func (j *job) housed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrMoved):
		return &Problem{Code: 409, Status: "changed", Message: j.say("%s: somebody else changed it at this moment.", j.say(j.spec.failed())), Hint: "Look at it and send this again."}
	}
	if p, ok := errors.AsType[*Problem](err); ok && p.Status == Unfit {
		return j.mendable(p)
	}
	if stored, ok := errors.AsType[*storeError](err); ok {
		return &Problem{Code: 503, Status: "store", Message: j.say("%s: the bridge's store does not answer.", j.say(j.spec.failed())), Hint: "Send it again in a few seconds.", Unknown: stored.wrote}
	}
	return err
}

// storeError is an answer that the house's store did not give.
type storeError struct {
	wrote bool // what was to be stored may be
	err   error
}

// Error implements error.
func (e *storeError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *storeError) Unwrap() error { return e.err }

func unread(err error) error {
	if err == nil {
		return nil
	}
	return &storeError{err: err}
}

func unwritten(err error) error {
	if err == nil || errors.Is(err, ErrMoved) {
		return err
	}
	return &storeError{wrote: true, err: err}
}
