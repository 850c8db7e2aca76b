package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// deliver works the lanes of this process until ctx ends.
func (pr *process) deliver(ctx context.Context) error {
	byName := map[string]bridge.Subscription{}
	var names []string
	for _, s := range pr.subscriptions {
		byName[s.Name] = s
		names = append(names, s.Name)
	}
	return pr.bus.Hold(ctx, "lane", names, func(ctx context.Context, name string) error {
		return pr.deliverLane(ctx, byName[name])
	})
}

// deliverLane takes one subscription's events to its destination.
func (pr *process) deliverLane(ctx context.Context, s bridge.Subscription) error {
	i := slices.IndexFunc(pr.doors, func(d door) bool { return d.scheme == s.To.Scheme })
	if i < 0 {
		return fmt.Errorf("nothing sends to %s", s.To.Label())
	}
	// The lane outlives the worker's context: the worker saves once more while it
	// ends, and a lane that is closed by then would not know what still waits.
	feeding, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	lane, err := pr.bus.Lane(feeding, laneOf(pr.cfg, s))
	if err != nil {
		return fmt.Errorf("open lane: %w", err)
	}
	worker := bridge.NewWorker(bridge.WorkerOptions{
		Subscription: s, Lane: lane, Ledger: pr.bus, Sink: pr.doors[i].sink,
		Reporter: reporter{pr.bus, pr.health}, Log: pr.log.With("component", "worker"), Sole: pr.cfg.NATS.URL == "",
	})
	pr.workers.add(s, worker)
	defer pr.workers.remove(s)
	return worker.Run(ctx)
}

// hear keeps the sessions with Discord and Slack, one process for each app.
func (pr *process) hear(ctx context.Context) error {
	byName := map[string]func(context.Context) error{}
	var names []string
	for _, d := range pr.doors {
		if d.run != nil {
			byName[d.scheme] = d.run
			names = append(names, d.scheme)
		}
	}
	return pr.bus.Hold(ctx, "gateway", names, func(ctx context.Context, name string) error { return byName[name](ctx) })
}
