package command

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// where is what is known about the command an error came from. The zero value
// is good: the sentences are then less particular.
type where struct {
	in     language.Speaker
	spec   *Spec
	agent  string
	door   string
	values map[string]any // as the door gave them, without secrets
}

// Explain puts an error into words for people: what happened, to what, and the
// next step, saying first whether anything was done (docs/reliability.md, "How
// an error speaks"). What it does not know is a defect of ours and gets a
// reference number. nil gives nil.
func Explain(in language.Speaker, err error) *Problem { return explain(where{in: in}, err).In(in) }

func explain(w where, err error) *Problem {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*ArgError](err); ok {
		return w.argument(e)
	}
	if e, ok := errors.AsType[*imagine.ArgError](err); ok {
		return w.argument(&ArgError{Spec: w.spec, Arg: w.ours(e.Arg), Got: e.Got, Limit: e.Limit, Status: "invalid", Reason: phrase("%s: %s.", w.failed(), w.in.Word(strings.TrimRight(e.Reason, ".")))})
	}
	if e, ok := errors.AsType[*imagine.Error](err); ok {
		return w.service(e)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Problem{Code: 504, Status: "timeout", Message: w.say("%s: it took too long.", w.failed()), Buttons: w.again("Try again")}
	}
	ref := rand.Text()[:8]
	return &Problem{Code: 500, Status: "internal", Message: w.say("%s: something went wrong inside the bridge. Reference %s.", w.failed(), ref), reference: ref}
}

// explain adds what is known of the request, and tells the operator what only a log can hold.
func (r *Runner) explain(ctx context.Context, j *job, err error) *Problem {
	p := explain(j.where(), err)
	if p.Status == "internal" {
		r.o.Log.ErrorContext(ctx, "command failed", "command", j.spec.Name(), "agent", j.q.Agent, "reference", p.reference, "err", err)
	}
	return p
}

func (j *job) where() where {
	w := where{in: j.q.speaker(), spec: j.spec, agent: j.q.Agent, door: j.q.Door, values: maps.Clone(j.q.Values)}
	maps.DeleteFunc(w.values, func(name string, _ any) bool { arg, _ := j.spec.Arg(name); return arg.Secret || name == Form })
	return w
}

// failed is how the sentence begins: nothing was done.
func (w where) failed() string { return w.say(w.spec.failed()) }

func (s *Spec) failed() string {
	switch {
	case s != nil && s.Failed != "":
		return s.Failed
	case s != nil && s.Repeat == Reads:
		return "Not read"
	}
	return "Not done"
}

// chat reports a door where people press buttons.
func (w where) chat() bool { return w.door == Discord || w.door == Slack }

// again is the button that runs the command once more with what was given.
func (w where) again(label string) []bridge.Action {
	if w.spec == nil {
		return nil
	}
	for _, arg := range w.spec.Args {
		if arg.Secret || arg.Kind == Attachment && arg.Required {
			return []bridge.Action{{Label: w.say(label), Command: w.spec.Name(), Args: with(typedAll(w.values), Form, "yes"), Primary: true}}
		}
	}
	return []bridge.Action{{Label: w.say(label), Command: w.spec.Name(), Args: typedAll(w.values), Primary: true}}
}

// edit is the button that opens the command's form with what was given.
func (w where) edit(label string) []bridge.Action {
	if w.spec == nil {
		return nil
	}
	return []bridge.Action{{Label: w.say(label), Command: w.spec.Name(), Args: with(typedAll(w.values), Form, "yes"), Primary: true}}
}

func with(m map[string]string, name, value string) map[string]string {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]string{}
	}
	out[name] = value
	return out
}

// argument words an argument that was refused before anything was sent.
func (w where) argument(e *ArgError) *Problem {
	if w.spec == nil {
		w.spec = e.Spec
	}
	p := &Problem{Code: 400, Status: "invalid_argument", Field: e.Arg, Message: w.in.Speak(e.Reason), Hint: w.in.Speak(e.Hint)}
	switch e.Status {
	case "too_long":
		if w.chat() {
			p.Buttons = w.edit("Edit")
			if arg, _ := w.spec.Arg(e.Arg); arg.Holder != "" {
				p.Hint = "Your text is kept:"
			}
		}
	case "empty":
		if arg, ok := w.spec.Arg(e.Arg); ok && !w.chat() && w.door != "" {
			p.Message = w.say("%s is required%s", e.Arg, bracketed(arg.holds()))
		}
	case "secret_in_open", "key_in_text":
		p.Status = e.Status
		w.values = maps.Clone(w.values)
		maps.DeleteFunc(w.values, func(name string, v any) bool { return name == e.Arg || LooksLikeKey(typed(v)) })
		if arg, _ := w.spec.argOr(e.Arg); w.chat() && arg.Secret {
			p.Buttons = w.edit("Enter key")
		}
	case "not_a_time", "passed", "too_far":
		if w.chat() {
			p.Buttons = w.edit("Edit")
		}
	case "required", "one_of":
		if w.chat() {
			p.Buttons = w.edit("Open form")
		}
	}
	return p
}

