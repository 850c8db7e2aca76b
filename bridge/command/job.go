package command

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func generateReading() []Spec {
	return []Spec{
		{
			Group: "generate", Verb: "pending", Summary: "Running generations", Aliases: []string{"jobs"}, Calls: []string{"GET /api/generate/pending"}, Result: imagine.Page[imagine.Job]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.PendingJobs(ctx)
				if err != nil {
					return Reply{}, err
				}
				r := jobList(api, a, p)
				if len(p.Items) == 0 {
					r.Text = "No generation is running."
				}
				return r, nil
			},
		},
		{
			Group: "generate", Verb: "history", Summary: "Past generations",
			Args:  []Arg{limitArg(10), choiceArg("status", "only in this state", "pending", "generating", "uploading", "completed", "failed"), cursorArg()},
			Calls: []string{"GET /api/generate/history"}, Result: imagine.Page[imagine.Job]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.JobHistory(ctx, a.page())
				if err != nil {
					return Reply{}, err
				}
				if s := a.Text("status"); s != "" {
					p.Items = slices.DeleteFunc(p.Items, func(j imagine.Job) bool { return j.Status != s })
				}
				return jobList(api, a, p), nil
			},
		},
		{
			Group: "generate", Verb: "retry", Summary: "Retry a failed generation", Aliases: []string{"retry"}, Access: Write, Repeat: Costs, Failed: "Not retried", Again: "Retry again",
			Args: []Arg{idArg("job", "which", Jobs)}, Calls: []string{"POST /api/generate/{job}/retry", "GET /api/generate/pending", "GET /api/generate/history"}, Result: imagine.StartedJob{},
			Run: retryJob,
			Look: func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
				j, ok, err := findJob(ctx, api, a.Text("job"))
				running := ok && j.Status != imagine.JobFailed && j.RetryCount > 0
				return followed(api, a, j, &imagine.StartedJob{JobID: j.ID, Status: j.Status, RetryCount: j.RetryCount}), running, err
			},
			Where: func(*imagine.Client, Args) bridge.Action {
				return bridge.Action{Label: "Look", Command: "generate pending"}
			},
		},
		{
			Group: "generate", Verb: "models", Summary: "A provider's models", Args: []Arg{providerArg(true), required(choiceArg("type", "for what", imagine.GenerationTypes()...))},
			Calls: []string{"GET /api/generate/models"}, Result: imagine.Page[imagine.Model]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				if can, known := imagine.Providers()[provider(a)]; known && !slices.Contains(can, a.Text("type")) {
					return Reply{}, cannotMake(provider(a), a.Text("type"))
				}
				p, err := api.Models(ctx, provider(a), a.Text("type"))
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "model", func(m imagine.Model) bridge.Message {
					card := bridge.Message{Event: "generation.model", Title: cut(oneLine(m.Name), maxName), Fields: field("Id", m.ID)}
					if m.IsDefault {
						card.Footnote = a.say("the usual one")
					}
					return card
				}), nil
			},
		},
		{
			Group: "generate", Verb: "voices", Summary: "Voices to speak with", Args: []Arg{{Name: "provider", Summary: "AI provider", Choices: []string{"ELEVENLABS"}}},
			Calls: []string{"GET /api/generate/voices"}, Result: imagine.Page[imagine.Voice]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Voices(ctx)
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "voice", func(v imagine.Voice) bridge.Message {
					m := bridge.Message{Event: "generation.voice", Title: cut(oneLine(v.Name), maxName), Footnote: dots(words(v.Gender), words(v.Age), words(v.Accent), words(v.UseCase)), Fields: field("Id", v.ID)}
					m.Actions = append([]bridge.Action{press("Use it", "generate voice", "voice", v.ID)}, open("Listen", v.PreviewURL)...)
					return m
				}), nil
			},
		},
	}
}

