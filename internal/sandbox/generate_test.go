package sandbox_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestGenerationsOutOfRuleAreRefused(t *testing.T) {
	t.Parallel()
	order := func(provider, kind, rest string) string {
		return fmt.Sprintf(`{"provider":%q,"generationType":%q,"prompt":"x"%s}`, provider, kind, rest)
	}
	const path = "/api/generate"
	testRefusals(t, sandbox.Options{}, map[string]wrong{
		"no provider":     {"POST", path, `{"prompt":"x","generationType":"image"}`, 400, "validation_error", "provider"},
		"provider":        {"POST", path, order("ACME", "image", ""), 400, "invalid_provider", "OPENAI"},
		"type":            {"POST", path, order("OPENAI", "poem", ""), 400, "validation_error", "generationType"},
		"not its type":    {"POST", path, order("OPENAI", "video", ""), 400, "invalid_type", "OPENAI cannot generate video"},
		"not its type 2":  {"POST", path, order("ELEVENLABS", "image", ""), 400, "invalid_type", "ELEVENLABS"},
		"type not named":  {"POST", path, `{"provider":"OPENAI","prompt":"x","type":"image"}`, 400, "validation_error", "generationType"},
		"no prompt":       {"POST", path, `{"provider":"OPENAI","generationType":"image"}`, 400, "validation_error", "prompt must be 1 to 1000"},
		"long prompt":     {"POST", path, `{"provider":"OPENAI","generationType":"image","prompt":"` + strings.Repeat("p", 1001) + `"}`, 400, "validation_error", "prompt"},
		"long content":    {"POST", path, order("OPENAI", "image", `,"content":"`+strings.Repeat("c", 501)+`"`), 400, "validation_error", "content"},
		"model":           {"POST", path, order("OPENAI", "image", `,"model":"gpt-9"`), 400, "validation_error", "gpt-9"},
		"not connected":   {"POST", path, order("GOOGLE_GEMINI", "image", ""), 400, "service_not_connected", "GOOGLE_GEMINI"},
		"number as text":  {"POST", path, order("RUNWARE", "image", `,"params":{"width":"1024"}`), 400, "validation_error", "params.width"},
		"half a pixel":    {"POST", path, order("RUNWARE", "image", `,"params":{"width":10.5}`), 400, "validation_error", "params.width"},
		"aspect ratio":    {"POST", path, order("RUNWARE", "video", `,"params":{"aspectRatio":"4:3"}`), 400, "validation_error", "9:16"},
		"number for text": {"POST", path, order("OPENAI", "image", `,"params":{"size":1024}`), 400, "validation_error", "params.size"},
		"models provider": {"GET", "/api/generate/models?provider=ACME&type=image", "", 400, "invalid_provider", "OPENAI"},
		"models type":     {"GET", "/api/generate/models?provider=OPENAI", "", 400, "validation_error", "generationType"},
		"voices of other": {"GET", "/api/generate/voices?provider=OPENAI", "", 400, "invalid_provider", "ELEVENLABS"},
		"voices of none":  {"GET", "/api/generate/voices", "", 400, "invalid_provider", "ELEVENLABS"},
		"retry a done":    {"POST", "/api/generate/DONEJOB/retry", "", 400, "invalid_status", "failed"},
		"retry another's": {"POST", "/api/generate/ALIENJOB/retry", "", 404, "not_found", "job"},
		"retry none":      {"POST", "/api/generate/none/retry", "", 404, "not_found", "job"},
	})
}

func start(c *client, kind, prompt string) string {
	c.t.Helper()
	provider := "OPENAI"
	if kind != "image" && kind != "video" {
		provider = "ELEVENLABS"
	}
	if kind == "video" {
		provider = "RUNWARE"
	}
	got := c.post("/api/generate", fmt.Sprintf(
		`{"provider":%q,"prompt":%q,"generationType":%q,"content":"Look @nova_ai #AIArt"}`, provider, prompt, kind))
	require.Equal(c.t, http.StatusAccepted, got.status, got.text)
	require.Equal(c.t, "pending", got.str("status"))
	return got.str("jobId")
}

// states lists what a job went through, with the seconds since the first.
func states(box *sandbox.Sandbox, job string) []string {
	var out []string
	var begin time.Time
	for _, h := range box.Happenings("orbit_bot") {
		if h.Kind != sandbox.HappenedJob || h.ID != job {
			continue
		}
		if begin.IsZero() {
			begin = h.At
		}
		out = append(out, fmt.Sprintf("%s/%d %v", h.Type, h.Retry, h.At.Sub(begin)))
	}
	return out
}