// ours is our name for a field of the API.
func (w where) ours(field string) string {
	name := map[string]string{
		"content": "text", "message": "text", "mediaIds": "media", "media": "media", "parentId": "reply_to", "handle": "handle", "q": "query",
		"websiteUrl": "website", "agentType": "type", "generationType": "type", "apiKey": "key", "participantHandle": "handle", "file": "file",
	}[field]
	if name == "" {
		name = field
	}
	if w.spec != nil {
		if _, ok := w.spec.Arg(name); !ok {
			for _, other := range []string{"caption", "post_text", "files", "file", "description"} {
				if _, ok := w.spec.Arg(other); ok {
					return other
				}
			}
		}
	}
	return name
}

// service words a failure of the API, by status first.
func (w where) service(e *imagine.Error) *Problem {
	switch {
	case e.Uncertain:
		return w.doubt()
	case imagine.IsRateLimited(e):
		return w.limited(e.RetryAfter)
	case errors.Is(e, imagine.ErrNoCredentials), imagine.IsUnauthorized(e):
		return &Problem{
			Code: 401, Status: "unauthorized", Message: w.say("%s: ImagineAnything refuses the credentials of %s%s.", w.failed(), w.who(), bracketed(phrase("%s", words(e.Code)))),
			Hint: "An admin can enter new ones: /ia connect.",
		}
	case errors.Is(e, imagine.ErrNotOffered):
		return w.notOffered(e)
	case e.Status == 404:
		return w.notFound(e)
	case e.Status == 403:
		return w.forbidden()
	case e.Status == 413:
		return &Problem{Code: 413, Status: "too_large", Message: w.say("%s: the file is larger than ImagineAnything takes.", w.failed()), Hint: "Send a smaller one."}
	case e.Status == 409:
		return &Problem{Code: 409, Status: "conflict", Message: w.said(e, "that is so already")}
	case e.Status == 400 || e.Status == 422 || e.Status == 429:
		return &Problem{Code: 400, Status: "refused", Message: w.said(e, "ImagineAnything refused it"), Buttons: w.retryForm()}
	case e.Status >= 500:
		return &Problem{Code: 502, Status: "service_error", Message: w.say("ImagineAnything had a problem (%d). %s.", e.Status, w.failed()), Buttons: w.again("Try again")}
	case errors.Is(e, imagine.ErrGarbled), errors.Is(e, imagine.ErrTooLarge):
		return &Problem{Code: 502, Status: "bad_reply", Message: w.say("ImagineAnything's answer could not be read. %s.", w.failed()), Buttons: w.again("Try again")}
	case errors.Is(e, context.DeadlineExceeded), errors.Is(e, context.Canceled):
		return &Problem{Code: 504, Status: "timeout", Message: w.say("%s: it took too long.", w.failed()), Buttons: w.again("Try again")}
	case e.Status == 0:
		return &Problem{Code: 502, Status: "no_answer", Message: w.say("ImagineAnything did not answer. %s.", w.failed()), Buttons: w.again("Try again")}
	}
	return &Problem{Code: 502, Status: "refused", Message: w.say("%s: ImagineAnything answered %d.", w.failed(), e.Status)}
}

// retryForm is for a refusal that another text may mend.
func (w where) retryForm() []bridge.Action {
	if !w.chat() || w.spec == nil || w.spec.Repeat == Reads {
		return nil
	}
	return w.edit("Edit")
}

// said quotes the service, or gives our own words where it said nothing.
func (w where) said(e *imagine.Error, otherwise string) string {
	if m := strings.TrimRight(words(e.Message), "."); m != "" {
		return w.say("%s: ImagineAnything says “%s”.", w.failed(), m)
	}
	return w.say("%s: %s.", w.failed(), w.say(otherwise))
}

// words makes foreign text fit for a sentence.
func words(s string) string {
	return cut(oneLine(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)), 200)
}

func (w where) who() string {
	if w.agent == "" {
		return w.say("this agent")
	}
	return w.agent
}

// limited is a pause that outlasts the time we had.
func (w where) limited(wait time.Duration) *Problem {
	p := &Problem{Code: 429, Status: "rate_limited", Message: w.say("ImagineAnything asks for a pause. %s.", w.failed()), Buttons: w.again("Try again")}
	if s := int((wait + time.Second - 1) / time.Second); s > 0 {
		p.Message = w.say("ImagineAnything asks for a pause of %d s. %s.", s, w.failed())
	}
	return p
}

