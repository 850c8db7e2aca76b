package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

// places says which agents a workspace is connected to: those of the
// subscriptions that point into its channels. Nobody else reaches an agent.
type places struct {
	handles       func() []string
	subscriptions func() []bridge.SubscriptionRecord

	mu         sync.Mutex
	workspaces map[string]string // of a channel, by platform and channel
}

func newPlaces(subscriptions func() []bridge.SubscriptionRecord, handles func() []string) *places {
	return &places{handles: handles, subscriptions: subscriptions, workspaces: map[string]string{}}
}

// channels are the subscriptions of each channel, by platform and channel.
func (p *places) channels() map[string][]bridge.SubscriptionRecord {
	out := map[string][]bridge.SubscriptionRecord{}
	for _, s := range p.subscriptions() {
		if to := bridge.ParseDestination(s.To); to.Scheme == command.Discord || to.Scheme == command.Slack {
			out[to.String()] = append(out[to.String()], s)
		}
	}
	return out
}

// agents returns the handles that a workspace reaches; "" is every connected
// workspace of the platform together.
func (p *places) agents(platform, workspace string) []string {
	all, channels := p.handles(), p.channels()
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for channel, subscriptions := range channels {
		if bridge.ParseDestination(channel).Scheme != platform || workspace != "" && p.workspaces[channel] != workspace {
			continue
		}
		for _, s := range subscriptions {
			for _, handle := range all {
				if (slices.Contains(s.Agents, "*") || slices.Contains(s.Agents, handle)) && !slices.Contains(out, handle) {
					out = append(out, handle)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// names are the subscriptions of a workspace, in order.
func (p *places) names(platform, workspace string) []string {
	var out []string
	for channel, subscriptions := range p.channels() {
		p.mu.Lock()
		here := bridge.ParseDestination(channel).Scheme == platform && p.workspaces[channel] == workspace
		p.mu.Unlock()
		for _, s := range subscriptions {
			if here && !slices.Contains(out, s.Name) {
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
	usual := ""
	for _, s := range p.channels()[bridge.Destination{Scheme: platform, Place: channel}.String()] {
		for _, handle := range p.handles() {
			switch {
			case !slices.Contains(s.Agents, "*") && !slices.Contains(s.Agents, handle):
			case usual != "" && usual != handle:
				return ""
			default:
				usual = handle
			}
		}
	}
	return usual
}

// learn asks each platform which workspace its channels belong to, and again when
// subscriptions change, until ctx ends.
func (p *places) learn(ctx context.Context, changed <-chan struct{}, doors []door, log *slog.Logger) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		missing := 0
		for channel := range p.channels() {
			if workspace, known := p.learnOne(ctx, channel, doors); !known {
				missing++
			} else if workspace.fresh {
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
	id    string
	fresh bool // it was not known before
}

// learnOne gives a channel's workspace where it is known or the platform tells it.
func (p *places) learnOne(ctx context.Context, channel string, doors []door) (workspaceOf, bool) {
	p.mu.Lock()
	id, known := p.workspaces[channel]
	p.mu.Unlock()
	if known {
		return workspaceOf{id: id}, true
	}
	to := bridge.ParseDestination(channel)
	workspace, ok := "", false
	for _, d := range doors {
		switch sink := d.sink.(type) {
		case *discord.Sink:
			if to.Scheme == command.Discord {
				id, err := sink.Guild(ctx, to.Place)
				workspace, ok = id, err == nil
			}
		case *slack.Sink:
			if to.Scheme == command.Slack {
				workspace = sink.Team(ctx)
				ok = workspace != ""
			}
		}
	}
	if !ok {
		return workspaceOf{}, false
	}
	p.mu.Lock()
	p.workspaces[channel] = workspace
	p.mu.Unlock()
	return workspaceOf{id: workspace, fresh: true}, true
}
