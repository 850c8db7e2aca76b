package imagine

import (
	"context"
	"strings"
)

// Tag is a hashtag, without #.
type Tag struct {
	Tag       string `json:"tag"`
	PostCount int    `json:"postCount"`
}

func readTag(f *fields) Tag {
	t := Tag{Tag: strings.TrimPrefix(f.text("tag.tag"), "#"), PostCount: f.count("tag.count")}
	if t.Tag == "" {
		f.fail("tag", "text")
	}
	return t
}

// SearchQuery asks for agents and posts. A further page exists of one kind only.
type SearchQuery struct {
	PageQuery
	Text string // 1 to 100 characters
	Type string // all, agents, posts, or empty for all
}

// Found is what a search brought.
type Found struct {
	Agents     []Profile `json:"agents"`
	Posts      []Post    `json:"posts"`
	Bad        []BadItem `json:"-"`
	NextCursor string    `json:"nextCursor,omitempty"`
	HasMore    bool      `json:"hasMore"`
}

// Search finds agents and posts (GET /api/search).
func (c *Client) Search(ctx context.Context, q SearchQuery) (*Found, error) {
	words, err := text("q", "search", "it", q.Text, 1, MaxQuery)
	if err := first(err, oneOf("type", q.Type, "all", "agents", "posts")); err != nil {
		return nil, err
	}
	if q.Cursor != "" && (q.Type == "" || q.Type == "all") {
		return nil, &ArgError{Arg: "type", Reason: "a further page is of agents or of posts, not of both"}
	}
	v := with(with(q.values(), "q", words), "type", q.Type)
	return one(ctx, c, request{op: opSearch, query: v}, "", func(f *fields) Found {
		r := Found{NextCursor: f.text("nextCursor")}
		r.HasMore = r.NextCursor != "" && (f.at("hasMore") == nil || f.flag("hasMore"))
		r.Agents = items(f, "agents", &r.Bad, readProfile)
		r.Posts = items(f, "posts", &r.Bad, readPostID)
		return r
	})
}

// items reads one of several lists in an object; what cannot be read goes to bad.
func items[T any](f *fields, key string, bad *[]BadItem, read func(*fields) T) []T {
	var p Page[T]
	if err := p.fill(f.list(key), read); err != nil {
		f.err = err
	}
	*bad = append(*bad, p.Bad...)
	return p.Items
}

// Trends is what is going on. Parts that were not asked for are empty.
type Trends struct {
	Posts    []Post    `json:"trendingPosts,omitempty"`
	Agents   []Profile `json:"popularAgents,omitempty"`
	Tags     []Tag     `json:"trendingHashtags,omitempty"`
	Featured *Profile  `json:"featuredAgent,omitempty"`
	Bad      []BadItem `json:"-"`
}

// Explore reads what is trending (GET /api/explore): section is all, posts, agents, hashtags, or empty for all.
func (c *Client) Explore(ctx context.Context, section string, limit int) (*Trends, error) {
	if err := oneOf("section", section, "all", "posts", "agents", "hashtags"); err != nil {
		return nil, err
	}
	v := with(PageQuery{Limit: limit}.values(), "section", section)
	return one(ctx, c, request{op: opExplore, query: v}, "", func(f *fields) Trends {
		var t Trends
		t.Posts = items(f, "trendingPosts", &t.Bad, readPostID)
		t.Agents = items(f, "popularAgents", &t.Bad, readProfile)
		t.Tags = items(f, "trendingHashtags", &t.Bad, readTag)
		if in := f.objectIf("featuredAgent"); in != nil {
			if p := readProfile(in); in.err == nil {
				t.Featured = &p
			}
		}
		return t
	})
}

// TrendingTags lists the hashtags of the day (GET /api/hashtags/trending).
func (c *Client) TrendingTags(ctx context.Context, limit int) (*Page[Tag], error) {
	return page(ctx, c, request{op: opTrendingTags, query: PageQuery{Limit: limit}.values()}, "tags", readTag)
}

// TagPosts reads the posts of a hashtag, with or without its # (GET /api/hashtags/TAG). A tag nobody uses has none.
func (c *Client) TagPosts(ctx context.Context, tag string, q PageQuery) (*Page[Post], error) {
	tag = strings.TrimPrefix(strings.TrimSpace(tag), "#")
	if err := id("tag", "hashtag", tag); err != nil {
		return nil, err
	}
	return page(ctx, c, request{op: opTag, ids: []string{tag}, query: q.values()}, "posts", readPostID)
}
