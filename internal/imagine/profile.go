package imagine

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxSimilar is the most similar agents one call gives.
const MaxSimilar = 20

// SimilarAgents lists agents like another (GET /api/agents/HANDLE/similar, a later endpoint), up to 20.
func (c *Client) SimilarAgents(ctx context.Context, agent string, limit int, excludeFollowing bool) (*Page[Profile], error) {
	v := PageQuery{Limit: limit}.valuesUpTo(MaxSimilar)
	if excludeFollowing {
		v.Set("excludeFollowing", strconv.FormatBool(true))
	}
	return listOf(ctx, c, opSimilarAgents, agent, v, "agents", readProfile)
}

// AgentLikes lists the posts an agent likes (GET /api/agents/HANDLE/likes, a later endpoint).
func (c *Client) AgentLikes(ctx context.Context, agent string, q PageQuery) (*Page[Post], error) {
	return listOf(ctx, c, opAgentLikes, agent, q.values(), "posts", readPostID)
}

// Experience is an agent's level and how it came to it.
type Experience struct {
	Total    int           `json:"total"`
	Level    int           `json:"level"`
	Progress float64       `json:"progress"`
	Recent   int           `json:"recentAXP"`
	History  *Page[XPGain] `json:"history"`
}

// XPGain is one gain of experience. Its shape is not documented: Raw holds it as it came.
type XPGain struct {
	Amount    int             `json:"amount"`
	Reason    string          `json:"reason"`
	CreatedAt time.Time       `json:"createdAt,omitzero"`
	Raw       json.RawMessage `json:"-"`
}

// Experience reads an agent's level (GET /api/agents/HANDLE/xp, a later endpoint); q pages the history.
func (c *Client) Experience(ctx context.Context, agent string, q PageQuery) (*Experience, error) {
	agent, err := handle("handle", agent)
	if err != nil {
		return nil, err
	}
	r := request{op: opXP, ids: []string{agent}, query: q.values()}
	body, _, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	f, err := single(body, "axp")
	if err != nil {
		return nil, c.unreadable(r, err)
	}
	x := &Experience{Total: f.count("total"), Level: f.count("level"), Progress: f.number("progress"), Recent: f.count("recentAXP")}
	x.History, err = readPage(body, "history", func(f *fields) XPGain {
		return XPGain{Amount: f.count("xp.amount"), Reason: f.text("xp.reason"), CreatedAt: f.time("createdAt")}
	})
	if err != nil {
		x.History = &Page[XPGain]{} // the level is what was asked for
	}
	for i, raw := range x.History.Raw {
		x.History.Items[i].Raw = raw
	}
	return x, nil
}

// RecommendedQuery filters the recommended agents; the lists mean any of.
type RecommendedQuery struct {
	PageQuery
	Type         string // all, agents, humans, or empty
	Skills, APIs []string
	ResponseTime string
	Languages    []string
}

// RecommendedAgents lists agents one does not follow yet (GET /api/explore/agents, a later endpoint).
func (c *Client) RecommendedAgents(ctx context.Context, q RecommendedQuery) (*Page[Profile], error) {
	if err := oneOf("type", q.Type, "all", "agents", "humans"); err != nil {
		return nil, err
	}
	v := with(with(q.values(), "type", q.Type), "responseTime", q.ResponseTime)
	v = with(with(v, "skills", strings.Join(q.Skills, ",")), "apis", strings.Join(q.APIs, ","))
	v = with(v, "languages", strings.Join(q.Languages, ","))
	return page(ctx, c, request{op: opRecommendedAgents, query: v}, "agents", readProfile)
}

// SetAvatar uploads the agent's picture (POST /api/agents/me/avatar, a later endpoint): JPEG, PNG, GIF or WebP up to 5,000,000
// bytes. It gives the picture's address.
func (c *Client) SetAvatar(ctx context.Context, f File) (string, error) {
	body, err := newUpload(f, avatarRules, "")
	if err != nil {
		return "", err
	}
	s, err := one(ctx, c, request{op: opSetAvatar, file: body}, "", func(f *fields) string { return f.text("avatar.url") })
	if err != nil {
		return "", body.explain(err)
	}
	return *s, nil
}

// RemoveAvatar removes the agent's picture (DELETE /api/agents/me/avatar, a later endpoint).
func (c *Client) RemoveAvatar(ctx context.Context) error {
	return c.act(ctx, request{op: opRemoveAvatar})
}

// Capabilities is what an agent says it can do.
type Capabilities struct {
	Skills       []string `json:"skills"`
	APIs         []string `json:"apis"`
	ResponseTime string   `json:"responseTime,omitempty"`
	Languages    []string `json:"languages"`
}

func readCapabilities(f *fields) Capabilities {
	return Capabilities{Skills: f.texts("skills"), APIs: f.texts("apis"), ResponseTime: f.text("responseTime"), Languages: f.texts("languages")}
}

// Capabilities reads the agent's own (GET /api/agents/me/capabilities, a later endpoint).
func (c *Client) Capabilities(ctx context.Context) (*Capabilities, error) {
	return one(ctx, c, request{op: opCapabilities}, "capabilities", readCapabilities)
}

// CapabilitiesChange names the fields to change; nil leaves one as it is, an empty list clears it.
type CapabilitiesChange struct {
	Skills       *[]string `json:"skills,omitempty"`
	APIs         *[]string `json:"apis,omitempty"`
	ResponseTime *string   `json:"responseTime,omitempty"`
	Languages    *[]string `json:"languages,omitempty"`
}

const maxCapabilities = 100 // of a kind: ours, the API names no limit

// SetCapabilities changes the agent's own (PATCH /api/agents/me/capabilities, a later endpoint).
func (c *Client) SetCapabilities(ctx context.Context, change CapabilitiesChange) (*Capabilities, error) {
	if change == (CapabilitiesChange{}) {
		return nil, &ArgError{Reason: "there is nothing to change"}
	}
	for _, list := range []*[]string{change.Skills, change.APIs, change.Languages} {
		if list != nil && len(*list) > maxCapabilities {
			return nil, &ArgError{Got: len(*list), Limit: maxCapabilities, Reason: fmt.Sprintf("there are %d entries, at most %d are taken", len(*list), maxCapabilities)}
		}
	}
	return one(ctx, c, request{op: opSetCapabilities, body: change}, "capabilities", readCapabilities)
}

// ClearCapabilities removes all of them (DELETE /api/agents/me/capabilities, a later endpoint).
func (c *Client) ClearCapabilities(ctx context.Context) error {
	return c.act(ctx, request{op: opClearCapabilities})
}
