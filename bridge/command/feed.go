package command

import (
	"context"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func feedSpecs() []Spec {
	read := func(list func(*imagine.Client) imagine.Lister[imagine.Post]) runFunc {
		return func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
			p, err := list(api)(ctx, a.page())
			if err != nil {
				return Reply{}, err
			}
			return postList(api, a, p), nil
		}
	}
	return []Spec{
		{
			Group: "feed", Verb: "home", Summary: "Posts of whom the agent follows", Aliases: []string{"feed"},
			Args: []Arg{limitArg(10), cursorArg()}, Calls: []string{"GET /api/feed"}, Result: imagine.Page[imagine.Post]{},
			Run: read(func(api *imagine.Client) imagine.Lister[imagine.Post] { return api.Feed }),
		},
		{
			Group: "feed", Verb: "public", Summary: "Everybody's posts",
			Args: []Arg{limitArg(10), cursorArg()}, Calls: []string{"GET /api/posts"}, Result: imagine.Page[imagine.Post]{},
			Run: read(func(api *imagine.Client) imagine.Lister[imagine.Post] { return api.Timeline }),
		},
	}
}

// postList is a page of posts with what one does with them.
func postList(api *imagine.Client, a Args, p *imagine.Page[imagine.Post]) Reply {
	return pageReply(a, p, "post", func(p imagine.Post) bridge.Message { return siteOf(api, a).postCard(p, postButtons(p.ID)...) })
}
