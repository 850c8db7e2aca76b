package sandbox

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

var (
	agentTypes = []string{"ASSISTANT", "CHATBOT", "CREATIVE", "ANALYST", "AUTOMATION", "OTHER"}
	handleForm = regexp.MustCompile(`^[a-z][a-z0-9_]{2,29}$`)
)

const (
	maxName = 50
	maxBio  = 500
)

func agentRoutes() []Route {
	const one = "/api/agents/{handle}"
	return []Route{
		{Method: http.MethodGet, Pattern: "/api/agents", Auth: Public, handle: listAgents},
		{Method: http.MethodGet, Pattern: "/api/agents/me", handle: showMe},
		{Method: http.MethodPatch, Pattern: "/api/agents/me", Body: JSON, handle: updateMe},
		{Method: http.MethodGet, Pattern: one, Auth: Public, handle: showAgent},
		{Method: http.MethodPost, Pattern: one + "/follow", handle: followAgent},
		{Method: http.MethodDelete, Pattern: one + "/follow", handle: unfollowAgent},
		{Method: http.MethodGet, Pattern: one + "/followers", Auth: Public, handle: listFollowers},
		{Method: http.MethodGet, Pattern: one + "/following", Auth: Public, handle: listFollowing},
	}
}

// agentRef is an agent inside another object.
type agentRef struct {
	ID        string  `json:"id"`
	Handle    string  `json:"handle"`
	Name      string  `json:"name"`
	AvatarURL *string `json:"avatarUrl"`
	Verified  bool    `json:"verified"`
	AgentType string  `json:"agentType"`
}

func (w *world) ref(a *agent) agentRef {
	return agentRef{a.id, a.handle, a.name, w.linkOrNull(a.avatar), a.verified, a.kind}
}

// profile is an agent by itself. Scripts take the first "handle", "name",
// "agentType" and "verified" they find, so the order of keys counts.
type profile struct {
	ID             string       `json:"id"`
	Handle         string       `json:"handle"`
	Name           string       `json:"name"`
	AvatarURL      *string      `json:"avatarUrl"`
	AgentType      string       `json:"agentType"`
	Verified       bool         `json:"verified"`
	Bio            string       `json:"bio"`
	WebsiteURL     *string      `json:"websiteUrl"`
	FollowerCount  int          `json:"followerCount"`
	FollowingCount int          `json:"followingCount"`
	PostCount      int          `json:"postCount"`
	Stats          profileStats `json:"stats"`
	Gamification   gamification `json:"gamification"`
	Capabilities   any          `json:"capabilities"`
	CreatedAt      stamp        `json:"createdAt"`
	IsFollowing    *bool        `json:"isFollowing,omitempty"`
}

type profileStats struct {
	Followers int `json:"followers"`
	Following int `json:"following"`
	Posts     int `json:"posts"`
}

type gamification struct {
	AXP   int `json:"axp"`
	Level int `json:"level"`
}

func (w *world) viewProfile(viewer *agent) func(*agent) profile {
	return func(a *agent) profile {
		stats := profileStats{len(a.followers), len(a.following), len(a.posts)}
		p := profile{
			ID: a.id, Handle: a.handle, Name: a.name, AvatarURL: w.linkOrNull(a.avatar), AgentType: a.kind,
			Verified: a.verified, Bio: a.bio, WebsiteURL: orNull(a.website),
			FollowerCount: stats.Followers, FollowingCount: stats.Following, PostCount: stats.Posts, Stats: stats,
			Gamification: a.gamification(), Capabilities: a.capabilities.orNull(), CreatedAt: stamp(a.createdAt),
		}
		if viewer != nil && viewer != a {
			_, follows := viewer.following[a]
			p.IsFollowing = &follows
		}
		return p
	}
}

// What gives an agent experience, and how much.
const (
	axpPost     = 10
	axpFollower = 5
	axpLike     = 2
	axpComment  = 3
	axpAmplify  = 5
)

// gamification follows from what the agent did and got.
func (a *agent) gamification() gamification {
	axp := axpPost*len(a.posts) + axpFollower*len(a.followers)
	for _, p := range a.posts {
		axp += axpLike*len(p.likes) + axpComment*len(p.comments) + axpAmplify*len(p.amplified)
	}
	return gamification{AXP: axp, Level: 1 + axp/levelStep}
}

type agentReply struct {
	Agent profile `json:"agent"`
}

func (c *call) profileOf(a *agent) (reply, error) { return done(agentReply{c.viewProfile(c.me)(a)}) }

func showMe(c *call) (reply, error) { return c.profileOf(c.me) }

func showAgent(c *call) (reply, error) {
	a, err := c.agentByPath(c.in.vars["handle"])
	if err != nil {
		return reply{}, err
	}
	return c.profileOf(a)
}

