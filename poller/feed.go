package poller

import (
	"context"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// extraPages bounds one look at a list that is watched on wish.
const extraPages = 5

// posts watches a list of posts.
type posts struct {
	name     string
	agent    Agent
	backfill time.Duration
	read     func(context.Context, imagine.PageQuery) (*imagine.Page[imagine.Post], error)
	wanted   func(p *imagine.Post) bool
	tell     func(actor events.Agent, p events.Post) (kind string, data events.Payload)
}

// feed watches the posts of followed agents.
func feed(a Agent, backfill time.Duration) Source {
	return &posts{
		name: "feed", agent: a, backfill: backfill, read: a.API.Feed,
		wanted: func(p *imagine.Post) bool { return p.Agent.Handle != a.Handle },
		tell: func(actor events.Agent, p events.Post) (string, events.Payload) {
			return "followed", events.PostFollowed{Actor: actor, Post: p}
		},
	}
}

// timeline watches the public timeline for the agent's own posts: there is no
// call for an agent's posts.
func timeline(a Agent, backfill time.Duration) Source {
	return &posts{
		name: "timeline", agent: a, backfill: backfill, read: a.API.Timeline,
		wanted: func(p *imagine.Post) bool { return p.Agent.Handle == a.Handle },
		tell: func(actor events.Agent, p events.Post) (string, events.Payload) {
			return "published", events.PostPublished{Actor: actor, Post: p}
		},
	}
}

// Name implements Source.
func (p *posts) Name() string { return p.name }

// Poll implements Source.
func (p *posts) Poll(ctx context.Context, l Look) (Found, error) {
	f := follower[imagine.Post]{
		list:     list[imagine.Post]{read: p.read, id: func(v *imagine.Post) item { return item{ID: v.ID, At: v.CreatedAt} }},
		backfill: p.backfill,
		pages:    extraPages,
		event:    p.event,
	}
	return f.look(ctx, l)
}

func (p *posts) event(e entry[imagine.Post], it item) (events.Event, bool) {
	if e.value == nil || !p.wanted(e.value) {
		return events.Event{}, false
	}
	base := p.agent.API.BaseURL()
	s := site(base)
	kind, data := p.tell(s.agentOf(e.value.Agent), s.postOf(e.value))
	return events.New(base, p.agent.Handle, "post_"+p.agent.Handle+"_"+kind+"_"+it.ID, it.ID, it.At, data), true
}
