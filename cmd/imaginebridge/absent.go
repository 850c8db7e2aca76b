package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
)

// absence is why nothing is sent into a workspace that the app was removed from.
const absence = "The app was removed from this workspace. Add it again: what waits then follows."

// absent reports a subscription into a workspace that the app was removed from, as
// far as that is known.
func (r *reached) absent(s bridge.SubscriptionRecord) bool {
	to := bridge.ParseDestination(s.To)
	workspace := cmp.Or(s.Workspace, r.workspaces[to.String()])
	return workspace != "" && !r.records[tenant{to.Scheme, workspace}].Left.IsZero()
}

// restLane keeps a subscription's events without asking its platform anything,
// until the app is there again or the subscription changes. The owner is told once.
func (pr *process) restLane(ctx context.Context, h task) error {
	feeding, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	lane, err := pr.bus.Lane(feeding, bus.LaneSpec{Subscription: h.ID, Agents: h.about.Agents, Events: h.Events, Start: h.Start, After: h.Made})
	if err != nil {
		return fmt.Errorf("open lane: %w", err)
	}
	record, to := lane.Record(), bridge.ParseDestination(h.To)
	told := record.Told
	pr.log.WarnContext(ctx, "a subscription rests", "subscription", h.ID, "destination", to.Label(), "reason", absence)
	if record.State != bridge.Suspended || record.Reason != absence || !told {
		record.State, record.Reason, record.Until, record.Told = bridge.Suspended, absence, time.Time{}, true
		if err := lane.Save(ctx, record); err != nil {
			return fmt.Errorf("store lane: %w", err)
		}
	}
	reporter{pr.bus, pr.health, pr.seen}.Report(ctx, bridge.Outcome{
		Subscription: h.ID, To: to.Label(), At: time.Now().UTC(), Kind: bridge.Stopped, Verdict: bridge.Gone.String(), Reason: absence,
	})
	if !told {
		key := bridge.Key(h.ID, "absent", to, 0, record.Generation)
		if err := pr.tellOwner(h.SubscriptionRecord)(ctx, bridge.OwnerNotice{Subscription: h.ID, To: to.Label(), Key: key, Reason: absence}); err != nil {
			pr.log.DebugContext(ctx, "the owner could not be told", "subscription", h.ID, "err", err)
		}
	}
	<-ctx.Done()
	return nil
}
