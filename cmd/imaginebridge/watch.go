package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/poller"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

// expectAgents holds readiness back until every agent stored its baseline.
func (pr *process) expectAgents() {
	for _, a := range pr.cfg.Agents {
		pr.health.expect("poller", a.Handle)
	}
}

// poll watches the agents until ctx ends.
func (pr *process) poll(ctx context.Context) error {
	defer pr.accounts.site.CloseIdle()
	select {
	case <-pr.named:
	case <-ctx.Done():
		return nil
	}
	p, err := pr.newPoller()
	if err != nil {
		return err
	}
	pr.commands.setPoke(p.Poke)
	return p.Run(ctx)
}

// name learns the handle of the one agent that was configured without.
func (pr *process) name(ctx context.Context) error {
	if one := pr.accounts.nameless; one != nil {
		handle, err := pr.learnHandle(ctx, one.api)
		if err != nil {
			return err
		}
		pr.accounts.learned(handle)
		pr.takeAgents(ctx)
	}
	pr.commands.places.note(func() { pr.commands.places.named = true })
	close(pr.named)
	return nil
}

// newPoller makes the poller of the agents of this moment.
func (pr *process) newPoller() (*poller.Poller, error) {
	pr.polling.Lock()
	defer pr.polling.Unlock()
	p, err := poller.New(poller.Options{
		Agents: pr.watched(), Plan: planOf(pr.now().Poll), Journal: pr.bus, Ownership: pr.bus, Log: pr.log,
		Polled: pr.seen.polled, Trace: pr.seen.tracer(),
		Report: func(_ context.Context, s poller.Status) {
			if pr.accounts.all()[s.Agent] != nil { // not what one still says that was taken off
				pr.health.poller(s)
			}
		},
	})
	pr.poller = p
	return p, err
}

// watched are the agents to poll, in the order of their handles.
func (pr *process) watched() []poller.Agent {
	var out []poller.Agent
	clients := pr.accounts.all()
	for _, handle := range slices.Sorted(maps.Keys(clients)) {
		a := poller.Agent{Handle: handle, API: clients[handle]}
		for _, c := range pr.now().Agents {
			if c.Handle == handle || c.Handle == "" { // "" is the one whose handle was asked for
				a.Watch = c.Watch
			}
		}
		out = append(out, a)
	}
	return out
}

// planOf says what the configuration wants watched.
func planOf(p config.Poll) poller.Plan {
	return poller.Plan{
		Notifications: p.Notifications.Std(), Messages: p.Messages.Std(), Generations: p.Generations.Std(), Ceiling: p.Ceiling.Std(),
		Backfill: p.Backfill.Std(), Feed: p.Feed, OwnPosts: p.OwnPosts, Posts: p.Posts.Std(), Profile: p.Profile.Std(),
		Listings: p.Listings.Std(), Orders: p.Orders.Std(),
	}
}

// learnHandle asks the API for the handle of the one agent that was configured
// without, again and again until it is told.
func (pr *process) learnHandle(ctx context.Context, api *imagine.Client) (string, error) {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		me, err := api.Me(ctx)
		if err == nil {
			pr.health.rename("poller", "", me.Handle)
			return me.Handle, nil
		}
		c := web.Condition{Component: "poller", State: web.StateDegraded, Reason: err.Error(), Next: "It is tried on with growing pauses."}
		if imagine.IsUnauthorized(err) {
			wait = time.Minute
			c.State, c.Reason = web.StateDown, "ImagineAnything refused these credentials (invalid_client)."
			c.Next = "Check IMAGINEANYTHING_CLIENT_ID and IMAGINEANYTHING_CLIENT_SECRET; if the secret is lost, make a new one in the agent's settings."
		}
		pr.health.set(c)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return "", ctx.Err()
		case <-timer.C:
		}
	}
}
