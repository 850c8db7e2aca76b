package sandbox_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestTheWindowSlides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := open(t, sandbox.Options{})
		me := as(t, box, 0)
		for i := range 100 {
			got := me.get("/api/agents/me")
			require.Equal(t, http.StatusOK, got.status)
			require.Equal(t, strconv.Itoa(99-i), got.header.Get("X-RateLimit-Remaining"))
			time.Sleep(100 * time.Millisecond)
		}
		// 10 s have passed; the first call leaves the window in 50 s.
		got := me.get("/api/agents/me")
		require.Equal(t, http.StatusTooManyRequests, got.status)
		require.Equal(t, "50", got.header.Get("Retry-After"))
		require.Equal(t, "rate_limit_exceeded", got.str("error"))
		require.Equal(t, "Too many requests. Rate limit: 100 requests per minute for read endpoints.", got.str("message"))
		require.InDelta(t, 50, got.at("retryAfter"), 0)
		require.InDelta(t, 50, got.at("retry_after"), 0)
		require.InDelta(t, 100, got.at("limit"), 0)
		reset, err := strconv.ParseInt(got.header.Get("X-RateLimit-Reset"), 10, 64)
		require.NoError(t, err)
		require.Equal(t, time.Now().Add(50*time.Second).Unix(), reset)

		time.Sleep(50*time.Second - time.Millisecond)
		require.Equal(t, http.StatusTooManyRequests, me.get("/api/agents/me").status)
		time.Sleep(time.Millisecond)
		require.Equal(t, http.StatusOK, me.get("/api/agents/me").status, "a refused call is not counted")
		require.Equal(t, http.StatusTooManyRequests, me.get("/api/agents/me").status, "only one place came free")
	})
}

func TestEachClassHasItsOwnPurse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		class string
		limit int
		send  func(*client) answer
	}{
		"read":   {"read", 100, func(c *client) answer { return c.get("/api/feed") }},
		"write":  {"write", 30, func(c *client) answer { return c.delete("/api/agents/nova_ai/follow") }},
		"upload": {"upload", 10, func(c *client) answer { return c.get("/api/upload") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := open(t, sandbox.Options{})
			me := as(t, box, 0)
			for range tc.limit {
				require.Equal(t, http.StatusOK, tc.send(me).status)
			}
			got := tc.send(me)
			require.Equal(t, http.StatusTooManyRequests, got.status)
			require.Equal(t, tc.class, got.header.Get("X-RateLimit-Endpoint-Type"))
			require.Equal(t, strconv.Itoa(tc.limit), got.header.Get("X-RateLimit-Limit"))
			require.Equal(t, "0", got.header.Get("X-RateLimit-Remaining"))
			require.Equal(t, http.StatusTooManyRequests, tc.send(as(t, box, 0)).status, "two tokens share a purse")
			require.Equal(t, http.StatusOK, tc.send(as(t, box, 1)).status, "another agent has its own")
			box.Clock().Advance(time.Minute)
			require.Equal(t, http.StatusOK, tc.send(me).status)
		})
	}
}

func TestWrongCallsCostTheSame(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)
	left := func(a answer) string { return a.header.Get("X-RateLimit-Remaining") }
	require.Equal(t, "29", left(me.post("/api/posts", `{"content":""}`)))
	require.Equal(t, "28", left(me.post("/api/posts/none/like", "")))
	require.Equal(t, "27", left(me.post("/api/nowhere", "")))
	require.Equal(t, "26", left(me.send(http.MethodPut, "/api/posts", "", nil)))
}

func TestUnknownCallersPayByAddress(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	stranger := nobody(t, box)
	bad := &client{t: t, box: box, token: "iat_wrong"}
	for range 50 {
		require.Equal(t, http.StatusOK, stranger.get("/api/posts").status)
		require.Equal(t, http.StatusUnauthorized, bad.get("/api/posts").status)
	}
	require.Equal(t, http.StatusTooManyRequests, stranger.get("/api/posts").status)
	require.Equal(t, http.StatusTooManyRequests, bad.get("/api/feed").status)
	require.Equal(t, http.StatusOK, as(t, box, 0).get("/api/posts").status)
}

func TestAuthIsCountedByClientOrByAddress(t *testing.T) {
	t.Parallel()
	for by, want := range map[sandbox.AuthBy]int{
		sandbox.AuthByClient: http.StatusOK, sandbox.AuthByAddress: http.StatusTooManyRequests,
	} {
		box := open(t, sandbox.Options{AuthBy: by})
		c := nobody(t, box)
		var last answer
		for range 10 {
			last = signIn(c, box.Agents()[0])
			require.Equal(t, http.StatusOK, last.status)
		}
		require.Equal(t, http.StatusTooManyRequests, signIn(c, box.Agents()[0]).status)
		require.Equal(t, http.StatusTooManyRequests, refresh(c, last.str("refresh_token")).status, "a refresh is the same client")
		require.Equal(t, want, signIn(c, box.Agents()[1]).status, string(by))
	}
}

func TestAPurseCanBeSpentByOthersAndLimitsCanChange(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)
	box.Spend("orbit_bot", sandbox.ClassRead, 90)
	require.Equal(t, "9", me.get("/api/feed").header.Get("X-RateLimit-Remaining"))
	box.SetLimit(sandbox.ClassRead, 20)
	got := me.get("/api/feed")
	require.Equal(t, http.StatusTooManyRequests, got.status)
	require.Equal(t, "20", got.header.Get("X-RateLimit-Limit"))
	box.SetLimit(sandbox.ClassRead, 200)
	require.Equal(t, "108", me.get("/api/feed").header.Get("X-RateLimit-Remaining"))
}

func TestLimitsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{RateLimitOff: true})
	me := as(t, box, 0)
	for i := range 40 {
		got := me.post("/api/posts", fmt.Sprintf(`{"content":"Post %d"}`, i))
		require.Equal(t, http.StatusCreated, got.status, got.text)
		require.NotEmpty(t, got.header.Get("X-RateLimit-Remaining"))
	}
}

func TestHeadersAreOnEveryReply(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	c := nobody(t, box)
	for _, got := range []answer{c.get("/api"), c.get("/none"), c.get("/api/feed"), c.post("/api/auth/token", "{")} {
		for _, h := range []string{"Limit", "Remaining", "Reset", "Endpoint-Type"} {
			require.NotEmpty(t, got.header.Get("X-RateLimit-"+h), got.text)
		}
		require.Empty(t, got.header.Get("Retry-After"))
		require.True(t, strings.HasPrefix(got.text, "{"))
	}
}
