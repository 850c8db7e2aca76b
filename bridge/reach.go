package bridge

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// Nobody is what a subscription is about whose agents are all out of its
// workspace's reach: no agent has that handle, and no event is of it.
const Nobody = "-"

// Scope is what a subscription is about at this moment, of all that its record
// names: a workspace gets what happens to agents that it is connected to, and to no
// others.
type Scope struct {
	Agents []string             // handles, EveryAgent for all; never empty
	Except []string             // of those, handles that are not meant
	Since  map[string]time.Time // by handle in lower case: what was stored before is not sent
}

// Within is the scope of a subscription that was made in a workspace which reaches
// those agents, each since an instant, zero for ever: those of them that the
// subscription names, or all of them where it names every agent. What happened to
// an agent that came after the subscription was made, and before it came, is left
// out, unless a replay was asked for since.
func (r *SubscriptionRecord) Within(reach map[string]time.Time) Scope {
	s := Scope{}
	for _, handle := range slices.Sorted(maps.Keys(reach)) {
		if !namesAgent(r.Agents, handle) {
			continue
		}
		s.Agents = append(s.Agents, handle)
		came := reach[handle]
		if came.After(r.Made) && (r.Rerun == nil || came.After(r.Rerun.At)) {
			if s.Since == nil {
				s.Since = map[string]time.Time{}
			}
			s.Since[strings.ToLower(handle)] = came
		}
	}
	if len(s.Agents) == 0 {
		s.Agents = []string{Nobody}
	}
	return s
}

// Narrow makes a subscription be about the scope alone.
func (s *Subscription) Narrow(to Scope) { s.Agents, s.Except, s.Since = to.Agents, to.Except, to.Since }

// coversAgent reports whether the subscription is about an agent.
func (s *Subscription) coversAgent(handle string) bool {
	return (len(s.Agents) == 0 || namesAgent(s.Agents, handle)) && !slices.ContainsFunc(s.Except, func(a string) bool { return strings.EqualFold(a, handle) })
}

// meant reports whether an event that was stored at an instant is of an agent that
// the subscription was about then.
func (s *Subscription) meant(e events.Event, stored time.Time) bool {
	return s.coversAgent(e.Agent()) && !stored.Before(s.Since[strings.ToLower(e.Agent())])
}

// namesAgent reports that a list of agents holds a handle.
func namesAgent(list []string, handle string) bool {
	return slices.ContainsFunc(list, func(a string) bool { return a == EveryAgent || strings.EqualFold(a, handle) })
}
