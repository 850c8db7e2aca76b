package slack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// In is the way out to the channels of one workspace: messages there go by its own
// installation, whatever the channel. "" finds the workspace by the channel. It is a
// bridge.Prober and a bridge.Witness too.
func (a *Apps) In(team string) bridge.Sink { return within{a, team} }

// within is Apps for one workspace.
type within struct {
	apps *Apps
	team string
}

// What a sink can do besides sending, it can do in each workspace.
var (
	_ bridge.Prober  = within{}
	_ bridge.Witness = within{}
)

// Send implements bridge.Sink.
func (w within) Send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	s, err := w.apps.out(ctx, w.team, d.To.Place)
	if err != nil {
		return bridge.Receipt{}, err
	}
	return s.Send(ctx, d)
}

// Probe implements bridge.Prober.
func (w within) Probe(ctx context.Context, to bridge.Destination) error {
	s, err := w.apps.out(ctx, w.team, to.Place)
	if err != nil {
		return err
	}
	return s.Probe(ctx, to)
}

// Send implements bridge.Sink for channels of which only the id is known.
func (a *Apps) Send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	return a.In("").Send(ctx, d)
}

// Probe implements bridge.Prober.
func (a *Apps) Probe(ctx context.Context, to bridge.Destination) error {
	return a.In("").(within).Probe(ctx, to)
}

// readWait is how long a message waits for the installations to be read.
const readWait = 5 * time.Second

// out finds the sink that writes to a channel. The error is a *bridge.SendError.
func (a *Apps) out(ctx context.Context, team, channel string) (*Sink, error) {
	waiting, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	if !a.loaded(waiting) {
		return nil, &bridge.SendError{Verdict: bridge.Retry, After: time.Second, Paced: true, Err: errors.New("the installations are not read yet")}
	}
	if team == "" && a.own {
		return a.front, nil
	}
	if team == "" {
		team = a.Team(ctx, channel)
	}
	if team == "" {
		return nil, &bridge.SendError{
			Verdict: bridge.Gone, Err: errors.New("no installation sees the channel"),
			Advice: fmt.Sprintf("No workspace with ImagineBridge shows the channel %s. Add the app to its workspace, then type /invite @ImagineBridge there.", channel),
		}
	}
	if a.own && a.front.web.selfKnown().TeamID == "" {
		a.front.acquaint(ctx)
	}
	if s := a.of("", team); s != nil {
		return s, nil
	}
	return nil, &bridge.SendError{
		Verdict: bridge.Revoked, Err: errors.New("the app is not installed there"),
		Advice: a.shutOut(),
	}
}

// shutOut tells an owner that the app is not in the workspace any more, and how it
// comes back.
func (a *Apps) shutOut() string {
	const gone = "ImagineBridge is not in this Slack workspace any more."
	if a.opt.OAuth == nil {
		return gone
	}
	return gone + " Add it again: " + a.opt.OAuth.address(installPath) + "; everything goes on where it stopped."
}

// Team is the workspace of a channel that no record names one for: the
// configuration's, else the only one there is, else the one whose installation sees
// the channel. "" where nobody can tell.
func (a *Apps) Team(ctx context.Context, channel string) string {
	if a.own {
		return a.front.Team(ctx)
	}
	a.mu.Lock()
	home := a.homes[channel]
	a.mu.Unlock()
	if home != "" {
		return home
	}
	for _, at := range a.seats() {
		info, bad := a.sink(a.record(at.by), at.team).channelInfo(ctx, channel)
		if bad != nil || !info.IsMember {
			continue
		}
		// The token of an organisation sees the channels of all its workspaces.
		if at.by.team != bridge.WholeOrganisation || info.ContextTeamID == at.team {
			home = at.team
			break
		}
	}
	if home == "" {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.homes[channel] = home
	return home
}

// Sees reports whether a workspace's own installation sees a channel. Where it may
// not look, the channel may be there: whoever writes to it does so as that
// workspace, and Slack lets nobody into another's channel.
func (a *Apps) Sees(ctx context.Context, team, channel string) bool {
	s := a.of("", team)
	if s == nil || PlaceProblem(channel) != "" {
		return false
	}
	_, bad := s.channelInfo(ctx, channel)
	return bad == nil || bad.code != "channel_not_found"
}

// CheckChannel is Sink.CheckChannel as the workspace sees it; "" finds the workspace
// by the channel.
func (a *Apps) CheckChannel(ctx context.Context, team, channel string) Finding {
	s, err := a.out(ctx, team, channel)
	if e, ok := errors.AsType[*bridge.SendError](err); ok {
		return Finding{Level: Problem, Subject: "slack channel " + channel, Problem: "No installation of the app sees it.", Remedy: e.Advice}
	}
	return s.CheckChannel(ctx, channel)
}

// CheckAudience is Sink.CheckAudience as CheckChannel is Sink.CheckChannel.
func (a *Apps) CheckAudience(ctx context.Context, team, channel string, who []bridge.Mention) []Finding {
	s, err := a.out(ctx, team, channel)
	if err != nil {
		return nil // the channel is told of
	}
	return s.CheckAudience(ctx, who)
}
