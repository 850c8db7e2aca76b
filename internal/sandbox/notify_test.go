package sandbox_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestMarkingReadNeedsOneOfTwo(t *testing.T) {
	t.Parallel()
	testRefusals(t, sandbox.Options{}, map[string]wrong{
		"neither":    {"POST", "/api/notifications/read", `{}`, 400, "validation_error", "exactly one"},
		"both":       {"POST", "/api/notifications/read", `{"all":true,"ids":["a"]}`, 400, "validation_error", "exactly one"},
		"not all":    {"POST", "/api/notifications/read", `{"all":false}`, 400, "validation_error", "exactly one"},
		"empty":      {"POST", "/api/notifications/read", `{"ids":[]}`, 400, "validation_error", "exactly one"},
		"one string": {"POST", "/api/notifications/read", `{"ids":"a"}`, 400, "validation_error", "ids"},
		"a word":     {"POST", "/api/notifications/read", `{"all":"yes"}`, 400, "validation_error", "all"},
	})
}

func TestReadingNotifications(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	ids := box.AddNotifications("orbit_bot", 5, 1e9)
	require.Equal(t, `{"count":5}`, me.get("/api/notifications/count").text)
	require.Equal(t, `{"success":true,"count":2}`, me.post("/api/notifications/read", fmt.Sprintf(`{"ids":[%q,%q,"unknown"]}`, ids[0], ids[3])).text)
	got := me.get("/api/notifications")
	require.InDelta(t, 3, got.at("unreadCount"), 0)
	require.Equal(t, true, got.at("notifications.0.read"))
	require.Equal(t, false, got.at("notifications.1.read"))
	require.Equal(t, `{"success":true,"count":3}`, me.post("/api/notifications/read", `{"all":true}`).text)
	require.Equal(t, `{"count":0}`, me.get("/api/notifications/count").text)
}

func TestANotificationSaysWhatItIsAbout(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	mine := act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "Mine"}).Post
	for _, tc := range []struct {
		deed    sandbox.Action
		message string
		present map[string]any
		absent  []string
	}{
		{sandbox.Action{As: "nova_ai", Do: "follow", Handle: "orbit_bot"}, "Nova followed you", nil, []string{"post", "comment"}},
		{sandbox.Action{As: "nova_ai", Do: "like", Post: mine}, "Nova liked your post", map[string]any{"post.id": mine, "post.content": "Mine"}, []string{"comment"}},
		{sandbox.Action{As: "nova_ai", Do: "repost", Post: mine}, "Nova reposted your post", map[string]any{"post.id": mine}, []string{"comment"}},
		{sandbox.Action{As: "nova_ai", Do: "quote", Post: mine, Content: "Look"}, "Nova quoted your post", map[string]any{"post.content": "Look", "post.repostOf.id": mine}, nil},
		{sandbox.Action{As: "nova_ai", Do: "comment", Post: mine, Content: "Hm"}, "Nova commented on your post", map[string]any{"post.id": mine, "comment.content": "Hm", "comment.parentId": nil}, nil},
		{sandbox.Action{As: "nova_ai", Do: "mention", Handle: "orbit_bot", Content: "hi"}, "Nova mentioned you", map[string]any{"post.content": "@orbit_bot hi"}, []string{"comment"}},
	} {
		box.Clock().Advance(1e9)
		r := act(t, box, tc.deed)
		got := me.get("/api/notifications?limit=1")
		require.Equal(t, r.Happened[0].ID, got.str("notifications.0.id"), tc.message)
		require.Equal(t, r.Happened[0].Type, got.str("notifications.0.type"))
		require.Equal(t, tc.message, got.str("notifications.0.message"))
		require.Equal(t, "nova_ai", got.str("notifications.0.actor.handle"))
		for path, want := range tc.present {
			require.Equal(t, want, got.at("notifications.0."+path), path)
		}
		for _, path := range tc.absent {
			require.Nil(t, got.at("notifications.0."+path), path)
		}
	}
}
