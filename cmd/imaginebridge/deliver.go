package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
)

// serves reports that this process can send where a subscription goes.
func (pr *process) serves(r bridge.SubscriptionRecord) bool {
	return slices.ContainsFunc(pr.doors, func(d door) bool { return d.scheme == bridge.ParseDestination(r.To).Scheme })
}

// followBook stores the file's subscriptions where this process delivers, and
// follows those of everybody until ctx ends.
func (pr *process) followBook(ctx context.Context) error {
	store := pr.bus.Subscriptions()
	if pr.has("deliver") {
		seed(ctx, store, fileRecords(pr.cfg), pr.log)
	}
	err := store.Watch(ctx, func(list []bridge.SubscriptionRecord) {
		pr.book.set(list)
		pr.commands.places.note(nil)
		pr.health.subscriptions(list)
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the end of the context is a clean end
	}
	return err
}

// deliver works the lanes of this process until ctx ends.
func (pr *process) deliver(ctx context.Context) error {
	return pr.bus.HoldChanging(ctx, "lane", pr.book.ids, pr.keepLane)
}

// keepLane works one subscription's lane through all its changes. A change ends
// the work, which hands its place back, and begins it anew; no other lane notices.
func (pr *process) keepLane(ctx context.Context, id string) error {
	had, rev := false, uint64(0)
	for ctx.Err() == nil {
		h, same, release := pr.book.hold(ctx, id)
		h.changed, rev = rev != 0 && h.Rev != rev, h.Rev
		var err error
		switch {
		case h.there && !h.settled: // who it is about is not known yet: its events wait
			had = true
			<-same.Done()
		case h.there && h.absent:
			had = true
			err = pr.restLane(same, h)
		case h.there:
			had = true
			err = pr.deliverLane(same, h)
		case had: // removed: whatever its worker stored last goes too
			err = pr.bus.Subscriptions().ForgetLane(ctx, id)
			had = err != nil
		default:
			<-same.Done()
		}
		changed := same.Err() != nil
		release()
		if err != nil && !changed {
			return err
		}
	}
	return nil
}

// deliverLane takes one subscription's events to its destination until it changes.
func (pr *process) deliverLane(ctx context.Context, h task) error {
	r := h.SubscriptionRecord
	s, err := r.Compile()
	if err != nil {
		return fmt.Errorf("subscription %s: %w", r.ID, err)
	}
	i := slices.IndexFunc(pr.doors, func(d door) bool { return d.scheme == s.To.Scheme })
	if i < 0 {
		return fmt.Errorf("nothing sends to %s", s.To.Label())
	}
	s.Narrow(h.about)
	// The lane outlives the worker's context: the worker saves once more while it
	// ends, and a lane that is closed by then would not know what still waits.
	feeding, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	lane, err := pr.bus.Lane(feeding, bus.LaneSpec{Subscription: r.ID, Agents: h.about.Agents, Events: r.Events, Start: r.Start, After: r.Made})
	if err != nil {
		return fmt.Errorf("open lane: %w", err)
	}
	if state := lane.Record().State; h.changed && (state == bridge.Suspended || state == bridge.Paused) {
		pr.workers.again(s.To) // a person had a hand in it: nothing known of the place holds any more
	}
	if sent, err := prepareLane(ctx, lane, r); err != nil || !sent {
		return err
	}
	worker := bridge.NewWorker(bridge.WorkerOptions{
		Cards:        cardsOf(pr.cfg),
		Subscription: s, Lane: lane, Ledger: pr.bus, Sink: pr.doors[i].exit(r),
		Reporter: reporter{pr.bus, pr.health, pr.seen}, Log: pr.log.With("component", "worker"), Trace: pr.seen.tracer(),
		Circuits: &pr.workers.circuits, Tell: pr.tellOwner(r),
	})
	lane.OnWish(worker.Nudge)
	pr.workers.add(s, worker)
	defer pr.workers.remove(s)
	return worker.Run(ctx)
}

// prepareLane brings a lane to what people want of it: set back for a replay that
// was not begun, and still while it is paused. It returns when the lane may send;
// false where ctx ended before.
func prepareLane(ctx context.Context, lane *bus.Lane, r bridge.SubscriptionRecord) (sends bool, err error) {
	if wish := r.Rerun; wish != nil && wish.Number > lane.Record().Rerun {
		if err := lane.Seek(ctx, wish.Since, wish.Number); err != nil {
			return false, fmt.Errorf("set lane back: %w", err)
		}
	}
	for {
		sends, until := r.Sends(time.Now())
		record := lane.Record()
		state := bridge.Paused
		if sends {
			state = bridge.Live
		}
		if sends && record.State == bridge.Paused || !sends && (record.State != bridge.Paused || !record.Until.Equal(until)) {
			record.State, record.Reason, record.Until = state, "", until
			if sends {
				record.Until = time.Time{}
			}
			if err := lane.Save(ctx, record); err != nil {
				return false, fmt.Errorf("store lane: %w", err)
			}
		}
		if sends {
			return true, nil
		}
		var wake <-chan time.Time
		if !until.IsZero() {
			wake = time.After(time.Until(until))
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-wake:
		}
	}
}

// hear keeps the sessions with Discord and Slack, each held by one process.
func (pr *process) hear(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	names := make(chan []string, 1)
	byName := map[string]func(context.Context) error{}
	var fixed []string
	for _, d := range pr.doors {
		if d.run != nil {
			byName[d.scheme] = d.run
			fixed = append(fixed, d.scheme)
		}
	}
	if pr.discordSink == nil {
		names <- fixed
	} else {
		names <- withShards(fixed, nil) // until it is known how many there are
		group.Go(func() error {
			return pr.discordSink.Shards(ctx, func(list []discord.Shard) { offer(names, withShards(fixed, list)) })
		})
	}
	group.Go(func() error {
		return pr.bus.HoldChanging(ctx, "gateway", names, func(ctx context.Context, name string) error {
			if shard, ok := discord.ParseShard(name); ok {
				return pr.discordSink.RunShard(ctx, shard)
			}
			return byName[name](ctx)
		})
	})
	return group.Wait()
}

// elsewhere reports what another process holds. Discord's sessions count as held
// when the first of them is.
func (pr *process) elsewhere(kind, name string) bool {
	if kind == "gateway" && name == command.Discord && pr.discordSink != nil {
		name = pr.discordSink.FirstShard().Name()
	}
	return pr.bus.Elsewhere(kind, name)
}

// withShards puts Discord's sessions in the place of its name.
func withShards(names []string, list []discord.Shard) []string {
	out := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == command.Discord })
	for _, shard := range list {
		out = append(out, shard.Name())
	}
	return out
}

// offer puts the newest list into a channel that has room for one.
func offer(lists chan []string, list []string) {
	select {
	case <-lists: // an older one that nobody took
	default:
	}
	lists <- list
}
