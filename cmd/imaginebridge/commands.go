package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
)

// commands carries out what people and programs ask for, whichever door they
// come through.
type commands struct {
	*command.Runner
	completer *command.Completer
	accounts  *accounts
	places    *places
	house     *house
	jobs      *jobs
	audit     func(context.Context, command.Entry)
	poke      atomic.Pointer[func(handle string)] // makes the pollers look at an agent now; nil before they are there
}

func (c *commands) setPoke(poke func(handle string)) { c.poke.Store(&poke) }

// Do does a command, and has the pollers follow what it started.
func (c *commands) Do(ctx context.Context, q command.Request) command.Answer {
	a := c.Runner.Do(ctx, q)
	if poke := c.poke.Load(); poke != nil && a.Reply.Job != "" {
		(*poke)(a.Agent)
	}
	return a
}

// newCommands makes the runner over the agents of this process.
func (w *wiring) newCommands(a *accounts, b *book) *commands {
	c := &commands{accounts: a, completer: command.NewCompleter(a.all), places: newPlaces(b.all, a.handles), jobs: &jobs{}}
	c.house = &house{book: b, places: c.places, allowPrivate: w.cfg.Webhooks.AllowPrivate}
	c.places.configured, c.audit = w.configuredAgents, w.bus.Audit
	keeper := newKeeper(w)
	c.Runner = command.NewRunner(command.RunnerOptions{
		Agents: a.all, Reach: c.reach, Access: c.access(w.listed), Now: w.person, Records: w.bus.Records(), Audit: w.seen.audited(w.bus.Audit), Owner: w.bus.Member(), Alive: w.bus.Alive,
		Keep:  keeper.keepAgent,
		Label: w.label, Groups: w.groups,
		Spent: w.spent, Daily: func() int { return int(w.now().Access.DailyGenerations) }, Zone: w.cfg.Access.Zone,
		House: &command.House{
			Subscriptions: w.bus.Subscriptions(), History: w.bus.History(), Channels: c.house, Send: c.house.send, Dead: w.bus.Dead(),
			Workspaces: w.bus.Workspaces(), Invites: w.bus.Invites(), Accounts: keeper, Audits: w.bus.History().Audits, Listed: w.listed,
			Reach: c.places.agents, Operated: c.places.operated, Within: c.places.within,
		},
		Log: w.log.With("component", "command"), Trace: w.seen.tracer(),
	})
	return c
}

// reach returns the agents that a principal's workspace is connected to: in a
// direct message, which belongs to none, nobody. NATS and the terminal let in only
// whom their own permissions let in.
func (c *commands) reach(p command.Principal) []string {
	switch {
	case p.Platform == command.NATS, p.Platform == command.Terminal:
		return c.accounts.handles()
	case p.Workspace == "":
		return nil
	}
	return c.places.agents(p.Platform, p.Workspace)
}

// complete is the completer as Discord's door wants it.
func (c *commands) complete(ctx context.Context, agent string, source command.Source, typed string) []discord.Choice {
	var out []discord.Choice
	for _, choice := range c.completer.Complete(ctx, agent, source, typed) {
		out = append(out, discord.Choice{Name: choice.Label, Value: choice.Value})
	}
	return out
}

// serveCommands takes commands over NATS, begins those that are due, finishes those
// that a process left behind, and keeps completions and running generations up to date, until ctx
// ends.
func (pr *process) serveCommands(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return pr.bus.Serve(ctx, pr.doWithFiles(), pr.accounts.handles) })
	group.Go(func() error { return pr.commands.completer.Run(ctx) })
	group.Go(func() error {
		return pr.commands.Run(ctx, func(q command.Request, a command.Answer) { pr.tellLate(ctx, q, a) })
	})
	group.Go(func() error { return pr.followEvents(ctx) })
	return group.Wait()
}

// tellLate brings an answer to somebody whom another process left waiting, or who
// ordered something for later.
func (pr *process) tellLate(ctx context.Context, q command.Request, a command.Answer) {
	if pr.discordSink != nil && q.Door == command.Discord {
		pr.discordSink.Tell(ctx, q, a)
	}
	if pr.slackSink != nil && q.Door == command.Slack {
		pr.slackSink.Answer(ctx, q, a)
	}
	if err := pr.bus.Answer(ctx, q, a); err != nil && ctx.Err() == nil {
		pr.log.DebugContext(ctx, "late answer not sent", "id", q.ID, "err", err)
	}
}

// remembered is how far back completions know what happened.
const remembered = 24 * time.Hour

// followEvents feeds completions with what happens, and shows generations that
// people started where they started them.
func (pr *process) followEvents(ctx context.Context) error {
	began := time.Now()
	err := pr.bus.Tail(ctx, bus.Query{Since: began.Add(-remembered)}, func(e events.Event, at bus.Stored) {
		if at.Err != nil {
			return
		}
		pr.commands.completer.Note(e)
		if at.At.Before(began) || e.Kind().Family != "generation" {
			return
		}
		state := stateOf(pr.cfg, e)
		pr.commands.jobs.tell(e, state)
		if pr.discordSink != nil {
			if err := pr.discordSink.Update(ctx, state); err != nil && ctx.Err() == nil {
				pr.log.DebugContext(ctx, "generation not shown where it was started", "event_id", e.ID, "err", err)
			}
		}
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the end of the context is a clean end
	}
	return err
}

// jobs are the generations that somebody watches.
type jobs struct {
	mu       sync.Mutex
	watchers map[string][]chan bridge.Localized // by agent and job
}

// follow shows each state of a generation until its end or ctx's.
func (j *jobs) follow(ctx context.Context, agent, job string, show func(bridge.Localized)) {
	states := make(chan bridge.Localized, 8)
	key := agent + "/" + job
	j.mu.Lock()
	if j.watchers == nil {
		j.watchers = map[string][]chan bridge.Localized{}
	}
	j.watchers[key] = append(j.watchers[key], states)
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.watchers[key] = slices.DeleteFunc(j.watchers[key], func(c chan bridge.Localized) bool { return c == states })
		if len(j.watchers[key]) == 0 {
			delete(j.watchers, key)
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case state := <-states:
			show(state)
			if state("").Final {
				return
			}
		}
	}
}

// tell passes a state on to who watches the generation; whoever is too slow
// misses a state between, never the last.
func (j *jobs) tell(e events.Event, state bridge.Localized) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, states := range j.watchers[e.Agent()+"/"+e.About] {
		for sent := false; !sent; {
			select {
			case states <- state:
				sent = true
			default:
				select {
				case <-states: // the oldest makes room
				default:
				}
			}
		}
	}
}

// handles returns the handles of this moment, in order.
func (a *accounts) handles() []string { return slices.Sorted(maps.Keys(a.all())) }
