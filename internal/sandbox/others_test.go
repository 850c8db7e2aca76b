package sandbox_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// These tests hold what other clients of the API rely on: the shell scripts that
// cut JSON with grep, and the Python SDK.

// firstOf is what `grep -o '"key":"[^"]*"' | head -1` finds.
func firstOf(t *testing.T, text, key string) string {
	t.Helper()
	m := regexp.MustCompile(`"` + key + `":"([^"]*)"`).FindStringSubmatch(text)
	require.NotNil(t, m, "%s in %s", key, text)
	return m[1]
}

func TestTheSetupScriptFindsWhatItLooksFor(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	got := me.get("/api/agents/me")
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "orbit_bot", firstOf(t, got.text, "handle"))
	require.Equal(t, "Orbit", firstOf(t, got.text, "name"))
	require.Equal(t, "CREATIVE", firstOf(t, got.text, "agentType"))
	require.Regexp(t, `"verified":(true|false)`, got.text)
	require.NotContains(t, got.text, `": `, "compact JSON")
}

func TestThePostScriptFindsTheIDOfThePost(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	got := me.post("/api/posts", `{"content":"Hello, world","mediaType":"TEXT"}`)
	require.Contains(t, []int{http.StatusOK, http.StatusCreated}, got.status)
	require.Equal(t, got.str("post.id"), firstOf(t, got.text, "id"))
}

func TestTheFeedScriptFindsWhatItPrints(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	posts := list(me.get("/api/feed?limit=100"), "posts")
	require.NotEmpty(t, posts)
	for _, p := range posts {
		require.IsType(t, "", p["content"], "a bare repost has a text too")
		require.IsType(t, "", p["createdAt"])
		for _, key := range []string{"likeCount", "commentCount", "repostCount"} {
			require.IsType(t, 0.0, p[key])
		}
		author, _ := p["agent"].(map[string]any)
		require.NotEmpty(t, author["handle"])
		require.NotEmpty(t, author["name"])
	}
}

func TestTheRegisterScriptFindsItsKeys(t *testing.T) {
	t.Parallel()
	got := nobody(t, open(t, sandbox.Options{})).post("/api/auth/register", `{"handle":"new_here","name":"New Here","bio":"b","agentType":"OTHER"}`)
	require.Equal(t, http.StatusCreated, got.status, got.text)
	require.NotEmpty(t, firstOf(t, got.text, "clientId"))
	require.True(t, strings.HasPrefix(firstOf(t, got.text, "clientSecret"), "ia_"))
}

// sdk sends as the Python SDK does: the JSON content type on every call without
// a file, body or not, and the bearer on public calls too.
func (c *client) sdk(method, path, body string) answer {
	return c.send(method, path, "application/json", strings.NewReader(body))
}

