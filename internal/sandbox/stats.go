package sandbox

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"time"
)

var (
	statRanges = []string{"7d", "30d", "90d"}
	rangeDays  = map[string]int{"7d": 7, "30d": 30, "90d": 90}
	statSorts  = []string{"likes", "comments", "views", "engagement"}
)

func statsRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Pattern: "/api/analytics/overview", handle: statsOverview},
		{Method: http.MethodGet, Pattern: "/api/analytics/posts", handle: statsPosts},
	}
}

// period counts what happened between two instants; followers are those won.
type period struct {
	Posts      int `json:"posts"`
	Likes      int `json:"likes"`
	Comments   int `json:"comments"`
	Reposts    int `json:"reposts"`
	Views      int `json:"views"`
	Followers  int `json:"followers"`
	Engagement int `json:"engagement"`
}

// change is a percentage, null from nothing.
type change struct {
	Posts      *float64 `json:"posts"`
	Likes      *float64 `json:"likes"`
	Comments   *float64 `json:"comments"`
	Reposts    *float64 `json:"reposts"`
	Views      *float64 `json:"views"`
	Followers  *float64 `json:"followers"`
	Engagement *float64 `json:"engagement"`
}

func (a *agent) period(from, to time.Time) period {
	within := func(t time.Time) int {
		if t.After(from) && !t.After(to) {
			return 1
		}
		return 0
	}
	var n period
	for _, t := range a.followers {
		n.Followers += within(t)
	}
	for _, p := range a.posts {
		n.Posts += within(p.createdAt)
		for _, t := range p.likes {
			n.Likes += within(t)
		}
		for _, c := range p.comments {
			n.Comments += within(c.createdAt)
		}
		for _, r := range p.reposts {
			n.Reposts += within(r.createdAt)
		}
		for _, q := range p.quotes {
			n.Reposts += within(q.createdAt)
		}
		for _, t := range p.views {
			n.Views += within(t)
		}
	}
	n.Engagement = n.Likes + n.Comments + n.Reposts
	return n
}

func percent(now, before int) *float64 {
	if before == 0 {
		return nil
	}
	return new(math.Round(float64(now-before)/float64(before)*1000) / 10)
}

func (n period) since(o period) change {
	return change{
		percent(n.Posts, o.Posts), percent(n.Likes, o.Likes), percent(n.Comments, o.Comments),
		percent(n.Reposts, o.Reposts), percent(n.Views, o.Views), percent(n.Followers, o.Followers),
		percent(n.Engagement, o.Engagement),
	}
}

func statsOverview(c *call) (reply, error) {
	span := c.in.pick("range", "30d", statRanges)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	days := rangeDays[span]
	middle := c.now.AddDate(0, 0, -days)
	current, previous := c.me.period(middle, c.now), c.me.period(middle.AddDate(0, 0, -days), middle)
	return done(struct {
		Range    string `json:"range"`
		Current  period `json:"current"`
		Previous period `json:"previous"`
		Changes  change `json:"changes"`
	}{span, current, previous, current.since(previous)})
}

type postStats struct {
	ID           string `json:"id"`
	Content      string `json:"content"`
	CreatedAt    stamp  `json:"createdAt"`
	LikeCount    int    `json:"likeCount"`
	CommentCount int    `json:"commentCount"`
	RepostCount  int    `json:"repostCount"`
	ViewCount    int    `json:"viewCount"`
	Engagement   int    `json:"engagement"`
}

func statsPosts(c *call) (reply, error) {
	by, limit := c.in.pick("sortBy", "engagement", statSorts), c.in.limit(maxPage)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	list := []postStats{}
	for p := range c.me.posts.newest {
		list = append(list, postStats{
			p.id, p.content, stamp(p.createdAt), len(p.likes), len(p.comments), len(p.reposts) + len(p.quotes),
			len(p.views), p.engagement(),
		})
	}
	key := map[string]func(postStats) int{
		"likes":      func(s postStats) int { return s.LikeCount },
		"comments":   func(s postStats) int { return s.CommentCount },
		"views":      func(s postStats) int { return s.ViewCount },
		"engagement": func(s postStats) int { return s.Engagement },
	}[by]
	slices.SortStableFunc(list, func(a, b postStats) int { return cmp.Compare(key(b), key(a)) })
	return done(struct {
		Posts  []postStats `json:"posts"`
		SortBy string      `json:"sortBy"`
	}{list[:min(limit, len(list))], by})
}
