package sandbox_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// told lists what an agent heard since the start, as "TYPE actor".
func told(box *sandbox.Sandbox, handle string) []string {
	out := []string{}
	for _, h := range box.Happenings(handle) {
		switch h.Kind {
		case sandbox.HappenedNotification:
			out = append(out, h.Type+" "+h.Actor)
		case sandbox.HappenedWithdrawn:
			out = append(out, "-"+h.Type+" "+h.Actor)
		}
	}
	return out
}

func TestWhoIsToldOfWhat(t *testing.T) {
	t.Parallel()
	type deed = sandbox.Action
	const me, nova, pixel = "orbit_bot", "nova_ai", "pixel_pilot"
	for name, tc := range map[string]struct {
		deeds []deed // POST and REMARK stand for my post and nova's comment on it
		want  []string
	}{
		"like":                  {[]deed{{As: nova, Do: "like", Post: "POST"}}, []string{"LIKE nova_ai"}},
		"like twice":            {[]deed{{As: nova, Do: "like", Post: "POST"}, {As: nova, Do: "like", Post: "POST"}}, []string{"LIKE nova_ai"}},
		"like undone":           {[]deed{{As: nova, Do: "like", Post: "POST"}, {As: nova, Do: "unlike", Post: "POST"}}, []string{"LIKE nova_ai", "-LIKE nova_ai"}},
		"own like":              {[]deed{{As: me, Do: "like", Post: "POST"}}, []string{}},
		"follow":                {[]deed{{As: nova, Do: "follow", Handle: me}, {As: nova, Do: "follow", Handle: me}}, []string{"FOLLOW nova_ai"}},
		"follow undone":         {[]deed{{As: nova, Do: "follow", Handle: me}, {As: nova, Do: "unfollow", Handle: me}}, []string{"FOLLOW nova_ai", "-FOLLOW nova_ai"}},
		"comment":               {[]deed{{As: pixel, Do: "comment", Post: "POST", Content: "x"}}, []string{"COMMENT pixel_pilot"}},
		"own comment":           {[]deed{{As: me, Do: "comment", Post: "POST", Content: "x"}}, []string{}},
		"reply to another":      {[]deed{{As: pixel, Do: "reply", Comment: "REMARK", Content: "x"}}, []string{"COMMENT pixel_pilot"}},
		"comment that mentions": {[]deed{{As: pixel, Do: "comment", Post: "POST", Content: "@orbit_bot x"}}, []string{"COMMENT pixel_pilot", "MENTION pixel_pilot"}},
		"mention":               {[]deed{{As: pixel, Do: "mention", Handle: me, Content: "x"}}, []string{"MENTION pixel_pilot"}},
		"mention of oneself":    {[]deed{{As: me, Do: "post", Content: "@orbit_bot"}}, []string{}},
		"mention of nobody":     {[]deed{{As: pixel, Do: "post", Content: "@no_such_agent"}}, []string{}},
		"mention deleted":       {[]deed{{As: pixel, Do: "post", Content: "@orbit_bot"}, {As: pixel, Do: "delete", Handle: pixel}}, []string{"MENTION pixel_pilot", "-MENTION pixel_pilot"}},
		"repost":                {[]deed{{As: nova, Do: "repost", Post: "POST"}}, []string{"REPOST nova_ai"}},
		"repost deleted":        {[]deed{{As: nova, Do: "repost", Post: "POST"}, {As: nova, Do: "delete", Handle: nova}}, []string{"REPOST nova_ai", "-REPOST nova_ai"}},
		"quote":                 {[]deed{{As: nova, Do: "quote", Post: "POST", Content: "x"}}, []string{"QUOTE nova_ai"}},
		"quote deleted":         {[]deed{{As: nova, Do: "quote", Post: "POST", Content: "x"}, {As: nova, Do: "delete", Handle: nova}}, []string{"QUOTE nova_ai", "-QUOTE nova_ai"}},
		"own post deleted":      {[]deed{{As: nova, Do: "like", Post: "POST"}, {As: me, Do: "delete", Post: "POST"}}, []string{"LIKE nova_ai", "-COMMENT nova_ai", "-LIKE nova_ai"}},
		"message":               {[]deed{{As: nova, Do: "dm", Handle: me, Content: "x"}}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := open(t, sandbox.Options{Empty: true})
			post := act(t, box, deed{As: me, Do: "post", Content: "Mine"})
			remark := act(t, box, deed{As: nova, Do: "comment", Post: post.Post, Content: "x"})
			for _, d := range tc.deeds {
				if d.Post == "POST" {
					d.Post = post.Post
				}
				if d.Comment == "REMARK" {
					d.Comment = remark.Comment
				}
				box.Clock().Advance(time.Second)
				act(t, box, d)
			}
			require.Equal(t, append([]string{"COMMENT nova_ai"}, tc.want...), told(box, me))
		})
	}
}

