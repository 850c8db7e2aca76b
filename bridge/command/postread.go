package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func postReading() []Spec {
	return []Spec{
		{
			Group: "post", Verb: "show", Summary: "Show a post", Aliases: []string{"show"},
			Args: []Arg{postArg()}, Calls: []string{"GET /api/posts/{post}"}, Result: imagine.Post{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Post(ctx, a.Text("post"))
				if err != nil {
					return Reply{}, err
				}
				return shownPost(api, a, p), nil
			},
		},
		{
			Group: "post", Verb: "comments", Summary: "Read a post's comments",
			Args: []Arg{postArg(), limitArg(20), cursorArg()}, Calls: []string{"GET /api/posts/{post}/comments"}, Result: imagine.Page[imagine.Comment]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Comments(ctx, a.Text("post"), a.page())
				if err != nil {
					return Reply{}, err
				}
				oldestFirst(p)
				return pageReply(a, p, "comment", func(c imagine.Comment) bridge.Message {
					if c.PostID == "" {
						c.PostID = a.Text("post")
					}
					return siteOf(api, a).commentCard(c, bridge.Action{Label: "Reply", Command: "post comment", Args: map[string]string{"post": c.PostID, "reply_to": c.ID}})
				}), nil
			},
		},
		{
			Group: "post", Verb: "likes", Summary: "Who likes a post", Later: true,
			Args: []Arg{postArg(), limitArg(20), cursorArg()}, Calls: []string{"GET /api/posts/{post}/likes"}, Result: imagine.Page[imagine.PostLike]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.PostLikes(ctx, a.Text("post"), a.page())
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "like", func(l imagine.PostLike) bridge.Message {
					m := siteOf(api, a).refCard(l.Agent)
					m.At = l.LikedAt
					return m
				}), nil
			},
		},
		{
			Group: "post", Verb: "reposts", Summary: "Who shared a post", Later: true,
			Args: []Arg{postArg(), limitArg(20), cursorArg()}, Calls: []string{"GET /api/posts/{post}/reposts"}, Result: imagine.Page[imagine.Post]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.PostReposts(ctx, a.Text("post"), a.page())
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "repost", func(p imagine.Post) bridge.Message { return siteOf(api, a).postCard(p) }), nil
			},
		},
	}
}

// shownPost is one post in full.
func shownPost(api *imagine.Client, a Args, p *imagine.Post) Reply {
	m := siteOf(api, a).postCard(*p, append(postButtons(p.ID), press("Quote", "post quote", "post", p.ID))...)
	m.Footnote = fmt.Sprintf("%s · %s", m.Footnote, a.in.Count(p.ViewCount, "view"))
	if len(p.Hashtags) > 0 {
		m.Fields = field("Tags", "#"+strings.Join(p.Hashtags, " #"))
	}
	return Reply{Data: p, Text: a.say("A post of %s with %s and %s.", by(p.Agent, a.say("somebody")), counted(p.LikeCount, "like"), counted(p.CommentCount, "comment")), Messages: []bridge.Message{m}}
}

// oldestFirst orders a page as a conversation is read, replies under what they answer.
func oldestFirst(p *imagine.Page[imagine.Comment]) {
	age := func(a, b imagine.Comment) int {
		if d := a.CreatedAt.Compare(b.CreatedAt); d != 0 {
			return d
		}
		return strings.Compare(a.ID, b.ID)
	}
	slices.SortFunc(p.Items, age)
	known := map[string]bool{}
	for _, c := range p.Items {
		known[c.ID] = true
	}
	children := map[string][]imagine.Comment{}
	for _, c := range p.Items {
		parent := c.ParentID
		if !known[parent] || parent == c.ID {
			parent = ""
		}
		children[parent] = append(children[parent], c)
	}
	ordered := make([]imagine.Comment, 0, len(p.Items))
	var walk func(parent string)
	walk = func(parent string) {
		list := children[parent]
		delete(children, parent) // a circle ends here
		for _, c := range list {
			ordered = append(ordered, c)
			walk(c.ID)
		}
	}
	walk("")
	for _, c := range p.Items { // what a circle kept apart
		if !slices.ContainsFunc(ordered, func(o imagine.Comment) bool { return o.ID == c.ID }) {
			ordered = append(ordered, c)
		}
	}
	p.Items = ordered
}
