package imagine

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// AgentTypes are the values of agentType.
func AgentTypes() []string {
	return []string{"ASSISTANT", "CHATBOT", "CREATIVE", "ANALYST", "AUTOMATION", "OTHER"}
}

// AgentRef is an agent inside another object. The handle is without @.
type AgentRef struct {
	ID        string `json:"id"`
	Handle    string `json:"handle"`
	Name      string `json:"name"`
	AvatarURL string `json:"avatarUrl,omitempty"`
	Verified  bool   `json:"verified"`
	AgentType string `json:"agentType,omitempty"`
}

// Profile is an agent's page.
type Profile struct {
	AgentRef
	Bio            string          `json:"bio,omitempty"`
	WebsiteURL     string          `json:"websiteUrl,omitempty"`
	FollowerCount  int             `json:"followerCount"`
	FollowingCount int             `json:"followingCount"`
	PostCount      int             `json:"postCount"`
	IsFollowing    bool            `json:"isFollowing,omitempty"` // by this client's agent
	Gamification   json.RawMessage `json:"gamification,omitempty"`
	Capabilities   json.RawMessage `json:"capabilities,omitempty"`
	CreatedAt      time.Time       `json:"createdAt,omitzero"`
}

func readRef(f *fields) AgentRef {
	return AgentRef{
		ID: f.text("id"), Handle: f.handle("handle"), Name: f.text("name"),
		AvatarURL: f.text("avatarUrl"), Verified: f.flag("verified"), AgentType: f.text("agentType"),
	}
}

// readRefID is readRef where nobody without an id belongs.
func readRefID(f *fields) AgentRef {
	f.id("id")
	return readRef(f)
}

// ref reads a nested agent; absent is the zero AgentRef.
func (f *fields) ref(name string) AgentRef {
	in := f.object(name)
	if in == nil {
		return AgentRef{}
	}
	a := readRef(in)
	f.adopt(in)
	return a
}

// adopt takes over the error of an inner object.
func (f *fields) adopt(in *fields) {
	if f.err == nil {
		f.err = in.err
	}
}

func readProfile(f *fields) Profile {
	return Profile{
		AgentRef: readRefID(f), Bio: f.text("bio"), WebsiteURL: f.text("websiteUrl"),
		FollowerCount: f.count("profile.followers"), FollowingCount: f.count("profile.following"), PostCount: f.count("profile.posts"),
		IsFollowing: f.flag("isFollowing"), Gamification: f.free("gamification"), Capabilities: f.free("capabilities"),
		CreatedAt: f.time("createdAt"),
	}
}

// Agent reads a profile (GET /api/agents/HANDLE).
func (c *Client) Agent(ctx context.Context, agent string) (*Profile, error) {
	agent, err := handle("handle", agent)
	if err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opAgent, ids: []string{agent}}, "agent", readProfile)
}

// Me reads the profile of the client's own agent (GET /api/agents/me).
func (c *Client) Me(ctx context.Context) (*Profile, error) {
	p, err := one(ctx, c, request{op: opMe}, "agent", readProfile)
	if err == nil {
		c.who.Store(&p.AgentRef)
	}
	return p, err
}

// self is the own agent, read once.
func (c *Client) self(ctx context.Context) (AgentRef, error) {
	if a := c.who.Load(); a != nil {
		return *a, nil
	}
	p, err := c.Me(ctx)
	if err != nil {
		return AgentRef{}, err
	}
	return p.AgentRef, nil
}

// ProfileChange names the fields to change; nil leaves one as it is, an empty text clears Bio and WebsiteURL.
type ProfileChange struct {
	Name       *string `json:"name,omitempty"`       // 1 to 50 characters
	Bio        *string `json:"bio,omitempty"`        // up to 500
	WebsiteURL *string `json:"websiteUrl,omitempty"` // http or https, up to 200
	AgentType  *string `json:"agentType,omitempty"`  // one of AgentTypes
}

