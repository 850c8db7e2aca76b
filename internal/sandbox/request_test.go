package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// stage is an emulator with one of everything, as orbit_bot sees it. The words
// in capitals stand for ids in the tables of refusals.
type stage struct {
	box *sandbox.Sandbox
	me  *client
	ids *strings.Replacer
}

func newStage(t *testing.T, opt sandbox.Options) stage {
	t.Helper()
	box := open(t, opt)
	me := as(t, box, 0)
	mine := act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "Mine"})
	theirs := act(t, box, sandbox.Action{As: "nova_ai", Do: "post", Content: "Theirs"})
	other := act(t, box, sandbox.Action{As: "pixel_pilot", Do: "post", Content: "Another"})
	remark := act(t, box, sandbox.Action{As: "nova_ai", Do: "comment", Post: mine.Post, Content: "Hm"})
	talk := act(t, box, sandbox.Action{As: "nova_ai", Do: "dm", Handle: "orbit_bot", Content: "Hello"})
	secret := act(t, box, sandbox.Action{As: "nova_ai", Do: "dm", Handle: "pixel_pilot", Content: "Psst"})
	job := act(t, box, sandbox.Action{As: "orbit_bot", Do: "generate", Prompt: "sandbox:instant a ring"})
	alien := act(t, box, sandbox.Action{As: "lumen_lab", Do: "generate", Prompt: "sandbox:fail", Type: "image"})
	return stage{box, me, strings.NewReplacer(
		"MINE", mine.Post, "THEIRS", theirs.Post, "OTHER", other.Post, "REMARK", remark.Comment,
		"TALK", talk.Conversation, "SECRET", secret.Conversation, "DONEJOB", job.Job, "ALIENJOB", alien.Job,
	)}
}

// wrong is a request that must be refused.
type wrong struct {
	method, path, body string
	status             int
	code, says         string
}

func testRefusals(t *testing.T, opt sandbox.Options, cases map[string]wrong) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, opt)
			var got answer
			if tc.body == "" {
				got = s.me.send(tc.method, s.ids.Replace(tc.path), "", nil)
			} else {
				got = s.me.send(tc.method, s.ids.Replace(tc.path), "application/json", strings.NewReader(s.ids.Replace(tc.body)))
			}
			require.Equal(t, tc.status, got.status, got.text)
			require.Equal(t, tc.code, got.str("error"), got.text)
			require.Contains(t, got.str("message"), tc.says, got.text)
			require.NotEmpty(t, got.header.Get("X-RateLimit-Remaining"))
		})
	}
}

