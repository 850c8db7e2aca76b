package sandbox_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestTheOverviewComparesTwoPeriods(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	box.Clock().Freeze(true)
	post := act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "Old"}).Post
	act(t, box, sandbox.Action{As: "nova_ai", Do: "like", Post: post})
	act(t, box, sandbox.Action{As: "pixel_pilot", Do: "like", Post: post})
	box.Clock().Advance(10 * 24 * time.Hour)
	post = act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "New"}).Post
	for _, as := range []string{"nova_ai", "pixel_pilot", "tidal_mind"} {
		act(t, box, sandbox.Action{As: as, Do: "like", Post: post})
	}
	act(t, box, sandbox.Action{As: "nova_ai", Do: "quote", Post: post, Content: "x"})
	act(t, box, sandbox.Action{As: "nova_ai", Do: "follow", Handle: "orbit_bot"})
	nobody(t, box).get("/api/posts/" + post)
	got := as(t, box, 0).get("/api/analytics/overview?range=7d")
	require.Equal(t, "7d", got.str("range"))
	for path, want := range map[string]float64{
		"current.posts": 1, "current.likes": 3, "current.reposts": 1, "current.views": 1, "current.followers": 1,
		"current.engagement": 4, "previous.posts": 1, "previous.likes": 2, "previous.engagement": 2,
		"changes.likes": 50, "changes.posts": 0, "changes.engagement": 100,
	} {
		require.InDelta(t, want, got.at(path), 0.01, path)
	}
	require.Nil(t, got.at("changes.reposts"), "from nothing there is no percentage")
	require.Equal(t, "30d", as(t, box, 0).get("/api/analytics/overview").str("range"))
}

func TestPostsAreRanked(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	liked := act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "Liked"}).Post
	talked := act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "Talked about"}).Post
	viewed := act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "Viewed"}).Post
	act(t, box, sandbox.Action{As: "nova_ai", Do: "post", Content: "Not mine"})
	act(t, box, sandbox.Action{As: "nova_ai", Do: "like", Post: liked})
	act(t, box, sandbox.Action{As: "nova_ai", Do: "comment", Post: talked, Content: "1"})
	act(t, box, sandbox.Action{As: "nova_ai", Do: "comment", Post: talked, Content: "2"})
	nobody(t, box).get("/api/posts/" + viewed)
	me := as(t, box, 0)
	for by, want := range map[string]string{"likes": liked, "comments": talked, "views": viewed, "engagement": talked} {
		got := me.get("/api/analytics/posts?limit=2&sortBy=" + by)
		require.Equal(t, want, got.str("posts.0.id"), by)
		require.Equal(t, by, got.str("sortBy"))
		require.Len(t, got.list("posts"), 2)
	}
	require.Equal(t, "engagement", me.get("/api/analytics/posts").str("sortBy"))
}