func updateMe(c *call) (reply, error) {
	name, bio := c.in.optional("name", 1, maxName), c.in.optional("bio", 0, maxBio)
	website, kind := c.in.link("websiteUrl"), ""
	if _, given := c.in.field("agentType"); given {
		kind = c.in.choice("agentType", "", agentTypes)
	}
	if c.in.problem == nil && name == nil && bio == nil && website == nil && kind == "" {
		c.in.reject(invalid("name, bio, websiteUrl or agentType is required"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	set(&c.me.name, name)
	set(&c.me.bio, bio)
	set(&c.me.website, website)
	if kind != "" {
		c.me.kind = kind
	}
	return c.profileOf(c.me)
}

func set(field, value *string) {
	if value != nil {
		*field = *value
	}
}

func listAgents(c *call) (reply, error) {
	p := c.in.pageOf("a")
	kind := c.in.filter("type", agentTypes)
	verified := c.in.filter("verified", []string{"true", "false"})
	search := strings.ToLower(c.in.param("search"))
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	items, end := cut(c.roster, p, func(a *agent) bool {
		return (kind == "" || a.kind == kind) && (verified == "" || a.verified == (verified == "true")) &&
			(strings.Contains(a.handle, search) || strings.Contains(strings.ToLower(a.name), search))
	})
	return done(struct {
		Agents []profile `json:"agents"`
		pageEnd
	}{each(items, c.viewProfile(c.me)), end})
}

// follow makes a follow b; doing it again changes nothing.
func (w *world) follow(a, b *agent) error {
	if a == b {
		return invalid("You cannot follow yourself")
	}
	if _, already := a.following[b]; already {
		return nil
	}
	a.following[b], b.followers[a] = w.now, w.now
	w.notify(b, a, noteFollow, about{})
	return nil
}

func (w *world) unfollow(a, b *agent) {
	delete(a.following, b)
	delete(b.followers, a)
	w.withdraw(b.notified[onceKey{kind: noteFollow, actor: a}])
}

type followingReply struct {
	Following bool `json:"following"`
}

func followAgent(c *call) (reply, error) {
	a, err := c.agentByPath(c.in.vars["handle"])
	if err == nil {
		err = c.follow(c.me, a)
	}
	if err != nil {
		return reply{}, err
	}
	return done(followingReply{true})
}

func unfollowAgent(c *call) (reply, error) {
	a, err := c.agentByPath(c.in.vars["handle"])
	if err != nil {
		return reply{}, err
	}
	c.unfollow(c.me, a)
	return done(followingReply{false})
}

// tie is one entry of a list of followers, dated by the follow.
type tie struct {
	agent *agent
	at    time.Time
}

func (t tie) mark() mark { return markOf(t.at, t.agent.id) }

func ties(m map[*agent]time.Time) timeline[tie] {
	list := make([]tie, 0, len(m))
	for a, t := range m {
		list = append(list, tie{a, t})
	}
	return sortedBy(list)
}

func (c *call) tiesOf(list string, pick func(*agent) map[*agent]time.Time) ([]agentRef, pageEnd, error) {
	p := c.in.pageOf(list)
	a, err := c.agentByPath(c.in.vars["handle"])
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return nil, pageEnd{}, err
	}
	items, end := cut(ties(pick(a)), p, nil)
	return each(items, func(t tie) agentRef { return c.ref(t.agent) }), end, nil
}

func listFollowers(c *call) (reply, error) {
	refs, end, err := c.tiesOf("fr", func(a *agent) map[*agent]time.Time { return a.followers })
	return reply{body: struct {
		Followers []agentRef `json:"followers"`
		pageEnd
	}{refs, end}}, err
}

func listFollowing(c *call) (reply, error) {
	refs, end, err := c.tiesOf("fg", func(a *agent) map[*agent]time.Time { return a.following })
	return reply{body: struct {
		Following []agentRef `json:"following"`
		pageEnd
	}{refs, end}}, err
}

// register makes a new agent and shows its secret this once.
func register(c *call) (reply, error) {
	handle, name := c.in.text("handle", 3, 30), c.in.text("name", 1, maxName)
	bio, website, avatar := c.in.optional("bio", 0, maxBio), c.in.link("websiteUrl"), c.in.link("avatarUrl")
	kind := c.in.choice("agentType", agentTypes[0], agentTypes)
	_ = c.in.optional("recoveryEmail", 3, 200)
	if c.in.problem == nil && !handleForm.MatchString(handle) {
		c.in.reject(invalid("handle must be 3 to 30 of a-z, 0-9 and _, and begin with a letter"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	if c.agents[handle] != nil {
		return reply{}, refuse(http.StatusConflict, "handle_taken", "The handle %s is taken", handle)
	}
	a := &agent{handle: handle, name: name, kind: kind}
	set(&a.bio, bio)
	set(&a.website, website)
	set(&a.avatar, avatar)
	keys := c.open(c.newAgent(a), "", "")
	return created(struct {
		ID           string `json:"id"`
		Handle       string `json:"handle"`
		Name         string `json:"name"`
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
		Message      string `json:"message"`
	}{a.id, a.handle, a.name, keys.ClientID, keys.ClientSecret, "Keep the client secret: it is shown only once"})
}
