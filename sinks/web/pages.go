package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// sheet is one of the pages for the operator. Its template "<name>-body" is drawn
// anew while somebody looks; "<name>-head", where there is one, is not.
type sheet struct {
	name, title string
	nav         bool   // it stands in the navigation
	under       string // the page of the navigation that it belongs to, where it does not stand there itself
	still       bool   // it shows what was asked once, and stays as it is
	// view gives what its template draws. Data beside a *command.Problem is the page with
	// what is wrong above it.
	view func(s *Server, ctx context.Context, v visit) (any, error)
}

// sheets are the pages beyond the live one, in the order of the navigation.
func sheets() []sheet {
	return []sheet{
		{name: "overview", title: "Overview", nav: true, view: (*Server).overview},
		{name: "agents", title: "Agents", nav: true, view: (*Server).agents},
		{name: "subscriptions", title: "Subscriptions", nav: true, view: (*Server).subscriptions},
		{name: "stream", title: "Events", nav: true, view: (*Server).search},
		{name: "dead", title: "Dead letters", nav: true, view: (*Server).dead},
		{name: "workspaces", title: "Workspaces", nav: true, view: (*Server).workspaces},
		{name: "audit", title: "Audit", nav: true, view: (*Server).audit},
		{name: "subscription", under: "subscriptions", title: "Subscription", view: (*Server).subscription},
		{name: "preview", under: "subscriptions", title: "Dry run", still: true, view: (*Server).preview},
		{name: "event", under: "stream", title: "Event", still: true, view: (*Server).event},
		{name: "why", under: "subscriptions", title: "Why", still: true, view: (*Server).why},
		{name: "add", under: "subscriptions", title: "Add a subscription", still: true, view: (*Server).adding},
		{name: "edit", under: "subscriptions", title: "Change a subscription", still: true, view: (*Server).editing},
	}
}

// live reports that a page is drawn anew while somebody looks: what looks far back
// into the store is not.
func (p sheet) live(v visit) bool { return !p.still && v.Query.Get("since") == "" }

func (p sheet) path() string { return "/console/" + p.name }

// navItem is one link of the navigation.
type navItem struct {
	Path, Title string
	Key         int // that leads there
	Here        bool
}

// nav is the navigation; nil where there is only the live page.
func (s *Server) nav(here string) []navItem {
	if s.desk == nil {
		return nil
	}
	out := []navItem{{Path: "/console/", Title: "Live", Key: 1, Here: here == "/console/"}}
	for _, p := range sheets() {
		if p.nav {
			out = append(out, navItem{Path: p.path(), Title: p.title, Key: len(out) + 1, Here: here == p.path() || here == p.name})
		}
	}
	return out
}

// frameView is what stands round each page.
type frameView struct {
	Title, Version, Edition string
	Nav                     []navItem
	Live                    string // address of the page's changes; "" where it stays as it is
	Result                  *result
	SignedIn                bool
	Head, Body              template.HTML
}

// sheet serves a page.
func (s *Server) sheet(p sheet) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(p.path(), r)
		f := frameView{Title: p.title, Result: s.desk.results.take(v.Query.Get("told"))}
		status := http.StatusOK
		data, err := p.view(s, r.Context(), v)
		if refused, ok := errors.AsType[*command.Problem](err); ok && data != nil {
			status, f.Result = refused.Code, new(refusalOf(v.In, refused))
		} else if err != nil {
			s.failed(w, r, f, err)
			return
		}
		if p.live(v) {
			q := url.Values{"page": {p.name}, "once": {v.Once}}
			for name, values := range v.Query {
				if name != "told" && name != "once" && name != "page" {
					q[name] = values
				}
			}
			f.Live = "/console/changes?" + q.Encode()
		}
		s.frame(w, r, status, f, p.name, data)
	}
}

// failed says why a page can't be shown.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, f frameView, err error) {
	status, n := http.StatusServiceUnavailable, result{
		Text: reader(r).Say("The store does not answer."), Hint: reader(r).Say("It is tried on by itself; load the page again in a few seconds."),
	}
	if p, ok := errors.AsType[*command.Problem](err); ok {
		status, n = p.Code, refusalOf(reader(r), p)
	} else if r.Context().Err() == nil {
		s.log.WarnContext(r.Context(), "page not shown", "path", r.URL.Path, "err", err)
	}
	f.Result = &n
	s.frame(w, r, status, f, "nothing", nil)
}

// frame draws a page with what stands round it.
func (s *Server) frame(w http.ResponseWriter, r *http.Request, status int, f frameView, name string, data any) {
	var err error
	pages := s.pages[reader(r).Tag()]
	if f.Body, err = s.part(pages, name+"-body", data); err == nil && pages.Lookup(name+"-head") != nil {
		f.Head, err = s.part(pages, name+"-head", data)
	}
	if err != nil {
		s.log.WarnContext(r.Context(), "page not drawn", "page", name, "err", err)
		http.Error(w, "The page could not be drawn; the log says why.", http.StatusInternalServerError)
		return
	}
	if p, ok := sheetOf(name); ok {
		f.Nav = s.nav(cmp.Or(p.under, p.path()))
	} else {
		f.Nav = s.nav("")
	}
	f.Version, f.Edition, f.SignedIn = s.o.Version, s.edition, s.needsLogin(r)
	s.show(w, r, status, "frame", f)
}

// part draws a piece of a page. What came from outside is escaped by the template.
func (s *Server) part(pages *template.Template, name string, data any) (template.HTML, error) {
	text, err := draw(pages, name, data)
	return template.HTML(text), err //nolint:gosec // G203: html/template has just escaped it
}

// show draws a whole page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var html bytes.Buffer
	if err := s.pages[reader(r).Tag()].ExecuteTemplate(&html, name, data); err != nil {
		s.log.Warn("page not drawn", "page", name, "err", err)
		http.Error(w, "The page could not be drawn; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = html.WriteTo(w)
}

// sheetOf finds a page by its name.
func sheetOf(name string) (sheet, bool) {
	all := sheets()
	i := slices.IndexFunc(all, func(p sheet) bool { return p.name == name })
	if i < 0 {
		return sheet{}, false
	}
	return all[i], true
}
