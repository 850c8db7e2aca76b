package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// where is what is known about the command an error came from. The zero value
// is good: the sentences are then less particular.
type where struct {
	spec   *Spec
	agent  string
	door   string
	values map[string]any // as the door gave them, without secrets
}

// Explain puts an error into words for people: what happened, to what, and the
// next step, saying first whether anything was done (docs/reliability.md, "How
// an error speaks"). What it does not know is a defect of ours and gets a
// reference number. nil gives nil.
func Explain(err error) *Problem { return explain(where{}, err) }

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
		return w.argument(&ArgError{Spec: w.spec, Arg: w.ours(e.Arg), Got: e.Got, Limit: e.Limit, Status: "invalid", Reason: w.failed() + ": " + strings.TrimRight(e.Reason, ".") + "."})
	}
	if e, ok := errors.AsType[*imagine.Error](err); ok {
		return w.service(e)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Problem{Code: 504, Status: "timeout", Message: w.failed() + ": it took too long.", Buttons: w.again("Try again")}
	}
	return &Problem{Code: 500, Status: "internal", Message: fmt.Sprintf("%s: something went wrong inside the bridge. Reference %s.", w.failed(), rand.Text()[:8])}
}

// explain adds what is known of the request, and tells the operator what only a log can hold.
func (r *Runner) explain(ctx context.Context, j *job, err error) *Problem {
	p := explain(j.where(), err)
	if p.Status == "internal" {
		r.o.Log.ErrorContext(ctx, "command failed", "command", j.spec.Name(), "agent", j.q.Agent, "reference", reference(p), "err", err)
	}
	return p
}

func reference(p *Problem) string {
	_, ref, _ := strings.Cut(p.Message, "Reference ")
	return strings.TrimSuffix(ref, ".")
}

func (j *job) where() where {
	w := where{spec: j.spec, agent: j.q.Agent, door: j.q.Door, values: maps.Clone(j.q.Values)}
	maps.DeleteFunc(w.values, func(name string, _ any) bool { arg, _ := j.spec.Arg(name); return arg.Secret || name == Form })
	return w
}

// failed is how the sentence begins: nothing was done.
func (w where) failed() string { return w.spec.failed() }

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
			return []bridge.Action{{Label: label, Command: w.spec.Name(), Args: with(typedAll(w.values), Form, "yes"), Primary: true}}
		}
	}
	return []bridge.Action{{Label: label, Command: w.spec.Name(), Args: typedAll(w.values), Primary: true}}
}

// edit is the button that opens the command's form with what was given.
func (w where) edit(label string) []bridge.Action {
	if w.spec == nil {
		return nil
	}
	return []bridge.Action{{Label: label, Command: w.spec.Name(), Args: with(typedAll(w.values), Form, "yes"), Primary: true}}
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
	p := &Problem{Code: 400, Status: "invalid_argument", Field: e.Arg, Message: e.Reason, Hint: e.Hint}
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
			p.Message = fmt.Sprintf("%s is required%s", e.Arg, bracketed(arg.holds()))
		}
	case "secret_in_open", "key_in_text":
		p.Status = e.Status
		w.values = maps.Clone(w.values)
		maps.DeleteFunc(w.values, func(name string, v any) bool { return name == e.Arg || LooksLikeKey(typed(v)) })
		if arg, _ := w.spec.argOr(e.Arg); w.chat() && arg.Secret {
			p.Buttons = w.edit("Enter key")
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
			Code: 401, Status: "unauthorized", Message: fmt.Sprintf("%s: ImagineAnything refuses the credentials of %s%s.", w.failed(), w.who(), bracketed(words(e.Code))),
			Hint: "An admin can enter new ones: /ia connect.",
		}
	case errors.Is(e, imagine.ErrNotOffered):
		return w.notOffered(e)
	case e.Status == 404:
		return w.notFound(e)
	case e.Status == 403:
		return w.forbidden()
	case e.Status == 413:
		return &Problem{Code: 413, Status: "too_large", Message: w.failed() + ": the file is larger than ImagineAnything takes.", Hint: "Send a smaller one."}
	case e.Status == 409:
		return &Problem{Code: 409, Status: "conflict", Message: w.failed() + said(e, "that is so already")}
	case e.Status == 400 || e.Status == 422 || e.Status == 429:
		return &Problem{Code: 400, Status: "refused", Message: w.failed() + said(e, "ImagineAnything refused it"), Buttons: w.retryForm()}
	case e.Status >= 500:
		return &Problem{Code: 502, Status: "service_error", Message: fmt.Sprintf("ImagineAnything had a problem (%d). %s.", e.Status, w.failed()), Buttons: w.again("Try again")}
	case errors.Is(e, imagine.ErrGarbled), errors.Is(e, imagine.ErrTooLarge):
		return &Problem{Code: 502, Status: "bad_reply", Message: fmt.Sprintf("ImagineAnything's answer could not be read. %s.", w.failed()), Buttons: w.again("Try again")}
	case errors.Is(e, context.DeadlineExceeded), errors.Is(e, context.Canceled):
		return &Problem{Code: 504, Status: "timeout", Message: w.failed() + ": it took too long.", Buttons: w.again("Try again")}
	case e.Status == 0:
		return &Problem{Code: 502, Status: "no_answer", Message: fmt.Sprintf("ImagineAnything did not answer. %s.", w.failed()), Buttons: w.again("Try again")}
	}
	return &Problem{Code: 502, Status: "refused", Message: fmt.Sprintf("%s: ImagineAnything answered %d.", w.failed(), e.Status)}
}

