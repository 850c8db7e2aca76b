package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// door is how the audit names the console.
const door = "console"

// deed is a button that does something.
type deed struct {
	Label, Command string
	Args           []field
	Danger         bool
	Say            string // what listeners hear in place of the label
	visit
}

type field struct{ Name, Value string }

// visit is one look of a browser at a page.
type visit struct {
	Query url.Values
	Once  string // the same for all forms of one page, so that a double click does nothing twice
	Back  string // the page itself
	Place string // where the browser is
	In    language.Speaker
}

// typed is what a form of a search holds, fit to be shown again.
func (v visit) typed(name string) string { return oneLine(v.Query.Get(name), maxText) }

// press makes a button; args are names and values in turn.
func (v visit) press(label, name string, args ...string) deed {
	d := deed{Label: label, Command: name, Say: label, visit: v}
	for i := 0; i+1 < len(args); i += 2 {
		d.Args = append(d.Args, field{args[i], args[i+1]})
		if d.Say == label {
			d.Say = label + " " + args[i+1]
		}
	}
	return d
}

const (
	deedTime  = 60 * time.Second // an action may take
	maxForm   = 64 << 10
	argPrefix = "arg." // of a form's fields that are the command's
)

// operator is who acts at the console: whoever this machine, or the sign-in, has
// let in.
func operator() command.Principal {
	return command.Principal{Platform: command.Terminal, User: door, Name: "operator"}
}

// request is the command that a form asks for, as the operator asks it. Whatever
// looks the same and comes from the same page is the same.
func request(r *http.Request, name string, form url.Values) command.Request {
	group, verb, _ := strings.Cut(name, " ")
	q := command.Request{
		Principal: operator(), Group: group, Verb: verb, Values: map[string]any{},
		Confirmed: form.Get("confirmed") == "yes", Door: door, Place: placeOf(r), Locale: reader(r).Tag(),
	}
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%q %q %t", form.Get("once"), name, q.Confirmed) // a hash never fails
	for _, key := range slices.Sorted(maps.Keys(form)) {
		arg, ok := strings.CutPrefix(key, argPrefix)
		value := strings.TrimSpace(form.Get(key))
		if ok && value != "" {
			q.Values[arg] = value
			_, _ = fmt.Fprintf(sum, " %q=%q", arg, value)
		}
	}
	q.ID = door + ":" + hex.EncodeToString(sum.Sum(nil)[:16])
	if form.Get("once") == "" {
		q.ID = door + ":" + rand.Text()
	}
	return q
}

// act carries out what a form asks for and shows the page that it stood on, with
// what became of it. What can't be undone is asked about first.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form can't be read.", http.StatusBadRequest)
		return
	}
	name, back := r.PostForm.Get("command"), within(r.PostForm.Get("back"))
	if !slices.Contains(deeds, name) {
		http.Error(w, "There is no such button.", http.StatusBadRequest)
		return
	}
	form := r.PostForm
	if isForm(name) {
		var done bool
		if form, done = s.form(w, r, name); done {
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), deedTime) // done also where the browser leaves
	defer cancel()
	a := s.desk.o.Do(ctx, request(r, name, form))
	s.desk.forget()
	switch {
	case a.NeedsConfirm:
		s.confirm(w, r, form, a.Question, back)
		return
	case a.Problem != nil && isForm(name):
		s.formAgain(w, r, name, nil, a.Problem)
		return
	}
	if made, ok := a.Reply.Data.(command.SubscriptionView); ok && isForm(name) {
		back = pathOf("subscription", "id", made.ID)
	}
	http.Redirect(w, r, withResult(back, s.desk.results.leave(resultOf(reader(r), a))), http.StatusSeeOther) //nolint:gosec // G710: within let paths of the console through only
}

// confirm asks before something is done; its yes is the same form once more.
func (s *Server) confirm(w http.ResponseWriter, r *http.Request, form url.Values, question, back string) {
	in := reader(r)
	d := visit{Once: form.Get("once"), Back: back, In: in}.press(in.Say("Yes, do it"), form.Get("command"))
	for _, key := range slices.Sorted(maps.Keys(form)) {
		if arg, ok := strings.CutPrefix(key, argPrefix); ok && form.Get(key) != "" {
			d.Args = append(d.Args, field{arg, form.Get(key)})
		}
	}
	d.Danger = true
	s.frame(w, r, http.StatusOK, frameView{Title: "Are you sure?"}, "confirm", map[string]any{"Question": question, "Deed": d})
}

func resultOf(in language.Speaker, a command.Answer) result {
	switch {
	case a.OK:
		n := result{OK: true, Text: oneLine(a.Reply.Text, maxText)}
		if a.Repeat {
			n.Hint = in.Say("That was done before; it was not done again.")
		}
		return n
	case a.Running:
		return result{OK: true, Text: in.Say("It is being done.")}
	case a.Problem != nil:
		return refusalOf(in, a.Problem)
	}
	return result{Text: in.Say("It was not done.")}
}

func refusalOf(in language.Speaker, p *command.Problem) result {
	p = p.In(in)
	return result{Text: oneLine(p.Message, maxText), Hint: oneLine(p.Hint, maxText)}
}

// withResult is a path with the key of a result, in the place of an earlier one.
func withResult(back, key string) string {
	u, err := url.Parse(back)
	if err != nil {
		return "/console/"
	}
	q := u.Query()
	q.Set("told", key)
	u.RawQuery = q.Encode()
	return u.RequestURI()
}

var onceForm = regexp.MustCompile(`^[A-Za-z0-9]{1,40}$`)

// visitOf is the look that a request takes at a page; a stream that goes on with
// one names its forms by "once".
func visitOf(path string, r *http.Request) visit {
	q := r.URL.Query()
	v := visit{Query: q, Once: q.Get("once"), Back: path, Place: placeOf(r), In: reader(r)}
	if !onceForm.MatchString(v.Once) {
		v.Once = rand.Text()
	}
	kept := maps.Clone(q)
	for _, name := range []string{"once", "told", "page"} {
		delete(kept, name)
	}
	if len(kept) > 0 {
		v.Back += "?" + kept.Encode()
	}
	return v
}