// doubt is a command of unknown fate.
func (w where) doubt() *Problem {
	p := &Problem{Code: 504, Status: "unknown", Unknown: true}
	if w.spec == nil {
		p.Message = w.say("I can't tell whether this was done.")
		return p
	}
	done := strings.TrimPrefix(w.failed(), w.say("Not "))
	p.Message = w.say("I can't tell whether this was %s.", done)
	if w.spec.Repeat < Creates {
		p.Hint = "Doing it again does no harm."
		p.Buttons = w.again("Try again")
		return p
	}
	label := w.spec.Again
	if label == "" {
		label = "Do it again"
	}
	again := w.again(label)
	for i := range again {
		again[i].Primary = false
	}
	p.Buttons = again
	return p
}

// doubt adds where to look.
func (r *Runner) doubt(ctx context.Context, j *job, cause error) *Problem {
	p := j.where().doubt()
	if j.spec.Where != nil {
		p.Buttons = append([]bridge.Action{j.spec.Where(j.api, j.args)}, p.Buttons...)
	}
	r.o.Log.WarnContext(ctx, "command of unknown fate", "command", j.spec.Name(), "agent", j.q.Agent, "err", cause)
	return p
}

// endpoint finds the call an error came from.
func endpoint(op string) (imagine.Endpoint, bool) {
	all := imagine.Endpoints()
	i := slices.IndexFunc(all, func(e imagine.Endpoint) bool { return e.Op == op })
	if i < 0 {
		return imagine.Endpoint{}, false
	}
	return all[i], true
}

// thing names what a call's path is about, and our argument for it.
func thing(op string) (what, arg string) {
	e, _ := endpoint(op)
	_, rest, ok := strings.Cut(e.Pattern, "{")
	if !ok {
		return "", ""
	}
	if i := strings.LastIndex(e.Pattern, "{"); i >= 0 {
		rest = e.Pattern[i+1:]
	}
	name, _, _ := strings.Cut(rest, "}")
	what = map[string]string{
		"handle": "that agent", "job": "that generation", "provider": "that connected service", "service": "that offer", "post": "that post", "comment": "that comment",
		"conversation": "that conversation", "message": "that message", "order": "that order", "byte": "that byte", "tag": "that hashtag",
	}[name]
	return cmp.Or(what, "that "+name), name
}

func (w where) notFound(e *imagine.Error) *Problem {
	what, field := thing(e.Op)
	if what == "" {
		return &Problem{Code: 404, Status: "not_found", Message: w.said(e, "ImagineAnything can't find it")}
	}
	p := &Problem{Code: 404, Status: "not_found", Field: field, Message: w.say("I can't find %s.", w.say(what))}
	switch what {
	case "that agent":
		p.Hint = "Check the handle; it is the part after @."
	case "that connected service":
		p.Message = "That provider is not connected."
		p.Hint = "An admin can connect it: /ia-admin service connect."
	default:
		p.Message = w.say("I can't find %s. It may have been deleted.", w.say(what))
		if arg, ok := w.spec.argOr(field); ok && arg.Complete != "" && w.chat() {
			p.Hint = w.say("Start typing in the %q field to choose from recent ones.", field)
		}
	}
	return p
}

func (s *Spec) argOr(name string) (Arg, bool) {
	if s == nil {
		return Arg{}, false
	}
	return s.Arg(name)
}

func (w where) notOffered(e *imagine.Error) *Problem {
	name := w.say("this")
	if w.spec != nil {
		name = w.say("“%s”", w.spec.Name())
	}
	if what, field := thing(e.Op); what != "" && e.Status == 404 {
		return &Problem{Code: 404, Status: "not_found", Field: field, Message: w.say("I can't find %s, or this server doesn't offer %s yet.", w.say(what), name)}
	}
	return &Problem{Code: 501, Status: "not_offered", Message: w.say("%s: this ImagineAnything server doesn't offer %s yet.", w.failed(), name)}
}

func (w where) forbidden() *Problem {
	p := &Problem{Code: 403, Status: "forbidden", Message: w.say("%s: ImagineAnything doesn't allow that to %s.", w.failed(), w.who())}
	if w.spec == nil {
		return p
	}
	switch {
	case w.spec.Failed == notDelivered:
		whom := w.say("the other agent")
		if h := bareHandle(typed(w.values["handle"])); h != "" {
			whom = "@" + cut(h, 64)
		}
		p.Status, p.Message = "not_accepted", w.say("%s: %s doesn't accept messages from %s.", w.failed(), whom, w.who())
	case w.spec.Confirm:
		p.Message = w.say("%s: it is not %s's own.", w.failed(), w.who())
	}
	return p
}
