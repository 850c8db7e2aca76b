// Package poller watches agent accounts at ImagineAnything and turns what is new
// into events. Its main type is [Poller].
//
// Each thing to watch is a [Source]: a pure comparison of what the API shows with
// a cursor. One loop per agent and source owns time, retries and the cursor; new
// events and the moved cursor are stored in one commit through the [Journal]. The
// package has never heard of NATS or of any chat platform.
package poller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// Journal stores new events and the moved cursor in one commit, or neither.
type Journal interface {
	// Load returns the cursor of an agent's source and its revision; nil and 0
	// where there is none yet.
	Load(ctx context.Context, agent, source string) (cursor []byte, revision uint64, err error)
	// Commit stores events, oldest first, and the cursor under the revision it was
	// loaded or committed with. After an error it may have happened: Load again.
	Commit(ctx context.Context, agent, source string, evs []events.Event, cursor []byte, revision uint64) (next uint64, err error)
}

// Ownership shares agents among processes: at one time one process polls one
// agent.
type Ownership interface {
	// HoldChanging runs work for each name while this process owns it, until ctx
	// ends. Each list of names received replaces the one before.
	HoldChanging(ctx context.Context, kind string, names <-chan []string, work func(ctx context.Context, name string) error) error
}

// Agent is an account to watch.
type Agent struct {
	Handle string
	API    *imagine.Client
	Watch  []string // what posts are wanted about: #tag, @handle, or words to search for
}

// Options is what a Poller needs.
type Options struct {
	Agents    []Agent
	Journal   Journal
	Ownership Ownership
	Plan

	Report func(ctx context.Context, s Status) // told of every change of state; nil for nobody
	Polled func(r Round)                       // told of every look; nil for nobody
	Trace  trail.Tracer                        // nil: nothing is traced
	Log    *slog.Logger
}

// Round is one look at a source, after it.
type Round struct {
	Agent, Source string
	Took          time.Duration
	Events        []events.Event // that were stored
	Err           error
}

// Poller watches agents until its context ends.
type Poller struct {
	o     Options
	names chan []string // the newest list that ownership has not heard of

	mu     sync.Mutex
	agents map[string]*watched
	order  []string
}

// New checks the options and starts nothing.
func New(o Options) (*Poller, error) {
	if o.Journal == nil || o.Ownership == nil {
		return nil, errors.New("a poller needs a journal and an ownership")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Polled == nil {
		o.Polled = func(Round) {}
	}
	o.Trace = trail.Or(o.Trace)
	p := &Poller{o: o, names: make(chan []string, 1), agents: map[string]*watched{}}
	if err := p.Set(o.Agents, o.Plan); err != nil {
		return nil, err
	}
	return p, nil
}

// Set replaces the agents and the plan, also while Run works: agents that are new
// are watched from now on, those that left are not any more, and those that are
// watched otherwise begin again from their cursors. Nothing changes on an error.
func (p *Poller) Set(agents []Agent, plan Plan) error {
	plan = plan.orDefaults()
	p.mu.Lock()
	defer p.mu.Unlock()
	next := map[string]*watched{}
	var order []string
	for _, a := range agents {
		if a.Handle == "" || a.API == nil {
			return errors.New("an agent to poll needs a handle and a client")
		}
		if _, twice := next[a.Handle]; twice {
			return errors.New("agent " + a.Handle + " is given twice")
		}
		next[a.Handle] = newWatched(a, plan, phaseOf(len(order), len(agents)))
		order = append(order, a.Handle)
	}
	for handle, before := range p.agents {
		switch after := next[handle]; {
		case after == nil:
			before.change()
		case after.same(before):
			next[handle] = before
		default:
			before.change()
		}
	}
	p.agents, p.order = next, order
	select {
	case <-p.names: // nobody heard of it
	default:
	}
	p.names <- slices.Clone(order)
	return nil
}

// Run polls the agents that this process owns until ctx ends; it then returns
// nil, with every commit finished or given up.
func (p *Poller) Run(ctx context.Context) error {
	if err := p.o.Ownership.HoldChanging(ctx, "agent", p.names, p.runAgent); err != nil && ctx.Err() == nil {
		return fmt.Errorf("hold agents: %w", err)
	}
	return nil
}

func (p *Poller) watched(handle string) *watched {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.agents[handle]
}

// Statuses returns the state of every agent, in the order given: what this
// process knows of those it polls.
func (p *Poller) Statuses() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Status, 0, len(p.order))
	for _, handle := range p.order {
		out = append(out, p.agents[handle].status(time.Now()))
	}
	return out
}

// Poke makes an agent's generations be looked at now, as after a command that
// started one. It does nothing for an agent that another process polls.
func (p *Poller) Poke(handle string) {
	if w := p.watched(handle); w != nil {
		w.poke((*generations)(nil).Name(), true)
	}
}

// Hint makes what is always watched of an agent be looked at now, as when the
// service says that something happened there. It does nothing for an agent that
// another process polls.
func (p *Poller) Hint(handle string) {
	if w := p.watched(handle); w != nil {
		for _, s := range []Source{(*notifications)(nil), (*messages)(nil), (*generations)(nil)} {
			w.poke(s.Name(), false)
		}
	}
}

// runAgent polls one agent until ctx ends or the agent is taken off. Where it is
// to be watched otherwise, it begins again.
func (p *Poller) runAgent(ctx context.Context, handle string) error {
	for ctx.Err() == nil {
		w := p.watched(handle)
		if w == nil {
			return nil
		}
		if err := p.watch(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// watch polls one agent as it is until ctx ends or that changes. Its trouble
// stays its own: no error of the API ends it.
func (p *Poller) watch(ctx context.Context, w *watched) error {
	sources := w.plan.sources(w.agent)
	w.begin(sources)
	defer w.end()
	group, running := errgroup.WithContext(ctx)
	for _, s := range sources {
		group.Go(func() error { return p.newLoop(w, s).run(imagine.WithPriority(running, s.priority())) })
	}
	group.Go(func() error { return w.watch(running, p.o.Report) })
	if err := group.Wait(); err != nil && ctx.Err() == nil && !errors.Is(err, errChanged) {
		return err
	}
	return nil
}
