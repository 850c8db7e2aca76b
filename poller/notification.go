package poller

import (
	"context"
	"fmt"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// notifications watches an agent's list of notifications. The list costs the
// same read as the count and says more, so the count is never asked.
type notifications struct {
	agent    Agent
	backfill time.Duration
}

// Name implements Source.
func (*notifications) Name() string { return "notifications" }

// Poll implements Source.
func (n *notifications) Poll(ctx context.Context, l Look) (Found, error) {
	f := follower[imagine.Notification]{
		list: list[imagine.Notification]{
			read: n.agent.API.Notifications,
			id: func(v *imagine.Notification) item {
				return item{ID: v.ID, At: v.CreatedAt, Actor: v.Actor.Handle}
			},
		},
		backfill: n.backfill,
		event:    n.event,
	}
	return f.look(ctx, l)
}

func (n *notifications) event(e entry[imagine.Notification], it item) (events.Event, bool) {
	base := n.agent.API.BaseURL()
	payload, about := site(base).notification(e)
	id := "ntf_" + it.ID
	if it.folded {
		id = fmt.Sprintf("%s_%s_%d", id, it.Actor, it.At.Unix())
	}
	return events.New(base, n.agent.Handle, id, about, it.At, payload), true
}

// notification makes the payload of a notification and says what it is about.
// What is unknown, unreadable or lacks its subject passes as other: never lost.
func (s site) notification(e entry[imagine.Notification]) (data events.Payload, about string) {
	v := e.value
	if v == nil {
		return events.NotificationOther{Problem: clip(fmt.Sprint(e.err), maxName), Raw: rawOf(e.raw)}, ""
	}
	actor, post, comment := s.agentOf(v.Actor), s.postOf(v.Post), commentOf(v.Comment)
	switch {
	case v.Actor == (imagine.AgentRef{}):
	case v.Type == "FOLLOW":
		return events.NotificationFollow{Actor: actor, Read: v.Read}, actor.ID
	case v.Post == nil:
	case v.Type == "LIKE":
		return events.NotificationLike{Actor: actor, Post: post, Read: v.Read}, post.ID
	case v.Type == "REPOST":
		return events.NotificationRepost{Actor: actor, Post: post, Read: v.Read}, post.ID
	case v.Type == "QUOTE":
		return events.NotificationQuote{Actor: actor, Post: post, Read: v.Read}, post.ID
	case v.Type == "MENTION":
		m := events.NotificationMention{Actor: actor, Post: post, Read: v.Read}
		if v.Comment != nil {
			m.Comment = &comment
		}
		return m, post.ID
	case v.Comment == nil:
	case v.Type == "COMMENT":
		return events.NotificationComment{Actor: actor, Post: post, Comment: comment, Read: v.Read}, post.ID
	case v.Type == "REPLY":
		return events.NotificationReply{Actor: actor, Post: post, Comment: comment, Read: v.Read}, post.ID
	}
	other := events.NotificationOther{RawType: clip(v.Type, maxName), Text: clip(v.Message, maxText), Raw: rawOf(e.raw)}
	if v.Actor != (imagine.AgentRef{}) {
		other.Actor = &actor
	}
	return other, post.ID
}