func TestAReplyTellsTheAuthorOfTheParent(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	post := act(t, box, sandbox.Action{As: "nova_ai", Do: "post", Content: "Mine"})
	mine := act(t, box, sandbox.Action{As: "orbit_bot", Do: "comment", Post: post.Post, Content: "x"})
	reply := act(t, box, sandbox.Action{As: "nova_ai", Do: "reply", Comment: mine.Comment, Content: "y"})
	require.Len(t, reply.Happened, 1)
	got := as(t, box, 0).get("/api/notifications")
	require.Equal(t, "REPLY", got.str("notifications.0.type"))
	require.Equal(t, mine.Comment, got.str("notifications.0.comment.parentId"))
	require.Equal(t, reply.Comment, got.str("notifications.0.comment.id"))
	require.Equal(t, "Nova replied to your comment", got.str("notifications.0.message"))
	require.Equal(t, reply.Happened[0].ID, got.str("notifications.0.id"))

	own := act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "Own"})
	remark := act(t, box, sandbox.Action{As: "orbit_bot", Do: "comment", Post: own.Post, Content: "x"})
	act(t, box, sandbox.Action{As: "nova_ai", Do: "reply", Comment: remark.Comment, Content: "y"})
	require.Equal(t, []string{"REPLY nova_ai", "REPLY nova_ai"}, told(box, "orbit_bot"), "not a COMMENT besides")
}

func TestAReadNotificationStaysAndIsNotRepeated(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	post := act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "Mine"})
	like := sandbox.Action{As: "nova_ai", Do: "like", Post: post.Post}
	act(t, box, like)
	me.post("/api/notifications/read", `{"all":true}`)
	act(t, box, sandbox.Action{As: "nova_ai", Do: "unlike", Post: post.Post})
	require.Len(t, me.get("/api/notifications").list("notifications"), 1)
	require.Empty(t, act(t, box, like).Happened)
	require.Equal(t, []string{"LIKE nova_ai"}, told(box, "orbit_bot"))
}

func TestAMessageIsAFactForBothSides(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	r := act(t, box, sandbox.Action{As: "nova_ai", Do: "dm", Handle: "orbit_bot", Content: "x"})
	require.Len(t, r.Happened, 2)
	in, out := box.Happenings("orbit_bot"), box.Happenings("nova_ai")
	require.Equal(t, sandbox.HappenedReceived, in[0].Kind)
	require.Equal(t, sandbox.HappenedSent, out[0].Kind)
	require.Equal(t, r.Message, in[0].ID)
	require.Equal(t, r.Conversation, out[0].Conversation)
}

func TestTheLedgerBeginsAfterTheSeed(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	require.Empty(t, box.Happenings(""))
	require.NotEmpty(t, as(t, box, 0).get("/api/notifications").list("notifications"))
	box.AddNotifications("orbit_bot", 10, time.Hour)
	box.AddConversations("orbit_bot", 3, 2, time.Hour)
	box.AddJobs("orbit_bot", 3, 2*time.Hour)
	require.Empty(t, box.Happenings(""))
}

func TestSomethingLateAppearsBelowTheNewer(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	first := act(t, box, sandbox.Action{As: "nova_ai", Do: "follow", Handle: "orbit_bot"})
	late := act(t, box, sandbox.Action{As: "pixel_pilot", Do: "follow", Handle: "orbit_bot", Late: time.Minute})
	got := me.get("/api/notifications")
	require.Equal(t, first.Happened[0].ID, got.str("notifications.0.id"))
	require.Equal(t, late.Happened[0].ID, got.str("notifications.1.id"))
	require.Len(t, box.Happenings("orbit_bot"), 2)
}

func TestWrongActionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]sandbox.Action{
		"nobody":          {As: "none", Do: "post", Content: "x"},
		"nothing":         {As: "nova_ai", Do: "dance"},
		"no post":         {As: "nova_ai", Do: "like", Post: "none"},
		"empty":           {As: "nova_ai", Do: "post"},
		"follow oneself":  {As: "nova_ai", Do: "follow", Handle: "nova_ai"},
		"talk to oneself": {As: "nova_ai", Do: "dm", Handle: "nova_ai", Content: "x"},
		"foreign talk":    {As: "nova_ai", Do: "dm", Conversation: "none", Content: "x"},
		"delete other's":  {As: "nova_ai", Do: "delete", Handle: "orbit_bot"},
		"reply to none":   {As: "nova_ai", Do: "reply", Handle: "orbit_bot", Content: "x"},
		"no service":      {As: "nova_ai", Do: "generate", Prompt: "x"},
		"unread nobody":   {As: "nova_ai", Do: "read", Handle: "echo_valley"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, sandbox.Options{}).Act(a)
			require.Error(t, err)
		})
	}
}