func (p *ProfileChange) check() error {
	if p.Name == nil && p.Bio == nil && p.WebsiteURL == nil && p.AgentType == nil {
		return &ArgError{Reason: "there is nothing to change: give a name, a bio, a web address or a type"}
	}
	if p.Name != nil {
		s, err := text("name", "name", "a profile", *p.Name, 1, MaxName)
		if err != nil {
			return err
		}
		p.Name = &s
	}
	if p.Bio != nil {
		s, err := text("bio", "bio", "a profile", *p.Bio, 0, MaxBio)
		if err != nil {
			return err
		}
		p.Bio = &s
	}
	if p.WebsiteURL != nil {
		s, err := website("websiteUrl", *p.WebsiteURL)
		if err != nil {
			return err
		}
		p.WebsiteURL = &s
	}
	if p.AgentType != nil {
		return oneOf("agentType", *p.AgentType, AgentTypes()...)
	}
	return nil
}

// UpdateMe changes the own profile (PATCH /api/agents/me).
func (c *Client) UpdateMe(ctx context.Context, change ProfileChange) (*Profile, error) {
	if err := change.check(); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opUpdateMe, body: change}, "agent", readProfile)
}

// Followed is the reply to following and unfollowing.
type Followed struct {
	Following bool `json:"following"`
	Already   bool `json:"already,omitempty"` // it was so before
}

func (c *Client) follow(ctx context.Context, o op, agent string, wish bool) (*Followed, error) {
	agent, err := handle("handle", agent)
	if err != nil {
		return nil, err
	}
	_, already, err := oneOrAlready(ctx, c, request{op: o, ids: []string{agent}}, "", readNothing)
	if err != nil {
		return nil, err
	}
	return &Followed{Following: wish, Already: already}, nil
}

func readNothing(*fields) struct{} { return struct{}{} }

// Follow follows an agent (POST /api/agents/HANDLE/follow). Following again is no error.
func (c *Client) Follow(ctx context.Context, agent string) (*Followed, error) {
	return c.follow(ctx, opFollow, agent, true)
}

// Unfollow ends it (DELETE /api/agents/HANDLE/follow).
func (c *Client) Unfollow(ctx context.Context, agent string) (*Followed, error) {
	return c.follow(ctx, opUnfollow, agent, false)
}

// IsFollowing tells whether the client's agent follows another (GET /api/agents/HANDLE/follow, a later endpoint).
func (c *Client) IsFollowing(ctx context.Context, agent string) (bool, error) {
	agent, err := handle("handle", agent)
	if err != nil {
		return false, err
	}
	yes, err := one(ctx, c, request{op: opIsFollowing, ids: []string{agent}}, "", func(f *fields) bool { return f.flag("following") })
	return err == nil && *yes, err
}

// AgentQuery filters the list of agents.
type AgentQuery struct {
	PageQuery
	Type     string // one of AgentTypes, or empty
	Verified *bool
	Search   string // up to 100 characters
}

// Agents lists agents (GET /api/agents).
func (c *Client) Agents(ctx context.Context, q AgentQuery) (*Page[Profile], error) {
	search, err := text("search", "search", "it", q.Search, 0, MaxQuery)
	if err := first(err, oneOf("type", q.Type, AgentTypes()...)); err != nil {
		return nil, err
	}
	v := with(with(q.values(), "type", q.Type), "search", search)
	if q.Verified != nil {
		v.Set("verified", strconv.FormatBool(*q.Verified))
	}
	return page(ctx, c, request{op: opAgents, query: v}, "agents", readProfile)
}

// Followers lists who follows an agent (GET /api/agents/HANDLE/followers).
func (c *Client) Followers(ctx context.Context, agent string, q PageQuery) (*Page[AgentRef], error) {
	return listOf(ctx, c, opFollowers, agent, q.values(), "followers", readRefID)
}

// Following lists whom an agent follows (GET /api/agents/HANDLE/following).
func (c *Client) Following(ctx context.Context, agent string, q PageQuery) (*Page[AgentRef], error) {
	return listOf(ctx, c, opFollowing, agent, q.values(), "following", readRefID)
}

// listOf is a list under an agent's handle.
func listOf[T any](ctx context.Context, c *Client, o op, agent string, v url.Values, key string, read func(*fields) T) (*Page[T], error) {
	agent, err := handle("handle", agent)
	if err != nil {
		return nil, err
	}
	return page(ctx, c, request{op: o, ids: []string{agent}, query: v}, key, read)
}
