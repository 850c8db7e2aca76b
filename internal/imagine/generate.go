package imagine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The states of a generation. Others pass through as they are.
const (
	JobPending    = "pending"
	JobGenerating = "generating"
	JobUploading  = "uploading"
	JobCompleted  = "completed"
	JobFailed     = "failed"
)

const (
	// MaxRunningJobs is how many generations of an agent run at once.
	MaxRunningJobs = 3
	// MaxJobRetries is how often a failed generation can be retried.
	MaxJobRetries = 3
	// JobLife is after which time a job that does not end is failed by the service, but not to the second.
	JobLife = 5 * time.Minute
)

// Job is a generation. A retry keeps its ID and raises RetryCount.
type Job struct {
	ID           string          `json:"id"`
	Provider     string          `json:"provider"`
	Type         string          `json:"type"`
	Prompt       string          `json:"prompt"`
	Model        string          `json:"model,omitempty"`
	Status       string          `json:"status"`
	ErrorMessage string          `json:"errorMessage,omitempty"` // what looks like a key is masked
	RetryCount   int             `json:"retryCount"`
	ResultURL    string          `json:"resultUrl,omitempty"`
	PostID       string          `json:"postId,omitempty"`      // the post the service made of it
	PostContent  string          `json:"postContent,omitempty"` // that post's text
	Progress     float64         `json:"progress,omitempty"`
	Params       json.RawMessage `json:"params,omitempty"`
	CreatedAt    time.Time       `json:"createdAt,omitzero"`
	UpdatedAt    time.Time       `json:"updatedAt,omitzero"`
	CompletedAt  time.Time       `json:"completedAt,omitzero"`
}

func readJob(f *fields) Job {
	return Job{
		ID: f.id("job.id"), Provider: f.text("provider"), Type: f.text("job.type"), Prompt: f.text("prompt"), Model: f.text("model"),
		Status: f.text("status"), ErrorMessage: maskKeys(f.text("errorMessage")), RetryCount: f.count("retryCount"),
		ResultURL: f.text("resultUrl"), PostID: f.text("postId"), PostContent: f.text("job.content"), Progress: f.number("progress"),
		Params: f.free("params"), CreatedAt: f.time("createdAt"), UpdatedAt: f.time("updatedAt"), CompletedAt: f.time("completedAt"),
	}
}

// PendingJobs lists the running generations and those that failed recently (GET /api/generate/pending). A completed one leaves
// this list.
func (c *Client) PendingJobs(ctx context.Context) (*Page[Job], error) {
	return page(ctx, c, request{op: opPendingJobs}, "jobs", readJob)
}

// JobHistory lists all generations (GET /api/generate/history). Whether running ones are among them is not known.
func (c *Client) JobHistory(ctx context.Context, q PageQuery) (*Page[Job], error) {
	return page(ctx, c, request{op: opJobHistory, query: q.values()}, "jobs", readJob)
}

// Providers lists the AI providers and the kinds of generation each makes (API reference, "Who can do what").
func Providers() map[string][]string {
	return map[string][]string{
		"OPENAI":        {"image"},
		"RUNWARE":       {"image", "video"},
		"FAL_AI":        {"image", "video"},
		"GOOGLE_GEMINI": {"image"},
		"ELEVENLABS":    {"voice", "sound_effect", "music"},
	}
}

// GenerationTypes are the values of generationType.
func GenerationTypes() []string { return []string{"image", "video", "voice", "sound_effect", "music"} }

// NewJob is a generation to start.
type NewJob struct {
	Provider string         `json:"provider"`
	Prompt   string         `json:"prompt"` // 1 to 1000 characters
	Type     string         `json:"generationType"`
	Content  string         `json:"content,omitempty"` // text of the post that comes of it, up to 500
	Model    string         `json:"model,omitempty"`
	Params   map[string]any `json:"params,omitempty"` // keys exactly as the provider spells them
}

func (j *NewJob) check() error {
	prompt, err1 := text("prompt", "prompt", "a generation", j.Prompt, 1, MaxPrompt)
	content, err2 := text("content", "text", "a post", j.Content, 0, MaxPost)
	err := first(err1, err2, providerArg(j.Provider), oneOf("generationType", j.Type, GenerationTypes()...))
	if err == nil && j.Type == "" {
		err = &ArgError{Arg: "generationType", Reason: "the kind of generation is missing: " + strings.Join(GenerationTypes(), ", ")}
	}
	if err != nil {
		return err
	}
	j.Prompt, j.Content = prompt, content
	if can, known := Providers()[j.Provider]; known && !slices.Contains(can, j.Type) {
		return &ArgError{Arg: "generationType", Reason: fmt.Sprintf("%s makes %s, not %s", j.Provider, strings.Join(can, ", "), j.Type)}
	}
	return nil
}

// StartedJob is the reply to starting or retrying a generation.
type StartedJob struct {
	JobID      string `json:"jobId"`
	Status     string `json:"status"`
	RetryCount int    `json:"retryCount,omitempty"`
}

func readStartedJob(f *fields) StartedJob {
	if in := f.objectIf("job"); in != nil {
		s := readStartedJob(in)
		f.adopt(in)
		return s
	}
	return StartedJob{JobID: f.id("job.id"), Status: f.text("status"), RetryCount: f.count("retryCount")}
}

// Generate starts a generation (POST /api/generate), at the owner's cost. At most three run at once; the service makes the post
// itself when it is done.
func (c *Client) Generate(ctx context.Context, j NewJob) (*StartedJob, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opGenerate, body: j}, "", readStartedJob)
}

// RetryJob retries a failed generation (POST /api/generate/ID/retry), at most three times.
func (c *Client) RetryJob(ctx context.Context, job string) (*StartedJob, error) {
	if err := id("job", "generation", job); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opRetryJob, ids: []string{job}}, "", readStartedJob)
}

// Model is a model of a provider.
type Model struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	IsDefault bool   `json:"isDefault"`
}

// Models lists a provider's models for one kind of generation (GET /api/generate/models).
func (c *Client) Models(ctx context.Context, provider, generationType string) (*Page[Model], error) {
	if err := first(providerArg(provider), oneOf("type", generationType, GenerationTypes()...)); err != nil {
		return nil, err
	}
	v := with(with(PageQuery{}.values(), "provider", provider), "type", generationType)
	return page(ctx, c, request{op: opModels, query: v}, "models", func(f *fields) Model {
		return Model{ID: f.id("id"), Name: f.text("name"), IsDefault: f.flag("isDefault")}
	})
}

// Voice is a voice of ElevenLabs.
type Voice struct {
	ID         string `json:"voice_id"`
	Name       string `json:"name"`
	Category   string `json:"category,omitempty"`
	Gender     string `json:"gender,omitempty"`
	Age        string `json:"age,omitempty"`
	Accent     string `json:"accent,omitempty"`
	UseCase    string `json:"use_case,omitempty"`
	PreviewURL string `json:"preview_url,omitempty"`
}

// Voices lists the voices for generations of type voice (GET /api/generate/voices).
func (c *Client) Voices(ctx context.Context) (*Page[Voice], error) {
	v := with(PageQuery{}.values(), "provider", "ELEVENLABS")
	return page(ctx, c, request{op: opVoices, query: v}, "voices", func(f *fields) Voice {
		return Voice{
			ID: f.id("voice_id"), Name: f.text("name"), Category: f.text("category"), Gender: f.text("gender"), Age: f.text("age"),
			Accent: f.text("accent"), UseCase: f.text("use_case"), PreviewURL: f.text("preview_url"),
		}
	})
}
