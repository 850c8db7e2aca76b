package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func generateSpecs() []Spec {
	return slices.Concat(generateMaking(), generateReading())
}

// generateMaking is one verb for each kind of thing, since their choices differ.
func generateMaking() []Spec {
	aspect := Arg{Name: "aspect", Summary: "shape, such as 16:9", Max: 30}
	making := func(verb, summary string, own ...Arg) Spec {
		args := []Arg{{Name: "prompt", Summary: "what to make", Required: true, Long: true, Min: 1, Max: imagine.MaxPrompt}, providerArg(false), {Name: "post_text", Summary: "text of the post", Max: imagine.MaxPost}}
		args = append(args, Arg{Name: "model", Summary: "else the usual one", Complete: Models, Max: maxID})
		return Spec{
			Group: "generate", Verb: verb, Summary: summary, Aliases: []string{verb}, Access: Write, Repeat: Costs, Failed: "Not started", Again: "Start again",
			Args:  append(append(args, own...), Arg{Name: "wait", Summary: "for a free slot", Kind: Flag}),
			Calls: []string{"POST /api/generate", "GET /api/settings/services", "GET /api/generate/pending", "GET /api/generate/history"}, Result: imagine.StartedJob{},
			Run: startJob(verb), Look: lookForJob(verb),
			Where: func(*imagine.Client, Args) bridge.Action {
				return bridge.Action{Label: "Look", Command: "generate pending"}
			},
		}
	}
	seconds := func(low, high float64) Arg {
		return Arg{Name: "seconds", Summary: "how long", Kind: Number, Min: low, Max: high}
	}
	return []Spec{
		making("image", "Make an image",
			Arg{Name: "size", Summary: "such as 1024x1024", Max: 20}, Arg{Name: "quality", Summary: "low to high", Max: 20},
			Arg{Name: "width", Summary: "width in pixels", Kind: Integer, Min: 128, Max: 2048}, Arg{Name: "height", Summary: "height in pixels", Kind: Integer, Min: 128, Max: 2048}, aspect),
		making("video", "Make a video", aspect,
			Arg{Name: "duration", Summary: "in seconds", Kind: Integer, Min: 1, Max: 60}, Arg{Name: "reference", Summary: "address of a picture", Max: 2000},
			Arg{Name: "cfg", Summary: "how closely", Kind: Number, Max: 50}),
		making("voice", "Speak a text", Arg{Name: "voice", Summary: "whose voice", Complete: Voices, Max: maxID}),
		making("sound", "Make a sound", seconds(0.5, 30)),
		making("music", "Make music", seconds(3, 600)),
	}
}

// kindOf is the API's word for what a verb makes.
func kindOf(verb string) string {
	if verb == "sound" {
		return "sound_effect"
	}
	return verb
}

// verbOf is the verb that makes a kind of thing; "" for an unknown kind.
func verbOf(kind string) string {
	switch {
	case kind == "sound_effect":
		return "sound"
	case slices.Contains(imagine.GenerationTypes(), kind):
		return kind
	}
	return ""
}

func startJob(verb string) runFunc {
	return func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
		job, err := newJob(ctx, api, a, kindOf(verb))
		if err != nil {
			return Reply{}, err
		}
		started, err := api.Generate(ctx, job)
		for full(err) && a.On("wait") {
			if end, ok := ctx.Deadline(); ok && time.Until(end) < 2*slotPause {
				return Reply{}, waitedInVain(a, verb)
			}
			a.Tell(Reply{Text: "Three generations are running; yours starts when one ends."})
			if !sleep(ctx, slotPause) {
				return Reply{}, ctx.Err()
			}
			started, err = api.Generate(ctx, job)
		}
		if full(err) {
			return Reply{}, slotsTaken(ctx, api, a, verb)
		}
		if err != nil {
			return Reply{}, err
		}
		return followed(api, a, imagine.Job{
			ID: started.JobID, Status: started.Status, Provider: job.Provider, Type: job.Type, Prompt: job.Prompt, Model: job.Model, RetryCount: started.RetryCount, CreatedAt: time.Now(),
		}, started), nil
	}
}

