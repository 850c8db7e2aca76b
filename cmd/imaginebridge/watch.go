package main

import (
	"context"
	"maps"
	"slices"
	"time"

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
	if pr.nameless != nil {
		handle, err := pr.learnHandle(ctx, pr.nameless)
		if err != nil {
			return err
		}
		pr.accounts.add(handle, pr.nameless)
	}
	var agents []poller.Agent
	clients := pr.accounts.all()
	for _, handle := range slices.Sorted(maps.Keys(clients)) {
		agents = append(agents, poller.Agent{Handle: handle, API: clients[handle]})
	}
	p, err := poller.New(poller.Options{
		Agents: agents, Journal: pr.bus, Ownership: pr.bus, Report: func(_ context.Context, s poller.Status) { pr.health.poller(s) },
		Notifications: pr.cfg.Poll.Notifications.Std(), Messages: pr.cfg.Poll.Messages.Std(), Generations: pr.cfg.Poll.Generations.Std(),
		Ceiling: pr.cfg.Poll.Ceiling.Std(), Backfill: pr.cfg.Poll.Backfill.Std(), Feed: pr.cfg.Poll.Feed, Log: pr.log,
	})
	if err != nil {
		return err
	}
	pr.commands.setPoke(p.Poke)
	return p.Run(ctx)
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
