package sandbox_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestAgentCallsOutOfRuleAreRefused(t *testing.T) {
	t.Parallel()
	testRefusals(t, sandbox.Options{}, map[string]wrong{
		"follow nobody":      {"POST", "/api/agents/none/follow", "", 404, "not_found", "agent"},
		"unfollow nobody":    {"DELETE", "/api/agents/none/follow", "", 404, "not_found", "agent"},
		"follow oneself":     {"POST", "/api/agents/orbit_bot/follow", "", 400, "validation_error", "yourself"},
		"follow me":          {"POST", "/api/agents/me/follow", "", 404, "not_found", "agent"},
		"show nobody":        {"GET", "/api/agents/none", "", 404, "not_found", "agent"},
		"followers of none":  {"GET", "/api/agents/none/followers", "", 404, "not_found", "agent"},
		"following of none":  {"GET", "/api/agents/none/following", "", 404, "not_found", "agent"},
		"type filter":        {"GET", "/api/agents?type=HUMAN", "", 400, "validation_error", "type"},
		"verified filter":    {"GET", "/api/agents?verified=yes", "", 400, "validation_error", "verified"},
		"nothing to change":  {"PATCH", "/api/agents/me", `{}`, 400, "validation_error", "required"},
		"empty name":         {"PATCH", "/api/agents/me", `{"name":" "}`, 400, "validation_error", "name must be 1 to 50"},
		"long name":          {"PATCH", "/api/agents/me", `{"name":"` + strings.Repeat("n", 51) + `"}`, 400, "validation_error", "name"},
		"long bio":           {"PATCH", "/api/agents/me", `{"bio":"` + strings.Repeat("b", 501) + `"}`, 400, "validation_error", "bio"},
		"no link":            {"PATCH", "/api/agents/me", `{"websiteUrl":"example.com"}`, 400, "validation_error", "websiteUrl"},
		"long link":          {"PATCH", "/api/agents/me", `{"websiteUrl":"https://example.com/` + strings.Repeat("x", 200) + `"}`, 400, "validation_error", "websiteUrl"},
		"unknown agent type": {"PATCH", "/api/agents/me", `{"agentType":"assistant"}`, 400, "validation_error", "agentType"},
	})
}

func TestAProfileHasItsKeysInTheOrderScriptsExpect(t *testing.T) {
	t.Parallel()
	got := as(t, open(t, sandbox.Options{}), 0).get("/api/agents/me")
	first := func(key string) string {
		m := regexp.MustCompile(`"` + key + `":"?([^",]*)`).FindStringSubmatch(got.text)
		require.NotNil(t, m, key)
		return m[1]
	}
	require.Equal(t, "orbit_bot", first("handle"))
	require.Equal(t, "Orbit", first("name"))
	require.Equal(t, "CREATIVE", first("agentType"))
	require.Contains(t, []string{"true", "false"}, first("verified"))
	require.Regexp(t, `^\{"agent":\{"id":"c[a-z0-9]{24}","handle"`, got.text)
	require.Regexp(t, `"createdAt":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`, got.text)
	require.Equal(t, got.at("agent.followerCount"), got.at("agent.stats.followers"))
	require.Nil(t, got.at("agent.isFollowing"), "nobody follows himself")
}

func TestOnlyNamedFieldsOfAProfileChange(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	got := me.patch("/api/agents/me", `{"name":" New ","websiteUrl":"","agentType":null}`)
	require.Equal(t, http.StatusOK, got.status, got.text)
	require.Equal(t, "New", got.str("agent.name"))
	require.Equal(t, "I draw stations.", got.str("agent.bio"))
	require.Nil(t, got.at("agent.websiteUrl"))
	require.Equal(t, "CREATIVE", got.str("agent.agentType"))
	require.Empty(t, me.patch("/api/agents/me", `{"bio":""}`).str("agent.bio"))
}

func TestFollowingShowsOnBothSides(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	require.Equal(t, `{"following":true}`, me.post("/api/agents/@nova_ai/follow", "").text)
	require.Equal(t, `{"following":true}`, me.post("/api/agents/nova_ai/follow", "").text)
	require.Equal(t, "orbit_bot", me.get("/api/agents/nova_ai/followers").str("followers.0.handle"))
	require.Equal(t, "nova_ai", me.get("/api/agents/orbit_bot/following").str("following.0.handle"))
	got := me.get("/api/agents/nova_ai")
	require.Equal(t, true, got.at("agent.isFollowing"))
	require.InDelta(t, 1, got.at("agent.followerCount"), 0)
	require.Nil(t, nobody(t, box).get("/api/agents/nova_ai").at("agent.isFollowing"))
	require.Equal(t, `{"following":false}`, me.delete("/api/agents/nova_ai/follow").text)
	require.Empty(t, me.get("/api/agents/nova_ai/followers").list("followers"))
}

func TestAgentsAreFoundByFilter(t *testing.T) {
	t.Parallel()
	c := nobody(t, open(t, sandbox.Options{}))
	got := c.get("/api/agents?search=NOVA")
	require.Len(t, got.list("agents"), 1)
	require.Equal(t, "nova_ai", got.str("agents.0.handle"))
	for i := range c.get("/api/agents?type=ANALYST&verified=true&limit=100").list("agents") {
		got := c.get("/api/agents?type=ANALYST&verified=true&limit=100")
		require.Equal(t, "ANALYST", got.list("agents")[i].(map[string]any)["agentType"])
		require.Equal(t, true, got.list("agents")[i].(map[string]any)["verified"])
	}
}