func TestTheLifeOfAJob(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind, prompt string
		want         []string
	}{
		"image":       {"image", "a ring", []string{"pending/0 0s", "generating/0 1s", "uploading/0 6s", "completed/0 7s"}},
		"voice":       {"voice", "hello", []string{"pending/0 0s", "generating/0 1s", "uploading/0 5s", "completed/0 6s"}},
		"sound":       {"sound_effect", "bell", []string{"pending/0 0s", "generating/0 1s", "uploading/0 5s", "completed/0 6s"}},
		"music":       {"music", "song", []string{"pending/0 0s", "generating/0 1s", "uploading/0 13s", "completed/0 14s"}},
		"video":       {"video", "film", []string{"pending/0 0s", "generating/0 1s", "uploading/0 31s", "completed/0 32s"}},
		"instant":     {"image", "sandbox:instant", []string{"pending/0 0s", "completed/0 0s"}},
		"fail":        {"image", "a sandbox:fail", []string{"pending/0 0s", "generating/0 1s", "failed/0 6s"}},
		"fail upload": {"image", "sandbox:fail-upload", []string{"pending/0 0s", "generating/0 1s", "uploading/0 6s", "failed/0 7s"}},
		"fail once":   {"image", "sandbox:fail-once", []string{"pending/0 0s", "generating/0 1s", "failed/0 6s"}},
		"stuck":       {"image", "sandbox:stuck", []string{"pending/0 0s", "failed/0 5m0s"}},
		"slow":        {"image", "sandbox:slow", []string{"pending/0 0s", "generating/0 10s", "uploading/0 1m0s", "completed/0 1m10s"}},
		"too slow":    {"video", "sandbox:slow", []string{"pending/0 0s", "generating/0 10s", "failed/0 5m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box := open(t, sandbox.Options{})
				me := as(t, box, 0)
				me.post("/api/settings/services", `{"provider":"RUNWARE","apiKey":"rw-good-enough-key"}`)
				time.Sleep(time.Minute)
				job := start(me, tc.kind, tc.prompt)
				time.Sleep(jobEnd)
				require.Equal(t, tc.want, states(box, job))
			})
		})
	}
}

const jobEnd = 6 * time.Minute

func TestAFinishedJobIsAPost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := open(t, sandbox.Options{})
		me := as(t, box, 0)
		job := start(me, "image", "a ring")
		begun := time.Now()
		pending := me.get("/api/generate/pending")
		require.Equal(t, job, pending.str("jobs.0.id"))
		require.Equal(t, "pending", pending.str("jobs.0.status"))
		require.Nil(t, pending.at("jobs.0.postId"))
		time.Sleep(2 * time.Second)
		require.Equal(t, "generating", me.get("/api/generate/pending").str("jobs.0.status"))
		require.Equal(t, "generating", me.get("/api/generate/history").str("jobs.0.status"), "running jobs show in history")
		time.Sleep(time.Minute)
		got := me.get("/api/generate/history")
		require.Equal(t, job, got.str("jobs.0.id"))
		require.Equal(t, "completed", got.str("jobs.0.status"))
		require.Equal(t, "image", got.str("jobs.0.type"))
		require.Equal(t, "gpt-image-1", got.str("jobs.0.model"))
		require.Equal(t, "Look @nova_ai #AIArt", got.str("jobs.0.postContent"))
		require.Equal(t, begun.Add(7*time.Second).UTC().Format("2006-01-02T15:04:05.000Z"), got.str("jobs.0.completedAt"))

		post := me.get("/api/posts/" + got.str("jobs.0.postId"))
		require.Equal(t, "IMAGE", post.str("post.mediaType"))
		require.Equal(t, got.str("jobs.0.resultUrl"), post.str("post.mediaUrls.0"))
		require.Equal(t, got.str("jobs.0.completedAt"), post.str("post.createdAt"), "dated when it happened, not when it was seen")
		require.Equal(t, []any{"aiart"}, post.list("post.hashtags"))
		require.Equal(t, []string{"MENTION orbit_bot"}, told(box, "nova_ai"))

		kind, file := fetch(t, box, got.str("jobs.0.resultUrl"))
		require.Equal(t, "image/png", kind)
		_, err := png.Decode(bytes.NewReader(file))
		require.NoError(t, err)
		require.Empty(t, box.Violations())
	})
}

