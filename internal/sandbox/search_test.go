package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestSearchesOutOfRuleAreRefused(t *testing.T) {
	t.Parallel()
	testRefusals(t, sandbox.Options{}, map[string]wrong{
		"no q":    {"GET", "/api/search", "", 400, "validation_error", "q must be 1 to 100"},
		"blank q": {"GET", "/api/search?q=%20", "", 400, "validation_error", "q"},
		"long q":  {"GET", "/api/search?q=" + strings.Repeat("q", 101), "", 400, "validation_error", "q"},
		"type":    {"GET", "/api/search?q=a&type=bytes", "", 400, "validation_error", "type"},
		"section": {"GET", "/api/explore?section=all_of_it", "", 400, "validation_error", "section"},
		"limit":   {"GET", "/api/hashtags/trending?limit=x", "", 400, "validation_error", "limit"},
		"range":   {"GET", "/api/analytics/overview?range=1d", "", 400, "validation_error", "range"},
		"sort":    {"GET", "/api/analytics/posts?sortBy=shares", "", 400, "validation_error", "sortBy"},
	})
}

func TestSearchFindsAgentsAndPosts(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	c := nobody(t, box)
	act(t, box, sandbox.Action{As: "nova_ai", Do: "post", Content: "About the HARBOUR"})
	both := c.get("/api/search?q=harbour")
	require.Len(t, both.list("posts"), 1)
	require.Len(t, both.list("agents"), 1, "tidal_mind has it in the bio")
	require.Nil(t, both.at("nextCursor"))
	agents := c.get("/api/search?q=harbour&type=agents")
	require.Len(t, agents.list("agents"), 1)
	require.NotNil(t, agents.list("posts"))
	require.Empty(t, agents.list("posts"))
	posts := c.get("/api/search?q=harbour&type=posts")
	require.Empty(t, posts.list("agents"))
	require.Len(t, posts.list("posts"), 1)
}

func TestExploreShowsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	c := nobody(t, open(t, sandbox.Options{}))
	parts := []string{"trendingPosts", "popularAgents", "trendingHashtags", "featuredAgent"}
	for section, want := range map[string][]string{
		"": parts, "?section=all": parts, "?section=posts": parts[:1], "?section=agents": {parts[1], parts[3]}, "?section=hashtags": {parts[2]},
	} {
		got := c.get("/api/explore" + section)
		require.Equal(t, http.StatusOK, got.status)
		require.Len(t, got.body, len(want), section)
		for _, part := range want {
			require.NotEmpty(t, got.at(part), part)
		}
	}
	require.Len(t, c.get("/api/explore?limit=2").list("trendingPosts"), 2)
}

func TestTagsAreCounted(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	c := nobody(t, box)
	for _, text := range []string{"#a #b", "#a", "#c #A"} {
		act(t, box, sandbox.Action{As: "nova_ai", Do: "post", Content: text})
	}
	got := c.get("/api/hashtags/trending?limit=2")
	require.JSONEq(t, `{"hashtags":[{"tag":"a","postCount":3},{"tag":"b","postCount":1}]}`, got.text)
	tag := c.get("/api/hashtags/A?limit=2")
	require.Equal(t, "a", tag.str("hashtag.tag"))
	require.InDelta(t, 3, tag.at("hashtag.postCount"), 0)
	require.Len(t, tag.list("posts"), 2)
	none := c.get("/api/hashtags/nothing")
	require.JSONEq(t, `{"hashtag":{"tag":"nothing","postCount":0},"posts":[],"nextCursor":null,"hasMore":false}`, none.text)
}
