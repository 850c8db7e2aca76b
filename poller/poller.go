// Package poller watches agent accounts at ImagineAnything and turns what is new
// into events. Its main type is [Poller].
//
// Each thing to watch is a [Source]: a pure comparison of what the API shows with
// a cursor. One loop per agent and source owns time, retries and the cursor; new
// events and the moved cursor are stored in one commit through the [Journal]. The
// package has never heard of NATS or of any chat platform.
package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
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
	// Hold runs work for each name while this process owns it, until ctx ends.
	Hold(ctx context.Context, kind string, names []string, work func(ctx context.Context, name string) error) error
}

// Agent is an account to watch.
type Agent struct {
	Handle string
	API    *imagine.Client
}

// Options is what a Poller needs.
type Options struct {
	Agents    []Agent
	Journal   Journal
	Ownership Ownership

	Notifications, Messages, Generations time.Duration // shortest interval between two looks; 0 means 10s, 10s and 3s
	Ceiling                              time.Duration // longest interval of a quiet agent; 0 means a minute
	Backfill                             time.Duration // how old an event may be that is sent at an agent's very first start
	Feed                                 bool          // watch posts too

	Report func(ctx context.Context, s Status) // told of every change of state; nil for nobody
	Log    *slog.Logger
}

// Poller watches agents until its context ends.
type Poller struct {
	o      Options
	agents map[string]*watched
	order  []string
}

// New checks the options and starts nothing.
func New(o Options) (*Poller, error) {
	if o.Journal == nil || o.Ownership == nil {
		return nil, errors.New("a poller needs a journal and an ownership")
	}
	o.Notifications = cmp.Or(o.Notifications, 10*time.Second)
	o.Messages = cmp.Or(o.Messages, 10*time.Second)
	o.Generations = cmp.Or(o.Generations, 3*time.Second)
	o.Ceiling = cmp.Or(o.Ceiling, time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Poller{o: o, agents: map[string]*watched{}}
	for _, a := range o.Agents {
		if a.Handle == "" || a.API == nil {
			return nil, errors.New("an agent to poll needs a handle and a client")
		}
		if _, twice := p.agents[a.Handle]; twice {
			return nil, errors.New("agent " + a.Handle + " is given twice")
		}
		p.agents[a.Handle] = newWatched(a, o)
		p.order = append(p.order, a.Handle)
	}
	return p, nil
}

// Run polls the agents that this process owns until ctx ends; it then returns
// nil, with every commit finished or given up.
func (p *Poller) Run(ctx context.Context) error {
	if err := p.o.Ownership.Hold(ctx, "agent", p.order, p.runAgent); err != nil && ctx.Err() == nil {
		return fmt.Errorf("hold agents: %w", err)
	}
	return nil
}

// Statuses returns the state of every agent, in the order given: what this
// process knows of those it polls.
func (p *Poller) Statuses() []Status {
	out := make([]Status, 0, len(p.order))
	for _, handle := range p.order {
		out = append(out, p.agents[handle].status(time.Now()))
	}
	return out
}

// Poke makes an agent's generations be looked at now, as after a command that
// started one. It does nothing for an agent that another process polls.
func (p *Poller) Poke(handle string) {
	if w := p.agents[handle]; w != nil {
		w.poke((*generations)(nil).Name())
	}
}

// runAgent polls one agent until ctx ends. Its trouble stays its own: no error
// of the API ends it.
func (p *Poller) runAgent(ctx context.Context, handle string) error {
	w := p.agents[handle]
	sources := p.sources(w)
	w.begin(sources)
	defer w.end()
	group, ctx := errgroup.WithContext(imagine.AsPoller(ctx))
	for _, s := range sources {
		group.Go(func() error { return p.newLoop(w, s).run(ctx) })
	}
	group.Go(func() error { return w.watch(ctx, p.o.Report) })
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// paced is a source with its pace.
type paced struct {
	Source
	pace pace
}

func (p *Poller) sources(w *watched) []paced {
	notifications := paced{&notifications{agent: w.agent, backfill: p.o.Backfill}, newPace(p.o.Notifications, p.o.Ceiling)}
	messages := paced{&messages{agent: w.agent, backfill: p.o.Backfill}, newPace(p.o.Messages, p.o.Ceiling)}
	generations := paced{&generations{agent: w.agent, backfill: p.o.Backfill}, watchPace(p.o.Generations, p.o.Ceiling)}
	out := []paced{notifications, messages, generations}
	if p.o.Feed {
		out = append(out,
			paced{feed(w.agent, p.o.Backfill), newPace(p.o.Notifications, p.o.Ceiling)},
			paced{timeline(w.agent, p.o.Backfill), newPace(p.o.Notifications, p.o.Ceiling)})
	}
	return out
}
