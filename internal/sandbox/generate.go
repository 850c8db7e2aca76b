package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

const maxPrompt = 1000

var (
	generationTypes = []string{"image", "video", "voice", "sound_effect", "music"}
	providers       = []string{"OPENAI", "RUNWARE", "FAL_AI", "GOOGLE_GEMINI", "ELEVENLABS"}
)

// model is one row of what providers can do.
type model struct {
	provider, kind string
	ID             string `json:"id"`
	Name           string `json:"name"`
	IsDefault      bool   `json:"isDefault"`
}

var models = []model{
	{"OPENAI", "image", "gpt-image-1", "GPT Image 1", true},
	{"OPENAI", "image", "dall-e-3", "DALL-E 3", false},
	{"RUNWARE", "image", "runware:101@1", "FLUX.1 dev", true},
	{"RUNWARE", "video", "klingai:5@3", "Kling 2.1", true},
	{"FAL_AI", "image", "fal-ai/flux/dev", "FLUX.1 dev", true},
	{"FAL_AI", "video", "fal-ai/kling-video", "Kling Video", true},
	{"GOOGLE_GEMINI", "image", "gemini-2.5-flash-image", "Gemini 2.5 Flash Image", true},
	{"ELEVENLABS", "voice", "eleven_multilingual_v2", "Multilingual v2", true},
	{"ELEVENLABS", "sound_effect", "eleven_text_to_sound_v2", "Text to Sound v2", true},
	{"ELEVENLABS", "music", "music_v1", "Music v1", true},
}

// voice is spelled with underscores, as ElevenLabs does.
type voice struct {
	VoiceID    string  `json:"voice_id"`
	Name       string  `json:"name"`
	Category   *string `json:"category"`
	Gender     *string `json:"gender"`
	Age        *string `json:"age"`
	Accent     *string `json:"accent"`
	UseCase    *string `json:"use_case"`
	PreviewURL *string `json:"preview_url"`
}

// param is one provider-specific parameter: its JSON type and, where the public
// description names its values, those.
type param struct {
	provider, kind, key, shape string
	values                     []string
}

var params = []param{
	{"OPENAI", "image", "size", "string", nil},
	{"OPENAI", "image", "quality", "string", nil},
	{"RUNWARE", "image", "width", "integer", nil},
	{"RUNWARE", "image", "height", "integer", nil},
	{"RUNWARE", "video", "aspectRatio", "string", []string{"9:16", "16:9", "1:1"}},
	{"RUNWARE", "video", "duration", "integer", nil},
	{"RUNWARE", "video", "referenceImage", "string", nil},
	{"RUNWARE", "video", "CFGScale", "number", nil},
	{"FAL_AI", "image", "image_size", "string", nil},
	{"GOOGLE_GEMINI", "image", "aspect_ratio", "string", nil},
	{"ELEVENLABS", "voice", "voice_id", "string", nil},
	{"ELEVENLABS", "sound_effect", "duration_seconds", "number", nil},
	{"ELEVENLABS", "music", "music_length_ms", "integer", nil},
}

func generateRoutes() []Route {
	return []Route{
		{Method: http.MethodPost, Pattern: "/api/generate", Body: JSON, Create: true, handle: startGeneration},
		{Method: http.MethodGet, Pattern: "/api/generate/pending", handle: listPending},
		{Method: http.MethodGet, Pattern: "/api/generate/history", handle: listHistory},
		{Method: http.MethodGet, Pattern: "/api/generate/models", handle: listModels},
		{Method: http.MethodGet, Pattern: "/api/generate/voices", handle: listVoices},
		{Method: http.MethodPost, Pattern: "/api/generate/{id}/retry", Create: true, handle: retryGeneration},
	}
}

type jobView struct {
	ID           string  `json:"id"`
	Provider     string  `json:"provider"`
	Type         string  `json:"type"`
	Prompt       string  `json:"prompt"`
	Model        string  `json:"model"`
	Status       string  `json:"status"`
	ErrorMessage *string `json:"errorMessage"`
	RetryCount   int     `json:"retryCount"`
	ResultURL    *string `json:"resultUrl"`
	PostID       *string `json:"postId"`
	PostContent  *string `json:"postContent"`
	CreatedAt    stamp   `json:"createdAt"`
	CompletedAt  *stamp  `json:"completedAt"`
}

func (w *world) viewJob(j *job) jobView {
	return jobView{
		j.id, j.provider, j.kind, j.prompt, j.model, j.status, orNull(j.failure), j.retries, w.linkOrNull(j.result),
		orNull(j.postID), orNull(j.content), stamp(j.createdAt), stampOrNull(j.completedAt),
	}
}

type jobsReply struct {
	Jobs []jobView `json:"jobs"`
}

// startReply answers a start and a retry.
type startReply struct {
	JobID      string `json:"jobId"`
	Status     string `json:"status"`
	RetryCount *int   `json:"retryCount,omitempty"`
}

