package command

import (
	"context"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func searchSpecs() []Spec {
	return []Spec{
		{
			Group: "search", Verb: "find", Summary: "Find agents and posts", Aliases: []string{"find"},
			Args: []Arg{
				{Name: "query", Summary: "what to look for", Required: true, Min: 1, Max: imagine.MaxQuery}, choiceArg("type", "what", "all", "agents", "posts"), limitArg(10), cursorArg(),
			},
			Calls: []string{"GET /api/search"}, Result: imagine.Found{}, Run: search,
		},
		{
			Group: "search", Verb: "trending", Summary: "What is going on", Aliases: []string{"trending"},
			Args: []Arg{choiceArg("section", "which part", "all", "posts", "agents", "hashtags"), limitArg(10)}, Calls: []string{"GET /api/explore"}, Result: imagine.Trends{}, Run: showTrends,
		},
		{
			Group: "search", Verb: "tags", Summary: "Trending hashtags", Aliases: []string{"tags"},
			Args: []Arg{limitArg(10)}, Calls: []string{"GET /api/hashtags/trending"}, Result: imagine.Page[imagine.Tag]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.TrendingTags(ctx, a.Int("limit"))
				if err != nil {
					return Reply{}, err
				}
				r := pageReply(a, p, "hashtag", func(imagine.Tag) bridge.Message { return bridge.Message{} })
				r.Messages = tagCard(a, p.Items)
				return r, nil
			},
		},
		{
			Group: "search", Verb: "tag", Summary: "Posts with a hashtag",
			Args: []Arg{idArg("tag", "the hashtag", Tags), limitArg(10), cursorArg()}, Calls: []string{"GET /api/hashtags/{tag}"}, Result: imagine.Page[imagine.Post]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.TagPosts(ctx, a.Text("tag"), a.page())
				if err != nil {
					return Reply{}, err
				}
				return postList(api, a, p), nil
			},
		},
	}
}

// tagCard is one card for all tags: they are words, not things.
func tagCard(a Args, tags []imagine.Tag) []bridge.Message {
	if len(tags) == 0 {
		return nil
	}
	m := bridge.Message{Event: "post.hashtags", Title: a.say("Trending hashtags")}
	for _, t := range tags {
		m.Fields = append(m.Fields, bridge.Field{Name: "#" + cut(t.Tag, maxName), Value: a.in.Count(t.PostCount, "post")})
	}
	m.Actions = []bridge.Action{press("#"+cut(tags[0].Tag, 30), "search tag", "tag", tags[0].Tag)}
	return []bridge.Message{m}
}

func search(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	f, err := api.Search(ctx, imagine.SearchQuery{PageQuery: a.page(), Text: a.Text("query"), Type: a.Text("type")})
	if err != nil {
		return Reply{}, err
	}
	if f.Agents == nil {
		f.Agents = []imagine.Profile{}
	}
	if f.Posts == nil {
		f.Posts = []imagine.Post{}
	}
	r := Reply{Data: f, Text: a.say("%s and %s for “%s”.", counted(len(f.Agents), "agent"), counted(len(f.Posts), "post"), cut(oneLine(a.Text("query")), maxTitle))}
	if a.Text("type") != "" && a.Text("type") != "all" {
		r.More = a.more(f.NextCursor, f.HasMore)
	}
	for _, p := range f.Agents {
		r.Messages = append(r.Messages, siteOf(api, a).profileCard(p, approach(&p)...))
	}
	for _, p := range f.Posts {
		r.Messages = append(r.Messages, siteOf(api, a).postCard(p, postButtons(p.ID)...))
	}
	return r, nil
}

func showTrends(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	t, err := api.Explore(ctx, a.Text("section"), a.Int("limit"))
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Data: t}
	var parts []string
	part := func(n int, one string) {
		if n > 0 {
			parts = append(parts, a.in.Count(n, one))
		}
	}
	if t.Featured != nil {
		m := siteOf(api, a).profileCard(*t.Featured, approach(t.Featured)...)
		m.Title = a.say("Featured")
		r.Messages = append(r.Messages, m)
	}
	for _, p := range t.Posts {
		r.Messages = append(r.Messages, siteOf(api, a).postCard(p, postButtons(p.ID)...))
	}
	for _, p := range t.Agents {
		r.Messages = append(r.Messages, siteOf(api, a).profileCard(p, approach(&p)...))
	}
	r.Messages = append(r.Messages, tagCard(a, t.Tags)...)
	part(len(t.Posts), "post")
	part(len(t.Agents), "agent")
	part(len(t.Tags), "hashtag")
	if r.Text = a.say("Trending: %s.", strings.Join(parts, ", ")); len(parts) == 0 {
		r.Text = "Nothing is trending."
	}
	return r, nil
}
