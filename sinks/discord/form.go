package discord

import (
	"cmp"
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Components of forms and menus, Discord docs "Component Reference".
const (
	kindSelect = 3
	kindInput  = 4
	kindLabel  = 18
	kindUpload = 19

	inputLine = 1
	inputText = 2
)

const (
	maxFormTitle  = 45
	maxFormFields = 5
	maxTyped      = 4000
	maxChoiceText = 100
	longLine      = 100 // units; more deserve a box
)

// formBody is a form as first response.
type formBody struct {
	CustomID   string      `json:"custom_id"`
	Title      string      `json:"title"`
	Components []formField `json:"components"`
}

type formField struct {
	Type        int       `json:"type"`
	Label       string    `json:"label"`
	Description string    `json:"description,omitempty"`
	Component   formInput `json:"component"`
}

type formInput struct {
	Type      int          `json:"type"`
	CustomID  string       `json:"custom_id"`
	Style     int          `json:"style,omitempty"`
	Value     string       `json:"value,omitempty"`
	Required  *bool        `json:"required,omitempty"`
	MinLength int          `json:"min_length,omitempty"`
	MaxLength int          `json:"max_length,omitempty"`
	MinValues *int         `json:"min_values,omitempty"`
	MaxValues int          `json:"max_values,omitempty"`
	Options   []menuOption `json:"options,omitempty"`
}

type menuOption struct {
	Label       string `json:"label"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Default     bool   `json:"default,omitempty"`
}

// wantsForm reports that a command lacks what a form is for: a required
// argument, a secret, or the text of a command that got nothing at all.
func (s *Sink) wantsForm(spec *command.Spec, q command.Request) bool {
	if spec.Asks && len(q.Values) == 0 {
		return true
	}
	nothing := len(spec.AnyOf) > 0
	for _, name := range spec.AnyOf {
		if given(q, name) {
			nothing = false
		}
	}
	for _, a := range spec.Args {
		if !given(q, a.Name) && a.Required && !a.Hidden {
			return true
		}
		if nothing && a.Long {
			return true
		}
	}
	return false
}

func given(q command.Request, name string) bool {
	v, ok := q.Values[name]
	return ok && v != "" || len(q.Files[name]) > 0
}

// asked are the arguments that a command's form shows, the needed ones first;
// what has no room stays as it was given.
func asked(spec *command.Spec, q command.Request) []command.Arg {
	var out []command.Arg
	add := func(wanted func(command.Arg) bool) {
		for _, a := range spec.Args {
			if len(out) < maxFormFields && !a.Hidden && wanted(a) && !containsArg(out, a.Name) {
				out = append(out, a)
			}
		}
	}
	bound := func(a command.Arg) bool { return given(q, a.Name) && !a.Long }
	add(func(a command.Arg) bool { return a.Required && !bound(a) })
	add(func(a command.Arg) bool { return (a.Long || a.Secret) && !bound(a) })
	add(func(a command.Arg) bool { return a.Kind == command.Attachment && !bound(a) })
	if spec.Repeat == command.Costs { // asked once more, one wants to change more than the words
		add(func(a command.Arg) bool { return a.Complete == command.Providers })
		add(func(a command.Arg) bool { return a.Complete == command.Models && given(q, providerArg) })
		add(func(a command.Arg) bool { return a.Complete == "" && a.Kind == command.Text && a.Max > longLine })
	}
	if len(out) == 0 {
		add(func(command.Arg) bool { return true })
	}
	return out
}

func containsArg(list []command.Arg, name string) bool {
	for _, a := range list {
		if a.Name == name {
			return true
		}
	}
	return false
}

// form draws the form of a command, filled with what was given. What it does not
// ask for is bound to it.
func (v *visit) form(ctx context.Context, spec *command.Spec, q command.Request, open bool) formBody {
	p := press{Group: spec.Group, Verb: spec.Verb, Agent: q.Agent, Args: map[string]string{}, Open: open, Confirmed: q.Confirmed}
	fields, menus := v.menus(ctx, spec, q, asked(spec, q))
	for name, value := range q.Values {
		if !containsArg(fields, name) && !v.secret(q, name) {
			p.Args[name] = written(value)
		}
	}
	if len(q.Files) > 0 {
		p.Files = shortKey([]byte(v.in.ID))
		v.visits.hold(p.Files, q.Files)
	}
	out := formBody{CustomID: v.customID(ctx, p, v.in.Guild), Title: plain(title(v.reader(), spec), maxFormTitle)}
	for _, a := range fields {
		f := fieldOf(v.reader(), a, written(q.Values[a.Name]))
		if list := menus[a.Name]; list != nil {
			f.Component = menuOf(a, list)
		}
		out.Components = append(out.Components, f)
	}
	return out
}

// providerArg names the provider of a generation, which its models hang on.
const providerArg = "provider"

// menus are the fields whose values are chosen from what is known: providers,
// and the models of the provider that was given. Nobody types a model's name, so
// without a list there is no such field, and the model stays as it was.
func (v *visit) menus(ctx context.Context, spec *command.Spec, q command.Request, fields []command.Arg) ([]command.Arg, map[string][]menuOption) {
	menus := map[string][]menuOption{}
	var out []command.Arg
	for _, a := range fields {
		if a.Complete != command.Providers && a.Complete != command.Models {
			out = append(out, a)
			continue
		}
		var list []menuOption
		if v.o.Complete != nil {
			list = optionsOf(a, q, v.suggest(ctx, cmp.Or(q.Agent, v.usual(ctx), v.only()), command.Narrow(spec, a, q.Values), ""))
		}
		if list != nil {
			menus[a.Name] = list
		}
		if list != nil || a.Required {
			out = append(out, a)
		}
	}
	return out, menus
}

// only is the agent of a guild that is connected to one.
func (v *visit) only() string {
	if all := v.agents(); len(all) == 1 {
		return all[0]
	}
	return ""
}

// optionsOf are the choices of a menu, the present value among them. A model
// names its provider: a form can't narrow its models when another provider is
// chosen, so that a model of the former one is dropped when the form comes back.
func optionsOf(a command.Arg, q command.Request, list []Choice) []menuOption {
	now := written(q.Values[a.Name])
	prefix := ""
	if a.Complete == command.Models {
		prefix = written(q.Values[providerArg]) + " "
	}
	var out []menuOption
	known := now == ""
	for _, c := range list {
		value := prefix + c.Value
		if units(value) > maxChoiceText || len(out) == maxChoices-1 {
			continue
		}
		mine := strings.EqualFold(c.Value, now)
		known = known || mine
		out = append(out, menuOption{Label: plain(cmp.Or(c.Name, c.Value), maxChoiceText), Value: value, Default: mine})
	}
	if out != nil && !known && units(prefix+now) <= maxChoiceText {
		out = append(out, menuOption{Label: plain(now, maxChoiceText), Value: prefix + now, Default: true})
	}
	return out
}

func menuOf(a command.Arg, list []menuOption) formInput {
	in := formInput{Type: kindSelect, CustomID: a.Name, Required: new(a.Required), Options: list}
	if !a.Required {
		in.MinValues = new(0)
	}
	return in
}

// modelFor takes the provider off a model that was chosen from a menu; "" for one
// of another provider.
func modelFor(provider, chosen string) string {
	of, model, menu := strings.Cut(chosen, " ")
	switch {
	case !menu:
		return chosen
	case provider != "" && !strings.EqualFold(of, provider):
		return ""
	}
	return model
}

func title(reader language.Speaker, spec *command.Spec) string {
	if spec.Summary == "" {
		return spec.Name()
	}
	return reader.Word(spec.Summary)
}

// written is a value as a person would type it.
func written(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "on"
		}
		return "off"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// fieldOf is one field of a form.
func fieldOf(reader language.Speaker, a command.Arg, value string) formField {
	f := formField{Type: kindLabel, Label: plain(labelOf(a.Name), maxFormTitle), Description: plain(reader.Word(a.Summary), maxSummary)}
	in := formInput{Type: kindInput, CustomID: a.Name, Style: inputLine, Value: cutUnits(value, maxTyped), Required: new(a.Required)}
	choices := a.Choices
	if a.Kind == command.Flag {
		choices = []string{"on", "off"}
	}
	switch {
	case a.Kind == command.Attachment:
		most := min(max(int(a.Max), 1), 10)
		in = formInput{Type: kindUpload, CustomID: a.Name, Required: new(a.Required), MaxValues: most}
		if !a.Required {
			in.MinValues = new(0)
		}
	case len(choices) > 0 && len(choices) <= maxChoices:
		in = formInput{Type: kindSelect, CustomID: a.Name, Required: new(a.Required)}
		if !a.Required {
			in.MinValues = new(0)
		}
		for _, c := range choices {
			in.Options = append(in.Options, menuOption{Label: c, Value: c, Default: strings.EqualFold(c, value)})
		}
	case a.Kind == command.Text:
		if a.Long || a.Max > longLine {
			in.Style = inputText
		}
		if a.Max > 0 {
			// A text that is too long is shown whole, to be shortened.
			in.MaxLength = min(max(int(a.Max), units(in.Value)), maxTyped)
		}
		if a.Secret {
			in.Style = inputLine
		}
	}
	f.Component = in
	return f
}

func labelOf(name string) string {
	words := strings.ReplaceAll(strings.ReplaceAll(name, "_", " "), "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// cutUnits cuts to a number of units, without a mark: people edit it.
func cutUnits(s string, n int) string {
	if units(s) <= n {
		return s
	}
	return strings.TrimSuffix(cut(s, n, false), more)
}

// fill puts what was filled in over what was bound. It is false where files that
// were to wait are gone.
func (v *visit) fill(spec *command.Spec, q *command.Request, p press) bool {
	for name, value := range v.in.Values {
		if hasArg(spec, name) {
			q.Values[name] = value
		}
	}
	if a, ok := spec.Arg("model"); ok && a.Complete == command.Models && given(*q, a.Name) {
		if q.Values[a.Name] = modelFor(written(q.Values[providerArg]), written(q.Values[a.Name])); q.Values[a.Name] == "" {
			delete(q.Values, a.Name)
		}
	}
	if p.Files != "" {
		files, ok := v.visits.files(p.Files)
		if !ok {
			return false
		}
		maps.Copy(q.Files, files)
	}
	for name, list := range v.in.Files {
		if hasArg(spec, name) {
			q.Files[name] = append(q.Files[name], v.downloads(list)...)
		}
	}
	return true
}