func startGeneration(c *call) (reply, error) {
	o := order{
		provider: c.in.text("provider", 1, 64), prompt: c.in.text("prompt", 1, maxPrompt),
		kind: c.in.text("generationType", 1, 64), content: c.in.text("content", 0, maxPost),
		model: c.in.text("model", 0, 200),
	}
	given := c.in.object("params")
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	if err := c.check(o); err != nil {
		return reply{}, err
	}
	if err := c.checkParams(o, given); err != nil {
		return reply{}, err
	}
	j, err := c.start(c.me, o)
	if err != nil {
		return reply{}, err
	}
	return accepted(startReply{JobID: j.id, Status: statusPending})
}

// check says whether the provider can do it.
func (w *world) check(o order) error {
	if !slices.Contains(w.opt.providers(), o.provider) {
		return invalidProvider(w.opt)
	}
	if !slices.Contains(generationTypes, o.kind) {
		return invalid("generationType must be one of %s", strings.Join(generationTypes, ", "))
	}
	can := slices.ContainsFunc(models, func(m model) bool { return m.provider == o.provider && m.kind == o.kind })
	if !can {
		return refuse(http.StatusBadRequest, "invalid_type", "%s cannot generate %s", o.provider, o.kind)
	}
	known := slices.ContainsFunc(models, func(m model) bool {
		return m.provider == o.provider && m.kind == o.kind && m.ID == o.model
	})
	if o.model != "" && !known {
		return invalid("model %q is not one of this provider and type", o.model)
	}
	return nil
}

func invalidProvider(opt *Options) error {
	return refuse(http.StatusBadRequest, "invalid_provider", "provider must be one of %s", strings.Join(opt.providers(), ", "))
}

// checkParams holds parameters to their JSON type; unknown ones go into the
// journal.
func (c *call) checkParams(o order, given map[string]json.RawMessage) error {
	for key, raw := range given {
		i := slices.IndexFunc(params, func(p param) bool {
			return p.provider == o.provider && p.kind == o.kind && p.key == key
		})
		if i < 0 {
			c.x.flag(RuleUnknownField, "params."+key)
			continue
		}
		if p := params[i]; !p.fits(raw) {
			return invalid("params.%s must be %s", key, p.wants())
		}
	}
	return nil
}

func (p param) fits(raw json.RawMessage) bool {
	switch p.shape {
	case "integer":
		var n int
		return json.Unmarshal(raw, &n) == nil
	case "number":
		var n float64
		return json.Unmarshal(raw, &n) == nil
	default:
		var s string
		return json.Unmarshal(raw, &s) == nil && (p.values == nil || slices.Contains(p.values, s))
	}
}

func (p param) wants() string {
	if p.values != nil {
		return "one of " + strings.Join(p.values, ", ")
	}
	return "a JSON " + p.shape
}

// listPending holds running jobs and those that failed within the hour.
func listPending(c *call) (reply, error) {
	out := []jobView{}
	for j := range c.me.jobs.newest {
		if j.running() || (j.status == statusFailed && c.now.Sub(j.failedAt) < failedShown) {
			out = append(out, c.viewJob(j))
		}
	}
	return done(jobsReply{out})
}

func listHistory(c *call) (reply, error) {
	p := c.in.pageOf("j")
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	items, end := cut(c.me.jobs, p, func(j *job) bool { return !c.opt.Quirks.HistoryWithoutRunning || !j.running() })
	return done(struct {
		Jobs []jobView `json:"jobs"`
		pageEnd
	}{each(items, c.viewJob), end})
}

func listModels(c *call) (reply, error) {
	o := order{provider: c.in.param("provider"), kind: c.in.param("type")}
	if err := c.check(o); err != nil {
		return reply{}, err
	}
	list := []model{}
	for _, m := range models {
		if m.provider == o.provider && m.kind == o.kind {
			list = append(list, m)
		}
	}
	return done(struct {
		Models []model `json:"models"`
	}{list})
}

func listVoices(c *call) (reply, error) {
	if p := c.in.param("provider"); p != "ELEVENLABS" {
		return reply{}, refuse(http.StatusBadRequest, "invalid_provider", "provider must be ELEVENLABS")
	}
	if err := c.me.usable("ELEVENLABS"); err != nil {
		return reply{}, err
	}
	row := func(id, name, gender, accent, use string) voice {
		preview := c.link(c.sample("voice-"+strings.ToLower(name)+".mp3", kindVoice, 2))
		return voice{id, name, new("premade"), &gender, new("young"), &accent, &use, &preview}
	}
	return done(struct {
		Voices []voice `json:"voices"`
	}{[]voice{
		row("21m00Tcm4TlvDq8ikWAM", "Rachel", "female", "american", "narration"),
		row("EXAVITQu4vr4xnSDxMaL", "Sarah", "female", "american", "news"),
		row("TxGEqnHWrfWFTfGW9XjX", "Josh", "male", "american", "narration"),
		{VoiceID: "sandboxVoiceWithNoTraits", Name: "Plain"},
	}})
}

func retryGeneration(c *call) (reply, error) {
	j := c.jobs[c.in.vars["id"]]
	if j == nil || j.agent != c.me {
		return reply{}, notFound("No such job")
	}
	if err := c.retry(j); err != nil {
		return reply{}, err
	}
	return accepted(startReply{j.id, statusPending, &j.retries})
}
