package main

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// reached is what workspaces reach at one moment.
type reached struct {
	handles    []string                               // of the agents at work
	guests     []string                               // agents that were added from chat: never the operator's
	channels   map[string][]bridge.SubscriptionRecord // by platform and channel
	workspaces map[string]string                      // of a channel
	records    map[tenant]bridge.WorkspaceRecord
	operated   map[tenant]map[string]time.Time // handles that the operator's subscriptions bring there, and since when
	complete   bool                            // which agents there are, and who is connected, is known
	missing    map[string]bool                 // platforms of which a channel's workspace is not known
}

// reach works it out, for who holds mu.
func (p *places) reach(subscriptions []bridge.SubscriptionRecord, handles []string) *reached {
	r := &reached{
		handles: handles, channels: map[string][]bridge.SubscriptionRecord{}, workspaces: maps.Clone(p.workspaces), records: p.records,
		operated: map[tenant]map[string]time.Time{}, complete: p.records != nil && p.stored != nil && p.named, missing: map[string]bool{},
	}
	configured := p.configured()
	for handle, fromChat := range p.stored {
		if fromChat && !slices.Contains(configured, handle) {
			r.guests = append(r.guests, handle)
		}
	}
	slices.Sort(r.guests)
	for _, s := range subscriptions {
		to := bridge.ParseDestination(s.To)
		if to.Scheme != command.Discord && to.Scheme != command.Slack {
			continue
		}
		channel := to.String()
		r.channels[channel] = append(r.channels[channel], s)
		if s.Origin == bridge.FromChat {
			continue // whoever made it reached its agents already
		}
		workspace, known := r.workspaces[channel]
		if !known {
			r.missing[to.Scheme] = true
		}
		if workspace != "" {
			r.bring(tenant{to.Scheme, workspace}, s)
		}
	}
	return r
}

// bring notes what a subscription of the operator brings to a workspace.
func (r *reached) bring(t tenant, s bridge.SubscriptionRecord) {
	if r.operated[t] == nil {
		r.operated[t] = map[string]time.Time{}
	}
	for _, handle := range r.operators(s.Agents) {
		if since, known := r.operated[t][handle]; !known || s.Made.Before(since) {
			r.operated[t][handle] = s.Made
		}
	}
}

// operators are the agents that a list of the operator names: with * those that he
// added himself, never those that somebody connected to a workspace.
func (r *reached) operators(list []string) []string {
	if !slices.Contains(list, bridge.EveryAgent) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(r.handles), func(h string) bool { return slices.Contains(r.guests, h) })
}

// workspace is whose a subscription is; "" for nobody's, or where that is not known.
func (r *reached) workspace(s bridge.SubscriptionRecord) string {
	return cmp.Or(s.Workspace, r.workspaces[bridge.ParseDestination(s.To).String()])
}

// tenants are the workspaces that are connected to anything.
func (r *reached) tenants() iter.Seq[tenant] {
	all := map[tenant]bool{}
	for t := range r.operated {
		all[t] = true
	}
	for t := range r.records {
		all[t] = true
	}
	return maps.Keys(all)
}

// all are the agents that a workspace is connected to, each with the instant since
// when, where that is known.
func (r *reached) all(t tenant) map[string]time.Time {
	out := map[string]time.Time{}
	record := r.records[t]
	for _, c := range record.Agents {
		out[c.Handle] = c.At
	}
	for handle, since := range r.operated[t] {
		if c, also := record.Connection(handle); also {
			delete(out, c.Handle)
			if c.At.Before(since) {
				since = c.At
			}
		}
		out[handle] = since
	}
	return out
}

// agents are those of them that the bridge works for, in order.
func (r *reached) agents(t tenant) []string { return r.atWork(slices.Collect(maps.Keys(r.all(t)))) }

// atWork are those of some handles that the bridge works for, in order.
func (r *reached) atWork(handles []string) []string {
	wanted := make(map[string]bool, len(handles))
	for _, h := range handles {
		wanted[strings.ToLower(h)] = true
	}
	var out []string
	for _, h := range r.handles {
		if wanted[strings.ToLower(h)] {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out
}

// scope is what a subscription is about now. settled is false while it can't be
// told: then its events have to wait, for what is passed over does not come again.
func (r *reached) scope(s bridge.SubscriptionRecord) (scope bridge.Scope, settled bool) {
	if s.Origin != bridge.FromChat {
		if !slices.Contains(s.Agents, bridge.EveryAgent) {
			return bridge.Scope{Agents: s.Agents}, true
		}
		return bridge.Scope{Agents: s.Agents, Except: r.guests}, r.complete
	}
	platform, workspace := bridge.ParseDestination(s.To).Scheme, r.workspace(s)
	return s.Within(r.all(tenant{platform, workspace})), workspace != "" && r.complete && !r.missing[platform]
}

// about are the agents at work that a subscription is about.
func (r *reached) about(s bridge.SubscriptionRecord) []string {
	if s.Origin != bridge.FromChat {
		return r.atWork(r.operators(s.Agents))
	}
	scope, _ := r.scope(s)
	return r.atWork(scope.Agents)
}

// within is a subscription about those agents alone that it is about now, for
// whoever looks at it. It names at least bridge.Nobody.
func (p *places) within(s bridge.SubscriptionRecord) bridge.SubscriptionRecord {
	now := p.look()
	if s.Origin != bridge.FromChat && len(now.guests) == 0 {
		return s // with many agents one name for all of them is quicker to look for
	}
	if s.Agents = now.about(s); len(s.Agents) == 0 {
		s.Agents = []string{bridge.Nobody}
	}
	return s
}