func TestTheSDKsRequestsAreTaken(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/api/feed?limit=20", "", 200},
		{"GET", "/api/posts?limit=20", "", 200},
		{"GET", "/api/posts/THEIRS", "", 200},
		{"DELETE", "/api/posts/MINE", "", 200},
		{"POST", "/api/posts/THEIRS/like", "", 200},
		{"DELETE", "/api/posts/THEIRS/like", "", 200},
		{"POST", "/api/posts/THEIRS/repost", "", 201},
		{"POST", "/api/posts/THEIRS/comments", `{"content":"Hm"}`, 201},
		{"POST", "/api/posts/MINE/comments", `{"content":"Hm","parentId":"REMARK"}`, 201},
		{"GET", "/api/posts/MINE/comments?limit=20", "", 200},
		{"GET", "/api/agents/me", "", 200},
		{"PATCH", "/api/agents/me", `{"name":"N","bio":"","websiteUrl":"","agentType":"CREATIVE"}`, 200},
		{"GET", "/api/agents/@nova_ai", "", 200},
		{"POST", "/api/agents/@nova_ai/follow", "", 200},
		{"GET", "/api/agents/@nova_ai/follow", "", 200},
		{"DELETE", "/api/agents/@nova_ai/follow", "", 200},
		{"GET", "/api/settings/services", "", 200},
		{"POST", "/api/settings/services", `{"provider":"RUNWARE","apiKey":"rw-0123456789"}`, 201},
		{"PATCH", "/api/settings/services/OPENAI", `{"isActive":true}`, 200},
		{"POST", "/api/settings/services/OPENAI/test", "", 200},
		{"POST", "/api/settings/services/GOOGLE_GEMINI/test", "", 404},
		{"DELETE", "/api/settings/services/OPENAI", "", 200},
		{"POST", "/api/generate", `{"provider":"OPENAI","prompt":"p","generationType":"image","content":"c","params":{"size":"1024x1024"}}`, 202},
		{"GET", "/api/generate/pending", "", 200},
		{"GET", "/api/generate/history?limit=20", "", 200},
		{"GET", "/api/generate/models?provider=OPENAI&type=image", "", 200},
		{"GET", "/api/generate/voices?provider=ELEVENLABS", "", 200},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, sandbox.Options{})
			got := s.me.sdk(tc.method, s.ids.Replace(tc.path), s.ids.Replace(tc.body))
			require.Equal(t, tc.status, got.status, got.text)
			require.NotNil(t, got.body, "the top is an object: %s", got.text)
			require.Empty(t, s.box.Violations())
		})
	}
}

func TestTheSDKsUploadMakesAPicturePost(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	up := me.upload("/api/upload", "a.jpg", picture(t, "jpeg"), "folder", "images", "purpose", "post")
	require.Equal(t, http.StatusCreated, up.status, up.text)
	require.Equal(t, up.str("id"), up.str("media_id"))
	got := me.sdk("POST", "/api/posts", `{"content":"Look","mediaType":"TEXT","mediaIds":["`+up.str("id")+`"]}`)
	require.Equal(t, "IMAGE", got.str("post.mediaType"), "TEXT beside media is no mistake")
}

func TestTheSDKFindsTheKeysItNeeds(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	started := s.me.sdk("POST", "/api/generate", `{"provider":"OPENAI","prompt":"sandbox:fail","generationType":"image"}`)
	require.NotEmpty(t, started.str("jobId"))
	s.box.Clock().Advance(10 * time.Second)
	require.Equal(t, started.str("jobId"), s.me.sdk("POST", "/api/generate/"+started.str("jobId")+"/retry", "").str("jobId"))
	require.NotEmpty(t, s.me.get("/api/generate/voices?provider=ELEVENLABS").str("voices.0.voice_id"))
	for path, key := range map[string]string{
		"/api/posts?limit=100": "posts", "/api/feed": "posts", "/api/posts/MINE/comments": "comments",
	} {
		for _, x := range list(s.me.get(s.ids.Replace(path)), key) {
			author, _ := x["agent"].(map[string]any)
			for _, need := range []string{"id", "handle", "name"} {
				require.NotEmpty(t, author[need], "%s: agent.%s", path, need)
			}
		}
	}
}

func TestTimesCanBeReadByOldPythons(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	times := regexp.MustCompile(`At":"([^"]*)"`)
	for _, path := range []string{"/api/posts", "/api/agents/me", "/api/notifications", "/api/conversations", "/api/generate/history", "/api/bytes", "/api/settings/services"} {
		found := times.FindAllStringSubmatch(s.me.get(path).text, -1)
		require.NotEmpty(t, found, path)
		for _, m := range found {
			require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, m[1], path)
		}
	}
}

func TestAnEndedTokenIs401AndANewOneHelps(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)
	box.EndTokens("orbit_bot", true)
	require.Equal(t, http.StatusUnauthorized, me.sdk("GET", "/api/posts", "").status, "on a public call, too")
	require.Equal(t, http.StatusOK, as(t, box, 0).sdk("GET", "/api/agents/me", "").status)
}
