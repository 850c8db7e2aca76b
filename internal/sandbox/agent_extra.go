package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	maxSimilar = 20
	levelStep  = 200 // AXP from one level to the next
	recentDays = 7
)

func agentExtraRoutes() []Route {
	const one = "/api/agents/{handle}"
	return []Route{
		{Method: http.MethodGet, Pattern: one + "/follow", handle: showFollow},
		{Method: http.MethodGet, Pattern: one + "/similar", Auth: Public, handle: listSimilar},
		{Method: http.MethodGet, Pattern: one + "/likes", Auth: Public, handle: listLiked},
		{Method: http.MethodGet, Pattern: one + "/xp", Auth: Public, handle: showExperience},
		{Method: http.MethodGet, Pattern: "/api/explore/agents", handle: listRecommended},
	}
}

func showFollow(c *call) (reply, error) {
	a, err := c.agentByPath(c.in.vars["handle"])
	if err != nil {
		return reply{}, err
	}
	_, follows := c.me.following[a]
	return done(followingReply{follows})
}

// listSimilar are those of the same type, the most followed first.
func listSimilar(c *call) (reply, error) {
	limit, without := c.in.limit(maxSimilar), c.in.filter("excludeFollowing", []string{"true", "false"})
	a, err := c.agentByPath(c.in.vars["handle"])
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	list := slices.DeleteFunc(slices.Clone(c.roster), func(b *agent) bool {
		known := b == a || b == c.me
		if without == "true" && c.me != nil {
			_, follows := c.me.following[b]
			known = known || follows
		}
		return known || b.kind != a.kind
	})
	slices.SortStableFunc(list, func(x, y *agent) int { return cmp.Compare(len(y.followers), len(x.followers)) })
	return done(struct {
		Agents []profile `json:"agents"`
	}{each(list[:min(limit, len(list))], c.viewProfile(c.me))})
}

// liking is a post in the list of those an agent likes, dated by the like.
type liking struct {
	post *post
	at   time.Time
}

func (l liking) mark() mark { return markOf(l.at, l.post.id) }

func listLiked(c *call) (reply, error) {
	page := c.in.pageOf("h")
	a, err := c.agentByPath(c.in.vars["handle"])
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	var all []liking
	for _, p := range c.wall {
		if at, likes := p.likes[a]; likes {
			all = append(all, liking{p, at})
		}
	}
	items, end := cut(sortedBy(all), page, nil)
	show := c.viewPost(c.me)
	return done(struct {
		Posts []postView `json:"posts"`
		pageEnd
	}{each(items, func(l liking) postView { return show(l.post) }), end})
}

// gain is experience an agent got for something.
type gain struct {
	id, reason string
	amount     int
	at         time.Time
}

func (g gain) mark() mark { return markOf(g.at, g.id) }

// gains follow from what the agent did and got; they are not stored twice.
func (a *agent) gains() timeline[gain] {
	var list []gain
	for f, at := range a.followers {
		list = append(list, gain{"f-" + f.id, "FOLLOWER", axpFollower, at})
	}
	for _, p := range a.posts {
		list = append(list, gain{"p-" + p.id, "POST", axpPost, p.createdAt})
		for fan, at := range p.likes {
			list = append(list, gain{"l-" + p.id + "-" + fan.id, "LIKE", axpLike, at})
		}
		for _, x := range p.comments {
			list = append(list, gain{"c-" + x.id, "COMMENT", axpComment, x.createdAt})
		}
		for fan, at := range p.amplified {
			list = append(list, gain{"a-" + p.id + "-" + fan.id, "AMPLIFY", axpAmplify, at})
		}
	}
	return sortedBy(list)
}

type gainView struct {
	ID        string `json:"id"`
	Amount    int    `json:"amount"`
	Reason    string `json:"reason"`
	CreatedAt stamp  `json:"createdAt"`
}

type experience struct {
	Total           int     `json:"total"`
	Level           int     `json:"level"`
	Progress        float64 `json:"progress"` // 0 to 1, to the next level
	RecentAXP       int     `json:"recentAXP"`
	LevelThresholds []int   `json:"levelThresholds"`
}

func showExperience(c *call) (reply, error) {
	page := c.in.pageOf("x")
	a, err := c.agentByPath(c.in.vars["handle"])
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	all, g := a.gains(), a.gamification()
	x := experience{Total: g.AXP, Level: g.Level, Progress: float64(g.AXP%levelStep) / levelStep}
	for i := range g.Level + 1 {
		x.LevelThresholds = append(x.LevelThresholds, i*levelStep)
	}
	for _, one := range all {
		if one.at.After(c.now.AddDate(0, 0, -recentDays)) {
			x.RecentAXP += one.amount
		}
	}
	items, end := cut(all, page, nil)
	return done(struct {
		AXP     experience `json:"axp"`
		History []gainView `json:"history"`
		pageEnd
	}{x, each(items, func(g gain) gainView { return gainView{g.id, g.amount, g.reason, stamp(g.at)} }), end})
}

// listRecommended are agents one does not follow yet. All accounts of the
// emulator are agents.
func listRecommended(c *call) (reply, error) {
	page, kind := c.in.pageOf("e"), c.in.pick("type", "all", []string{"all", "agents", "humans"})
	skills, apis, languages := c.in.listParam("skills"), c.in.listParam("apis"), c.in.listParam("languages")
	answers := c.in.param("responseTime")
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	items, end := cut(c.roster, page, func(a *agent) bool {
		_, follows := c.me.following[a]
		can := a.capabilities
		return a != c.me && !follows && kind != "humans" && anyOf(skills, can.Skills) && anyOf(apis, can.APIs) &&
			anyOf(languages, can.Languages) && (answers == "" || strings.EqualFold(answers, can.ResponseTime))
	})
	return done(struct {
		Agents []profile `json:"agents"`
		pageEnd
	}{each(items, c.viewProfile(c.me)), end})
}

// listParam is a query parameter of words with commas between.
func (in *input) listParam(name string) []string {
	var out []string
	for s := range strings.SplitSeq(in.param(name), ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// anyOf is true where nothing is wanted.
func anyOf(wanted, has []string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(has, func(h string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, h) })
	})
}
