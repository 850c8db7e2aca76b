package slack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	methodOpenView   = "views.open"
	methodUpdateView = "views.update"
	maxMeta          = 2900 // of private_metadata, under Slack's 3,000
	settleTime       = 300 * time.Millisecond
)

// formMeta goes with a form to Slack and comes back with what people entered.
type formMeta struct {
	V     int               `json:"v"`
	Agent string            `json:"agent,omitempty"`
	Fixed map[string]string `json:"fixed,omitempty"`
	Back  back              `json:"back"`
	Note  string            `json:"note,omitempty"` // where all this is, when it is too long
}

// open shows a command's form: in the place of the view that was pressed, else by
// the trigger. What a button bound stays as it is.
func (s *Sink) open(in inbound, spec *command.Spec, agent string, values map[string]any, to back) ack {
	f := formOf{spec: spec, values: map[string]string{}, fixed: map[string]string{}, files: s.granted(scopeFiles), in: s.speaker(in)}
	for name, v := range values {
		arg, ok := spec.Arg(name)
		switch {
		case !ok || arg.Secret:
		case arg.Hidden || in.kind != slash && bare(arg):
			f.fixed[name] = fmt.Sprint(v)
		default:
			f.values[name] = fmt.Sprint(v)
		}
	}
	if !in.outsider() && spec.House == nil {
		f.agents = s.opt.Agents(in.at.team)
	}
	f.agent = agent
	if agent == "" && len(f.agents) == 1 {
		f.agent = f.agents[0]
	}
	return ack{then: func(ctx context.Context) {
		f.meta = s.meta(ctx, in.at.team, formMeta{V: 1, Agent: f.agent, Fixed: f.fixed, Back: to})
		var bad *fault
		if in.view.ID != "" && in.view.Type == string(slackgo.VTModal) {
			bad = s.showView(ctx, in.view.ID, f.view())
		} else {
			bad = s.openView(ctx, in.trigger, f.view())
		}
		if bad != nil {
			s.log.WarnContext(ctx, "form not opened", "command", spec.Name(), "err", bad)
			s.tellPrivately(ctx, to, draft{head: "The form could not be opened in time.", agent: agent, actions: []bridge.Action{
				{Label: "Open form", Command: spec.Name(), Args: with(f.values, command.Form, "yes"), Primary: true},
			}})
		}
	}}
}

// bare reports an argument whose values tell a person nothing: ids.
func bare(a command.Arg) bool {
	switch a.Complete {
	case command.Posts, command.Comments, command.Conversations, command.Jobs, command.Notifications:
		return a.Kind == command.Text
	case command.Handles, command.Models, command.Voices, command.Providers, command.Tags, command.Media, command.Agents, command.SubscriptionNames:
	}
	return false
}

// wants reports a command that needs a form: something required is missing, or
// none of what there must be one of is given.
func (s *Sink) wants(spec *command.Spec, values map[string]any) bool {
	if spec.Asks && len(values) == 0 {
		return true
	}
	given := func(name string) bool { v, ok := values[name]; return ok && v != "" }
	for _, a := range spec.Args {
		if a.Required && a.Default == "" && !given(a.Name) {
			return true
		}
	}
	for _, group := range [][]string{spec.AnyOf, spec.OneOf} {
		if len(group) > 0 && !slices.ContainsFunc(group, given) {
			return true
		}
	}
	return false
}

// meta writes a form's metadata, by way of a note where it is too long.
func (s *Sink) meta(ctx context.Context, team string, m formMeta) string {
	raw, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	if len(raw) <= maxMeta {
		return string(raw)
	}
	sum := sha256.Sum256(raw)
	key := base64.RawURLEncoding.EncodeToString(sum[:])[:22]
	if err := s.opt.Notes.PutNote(ctx, valueKey(team, key), raw); err != nil {
		s.log.WarnContext(ctx, "form's metadata not stored", "err", err)
	}
	short, _ := json.Marshal(formMeta{V: 1, Agent: m.Agent, Back: back{User: m.Back.User}, Note: key})
	return string(short)
}

