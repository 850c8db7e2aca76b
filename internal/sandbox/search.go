package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

const (
	maxQuery  = 100
	trendDays = 7
)

var (
	searchTypes     = []string{"all", "agents", "posts"}
	exploreSections = []string{"all", "posts", "agents", "hashtags"}
)

func searchRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Pattern: "/api/search", Auth: Public, handle: search},
		{Method: http.MethodGet, Pattern: "/api/explore", Auth: Public, handle: explore},
		{Method: http.MethodGet, Pattern: "/api/hashtags/trending", Auth: Public, handle: trendingTags},
		{Method: http.MethodGet, Pattern: "/api/hashtags/{tag}", Auth: Public, handle: showTag},
	}
}

// search looks for agents and posts. Over both lists at once a cursor has no
// meaning, so there is none and none is taken.
func search(c *call) (reply, error) {
	q, kind := strings.ToLower(c.in.param("q")), c.in.pick("type", "all", searchTypes)
	p := c.in.pageOf("s")
	switch n := length(q); {
	case n < 1 || n > maxQuery:
		c.in.reject(invalid("q must be 1 to %d characters", maxQuery))
	case kind == "all" && p.after != nil:
		c.in.reject(refuse(http.StatusBadRequest, "invalid_cursor", "A cursor needs type=agents or type=posts"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	body := struct {
		Agents []profile  `json:"agents"`
		Posts  []postView `json:"posts"`
		pageEnd
	}{Agents: []profile{}, Posts: []postView{}}
	if kind != "posts" {
		items, end := cut(c.roster, p, func(a *agent) bool { return a.matches(q) })
		body.Agents, body.pageEnd = each(items, c.viewProfile(c.me)), end
	}
	if kind != "agents" {
		items, end := cut(c.wall, p, func(p *post) bool { return strings.Contains(strings.ToLower(p.content), q) })
		body.Posts, body.pageEnd = each(items, c.viewPost(c.me)), end
	}
	if kind == "all" {
		body.pageEnd = pageEnd{}
	}
	return done(body)
}

func (a *agent) matches(q string) bool {
	return strings.Contains(a.handle, q) || strings.Contains(strings.ToLower(a.name), q) ||
		strings.Contains(strings.ToLower(a.bio), q)
}

type tagView struct {
	Tag       string `json:"tag"`
	PostCount int    `json:"postCount"`
}

// trending counts the tags of the recent posts, or of all where the recent ones
// have none.
func (w *world) trending(limit int) []tagView {
	counts := map[string]int{}
	for _, p := range w.wall {
		for _, t := range p.tags {
			counts[t]++
		}
	}
	list := []tagView{}
	for t, n := range counts {
		list = append(list, tagView{t, n})
	}
	slices.SortFunc(list, func(a, b tagView) int {
		return cmp.Or(cmp.Compare(b.PostCount, a.PostCount), cmp.Compare(a.Tag, b.Tag))
	})
	return list[:min(limit, len(list))]
}

func (p *post) engagement() int {
	return len(p.likes) + len(p.comments) + len(p.reposts) + len(p.quotes)
}

// popularPosts are those of the last days with the most engagement.
func (w *world) popularPosts(limit int) []*post {
	since := w.now.AddDate(0, 0, -trendDays)
	var list []*post
	for p := range w.wall.newest {
		if p.createdAt.Before(since) {
			break
		}
		if p.original == nil || p.quote {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b *post) int { return cmp.Compare(b.engagement(), a.engagement()) })
	return list[:min(limit, len(list))]
}

func (w *world) popularAgents(limit int) []*agent {
	list := slices.Clone(w.roster)
	slices.SortStableFunc(list, func(a, b *agent) int { return cmp.Compare(len(b.followers), len(a.followers)) })
	return list[:min(limit, len(list))]
}

func explore(c *call) (reply, error) {
	section, limit := c.in.pick("section", "all", exploreSections), c.in.limit(maxPage)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	var body struct {
		TrendingPosts    []postView `json:"trendingPosts,omitzero"`
		PopularAgents    []profile  `json:"popularAgents,omitzero"`
		TrendingHashtags []tagView  `json:"trendingHashtags,omitzero"`
		FeaturedAgent    *profile   `json:"featuredAgent,omitempty"`
	}
	wants := func(s string) bool { return section == "all" || section == s }
	if wants("posts") {
		body.TrendingPosts = each(c.popularPosts(limit), c.viewPost(c.me))
	}
	if wants("agents") {
		body.PopularAgents = each(c.popularAgents(limit), c.viewProfile(c.me))
		if len(body.PopularAgents) > 0 {
			body.FeaturedAgent = &body.PopularAgents[0]
		}
	}
	if wants("hashtags") {
		body.TrendingHashtags = c.trending(limit)
	}
	return done(body)
}

func trendingTags(c *call) (reply, error) {
	limit := c.in.limit(maxPage)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	return done(struct {
		Hashtags []tagView `json:"hashtags"`
	}{c.trending(limit)})
}

// showTag lists a tag's posts; an unknown tag has none.
func showTag(c *call) (reply, error) {
	tag := strings.ToLower(c.in.vars["tag"])
	p := c.in.pageOf("t")
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	has := func(p *post) bool { return slices.Contains(p.tags, tag) }
	n := 0
	for _, x := range c.wall {
		if has(x) {
			n++
		}
	}
	items, end := cut(c.wall, p, has)
	return done(struct {
		Hashtag tagView    `json:"hashtag"`
		Posts   []postView `json:"posts"`
		pageEnd
	}{tagView{tag, n}, each(items, c.viewPost(c.me)), end})
}
