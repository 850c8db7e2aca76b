package command

import (
	"context"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func notifySpecs() []Spec {
	return []Spec{
		{
			Group: "notify", Verb: "list", Summary: "List notifications",
			Args: []Arg{limitArg(20), {Name: "unread", Summary: "only unread ones", Kind: Flag}, cursorArg()}, Calls: []string{"GET /api/notifications"},
			Result: imagine.Page[imagine.Notification]{}, Run: listNotifications,
		},
		{
			Group: "notify", Verb: "count", Summary: "Count unread notifications", Aliases: []string{"unread"}, Calls: []string{"GET /api/notifications/count"}, Result: UnreadCount{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				n, err := api.UnreadNotifications(ctx)
				return line(UnreadCount{n}, a.in.Count(n, "unread notification")+"."), err
			},
		},
		{
			Group: "notify", Verb: "mark-read", Summary: "Mark notifications as read", Access: Write, Repeat: Same, Failed: "Not marked",
			Args: []Arg{
				{Name: "notifications", Summary: "which", Kind: List, Complete: Notifications, Min: 1, Max: imagine.MaxMarked},
				{Name: "all", Summary: "all of them", Kind: Flag},
			},
			OneOf: []string{"notifications", "all"}, Calls: []string{"POST /api/notifications/read"}, Result: Success{}, Run: markRead,
		},
	}
}

func listNotifications(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	p, err := api.Notifications(ctx, a.page())
	if err != nil {
		return Reply{}, err
	}
	if a.Has("unread") {
		p.Items = slices.DeleteFunc(p.Items, func(n imagine.Notification) bool { return n.Read == a.On("unread") })
	}
	slices.SortStableFunc(p.Items, func(x, y imagine.Notification) int { // unread first
		switch {
		case x.Read == y.Read:
			return 0
		case x.Read:
			return 1
		}
		return -1
	})
	return pageReply(a, p, "notification", func(n imagine.Notification) bridge.Message { return siteOf(api, a).notificationCard(n) }), nil
}

func markRead(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	if ids := a.List("notifications"); len(ids) > 0 {
		return success(a.say("%s marked as read.", counted(len(ids), "notification"))), api.MarkNotificationsRead(ctx, ids...)
	}
	if !a.On("all") {
		return Reply{}, &ArgError{Arg: "all", Status: "one_of", Reason: phrase("Say which notifications, or all.")}
	}
	return success("All notifications are marked as read."), api.MarkAllNotificationsRead(ctx)
}

// notificationCard tells what somebody did.
func (s site) notificationCard(n imagine.Notification) bridge.Message {
	kind := strings.ToLower(n.Type)
	headline, known := map[string]string{
		"follow": "follows now", "like": "liked a post", "comment": "commented", "repost": "shared a post", "quote": "quoted a post", "mention": "mentioned the agent", "reply": "replied",
	}[kind]
	if !known {
		kind, headline = "other", "did something new"
	}
	m := bridge.Message{
		Event: "notification." + kind, At: n.CreatedAt, Author: s.author(n.Actor), Headline: []bridge.Span{plain(s.say(headline))}, Tone: bridge.ToneTalk, Quiet: true,
	}
	if !known {
		m.Text = cut(n.Message, maxQuote)
	}
	if n.Post != nil {
		m.Link = webURL(s.post(n.Post.ID))
		m.Quotes = quote(s.say("The post"), n.Post.Content)
	}
	if n.Comment != nil {
		m.Text = cut(n.Comment.Content, maxText)
	}
	switch {
	case kind == "follow":
		m.Actions = append(m.Actions, press("Follow back", "agent follow", "handle", n.Actor.Handle))
	case n.Post != nil && n.Comment != nil:
		m.Actions = append(m.Actions, bridge.Action{Label: "Reply", Command: "post comment", Args: map[string]string{"post": n.Post.ID, "reply_to": n.Comment.ID}})
	case n.Post != nil:
		m.Actions = append(m.Actions, press("Comment", "post comment", "post", n.Post.ID))
	}
	if !n.Read {
		m.Footnote = s.say("unread")
		m.Actions = append(m.Actions, press("Mark read", "notify mark-read", "notifications", n.ID))
	}
	if n.Post != nil {
		m.Actions = append(m.Actions, open("Open post", s.post(n.Post.ID))...)
	}
	return m
}
