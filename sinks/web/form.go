package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// formPage is the form of a subscription.
type formPage struct {
	visit
	Command  string
	ID       string // of the subscription; "" for a new one
	Cancel   string // address of the page that is left as it is
	Fields   []formField
	More     []formField
	Open     bool // More is to be seen
	Since    string
	Draft    *draft
	Places   []string
	Handles  []string
	Patterns []string
}

// formField is one setting with what stands in it.
type formField struct {
	setting
	Value, Was    string
	Problem, Hint string // what is wrong with it, and the next step
	Focus         bool
}

// draft is what a subscription would have sent as its form reads now.
type draft struct {
	Text  string
	Items []command.PreviewEvent
	Cards []rootView // the newest of them, as both platforms show them
}

const shownCards = 3

// adding is the page that makes a subscription.
func (s *Server) adding(ctx context.Context, v visit) (any, error) {
	return orNothing(s.formOf(ctx, v, addCommand, "", nil, nil))
}

// editing is the page that changes one.
func (s *Server) editing(ctx context.Context, v visit) (any, error) {
	return orNothing(s.formOf(ctx, v, editCommand, v.Query.Get("id"), nil, nil))
}

// orNothing gives nothing to draw where there is an error.
func orNothing(p *formPage, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

// formOf lays the form out: with what was typed, where there is something, and what
// is wrong with it. The error is the store's, or a *command.Problem.
func (s *Server) formOf(ctx context.Context, v visit, name, id string, typed url.Values, wrong *command.Problem) (*formPage, error) {
	all, err := s.desk.subscriptions.get(ctx)
	if err != nil {
		return nil, err
	}
	p := &formPage{visit: v, Command: name, Cancel: "/console/subscriptions", Since: cmp.Or(oneLine(typed.Get("since"), maxName), "24h")}
	is := fresh()
	if name == editCommand {
		one, err := editable(v.In, all, id)
		if err != nil {
			return nil, err
		}
		p.ID, p.Cancel, is = one.ID, pathOf("subscription", "id", one.ID), present(one)
	}
	for _, set := range settings() {
		if set.OnlyNew && p.ID != "" {
			continue
		}
		p.place(set, is[set.Name], typed, wrong)
	}
	return p, s.suggest(ctx, p, all)
}

// place puts a setting into the form.
func (p *formPage) place(set setting, is string, typed url.Values, wrong *command.Problem) {
	is = clean(is, maxText)
	f := formField{setting: set, Value: is, Was: is}
	if p.ID == "" {
		f.Was = set.Unsaid
	} else {
		f.Required = f.Required || set.Name == "name"
	}
	if set.Name == "to" && strings.HasPrefix(is, "webhook:") {
		f.Help = "Of an address only the host is shown: leave it, or write the whole of another one."
	}
	if typed.Has(argPrefix + set.Name) {
		f.Value = clean(typed.Get(argPrefix+set.Name), maxText)
	}
	if typed.Has(wasPrefix + set.Name) {
		f.Was = clean(typed.Get(wasPrefix+set.Name), maxText)
	}
	if wrong != nil && wrong.Field == set.Name {
		wrong = wrong.In(p.In)
		f.Problem, f.Hint, f.Focus = oneLine(wrong.Message, maxText), oneLine(wrong.Hint, maxText), true
	}
	if !set.More {
		p.Fields = append(p.Fields, f)
		return
	}
	p.More = append(p.More, f)
	p.Open = p.Open || f.Problem != "" || f.Value != set.Usual
}

// editable is the subscription of an id whose settings are not the file's.
func editable(in language.Speaker, all []command.SubscriptionView, id string) (command.SubscriptionView, error) {
	i := slices.IndexFunc(all, func(v command.SubscriptionView) bool { return v.ID == id })
	if i < 0 {
		return command.SubscriptionView{}, noSubscription()
	}
	if all[i].Origin == bridge.FromFile {
		return all[i], &command.Problem{
			Code: 409, Status: "from_the_file", Message: in.Say("The settings of %s stand in the configuration file.", oneLine(all[i].Name, maxName)),
			Hint: "Change them there. Here it can be paused, resumed, replayed and tested.",
		}
	}
	return all[i], nil
}

func noSubscription() *command.Problem {
	return &command.Problem{Code: 404, Status: "no_subscription", Message: "There is no such subscription.", Hint: "Somebody may have removed it."}
}

// suggest fills the lists of what may be typed.
func (s *Server) suggest(ctx context.Context, p *formPage, all []command.SubscriptionView) error {
	agents, err := s.desk.agents.get(ctx)
	if err != nil {
		return err
	}
	for _, a := range agents {
		p.Handles = append(p.Handles, oneLine(a.Handle, maxName))
	}
	p.Places = []string{"console"}
	for _, v := range all {
		if to := bridge.ParseDestination(v.To); to.Scheme == command.Discord || to.Scheme == command.Slack {
			p.Places = append(p.Places, oneLine(v.To, maxName))
		}
	}
	slices.Sort(p.Places)
	p.Places = slices.Compact(p.Places)
	for k := range events.Kinds() {
		family, _, _ := strings.Cut(k.Name(), ".")
		p.Patterns = append(p.Patterns, family+".*", k.Name())
	}
	slices.Sort(p.Patterns)
	p.Patterns = slices.Compact(p.Patterns)
	return nil
}

// isForm reports a command whose form is a page.
func isForm(name string) bool { return name == addCommand || name == editCommand }

// form answers what a page with a form sent: with what it would do, or with the page
// again and what is wrong. Else it gives the form with what is to be different.
func (s *Server) form(w http.ResponseWriter, r *http.Request, name string) (form url.Values, done bool) {
	form, wrong := settled(r.PostForm)
	if wrong != nil {
		s.formAgain(w, r, name, nil, wrong)
		return form, true
	}
	if form.Get("dry") == "" {
		return form, false
	}
	d, err := s.dryRun(r, name, form)
	s.formAgain(w, r, name, d, err)
	return form, true
}

// formAgain shows the form as it was typed. Sent again it is another request: what was
// in its way may be mended elsewhere.
func (s *Server) formAgain(w http.ResponseWriter, r *http.Request, name string, d *draft, wrong *command.Problem) {
	f := frameView{Title: titleOf(name)}
	v := visit{Query: url.Values{}, Once: rand.Text(), Back: within(r.PostForm.Get("back")), Place: placeOf(r), In: reader(r)}
	p, err := s.formOf(r.Context(), v, name, r.PostForm.Get(argPrefix+"subscription"), r.PostForm, wrong)
	if err != nil {
		s.failed(w, r, f, err)
		return
	}
	status := http.StatusOK
	if wrong != nil {
		status = cmp.Or(wrong.Code, http.StatusBadRequest)
		f.Result = new(refusalOf(v.In, wrong))
		if slices.ContainsFunc(slices.Concat(p.Fields, p.More), func(f formField) bool { return f.Focus }) {
			f.Result = &result{Text: v.In.Say("Nothing is saved yet."), Hint: v.In.Say("See the field that is marked.")}
		}
	}
	p.Draft = d
	s.frame(w, r, status, f, strings.TrimPrefix(name, "subscribe "), p)
}

func titleOf(name string) string {
	p, _ := sheetOf(strings.TrimPrefix(name, "subscribe "))
	return p.title
}

// dryRun looks what the subscription would have sent, as its form reads now.
func (s *Server) dryRun(r *http.Request, name string, form url.Values) (*draft, *command.Problem) {
	values := map[string]any{"since": cmp.Or(typedIn(form, "since"), "24h")}
	for _, arg := range []string{"subscription", "preset", "events", "filter", "template"} {
		if text := typedIn(form, argPrefix+arg); text != "" {
			values[arg] = text
		}
	}
	q := command.Request{Principal: operator(), Group: "subscribe", Verb: "preview", Values: values, Door: door, Place: placeOf(r), Locale: reader(r).Tag()}
	if one := typedIn(form, argPrefix+"agents"); name == addCommand && one != bridge.EveryAgent && !strings.ContainsAny(one, ", ;") {
		q.Agent = one
	}
	a := s.desk.o.Do(r.Context(), q)
	if !a.OK {
		return nil, cmp.Or(a.Problem, noAnswer())
	}
	found, _ := a.Reply.Data.(command.Preview)
	d := &draft{Text: a.Reply.Text, Items: found.Items[:min(len(found.Items), shownItems)]}
	for _, i := range found.Items {
		if len(d.Cards) == shownCards {
			break
		}
		if e, _, ok, err := s.desk.o.History.Find(r.Context(), []string{bridge.EveryAgent}, i.ID); i.Sent && ok && err == nil {
			m := bridge.Layout(e)
			if i.Text != "" {
				m = m.Worded(i.Text)
			}
			d.Cards = append(d.Cards, s.look.view(root{n: len(d.Cards) + 1, head: entry{msg: m, posted: e.Time}}))
		}
	}
	slices.Reverse(d.Cards) // as in a channel
	return d, nil
}

const shownItems = 15 // events that a dry run names

func noAnswer() *command.Problem {
	return &command.Problem{Code: 503, Status: "no_answer", Message: "There is no answer yet.", Hint: "Load the page again."}
}
