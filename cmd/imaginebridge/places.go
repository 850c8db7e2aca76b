package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

// places knows which workspace a channel belongs to, and which agents each
// workspace is connected to: those of the operator's subscriptions into its
// channels, and those that were connected from chat. Nobody else reaches an agent.
type places struct {
	handles       func() []string // of the agents at work
	configured    func() []string // of those that the configuration names
	subscriptions func() []bridge.SubscriptionRecord
	changed       func() // called when workspaces may reach others than before

	mu         sync.Mutex
	workspaces map[string]string                 // of a channel, by platform and channel; "" where the platform shows it to nobody here
	records    map[tenant]bridge.WorkspaceRecord // nil until they are known
	stored     map[string]bool                   // agents that commands added, true for those from chat; nil until they are known
	named      bool                              // no agent's handle is still asked for
	now        *reached                          // nil after a change
}

// tenant names a workspace.
type tenant struct{ platform, id string }

func newPlaces(subscriptions func() []bridge.SubscriptionRecord, handles func() []string) *places {
	return &places{handles: handles, subscriptions: subscriptions, changed: func() {}, configured: func() []string { return nil }, workspaces: map[string]string{}}
}

// note makes a change to what is known, and tells of it.
func (p *places) note(change func()) {
	p.mu.Lock()
	if change != nil {
		change()
	}
	p.now = nil
	p.mu.Unlock()
	p.changed()
}

// look is what workspaces reach at this moment.
func (p *places) look() *reached {
	p.mu.Lock()
	now := p.now
	p.mu.Unlock()
	if now != nil {
		return now
	}
	subscriptions, handles := p.subscriptions(), p.handles()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil {
		p.now = p.reach(subscriptions, handles)
	}
	return p.now
}

// follow keeps up with what workspaces are connected to, until ctx ends.
func (p *places) follow(ctx context.Context, store *bus.Workspaces) error {
	err := store.Watch(ctx, func(list []bridge.WorkspaceRecord) {
		records := make(map[tenant]bridge.WorkspaceRecord, len(list))
		for _, r := range list {
			records[tenant{r.Platform, r.ID}] = r
		}
		p.note(func() { p.records = records })
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the end of the context is a clean end
	}
	return err
}

// learn asks each platform which workspace its channels belong to, and again when
// subscriptions change, until ctx ends.
func (p *places) learn(ctx context.Context, changed <-chan struct{}, doors []door, log *slog.Logger) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		missing := 0
		for channel := range p.look().channels {
			workspace, known := p.learnOne(ctx, channel, doors)
			switch {
			case !known, workspace.id == "":
				missing++
			case workspace.fresh:
				log.DebugContext(ctx, "workspace connected", "destination", channel, "workspace", workspace.id)
			}
		}
		var again <-chan time.Time
		if missing > 0 {
			again = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			wait = time.Second
		case <-again:
		}
	}
}

// workspaceOf is what is known of a channel.
type workspaceOf struct {
	id    string // "" where the platform shows the channel to nobody here
	fresh bool   // it was not known before
}

// learnOne gives a channel's workspace where it is known or the platform tells it.
func (p *places) learnOne(ctx context.Context, channel string, doors []door) (workspaceOf, bool) {
	p.mu.Lock()
	id, known := p.workspaces[channel]
	p.mu.Unlock()
	if known && id != "" {
		return workspaceOf{id: id}, true
	}
	to := bridge.ParseDestination(channel)
	workspace, ok := "", false
	for _, d := range doors {
		switch sink := d.sink.(type) {
		case *discord.Sink:
			if to.Scheme == command.Discord {
				id, err := sink.Guild(ctx, to.Place)
				e, refused := errors.AsType[*discord.Error](err)
				workspace, ok = id, err == nil || refused && (e.Status == http.StatusForbidden || e.Status == http.StatusNotFound)
			}
		case *slack.Apps:
			if to.Scheme == command.Slack {
				workspace = sink.Team(ctx, to.Place)
				ok = workspace != ""
			}
		}
	}
	if !ok || known && workspace == "" {
		return workspaceOf{}, known
	}
	p.note(func() { p.workspaces[channel] = workspace })
	return workspaceOf{id: workspace, fresh: true}, true
}

// agents returns the handles that a workspace reaches, in order; "" is every
// workspace of the platform together.
func (p *places) agents(platform, workspace string) []string {
	now := p.look()
	if workspace != "" {
		return now.agents(tenant{platform, workspace})
	}
	var out []string
	for t := range now.tenants() {
		if t.platform == platform {
			out = append(out, now.agents(t)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// settled reports whether it is known what the workspaces of a platform reach.
func (p *places) settled(platform string) bool {
	now := p.look()
	return now.complete && !now.missing[platform]
}

// names are the subscriptions of a workspace, in order.
func (p *places) names(platform, workspace string) []string {
	now := p.look()
	var out []string
	for channel, subscriptions := range now.channels {
		to := bridge.ParseDestination(channel)
		for _, s := range subscriptions {
			if to.Scheme == platform && workspace != "" && now.workspace(s) == workspace && !slices.Contains(out, s.Name) {
				out = append(out, s.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// usual returns the agent that a channel is for: the only one that subscriptions
// bring there. "" for none, and where there are several.
func (p *places) usual(platform, channel string) string {
	now := p.look()
	usual := ""
	for _, s := range now.channels[bridge.Destination{Scheme: platform, Place: channel}.String()] {
		for _, handle := range now.about(s) {
			if usual != "" && usual != handle {
				return ""
			}
			usual = handle
		}
	}
	return usual
}

// record is what is kept of a workspace; false while nothing of any is known.
func (p *places) record(platform, workspace string) (bridge.WorkspaceRecord, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.records[tenant{platform, workspace}], p.records != nil
}

// operated are the agents at work that the operator's subscriptions bring to a
// workspace.
func (p *places) operated(platform, workspace string) []string {
	now := p.look()
	return now.atWork(slices.Collect(maps.Keys(now.operated[tenant{platform, workspace}])))
}
