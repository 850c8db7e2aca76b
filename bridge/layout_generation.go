package bridge

import (
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
)

// stages of a generation in the order of the API (§11.4), as people read them.
var stages = []struct{ status, name string }{
	{"pending", "queued"},
	{"generating", "generating"},
	{"uploading", "uploading"},
	{"completed", "done"},
}

// things are the words for what a generation makes.
var things = map[string]struct {
	name, article, failed string
	media                 MediaKind
	open                  string
}{
	"image":        {"image", "an image", "The image failed", MediaImage, "Open image"},
	"video":        {"video", "a video", "The video failed", MediaVideo, "Watch"},
	"voice":        {"voice", "a voice", "The voice failed", MediaAudio, "Listen"},
	"sound_effect": {"sound effect", "a sound effect", "The sound effect failed", MediaAudio, "Listen"},
	"music":        {"music", "music", "The music failed", MediaAudio, "Listen"},
}

// layoutJob shows a generation in whichever state it is: one message, edited
// until its end.
func (c Cards) layoutJob(e events.Event, j events.Job) Message {
	thing, known := things[j.Type]
	if !known {
		thing.name, thing.article, thing.failed, thing.open = "result", "something", "The generation failed", "Open result"
	}
	m := Message{
		Author: jobAuthor(e), Text: shorten(j.Prompt, maxPrompt), Tone: ToneBusy, Quiet: true,
		Version:  jobVersion(j),
		Footnote: joined(by(ProviderName(j.Provider)), by(j.Model), lasted(j.CreatedAt, j.CompletedAt), c.try(j)),
	}
	if j.ID != "" {
		m.UpdateKey = "job:" + j.ID
	}
	what := c.say(thing.article)
	if p := by(ProviderName(j.Provider)); p != "" {
		what += c.say(" with %s", p)
	}
	switch e.Data.(type) {
	case events.GenerationCompleted:
		m.Title = c.say(strings.ToUpper(thing.name[:1]) + thing.name[1:] + " ready")
		m.Headline = c.headline("made %s", "", say(what))
		m.Tone, m.Final, m.Quiet, m.Link = ToneGood, true, false, webURL(j.PostURL)
		if m.Link != "" {
			m.Headline = c.headline("made %s and [posted it]", j.PostURL, say(what))
		}
		m.Quotes = quote(c.say("Posted with"), j.PostContent)
		if known && webURL(j.ResultURL) != "" {
			m.Media = []Media{{Kind: thing.media, URL: webURL(j.ResultURL), Alt: shorten(oneLine(j.Prompt), maxQuote)}}
		}
		m.Actions = open(Action{Label: "Open post", URL: j.PostURL, Primary: true}, Action{Label: thing.open, URL: j.ResultURL})
	case events.GenerationFailed:
		m.Title, m.Headline = c.say(thing.failed), c.headline("could not make %s", "", say(what))
		m.Tone, m.Final, m.Quiet = ToneBad, true, false
		m.Fields = []Field{{Name: "Why", Value: c.why(j.ErrorMessage)}}
	default:
		m.Steps = c.jobSteps(j.Status)
		m.Title, m.Headline = c.say("Generating %s", c.say(thing.article)), c.headline("is making %s", "", say(what))
	}
	return m
}

// ProviderName is how people call a provider of generations; one that is not
// known is called as the API calls it.
func ProviderName(id string) string {
	switch id {
	case "OPENAI":
		return "OpenAI"
	case "RUNWARE":
		return "Runware"
	case "FAL_AI":
		return "fal"
	case "GOOGLE_GEMINI":
		return "Gemini"
	case "ELEVENLABS":
		return "ElevenLabs"
	}
	return id
}

// jobAuthor is the agent itself, of whom a job says nothing.
func jobAuthor(e events.Event) *Author {
	base, _, _ := strings.Cut(e.Source, "/agents/")
	return authorOf(events.Agent{Handle: e.Agent(), URL: base + "/agent/" + e.Agent()})
}

// jobVersion grows with each state and each retry, which keeps the job's id.
func jobVersion(j events.Job) int {
	rank := 2 // a state we do not know lies between the first and the last
	switch j.Status {
	case "pending":
		rank = 1
	case "uploading":
		rank = 3
	case "completed", "failed":
		rank = 9
	}
	return max(0, j.RetryCount)*10 + rank
}

// jobSteps is how far a generation under way has come. A state we do not know is
// shown under its own name in the middle.
func (c Cards) jobSteps(status string) []Step {
	at := 1
	out := make([]Step, len(stages))
	for i, s := range stages {
		out[i].Name = c.In.Word(s.name)
		if s.status == status {
			at = i
		}
	}
	if stages[at].status != status {
		out[at].Name = by(status)
	}
	for i := range out[:at] {
		out[i].State = StepDone
	}
	out[at].State = StepNow
	return out
}

// why is the provider's reason in one line, and the next step where the reason
// is a common one.
func (c Cards) why(reason string) string {
	reason = shorten(oneLine(reason), maxQuote)
	if reason == "" {
		return c.say("The provider gave no reason. Try again.")
	}
	lower := strings.ToLower(reason)
	for _, advice := range []struct{ sign, step string }{
		{"quota", "Check the plan and balance at the provider."},
		{"billing", "Check the plan and balance at the provider."},
		{"key", "Check the provider's key in the agent's connected services."},
		{"unauthorized", "Check the provider's key in the agent's connected services."},
		{"policy", "Change the prompt."},
		{"safety", "Change the prompt."},
		{"moderation", "Change the prompt."},
		{"timed out", "Try again."},
		{"timeout", "Try again."},
		{"rate limit", "Try again in a minute."},
	} {
		if strings.Contains(lower, advice.sign) {
			return strings.TrimRight(reason, ".") + ". " + c.say(advice.step)
		}
	}
	return reason
}

// try counts attempts: the API allows three retries (§11.4).
func (c Cards) try(j events.Job) string {
	if j.RetryCount <= 0 && j.Status != "failed" {
		return ""
	}
	return c.say("try %d of %d", max(0, j.RetryCount)+1, 4)
}

func by(name string) string { return shorten(oneLine(name), maxThread) }
