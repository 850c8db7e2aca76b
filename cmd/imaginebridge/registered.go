package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/seal"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

// registered are the agents that were added by a command: their secrets are
// sealed in the store, where every process finds them.
type registered struct {
	mu     sync.Mutex
	agents []config.Agent
}

func (r *registered) set(agents []config.Agent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.agents = agents
}

// besides are those that the configuration does not name itself.
func (r *registered) besides(configured []config.Agent) []config.Agent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.agents), func(a config.Agent) bool {
		return slices.ContainsFunc(configured, func(c config.Agent) bool { return c.Handle == a.Handle })
	})
}

// ring is what seals and opens secrets.
func (w *wiring) ring() (*seal.Ring, error) {
	if w.keys == nil {
		return nil, seal.ErrNoKey
	}
	return w.keys, nil
}

// opened are stored agents with their secrets. One whose secret does not open is
// named on the console and left out: its key is needed.
func (pr *process) opened(list []bus.AgentRecord) []config.Agent {
	ring, err := pr.ring()
	if err != nil {
		pr.log.Error("registered agents can't be opened", "err", err)
		return nil
	}
	var out []config.Agent
	for _, r := range list {
		if !r.Gone.IsZero() {
			continue
		}
		secret, err := ring.Open(bus.AgentPlace(r.Handle), r.Sealed)
		if err != nil {
			reason := fmt.Sprintf("The stored secret of %s does not open.", r.Handle)
			if errors.Is(err, seal.ErrKey) {
				reason = fmt.Sprintf("The stored secret of %s was sealed with another key.", r.Handle)
			}
			pr.health.set(web.Condition{Component: "poller", Agent: r.Handle, State: web.StateDown, Reason: reason, Next: "Set IMAGINEBRIDGE_KEY to the key it was sealed with, or name the agent in the configuration."})
			continue
		}
		out = append(out, config.Agent{Handle: r.Handle, ClientID: r.ClientID, ClientSecret: config.NewSecret(secret)})
	}
	return out
}

// followAgents takes up the agents that commands add, here or in another process,
// until ctx ends.
func (pr *process) followAgents(ctx context.Context) error {
	err := pr.bus.WatchAgents(ctx, func(list []bus.AgentRecord) {
		pr.registered.set(pr.opened(list))
		stored := make(map[string]bool, len(list))
		for _, r := range list {
			stored[r.Handle] = r.FromChat()
		}
		// Who is a guest is known before it works: no subscription takes it for the operator's.
		pr.commands.places.note(func() { pr.commands.places.stored = stored })
		if len(list) > 0 {
			pr.takeAgents(ctx)
		}
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the end of the context is a clean end
	}
	return err
}

// takeAgents puts the agents of this moment in force.
func (pr *process) takeAgents(ctx context.Context) {
	pr.polling.Lock()
	live := pr.now()
	moved, err := pr.setAgents(&live, live.Agents)
	pr.polling.Unlock()
	switch {
	case err != nil:
		pr.log.WarnContext(ctx, "registered agents not taken up yet", "err", err)
	case len(moved.added)+len(moved.rotated)+len(moved.removed) > 0:
		pr.log.InfoContext(ctx, "registered agents taken up", "agents", strings.Join(slices.Concat(moved.added, moved.rotated), " "), "removed", strings.Join(moved.removed, " "))
	}
}