func jobList(api *imagine.Client, a Args, p *imagine.Page[imagine.Job]) Reply {
	return pageReply(a, p, "generation", func(j imagine.Job) bridge.Message {
		m := siteOf(api, a).jobCard(j, a.agent)
		m.UpdateKey, m.Version, m.Final = "", 0, false // a line of a list is not the card that lives
		return m
	})
}

// findJob looks for a generation among the running and the past ones.
func findJob(ctx context.Context, api *imagine.Client, id string) (imagine.Job, bool, error) {
	is := func(j imagine.Job) bool { return j.ID == id }
	j, ok, err := lookAmong(ctx, func(ctx context.Context, _ imagine.PageQuery) (*imagine.Page[imagine.Job], error) {
		return api.PendingJobs(ctx)
	}, is)
	if err != nil || ok {
		return j, ok, err
	}
	return lookAmong(ctx, api.JobHistory, is)
}

func retryJob(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	started, err := api.RetryJob(ctx, a.Text("job"))
	if e, ok := asRefusal(err); ok {
		return Reply{}, notRetried(ctx, api, a, e)
	}
	if err != nil {
		return Reply{}, err
	}
	j, ok, err := findJob(ctx, api, a.Text("job"))
	if err != nil || !ok { // it is started all the same
		j = imagine.Job{ID: started.JobID, Status: started.Status, RetryCount: started.RetryCount}
	}
	return followed(api, a, j, started), nil
}

// asRefusal finds an answer that says no for good.
func asRefusal(err error) (*imagine.Error, bool) {
	e, ok := asError(err)
	return e, ok && !e.Uncertain && !imagine.IsRateLimited(e) && (e.Status == 400 || e.Status == 409 || e.Status == 422 || e.Status == 429)
}

// notRetried finds out why a retry was refused: no tries left, no free slot, or not failed at all.
func notRetried(ctx context.Context, api *imagine.Client, a Args, cause *imagine.Error) error {
	j, ok, err := findJob(ctx, api, a.Text("job"))
	switch {
	case err != nil || !ok:
		return cause
	case j.Status != imagine.JobFailed:
		return &Problem{Code: 409, Status: "not_failed", Field: "job", Message: a.say("Not retried: this generation is %s.", a.in.Word(state(j.Status))), Buttons: []bridge.Action{{Label: "Show", Command: "generate pending"}}}
	case j.RetryCount >= imagine.MaxJobRetries:
		p := &Problem{Code: 409, Status: "max_retries", Field: "job", Message: a.say("This job was retried %d times; start it anew?", j.RetryCount)}
		if verb := verbOf(j.Type); verb != "" {
			p.Buttons = []bridge.Action{{Label: "Start", Command: "generate " + verb, Args: anew(j), Primary: true}}
		}
		return p
	case full(cause):
		p := slotsTaken(ctx, api, a, "retry")
		p.Buttons = p.Buttons[:1]
		return p
	}
	return cause
}

// anew are the arguments that start a generation once more.
func anew(j imagine.Job) map[string]string {
	out := map[string]string{"prompt": j.Prompt, "provider": j.Provider}
	if j.PostContent != "" {
		out["post_text"] = j.PostContent
	}
	if j.Model != "" {
		out["model"] = j.Model
	}
	return out
}

// kindWords are the words for what a generation makes.
type kindWords struct {
	many, article, ready, failed, open string
	media                              string
}

func thingOf(kind string) kindWords {
	switch kind {
	case "image":
		return kindWords{"images", "an image", "Image ready", "The image failed", "Open image", "IMAGE"}
	case "video":
		return kindWords{"videos", "a video", "Video ready", "The video failed", "Watch", "VIDEO"}
	case "voice":
		return kindWords{"voice", "a voice", "Voice ready", "The voice failed", "Listen", "AUDIO"}
	case "sound_effect":
		return kindWords{"sound effects", "a sound effect", "Sound effect ready", "The sound effect failed", "Listen", "AUDIO"}
	case "music":
		return kindWords{"music", "music", "Music ready", "The music failed", "Listen", "AUDIO"}
	}
	return kindWords{"such things", "something", "Result ready", "The generation failed", "Open result", "IMAGE"}
}