func TestGeneratedFilmsAndSounds(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)
	me.post("/api/settings/services", `{"provider":"RUNWARE","apiKey":"rw-good-enough-key"}`)
	for kind, want := range map[string][2]string{
		"video": {"video/mp4", "VIDEO"}, "voice": {"audio/mpeg", "AUDIO"}, "music": {"audio/mpeg", "AUDIO"},
	} {
		job := start(me, kind, "sandbox:instant")
		got := me.get("/api/generate/history?limit=1")
		require.Equal(t, job, got.str("jobs.0.id"))
		contentType, file := fetch(t, box, got.str("jobs.0.resultUrl"))
		require.Equal(t, want[0], contentType)
		require.Equal(t, want[1], me.get("/api/posts/"+got.str("jobs.0.postId")).str("post.mediaType"))
		if kind == "video" {
			up := me.upload("/api/upload/video", "again.mp4", file, "purpose", "post")
			require.Equal(t, http.StatusCreated, up.status, up.text)
			require.InDelta(t, 5, up.at("duration"), 0)
		} else {
			require.Equal(t, []byte{0xff, 0xfb}, file[:2])
			require.Zero(t, len(file)%104, "whole frames")
		}
		box.Clock().Advance(time.Second)
	}
}

func TestThreeJobsAtOnce(t *testing.T) {
	t.Parallel()
	for quirk, want := range map[bool]int{false: http.StatusTooManyRequests, true: http.StatusBadRequest} {
		box := open(t, sandbox.Options{Quirks: sandbox.Quirks{TooManyJobs400: quirk}})
		me := as(t, box, 0)
		failed := start(me, "image", "sandbox:fail")
		box.Clock().Advance(10 * time.Second)
		for range 3 {
			start(me, "image", "sandbox:stuck")
		}
		body := `{"provider":"OPENAI","prompt":"x","generationType":"image"}`
		got := me.post("/api/generate", body)
		require.Equal(t, want, got.status)
		require.Equal(t, "too_many_jobs", got.str("error"))
		require.Empty(t, got.header.Get("Retry-After"), "a rule, not a rate")
		require.Equal(t, "too_many_jobs", me.post("/api/generate/"+failed+"/retry", "").str("error"), "a retry counts too")
		start(as(t, box, 1), "image", "another agent has room")
		box.Clock().Advance(5 * time.Minute)
		require.Equal(t, http.StatusAccepted, me.post("/api/generate", body).status)
		require.Empty(t, box.Violations(), "asking again after a rule is no breach of a pause")
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)
	job := start(me, "image", "sandbox:fail")
	require.Equal(t, "invalid_status", me.post("/api/generate/"+job+"/retry", "").str("error"))
	for n := 1; n <= 3; n++ {
		box.Clock().Advance(time.Minute)
		got := me.get("/api/generate/pending")
		require.Equal(t, "failed", got.str("jobs.0.status"))
		require.Equal(t, "the provider refused the prompt", got.str("jobs.0.errorMessage"))
		require.Nil(t, got.at("jobs.0.completedAt"))
		got = me.post("/api/generate/"+job+"/retry", "")
		require.Equal(t, http.StatusAccepted, got.status, got.text)
		require.JSONEq(t, fmt.Sprintf(`{"jobId":%q,"status":"pending","retryCount":%d}`, job, n), got.text)
		require.Nil(t, me.get("/api/generate/pending").at("jobs.0.errorMessage"))
	}
	box.Clock().Advance(time.Minute)
	require.Equal(t, "max_retries_exceeded", me.post("/api/generate/"+job+"/retry", "").str("error"))

	once := start(me, "image", "sandbox:fail-once")
	box.Clock().Advance(time.Minute)
	me.post("/api/generate/"+once+"/retry", "")
	box.Clock().Advance(time.Minute)
	require.Equal(t, "completed", me.get("/api/generate/history").str("jobs.0.status"))
}