// waitedInVain is the end of a wait for a slot that did not become free. It comes
// while there is time left: a try that is cut off may have started something.
func waitedInVain(a Args, verb string) error {
	return &Problem{
		Code: 503, Status: "too_many_jobs", Message: "Not started: no slot became free in time.",
		Buttons: []bridge.Action{{Label: "Show", Command: "generate pending"}, {Label: "Queue it", Command: "generate " + verb, Args: typedAll(a.values), Primary: true}},
	}
}

// slotPause lies between two tries to get a free slot.
const slotPause = 5 * time.Second

// full reports the refusal of a fourth generation at once. Its status and code
// are not documented: any refusal that is not a rate limit and speaks of how
// many run is taken for it.
func full(err error) bool {
	e, ok := errors.AsType[*imagine.Error](err)
	if !ok || e.Uncertain || e.Status < 400 || e.Status >= 500 || imagine.IsRateLimited(err) {
		return false
	}
	says := strings.ToLower(e.Code + " " + e.Message)
	return e.Status == 429 || strings.Contains(says, "too_many_jobs") || strings.Contains(says, "concurrent") || strings.Contains(says, "at once")
}

// slotsTaken is the answer to a fourth generation at once.
func slotsTaken(ctx context.Context, api *imagine.Client, a Args, verb string) *Problem {
	p := &Problem{Code: 409, Status: "too_many_jobs", Message: a.say("Three generations are running, the most ImagineAnything allows.")}
	var oldest time.Time
	if page, err := api.PendingJobs(ctx); err == nil {
		for _, j := range page.Items {
			if j.Status != imagine.JobFailed && !j.CreatedAt.IsZero() && (oldest.IsZero() || j.CreatedAt.Before(oldest)) {
				oldest = j.CreatedAt
			}
		}
	}
	if !oldest.IsZero() {
		now := time.Now()
		if skew, known := api.Skew(); known {
			now = now.Add(-skew)
		}
		p.Message = a.say("%s The oldest started %s ago.", p.Message, age(now.Sub(oldest)))
	}
	p.Buttons = []bridge.Action{
		{Label: "Show", Command: "generate pending"},
		{Label: "Queue it", Command: "generate " + verb, Args: with(typedAll(a.values), "wait", "yes"), Primary: true},
	}
	return p
}

// withProvider names who makes it, where that is known.
func withProvider(a Args, provider string) string {
	if provider == "" {
		return ""
	}
	return a.say(" with %s", providerName(provider))
}

// age writes a duration as "20 s", "2 min", "3 h".
func age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

// lookForJob finds a generation of this prompt started since the command began.
func lookForJob(verb string) func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
	return func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
		fits := func(j imagine.Job) bool {
			return j.Type == kindOf(verb) && sameText(j.Prompt, a.Text("prompt")) && !j.CreatedAt.IsZero() && a.after(api, j.CreatedAt)
		}
		j, ok, err := lookAmong(ctx, func(ctx context.Context, _ imagine.PageQuery) (*imagine.Page[imagine.Job], error) {
			return api.PendingJobs(ctx)
		}, fits)
		if err == nil && !ok {
			j, ok, err = lookAmong(ctx, api.JobHistory, fits)
		}
		return followed(api, a, j, &imagine.StartedJob{JobID: j.ID, Status: j.Status, RetryCount: j.RetryCount}), ok, err
	}
}

// followed is a generation under way: its card is edited until it ends.
func followed(api *imagine.Client, a Args, j imagine.Job, data any) Reply {
	return Reply{Data: data, Text: a.say("Making %s%s.", a.say(thingOf(j.Type).article), withProvider(a, j.Provider)), Messages: []bridge.Message{siteOf(api, a).jobCard(j, a.agent)}, Job: j.ID}
}