func TestRequestsOutOfShapeAreRefused(t *testing.T) {
	t.Parallel()
	testRefusals(t, sandbox.Options{}, map[string]wrong{
		"unknown path":         {"GET", "/api/nothing", "", 404, "not_found", "endpoint"},
		"path with a slash":    {"GET", "/api/posts/", "", 404, "not_found", "endpoint"},
		"outside of the api":   {"GET", "/", "", 404, "not_found", "endpoint"},
		"control switched off": {"GET", "/api/_sandbox/state", "", 404, "not_found", "endpoint"},
		"other method":         {"PUT", "/api/posts", "", 405, "method_not_allowed", "PUT"},
		"head":                 {"DELETE", "/api/agents/me", "", 405, "method_not_allowed", "DELETE"},
		"no body":              {"POST", "/api/posts", "", 400, "validation_error", "JSON body"},
		"broken JSON":          {"POST", "/api/posts", `{"content":"x"`, 400, "validation_error", "JSON object"},
		"JSON and more":        {"POST", "/api/posts", `{"content":"x"} {}`, 400, "validation_error", "JSON object"},
		"a list":               {"POST", "/api/posts", `["x"]`, 400, "validation_error", "JSON object"},
		"null":                 {"POST", "/api/posts", `null`, 400, "validation_error", "JSON object"},
		"number for text":      {"POST", "/api/posts", `{"content":7}`, 400, "validation_error", "content must be a string"},
		"text for flag":        {"PATCH", "/api/settings/services/OPENAI", `{"isActive":"no"}`, 400, "validation_error", "isActive"},
		"text for list":        {"POST", "/api/posts", `{"content":"x","mediaIds":"a"}`, 400, "validation_error", "mediaIds"},
		"null in a list":       {"POST", "/api/posts", `{"content":"x","mediaIds":[null]}`, 400, "validation_error", "mediaIds"},
		"list for object":      {"POST", "/api/generate", `{"provider":"OPENAI","prompt":"x","generationType":"image","params":[]}`, 400, "validation_error", "params"},
		"limit zero":           {"GET", "/api/posts?limit=0", "", 400, "validation_error", "limit"},
		"limit negative":       {"GET", "/api/feed?limit=-1", "", 400, "validation_error", "limit"},
		"limit in words":       {"GET", "/api/notifications?limit=ten", "", 400, "validation_error", "limit"},
		"over a megabyte":      {"POST", "/api/posts", `{"content":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "file_too_large", "body"},
	})
}

func TestAllowNamesTheMethodsOfAPath(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	got := nobody(t, box).send(http.MethodHead, "/api/posts", "", nil)
	require.Equal(t, http.StatusMethodNotAllowed, got.status)
	require.Equal(t, "POST, GET", got.header.Get("Allow"))
}

func TestABodyNeedsItsContentType(t *testing.T) {
	t.Parallel()
	for kind, status := range map[string]int{
		"":                                  400,
		"text/plain":                        400,
		"application/x-www-form-urlencoded": 400,
		"application/json":                  201,
		"application/json; charset=utf-8":   201,
	} {
		me := as(t, open(t, sandbox.Options{}), 0)
		got := me.send(http.MethodPost, "/api/posts", kind, strings.NewReader(`{"content":"x"}`))
		require.Equal(t, status, got.status, "%q: %s", kind, got.text)
	}
}

func TestACallWithoutABodyIgnoresOne(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	for _, body := range []string{"", "{}", "{broken", `{"extra":1}`} {
		got := s.me.post(s.ids.Replace("/api/posts/THEIRS/like"), body)
		require.Equal(t, http.StatusOK, got.status, got.text)
	}
	require.Empty(t, s.box.Violations())
}

func TestPathsAreDecodedOnce(t *testing.T) {
	t.Parallel()
	c := nobody(t, open(t, sandbox.Options{}))
	for path, status := range map[string]int{
		"/api/agents/nova_ai":       200,
		"/api/agents/@nova_ai":      200,
		"/api/agents/%40nova_ai":    200,
		"/api/agents/%6eova_ai":     200,
		"/api/agents/%2540nova_ai":  404,
		"/api/agents/Nova_ai":       404,
		"/api/agents/@@nova_ai":     404,
		"/api/agents/nova%2Fai":     404,
		"/api/agents/nova_ai/posts": 404,
	} {
		require.Equal(t, status, c.get(path).status, path)
	}
}

func TestTextIsTrimmedAndCountedInUTF16(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text   string
		status int
	}{
		"at the limit":         {strings.Repeat("x", 500), 201},
		"one over":             {strings.Repeat("x", 501), 400},
		"250 emoji":            {strings.Repeat("🛰", 250), 201},
		"251 emoji":            {strings.Repeat("🛰", 251), 400},
		"limit and space":      {"  " + strings.Repeat("x", 500) + `\n`, 201},
		"nothing but space":    {`   \n\t`, 400},
		"accents are one each": {strings.Repeat("é", 500), 201},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			me := as(t, open(t, sandbox.Options{}), 0)
			got := me.post("/api/posts", `{"content":"`+tc.text+`"}`)
			require.Equal(t, tc.status, got.status, got.text)
			if tc.status == http.StatusBadRequest {
				require.Contains(t, got.str("message"), "content must be")
			}
		})
	}
}

func TestTheIndexTellsTheTrueLimits(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	box.SetLimit(sandbox.ClassRead, 20)
	got := nobody(t, box).get("/api")
	require.Equal(t, http.StatusOK, got.status)
	require.InDelta(t, 20, got.at("rateLimits.read.limit"), 0)
	require.InDelta(t, 30, got.at("rateLimits.write.limit"), 0)
	require.Contains(t, got.list("endpoints"), any("POST /api/posts"))
}

func TestTheSeedDialectHidesLaterCalls(t *testing.T) {
	t.Parallel()
	body := `{"handle":"new_one","name":"New"}`
	require.Equal(t, http.StatusCreated, nobody(t, open(t, sandbox.Options{})).post("/api/auth/register", body).status)
	old := open(t, sandbox.Options{Dialect: sandbox.DialectSeed})
	require.Equal(t, http.StatusNotFound, nobody(t, old).post("/api/auth/register", body).status)
	require.NotContains(t, nobody(t, old).get("/api").list("endpoints"), any("POST /api/auth/register"))
}

func TestRoutesAreNamedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range sandbox.Routes() {
		key := r.Method + " " + r.Pattern
		require.False(t, seen[key], key)
		seen[key] = true
		require.True(t, strings.HasPrefix(r.Pattern, "/api"), key)
	}
	require.GreaterOrEqual(t, len(seen), 53, "51 calls of the seed, the index and registration")
}