// metaOf reads a form's metadata back. Nothing in it proves anything.
func (s *Sink) metaOf(ctx context.Context, in inbound) (formMeta, error) {
	var m formMeta
	if json.Unmarshal([]byte(in.view.Meta), &m) != nil || m.V != 1 {
		return formMeta{}, errStale
	}
	if m.Note != "" {
		if len(m.Note) != 22 || strings.Trim(m.Note, keyLetters) != "" {
			return formMeta{}, errStale
		}
		raw, err := s.opt.Notes.Note(ctx, valueKey(in.at.team, m.Note))
		if err != nil {
			return formMeta{}, err
		}
		if m = (formMeta{}); json.Unmarshal(raw, &m) != nil {
			return formMeta{}, errStale
		}
	}
	if m.Back.Team != in.at.team {
		m.Back = back{}
	}
	m.Back.User, m.Back.Team = in.who.id, in.at.team // whoever sends it gets the answer
	if m.Back.Respond != "" && !s.web.respondable(m.Back.Respond) {
		m.Back.Respond = ""
	}
	return m, nil
}

// submitted takes a form that was sent. What is wrong with it is said in it, and
// nothing is recorded then.
func (s *Sink) submitted(ctx context.Context, in inbound) ack {
	b := bound{Command: strings.TrimPrefix(in.view.Callback, idPrefix)}
	spec, known := b.spec()
	m, err := s.metaOf(ctx, in)
	if !known || err != nil {
		s.refused(ctx, in, "old_form")
		return ack{body: updated(messageView(s.speaker(in), "Too old", "This form is too old to be sent. Use /ia to open a fresh one."))}
	}
	values, files := s.entered(in.view, spec)
	for name, v := range m.Fixed {
		values[name] = v
	}
	agent := m.Agent
	if chosen := in.view.State.Values[agentArg][idPick+agentArg].Option.Value; chosen != "" {
		agent = chosen
	}
	if _, err := command.Parse(spec, values, files); err != nil {
		if wrong := inline(s.speaker(in), in.view, err); wrong != nil {
			return ack{body: map[string]any{"response_action": "errors", "errors": wrong}}
		}
	}
	q := s.request(in, spec.Group, spec.Verb, "form", in.view.ID, in.view.Hash)
	q.Agent, q.Values, q.Files, q.Button, q.Place = agent, values, files, true, m.Back.Channel
	m.Back.View, m.Back.Replace = in.view.ID, false
	out := s.do(ctx, in, work{q: q, to: m.Back}, updated(workingView(s.speaker(in), "")))
	if begin := out.then; begin != nil {
		out.then = func(ctx context.Context) {
			if sleep(ctx, settleTime) { // the view must be there before its end is
				begin(ctx)
			}
		}
	}
	return out
}