// retryForm is for a refusal that another text may mend.
func (w where) retryForm() []bridge.Action {
	if !w.chat() || w.spec == nil || w.spec.Repeat == Reads {
		return nil
	}
	return w.edit("Edit")
}

// said quotes the service, or gives our own words where it said nothing.
func said(e *imagine.Error, otherwise string) string {
	if m := strings.TrimRight(words(e.Message), "."); m != "" {
		return ": ImagineAnything says “" + m + "”."
	}
	return ": " + otherwise + "."
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
		return "this agent"
	}
	return w.agent
}

// limited is a pause that outlasts the time we had.
func (w where) limited(wait time.Duration) *Problem {
	p := &Problem{Code: 429, Status: "rate_limited", Message: fmt.Sprintf("ImagineAnything asks for a pause. %s.", w.failed()), Buttons: w.again("Try again")}
	if s := int((wait + time.Second - 1) / time.Second); s > 0 {
		p.Message = fmt.Sprintf("ImagineAnything asks for a pause of %d s. %s.", s, w.failed())
	}
	return p
}

// doubt is a command of unknown fate.
func (w where) doubt() *Problem {
	p := &Problem{Code: 504, Status: "unknown", Unknown: true}
	if w.spec == nil {
		p.Message = "I can't tell whether this was done."
		return p
	}
	done := strings.TrimPrefix(w.failed(), "Not ")
	p.Message = fmt.Sprintf("I can't tell whether this was %s.", done)
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
	switch name {
	case "handle":
		return "agent", "handle"
	case "job":
		return "generation", "job"
	case "provider":
		return "connected service", "provider"
	case "service":
		return "offer", "service"
	}
	return name, name
}

func (w where) notFound(e *imagine.Error) *Problem {
	what, field := thing(e.Op)
	if what == "" {
		return &Problem{Code: 404, Status: "not_found", Message: w.failed() + said(e, "ImagineAnything can't find it")}
	}
	p := &Problem{Code: 404, Status: "not_found", Field: field, Message: fmt.Sprintf("I can't find that %s.", what)}
	switch what {
	case "agent":
		p.Message = "I can't find that agent."
		p.Hint = "Check the handle; it is the part after @."
	case "connected service":
		p.Message = "That provider is not connected."
		p.Hint = "An admin can connect it: /ia-admin service connect."
	default:
		p.Message += " It may have been deleted."
		if arg, ok := w.spec.argOr(field); ok && arg.Complete != "" && w.chat() {
			p.Hint = fmt.Sprintf("Start typing in the %q field to choose from recent ones.", field)
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
	name := "this"
	if w.spec != nil {
		name = "“" + w.spec.Name() + "”"
	}
	if what, field := thing(e.Op); what != "" && e.Status == 404 {
		return &Problem{Code: 404, Status: "not_found", Field: field, Message: fmt.Sprintf("I can't find that %s, or this server doesn't offer %s yet.", what, name)}
	}
	return &Problem{Code: 501, Status: "not_offered", Message: fmt.Sprintf("%s: this ImagineAnything server doesn't offer %s yet.", w.failed(), name)}
}

func (w where) forbidden() *Problem {
	p := &Problem{Code: 403, Status: "forbidden", Message: fmt.Sprintf("%s: ImagineAnything doesn't allow that to %s.", w.failed(), w.who())}
	if w.spec == nil {
		return p
	}
	switch {
	case w.spec.Failed == notDelivered:
		whom := "the other agent"
		if h := bareHandle(typed(w.values["handle"])); h != "" {
			whom = "@" + cut(h, 64)
		}
		p.Status, p.Message = "not_accepted", fmt.Sprintf("%s: %s doesn't accept messages from %s.", notDelivered, whom, w.who())
	case w.spec.Confirm:
		p.Message = fmt.Sprintf("%s: it is not %s's own.", w.failed(), w.who())
	}
	return p
}
