package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	keptAfter  = 30 * 24 * time.Hour // what a workspace leaves behind when the app is removed
	purgeEvery = time.Hour
)

// purge forgets, until ctx ends, what workspaces left behind that the app was removed
// from for good. Every process may do it: each step is made once.
func (pr *process) purge(ctx context.Context) error {
	for {
		if err := pr.purgeOnce(ctx, time.Now()); err != nil && ctx.Err() == nil {
			pr.log.WarnContext(ctx, "what removed workspaces left behind is not forgotten yet", "err", err, "retry_in", purgeEvery)
		}
		t := time.NewTimer(purgeEvery)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// purgeOnce forgets what has been left behind for long enough.
func (w *wiring) purgeOnce(ctx context.Context, now time.Time) error {
	over := func(end time.Time) bool { return !end.IsZero() && now.Sub(end) > keptAfter }
	all, err := w.bus.Workspaces().List(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, r := range all {
		if over(r.Left) {
			failed = append(failed, w.forget(ctx, r))
		}
	}
	installs, err := w.bus.Installs().List(ctx)
	for _, r := range installs {
		if over(r.Ended) {
			failed = append(failed, w.bus.Installs().Remove(ctx, r))
		}
	}
	for i, e := range failed {
		if errors.Is(e, bridge.ErrFenced) || errors.Is(e, command.ErrMoved) { // it came back, or another process was quicker
			failed[i] = nil
		}
	}
	return errors.Join(append(failed, err)...)
}

// forget takes out a workspace with its subscriptions, and the secrets of agents that
// nobody else is connected to.
func (w *wiring) forget(ctx context.Context, r bridge.WorkspaceRecord) error {
	subscriptions, err := w.bus.Subscriptions().List(ctx)
	if err != nil {
		return err
	}
	for _, s := range subscriptions {
		if s.Workspace != r.ID || bridge.ParseDestination(s.To).Scheme != r.Platform {
			continue
		}
		if err := w.bus.Subscriptions().Remove(ctx, s); err != nil {
			return err
		}
	}
	if err := w.bus.Workspaces().Remove(ctx, r); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "a workspace that the app was removed from is forgotten", "workspace", r.Platform+" "+r.ID, "left", r.Left)
	keep := newKeeper(w)
	for _, a := range r.Agents {
		if _, err := keep.Release(ctx, a.Handle); err != nil {
			return fmt.Errorf("let go of %s: %w", a.Handle, err)
		}
	}
	return nil
}