// inline is an argument's error under its input; nil where it has none.
func inline(reader language.Speaker, v view, err error) map[string]string {
	e, ok := errors.AsType[*command.ArgError](err)
	if !ok || len(v.State.Values) == 0 {
		return nil
	}
	block := e.Arg
	if _, shown := v.State.Values[block]; !shown {
		names := make([]string, 0, len(v.State.Values))
		for name := range v.State.Values {
			if name != agentArg {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			return nil
		}
		block = slices.Min(names)
		if slices.Contains(names, "text") {
			block = "text"
		}
	}
	return map[string]string{block: cut(oneLine(strings.TrimSpace(reader.Speak(e.Reason)+" "+reader.Speak(e.Hint))), maxExcerpt)}
}

// entered are a form's values, and the files put into it.
func (s *Sink) entered(v view, spec *command.Spec) (map[string]any, map[string][]command.File) {
	values, files := map[string]any{}, map[string][]command.File{}
	for _, a := range spec.Args {
		for _, f := range v.State.Values[a.Name] {
			switch {
			case len(f.Files) > 0:
				files[a.Name] = s.uploads(f.Files)
			case len(f.Options) > 0:
				var list []string
				for _, o := range f.Options {
					list = append(list, o.Value)
				}
				values[a.Name] = strings.Join(list, ",")
			case f.Option.Value != "":
				values[a.Name] = f.Option.Value
			case f.Value != "":
				values[a.Name] = f.Value
			case a.Clears:
				values[a.Name] = ""
			}
		}
	}
	return values, files
}

// openView opens a form. A trigger works once and for three seconds, so this is
// not repeated.
func (s *Sink) openView(ctx context.Context, trigger string, v slackgo.ModalViewRequest) *fault {
	return s.web.do(ctx, methodOpenView, func(ctx context.Context, api *slackgo.Client) error {
		_, err := api.OpenViewContext(ctx, trigger, v)
		return err
	})
}

// showView puts another view in the place of an open one.
func (s *Sink) showView(ctx context.Context, id string, v slackgo.ModalViewRequest) *fault {
	return s.patiently(ctx, call{method: methodUpdateView}, func(ctx context.Context, api *slackgo.Client) error {
		_, err := api.UpdateViewContext(ctx, v, "", "", id)
		return err
	})
}

// inForm brings the end of what a form began, and reports whether that is all. What
// everybody may see goes to the channel, as if it had been typed there, and the
// form says so; all else stands in the form, while it is open.
func (o *answering) inForm(ctx context.Context, a command.Answer, drafts []draft) bool {
	if !a.OK || a.Private || o.to.Private || o.to.Channel == "" && a.Reply.Job == "" {
		return o.inView(ctx, a, drafts[0])
	}
	for _, d := range drafts {
		o.public(ctx, d)
	}
	closing := draft{head: cmp.Or(a.Reply.Text, "Done."), agent: a.Agent}
	if o.where != "" {
		closing.note = "<#" + o.where + ">"
	}
	_ = o.inView(ctx, a, closing) // it may be closed by now
	o.follow(ctx, a)
	return true
}

// inView shows the end in the form that began it, and reports whether it is still
// open.
func (o *answering) inView(ctx context.Context, a command.Answer, d draft) bool {
	if a.Problem != nil {
		d.actions = slices.Concat(d.actions, o.againForm(a))
	}
	v := modal(language.Match(o.to.Locale), viewTitle(a))
	bad := (*fault)(nil)
	for f := full; f <= noImages; f++ {
		b := d.spoken(o.to.Locale).body(o.s.binder(), f)
		o.s.keep(ctx, b.kept)
		v.Blocks.BlockSet = b.blocks
		v.PrivateMetadata = o.s.meta(ctx, o.to.Team, formMeta{V: 1, Agent: a.Agent, Back: o.to})
		if bad = o.s.showView(ctx, o.to.View, v); bad == nil || bad.verdict(editing) != bridge.Reject {
			break
		}
	}
	return bad == nil
}

func viewTitle(a command.Answer) string {
	switch {
	case a.OK:
		return "Done"
	case a.NeedsConfirm:
		return "Sure?"
	case a.Problem != nil && a.Problem.Unknown:
		return "Not certain"
	}
	return "Not done"
}

// againForm is the way back to the form, where the answer offers none.
func (o *answering) againForm(a command.Answer) []bridge.Action {
	if slices.ContainsFunc(a.Problem.Buttons, func(b bridge.Action) bool { return b.Args[command.Form] != "" }) || len(o.entered) == 0 {
		return nil
	}
	args := map[string]string{command.Form: "yes"}
	maps.Copy(args, o.entered)
	return []bridge.Action{{Label: "Back", Command: a.Group + " " + a.Verb, Args: args}}
}

// granted reports a scope that the bot token is known to have.
func (s *Sink) granted(scope string) bool { return slices.Contains(s.web.known(), scope) }
