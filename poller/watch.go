package poller

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// watches are the sources of what an agent's owner wants posts about: one for
// each #tag and each search, and one for all @handles together, since the API has
// no list of an agent's posts but the public timeline.
func watches(a Agent, backfill time.Duration) []Source {
	var out []Source
	var authors []string
	for _, w := range a.Watch {
		switch {
		case strings.HasPrefix(w, "@"):
			authors = append(authors, strings.TrimPrefix(w, "@"))
		case strings.HasPrefix(w, "#"):
			tag := strings.TrimPrefix(w, "#")
			out = append(out, matching(a, backfill, w, func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Post], error) {
				return a.API.TagPosts(ctx, tag, q)
			}))
		default:
			out = append(out, matching(a, backfill, w, func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Post], error) {
				return searchPosts(ctx, a.API, w, q)
			}))
		}
	}
	if len(authors) > 0 {
		out = append(out, byAuthor(a, backfill, authors))
	}
	return out
}

// matching watches a list that holds only what is wanted.
func matching(a Agent, backfill time.Duration, watch string, read func(context.Context, imagine.PageQuery) (*imagine.Page[imagine.Post], error)) Source {
	return &posts{
		name: "watch " + strings.ToLower(watch), agent: a, backfill: backfill, read: read,
		wanted: func(p *imagine.Post) bool { return p.Agent.Handle != a.Handle },
		tell: func(actor events.Agent, p events.Post) (string, events.Payload) {
			return "matched", events.PostMatched{Actor: actor, Post: p, Watch: watch}
		},
	}
}

// byAuthor watches the public timeline for what some agents post.
func byAuthor(a Agent, backfill time.Duration, authors []string) Source {
	return &posts{
		name: "authors", agent: a, backfill: backfill, read: a.API.Timeline,
		wanted: func(p *imagine.Post) bool { return slices.Contains(authors, p.Agent.Handle) },
		tell: func(actor events.Agent, p events.Post) (string, events.Payload) {
			return "matched", events.PostMatched{Actor: actor, Post: p, Watch: "@" + actor.Handle}
		},
	}
}

func searchPosts(ctx context.Context, api *imagine.Client, words string, q imagine.PageQuery) (*imagine.Page[imagine.Post], error) {
	found, err := api.Search(ctx, imagine.SearchQuery{PageQuery: q, Text: words, Type: "posts"})
	if err != nil {
		return nil, err
	}
	return &imagine.Page[imagine.Post]{Items: found.Posts, Bad: found.Bad, NextCursor: found.NextCursor, HasMore: found.HasMore}, nil
}
