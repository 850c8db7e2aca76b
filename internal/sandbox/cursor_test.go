package sandbox_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// walk reads a list to its end and returns the ids in order.
func walk(t *testing.T, c *client, path, list string, limit int, between func()) []string {
	t.Helper()
	var ids []string
	cursor := ""
	for range 200 {
		got := c.get(fmt.Sprintf("%s?limit=%d%s", path, limit, cursor))
		require.Equal(t, http.StatusOK, got.status, got.text)
		for i := range got.list(list) {
			ids = append(ids, got.str(fmt.Sprintf("%s.%d.id", list, i)))
		}
		next := got.str("nextCursor")
		require.Equal(t, next != "", got.at("hasMore"))
		if next == "" {
			return ids
		}
		cursor = "&cursor=" + next
		if between != nil {
			between()
		}
	}
	t.Fatal("the list does not end")
	return nil
}

func TestArrivalsNeverShiftAPage(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	old := box.AddNotifications("orbit_bot", 45, time.Hour)
	n := 0
	got := walk(t, me, "/api/notifications", "notifications", 10, func() {
		n++
		act(t, box, sandbox.Action{As: "nova_ai", Do: "mention", Handle: "orbit_bot", Content: strconv.Itoa(n)})
	})
	require.Equal(t, old, got)
}

func TestACursorOutlivesItsItem(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	var posts []string
	for i := range 4 {
		box.Clock().Advance(time.Second)
		posts = append(posts, act(t, box, sandbox.Action{As: "nova_ai", Do: "post", Content: strconv.Itoa(i)}).Post)
	}
	head := me.get("/api/posts?limit=2")
	require.Equal(t, posts[2], head.str("posts.1.id"))
	act(t, box, sandbox.Action{As: "nova_ai", Do: "delete", Post: posts[2]})
	next := me.get("/api/posts?limit=2&cursor=" + head.str("nextCursor"))
	require.Equal(t, posts[1], next.str("posts.0.id"))
	require.Nil(t, next.at("nextCursor"))
	require.Equal(t, false, next.at("hasMore"))
}

func TestItemsOfOneInstantHaveATotalOrder(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	box.Clock().Freeze(true)
	me := as(t, box, 0)
	made := map[string]bool{}
	for i := range 25 {
		made[act(t, box, sandbox.Action{As: "nova_ai", Do: "post", Content: strconv.Itoa(i)}).Post] = true
	}
	ids := walk(t, me, "/api/posts", "posts", 3, nil)
	require.Len(t, ids, 25)
	for i, id := range ids {
		require.True(t, made[id])
		if i > 0 {
			require.Less(t, id, ids[i-1])
		}
	}
}

func TestForeignCursorsAreRefused(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me, other := as(t, box, 0), as(t, box, 1)
	box.AddNotifications("orbit_bot", 10, time.Hour)
	box.AddNotifications("lumen_lab", 10, time.Hour)
	notes := me.get("/api/notifications?limit=2").str("nextCursor")
	posts := me.get("/api/posts?limit=2").str("nextCursor")
	agents := me.get("/api/agents?limit=1&type=CREATIVE").str("nextCursor")
	require.NotEmpty(t, agents)
	for name, tc := range map[string]struct {
		c    *client
		path string
	}{
		"another list":   {me, "/api/feed?cursor=" + posts},
		"another kind":   {me, "/api/posts?cursor=" + notes},
		"another agent":  {other, "/api/notifications?cursor=" + notes},
		"another query":  {me, "/api/agents?type=ANALYST&cursor=" + agents},
		"no query":       {me, "/api/agents?cursor=" + agents},
		"made up":        {me, "/api/posts?cursor=abc"},
		"not base64":     {me, "/api/posts?cursor=%21%21"},
		"over two lists": {me, "/api/search?q=a&cursor=" + posts},
	} {
		got := tc.c.get(tc.path)
		require.Equal(t, http.StatusBadRequest, got.status, name)
		require.Equal(t, "invalid_cursor", got.str("error"), name)
	}
	require.Equal(t, http.StatusOK, me.get("/api/notifications?limit=5&cursor="+notes).status, "another limit is fine")
	require.Equal(t, http.StatusOK, nobody(t, box).get("/api/posts?cursor="+posts).status, "public lists are one for all")
}

func TestALimitIsClamped(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	box.AddNotifications("orbit_bot", 150, time.Hour)
	require.Len(t, me.get("/api/notifications").list("notifications"), 20)
	require.Len(t, me.get("/api/notifications?limit=100").list("notifications"), 100)
	require.Empty(t, box.Violations())
	require.Len(t, me.get("/api/notifications?limit=101").list("notifications"), 100)
	require.Equal(t, sandbox.RuleLimit, box.Violations()[0].Rule)
}

func TestEveryListWalksToItsEnd(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{RateLimitOff: true})
	me := as(t, box, 0)
	box.AddJobs("orbit_bot", 5, time.Hour)
	talk := me.get("/api/conversations").str("conversations.0.id")
	post := ""
	for _, p := range box.State().Posts {
		if len(p.Comments) > 2 {
			post = p.ID
		}
	}
	for path, list := range map[string]string{
		"/api/posts": "posts", "/api/feed": "posts", "/api/posts/" + post + "/comments": "comments", "/api/agents": "agents",
		"/api/agents/orbit_bot/followers": "followers", "/api/agents/orbit_bot/following": "following",
		"/api/conversations": "conversations", "/api/conversations/" + talk + "/messages": "messages",
		"/api/hashtags/orbit": "posts", "/api/marketplace/services": "services", "/api/notifications": "notifications",
		"/api/generate/history": "jobs", "/api/bytes": "bytes",
	} {
		whole := walk(t, me, path, list, 100, nil)
		require.Greater(t, len(whole), 2, path)
		require.Equal(t, whole, walk(t, me, path, list, 2, nil), path)
	}
	require.Empty(t, box.Violations())
}

func TestAFullAccountPagesQuickly(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true, RateLimitOff: true})
	me := as(t, box, 0)
	notes := box.AddNotifications("orbit_bot", 5000, time.Hour)
	talks := box.AddConversations("orbit_bot", 300, 3, time.Hour)
	require.Equal(t, notes, walk(t, me, "/api/notifications", "notifications", 100, nil))
	require.Equal(t, talks, walk(t, me, "/api/conversations", "conversations", 100, nil))
	require.InDelta(t, 5000, me.get("/api/notifications/count").at("count"), 0)
}