func TestAFailedJobLeavesPendingAfterAnHour(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	me.post("/api/settings/services", `{"provider":"OPENAI","apiKey":"sk-good-enough-key"}`)
	box.Clock().Freeze(true)
	start(me, "image", "sandbox:fail")
	box.Clock().Advance(6*time.Second + time.Hour - time.Millisecond)
	me = as(t, box, 0)
	require.Len(t, me.get("/api/generate/pending").list("jobs"), 1)
	box.Clock().Advance(time.Millisecond)
	require.Empty(t, me.get("/api/generate/pending").list("jobs"))
	require.Len(t, me.get("/api/generate/history").list("jobs"), 1)
}

func TestAKeyDecidesOverTheJob(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"sk-invalid-as-it-is": "invalid key", "sk-quota-used-up-ok": "quota exceeded"} {
		box := open(t, sandbox.Options{Empty: true})
		me := as(t, box, 0)
		me.post("/api/settings/services", `{"provider":"OPENAI","apiKey":"`+key+`"}`)
		job := start(me, "image", "a ring")
		box.Clock().Advance(time.Minute)
		require.Equal(t, want, me.get("/api/generate/pending").str("jobs.0.errorMessage"))
		me.post("/api/settings/services", `{"provider":"OPENAI","apiKey":"sk-good-enough-key"}`)
		require.Equal(t, http.StatusAccepted, me.post("/api/generate/"+job+"/retry", "").status)
		box.Clock().Advance(time.Minute)
		require.Equal(t, "completed", me.get("/api/generate/history").str("jobs.0.status"))
		me.patch("/api/settings/services/OPENAI", `{"isActive":false}`)
		got := me.post("/api/generate", `{"provider":"OPENAI","prompt":"x","generationType":"image"}`)
		require.Equal(t, "service_inactive", got.str("error"))
	}
}

func TestJobsOfOneInstantMoveOneAfterAnother(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	box.Clock().Freeze(true)
	me := as(t, box, 0)
	for range 3 {
		start(me, "image", "a ring")
	}
	box.Clock().Advance(time.Minute)
	seen := map[time.Time]bool{}
	for _, h := range box.Happenings("orbit_bot") {
		if h.Kind == sandbox.HappenedJob && h.Type != "pending" {
			require.False(t, seen[h.At])
			seen[h.At] = true
		}
	}
	require.Len(t, seen, 9)
}

func TestJobTimingsScale(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{JobScale: 0.1})
	box.Clock().Freeze(true)
	job := start(as(t, box, 0), "image", "a ring")
	box.Clock().Advance(time.Second)
	require.Equal(t, []string{"pending/0 0s", "generating/0 100ms", "uploading/0 600ms", "completed/0 700ms"}, states(box, job))
}

func TestHistoryCanHideRunningJobs(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Quirks: sandbox.Quirks{HistoryWithoutRunning: true}})
	me := as(t, box, 0)
	job := start(me, "image", "a ring")
	require.NotEqual(t, job, me.get("/api/generate/history").str("jobs.0.id"))
	box.Clock().Advance(time.Minute)
	require.Equal(t, job, me.get("/api/generate/history").str("jobs.0.id"))
}

func TestModelsAndVoices(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)
	got := me.get("/api/generate/models?provider=OPENAI&type=image")
	require.JSONEq(t, `{"models":[{"id":"gpt-image-1","name":"GPT Image 1","isDefault":true},{"id":"dall-e-3","name":"DALL-E 3","isDefault":false}]}`, got.text)
	voices := me.get("/api/generate/voices?provider=ELEVENLABS")
	require.Equal(t, "Rachel", voices.str("voices.0.name"))
	require.Equal(t, "EXAVITQu4vr4xnSDxMaL", voices.str("voices.1.voice_id"))
	kind, _ := fetch(t, box, voices.str("voices.0.preview_url"))
	require.Equal(t, "audio/mpeg", kind)
	me.delete("/api/settings/services/ELEVENLABS")
	require.Equal(t, "service_not_connected", me.get("/api/generate/voices?provider=ELEVENLABS").str("error"))
	require.Equal(t, http.StatusOK, me.post("/api/settings/services/OPENAI/test", "").status)
}

func TestUnknownParametersGoIntoTheJournal(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)
	got := me.post("/api/generate", `{"provider":"OPENAI","prompt":"x","generationType":"image","params":{"size":"auto","aspect_ratio":"1:1"}}`)
	require.Equal(t, http.StatusAccepted, got.status)
	require.Len(t, box.Violations(), 1)
	require.Equal(t, "params.aspect_ratio", box.Violations()[0].Detail)
}
