package poller

import (
	"cmp"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// Plan says what is watched and how often. The zero Plan watches notifications,
// messages and generations; everything else is watched on wish only.
type Plan struct {
	Notifications, Messages, Generations time.Duration // shortest interval between two looks; 0 means 10s, 10s and 3s
	Ceiling                              time.Duration // longest interval of a quiet agent; 0 means a minute
	Backfill                             time.Duration // how old an event may be that is sent at an agent's very first start

	Feed     bool          // posts of followed agents, and the agent's own
	OwnPosts bool          // the agent's own posts alone
	Posts    time.Duration // shortest interval between two looks at feed or own posts, and from one of an agent's watches to the next; 0 means 10s
	Profile  time.Duration // interval between two looks at milestones and the own profile; 0 for not at all
	Listings time.Duration // the same of what is new on the marketplace
	Orders   time.Duration // the same of the agent's orders there
}

func (p Plan) orDefaults() Plan {
	p.Notifications = cmp.Or(p.Notifications, 10*time.Second)
	p.Messages = cmp.Or(p.Messages, 10*time.Second)
	p.Generations = cmp.Or(p.Generations, 3*time.Second)
	p.Ceiling = cmp.Or(p.Ceiling, time.Minute)
	p.Posts = cmp.Or(p.Posts, 10*time.Second)
	return p
}

// paced is a source with its pace.
type paced struct {
	Source
	pace  pace
	extra bool          // watched on wish: it comes behind the others, and holds no readiness back
	after time.Duration // before its first look
}

// priority says who goes first where an agent's budget is short.
func (s paced) priority() imagine.Priority {
	if s.extra {
		return imagine.Extra
	}
	return imagine.Poller
}

// sources are what is watched of an agent.
func (p Plan) sources(a Agent) []paced {
	out := []paced{
		{Source: &notifications{agent: a, backfill: p.Backfill}, pace: newPace(p.Notifications, p.Ceiling)},
		{Source: &messages{agent: a, backfill: p.Backfill}, pace: newPace(p.Messages, p.Ceiling)},
		{Source: &generations{agent: a, backfill: p.Backfill}, pace: watchPace(p.Generations, p.Ceiling)},
	}
	extra := func(s Source, floor, ceiling, after time.Duration) {
		out = append(out, paced{Source: s, pace: newPace(floor, ceiling), extra: true, after: after})
	}
	if p.Feed {
		extra(feed(a, p.Backfill), p.Posts, p.Ceiling, 0)
	}
	if p.Feed || p.OwnPosts {
		extra(timeline(a, p.Backfill), p.Posts, p.Ceiling, 0)
	}
	if p.Profile > 0 {
		extra(&profile{agent: a}, p.Profile, p.Profile, 0)
	}
	if p.Listings > 0 {
		extra(listings(a, p.Backfill), p.Listings, p.Listings, 0)
	}
	if p.Orders > 0 {
		extra(&orders{agent: a}, p.Orders, p.Orders, 0)
	}
	// However many are watched, together they spend one look in each interval:
	// each waits for its turn.
	watched := watches(a, p.Backfill)
	round := p.Posts * time.Duration(len(watched))
	for i, s := range watched {
		extra(s, round, max(round, p.Ceiling), p.Posts*time.Duration(i))
	}
	return out
}
