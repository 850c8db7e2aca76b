package poller

import (
	"context"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// posts watches a list of posts.
type posts struct {
	name     string
	agent    Agent
	backfill time.Duration
	read     func(context.Context, imagine.PageQuery) (*imagine.Page[imagine.Post], error)
	own      bool // only the agent's own; otherwise only others'
}

// feed watches the posts of followed agents.
func feed(a Agent, backfill time.Duration) Source {
	return &posts{name: "feed", agent: a, backfill: backfill, read: a.API.Feed}
}

// timeline watches the public timeline for the agent's own posts: there is no
// call for an agent's posts.
func timeline(a Agent, backfill time.Duration) Source {
	return &posts{name: "timeline", agent: a, backfill: backfill, read: a.API.Timeline, own: true}
}

// Name implements Source.
func (p *posts) Name() string { return p.name }

// Poll implements Source.
func (p *posts) Poll(ctx context.Context, l Look) (Found, error) {
	f := follower[imagine.Post]{
		list:     list[imagine.Post]{read: p.read, id: func(v *imagine.Post) item { return item{ID: v.ID, At: v.CreatedAt} }},
		backfill: p.backfill,
		event:    p.event,
	}
	return f.look(ctx, l)
}

func (p *posts) event(e entry[imagine.Post], it item) (events.Event, bool) {
	if e.value == nil || (e.value.Agent.Handle == p.agent.Handle) != p.own {
		return events.Event{}, false
	}
	base := p.agent.API.BaseURL()
	s := site(base)
	actor, post := s.agentOf(e.value.Agent), s.postOf(e.value)
	kind, data := "followed", events.Payload(events.PostFollowed{Actor: actor, Post: post})
	if p.own {
		kind, data = "published", events.PostPublished{Actor: actor, Post: post}
	}
	return events.New(base, p.agent.Handle, "post_"+p.agent.Handle+"_"+kind+"_"+it.ID, it.ID, it.At, data), true
}
