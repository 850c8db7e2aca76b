package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

// places says which agents a workspace is connected to: those of the
// subscriptions that point into its channels. Nobody else reaches an agent.
type places struct {
	handles  func() []string
	channels map[string][]config.Subscription // by platform and channel

	mu         sync.Mutex
	workspaces map[string]string // of a channel, by platform and channel
}

func newPlaces(subscriptions []config.Subscription, handles func() []string) *places {
	p := &places{handles: handles, channels: map[string][]config.Subscription{}, workspaces: map[string]string{}}
	for _, s := range subscriptions {
		if to := bridge.ParseDestination(s.To); to.Scheme == command.Discord || to.Scheme == command.Slack {
			p.channels[to.String()] = append(p.channels[to.String()], s)
		}
	}
	return p
}

// agents returns the handles that a workspace reaches; "" is every connected
// workspace of the platform together.
func (p *places) agents(platform, workspace string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.handles()
	var out []string
	for channel, subscriptions := range p.channels {
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

// usual returns the agent that a channel is for: the only one that subscriptions
// bring there. "" for none, and where there are several.
func (p *places) usual(platform, channel string) string {
	usual := ""
	for _, s := range p.channels[bridge.Destination{Scheme: platform, Place: channel}.String()] {
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

// learn asks each platform which workspace its channels belong to, until every
// one has answered or ctx ends.
func (p *places) learn(ctx context.Context, doors []door, log *slog.Logger) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		missing := 0
		for channel := range p.channels {
			if !p.learnOne(ctx, channel, doors, log) {
				missing++
			}
		}
		if missing == 0 {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// learnOne reports whether a channel's workspace is known.
func (p *places) learnOne(ctx context.Context, channel string, doors []door, log *slog.Logger) bool {
	p.mu.Lock()
	_, known := p.workspaces[channel]
	p.mu.Unlock()
	if known {
		return true
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
		return false
	}
	p.mu.Lock()
	p.workspaces[channel] = workspace
	p.mu.Unlock()
	log.DebugContext(ctx, "workspace connected", "platform", to.Scheme, "workspace", workspace, "agents", p.agents(to.Scheme, workspace))
	return true
}
