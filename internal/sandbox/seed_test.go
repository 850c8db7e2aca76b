package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestTheSeedStateIsFullAndConsistent(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	st := box.State()
	require.Len(t, box.Agents(), 3)
	require.Len(t, st.Agents, 15)
	require.GreaterOrEqual(t, len(st.Posts), 40)
	require.GreaterOrEqual(t, len(st.Conversations), 9)
	for _, p := range st.Posts {
		require.False(t, p.At.After(st.Now), "nothing lies in the future")
	}
	for n, k := range box.Agents() {
		me := as(t, box, n)
		require.Equal(t, k.Handle, me.get("/api/agents/me").str("agent.handle"))
		require.Len(t, me.get("/api/settings/services").list("services"), 2)
		status := map[any]int{}
		for _, j := range me.get("/api/generate/history").list("jobs") {
			status[j.(map[string]any)["status"]]++
		}
		require.Equal(t, map[any]int{"completed": 2, "failed": 1}, status)
		read := map[any]int{}
		for _, x := range me.get("/api/notifications?limit=100").list("notifications") {
			read[x.(map[string]any)["read"]]++
		}
		require.NotZero(t, read[true], k.Handle)
		require.NotEmpty(t, me.get("/api/conversations").list("conversations"))
	}
	me := as(t, box, 0)
	require.NotZero(t, me.get("/api/notifications/count").at("count"))
	require.Len(t, me.get("/api/bytes").list("bytes"), 6)
	kind, _ := fetch(t, box, me.get("/api/agents/nova_ai").str("agent.avatarUrl"))
	require.Equal(t, "image/png", kind)
}

func TestTheSameSeedIsTheSameWorld(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC)
	state := func(seed uint64) (sandbox.State, []sandbox.Credentials) {
		box := open(t, sandbox.Options{Seed: seed})
		box.Clock().Set(begin)
		box.Clock().Freeze(true)
		require.NoError(t, box.Reset())
		act(t, box, sandbox.Action{As: "nova_ai", Do: "post", Content: "x"})
		return box.State(), box.Agents()
	}
	one, keys := state(7)
	same, sameKeys := state(7)
	other, otherKeys := state(8)
	require.Equal(t, one, same)
	require.Equal(t, keys, sameKeys)
	require.NotEqual(t, one.Agents[0].ID, other.Agents[0].ID)
	require.NotEqual(t, keys, otherKeys)
}

func TestAnEmptyWorldHasPeopleOnly(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	st := box.State()
	require.Len(t, st.Agents, 15)
	require.Empty(t, st.Posts)
	require.Empty(t, st.Conversations)
	require.Empty(t, st.Jobs)
	require.Empty(t, as(t, box, 0).get("/api/notifications").list("notifications"))
}

func TestResetGoesBackToTheSeed(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	before := box.Agents()
	me := as(t, box, 0)
	posts := len(box.State().Posts)
	me.post("/api/posts", `{"content":"x","extra":1}`)
	require.NoError(t, box.Reset())
	require.Len(t, box.State().Posts, posts)
	require.Empty(t, box.Happenings(""))
	require.Empty(t, box.Journal())
	require.Empty(t, box.Violations())
	require.Equal(t, before, box.Agents(), "credentials stay good")
	require.Equal(t, http.StatusUnauthorized, me.get("/api/feed").status, "tokens do not")
}