// jobCard is a generation in whichever state it is.
func (s site) jobCard(j imagine.Job, agent string) bridge.Message {
	thing := thingOf(j.Type)
	m := bridge.Message{
		Event: "generation.progressed", At: j.CreatedAt, Author: s.author(imagine.AgentRef{Handle: agent}), Text: cut(j.Prompt, 300), Tone: bridge.ToneBusy, Quiet: true,
		Title: s.say("Generating %s", s.say(thing.article)), UpdateKey: "job:" + j.ID, Version: jobVersion(j), Footnote: dots(providerName(j.Provider), words(j.Model), lasted(j)),
	}
	switch j.Status {
	case imagine.JobCompleted:
		m.Event, m.Title, m.Tone, m.Final, m.Quiet = "generation.completed", s.say(thing.ready), bridge.ToneGood, true, false
		m.Media, m.Link = mediaOf(thing.media, []string{j.ResultURL}, j.Prompt), webURL(s.post(j.PostID))
		m.Actions = append(open("Open post", s.post(j.PostID)), open(thing.open, j.ResultURL)...)
		m.Actions = append(m.Actions, changed("Again with changes", j)...)
	case imagine.JobFailed:
		m.Event, m.Title, m.Tone, m.Final, m.Quiet = "generation.failed", s.say(thing.failed), bridge.ToneBad, true, false
		m.Fields = field("Why", j.ErrorMessage)
		if len(m.Fields) == 0 {
			m.Fields = []bridge.Field{{Name: "Why", Value: s.say("The provider gave no reason.")}}
		}
		m.Footnote = dots(m.Footnote, s.say("try %d of %d", j.RetryCount+1, imagine.MaxJobRetries+1))
		if j.RetryCount < imagine.MaxJobRetries {
			m.Actions = append(m.Actions, press("Retry", "generate retry", "job", j.ID))
		}
		m.Actions = append(m.Actions, changed("Change prompt", j)...)
	default:
		m.Steps = s.steps(j.Status)
	}
	return m
}

// changed is the button that opens the form of a generation like this one.
func changed(label string, j imagine.Job) []bridge.Action {
	verb := verbOf(j.Type)
	if verb == "" {
		return nil
	}
	return []bridge.Action{{Label: label, Command: "generate " + verb, Args: with(anew(j), Form, "yes")}}
}

// jobVersion grows with each state and each retry, which keeps the job's id;
// the cards that events make count the same way.
func jobVersion(j imagine.Job) int {
	rank := 2
	switch j.Status {
	case imagine.JobPending:
		rank = 1
	case imagine.JobUploading:
		rank = 3
	case imagine.JobCompleted, imagine.JobFailed:
		rank = 9
	}
	return max(0, j.RetryCount)*10 + rank
}

func (s site) steps(status string) []bridge.Step {
	stages := []struct{ status, name string }{{imagine.JobPending, "queued"}, {imagine.JobGenerating, "generating"}, {imagine.JobUploading, "uploading"}, {imagine.JobCompleted, "done"}}
	at := slices.IndexFunc(stages, func(s struct{ status, name string }) bool { return s.status == status })
	if at < 0 {
		at = 1
		if status != "" {
			stages[1].name = strings.ToLower(words(status))
		}
	}
	var out []bridge.Step
	for i, stage := range stages {
		st := bridge.StepAhead
		switch {
		case i < at:
			st = bridge.StepDone
		case i == at:
			st = bridge.StepNow
		}
		out = append(out, bridge.Step{Name: s.in.Word(stage.name), State: st})
	}
	return out
}

// lasted is how long a generation took, or has taken so far.
func lasted(j imagine.Job) string {
	d := j.CompletedAt.Sub(j.CreatedAt).Round(time.Second)
	if j.CreatedAt.IsZero() || j.CompletedAt.IsZero() || d < time.Second || d > 24*time.Hour {
		return ""
	}
	return age(d)
}
