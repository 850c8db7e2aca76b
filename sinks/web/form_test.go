package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// formIn reads the form of a page as a browser sends it, with what a person typed.
func formIn(t *testing.T, page string, typed ...string) url.Values {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	out := url.Values{}
	of := func(n *html.Node) map[string]string {
		values := map[string]string{}
		for _, a := range n.Attr {
			values[a.Key] = a.Val
		}
		return values
	}
	for n := range doc.Descendants() {
		switch is := of(n); {
		case n.Data == "input" && is["name"] != "":
			out.Set(is["name"], is["value"])
		case n.Data == "textarea":
			text := ""
			if n.FirstChild != nil {
				text = n.FirstChild.Data
			}
			out.Set(is["name"], strings.ReplaceAll(text, "\n", "\r\n"))
		case n.Data == "option" && n.Parent.Data == "select":
			if _, chosen := is["selected"]; chosen || !out.Has(of(n.Parent)["name"]) {
				out.Set(of(n.Parent)["name"], is["value"])
			}
		}
	}
	for i := 0; i+1 < len(typed); i += 2 {
		require.True(t, typed[i] == "dry" || out.Has(typed[i]), typed[i])
		out.Set(typed[i], typed[i+1])
	}
	return out
}

func TestAFormSaysWhatIsToBeDifferent(t *testing.T) {
	t.Parallel()
	stored := command.SubscriptionView{
		ID: "sub_9", Name: "night", Agents: []string{"orbit_bot"}, Preset: "quiet", Events: []string{"notification.mention"}, Filter: "data.actor.verified",
		To: "webhook:hooks.example", Digest: "1h", Quiet: "22:00-07:00 Europe/Berlin", Cap: 3, Fold: "10m", CatchUp: "all", Order: "strict", Notify: "discord:5",
		Audience: map[string]string{"*": "discord:role:1", "message.received": "discord:user:2"}, Template: "{{.type}}\n\n\nand {{.agent}}", Origin: bridge.FromChat, State: "live",
	}
	for name, tc := range map[string]struct {
		page  string
		typed []string
		verb  string
		want  map[string]any
	}{
		"added, the least":      {"add", []string{"arg.to", "console"}, "add", map[string]any{"to": "console", "preset": "quiet", "agents": "*"}},
		"added, its own choice": {"add", []string{"arg.to", " console ", "arg.preset", "", "arg.events", "message.*"}, "add", map[string]any{"to": "console", "events": "message.*", "agents": "*"}},
		"added, with all": {
			"add",
			[]string{"arg.to", "slack:C1", "arg.agents", "orbit_bot", "arg.cap", "5", "arg.catch_up", "skip", "arg.order", "strict", "arg.start", "24h", "arg.template", "a\r\nb", "arg.name", "all-of-it"},
			"add",
			map[string]any{"to": "slack:C1", "preset": "quiet", "agents": "orbit_bot", "cap": "5", "catch_up": "skip", "order": "strict", "start": "24h", "template": "a\nb", "name": "all-of-it"},
		},
		"nothing changed":          {"edit?id=sub_9", nil, "edit", map[string]any{"subscription": "sub_9"}},
		"one thing":                {"edit?id=sub_9", []string{"arg.name", "day"}, "edit", map[string]any{"subscription": "sub_9", "name": "day"}},
		"a whole address":          {"edit?id=sub_9", []string{"arg.to", "webhook:https://hooks.example/x"}, "edit", map[string]any{"subscription": "sub_9", "to": "webhook:https://hooks.example/x"}},
		"its own choice of events": {"edit?id=sub_9", []string{"arg.preset", "", "arg.events", "message.*"}, "edit", map[string]any{"subscription": "sub_9", "events": "message.*"}},
		"emptied": {
			"edit?id=sub_9",
			[]string{"arg.filter", "", "arg.digest", "", "arg.quiet", " ", "arg.cap", "", "arg.fold", "", "arg.notify", "", "arg.audience", "", "arg.template", "", "arg.agents", ""},
			"edit",
			map[string]any{"subscription": "sub_9", "filter": "off", "digest": "off", "quiet": "off", "cap": "0", "fold": "off", "notify": "off", "audience": "off", "template": "off", "agents": "*"},
		},
		"as usual again": {"edit?id=sub_9", []string{"arg.catch_up", "digest", "arg.order", "free"}, "edit", map[string]any{"subscription": "sub_9", "catch_up": "digest", "order": "free"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := full("x")
			o.lanes = append(o.lanes, stored)
			o.answer = func(command.Request) command.Answer {
				return command.Answer{OK: true, Reply: command.Reply{Text: "Saved.", Data: command.SubscriptionView{ID: "sub_9"}}}
			}
			s := desked(t, o, Options{})
			res := post(t, s, actPath, formIn(t, body(t, ask(t, s, "GET", "/console/"+tc.page)), tc.typed...))
			require.Equal(t, http.StatusSeeOther, res.StatusCode, body(t, res))
			require.Regexp(t, `^/console/subscription\?id=sub_9&told=`, res.Header.Get("Location"))
			q := o.requests()[0]
			require.Equal(t, "subscribe "+tc.verb, q.Group+" "+q.Verb)
			require.Equal(t, tc.want, q.Values)
		})
	}
}

func TestWhatIsWrongIsSaidBesideItsField(t *testing.T) {
	t.Parallel()
	refusing := func(code int, field string) func(command.Request) command.Answer {
		return func(command.Request) command.Answer {
			return command.Answer{Problem: &command.Problem{Code: code, Field: field, Message: "Not so.", Hint: "But so."}}
		}
	}
	for name, tc := range map[string]struct {
		typed  []string
		answer func(command.Request) command.Answer
		status int
		field  string // that is marked
		says   string
		asked  int
	}{
		"by the command":            {[]string{"arg.to", "elsewhere"}, refusing(400, "to"), 400, "to", "Not so.", 1},
		"by a dry run":              {[]string{"arg.filter", "x ==", "dry", "yes"}, refusing(400, "filter"), 400, "filter", "Not so.", 1},
		"one of those that few use": {[]string{"arg.to", "console", "arg.digest", "x"}, refusing(400, "digest"), 400, "digest", "Not so.", 1},
		"at no field":               {[]string{"arg.to", "console"}, refusing(409, ""), 409, "", "Not so.", 1},
		"two choices of events":     {[]string{"arg.to", "console", "arg.events", "message.*"}, nil, 400, "events", "There is a list chosen above", 0},
		"no choice of events":       {[]string{"arg.to", "console", "arg.preset", ""}, nil, 400, "events", "No event is named.", 0},
		"no answer":                 {[]string{"arg.to", "console", "dry", "yes"}, func(command.Request) command.Answer { return command.Answer{Running: true} }, 503, "", "There is no answer yet.", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := full("x")
			o.answer = tc.answer
			s := desked(t, o, Options{})
			typed := formIn(t, body(t, ask(t, s, "GET", "/console/add")), append(tc.typed, "arg.name", "kept")...)
			res := post(t, s, actPath, typed)
			require.Equal(t, tc.status, res.StatusCode)
			page := body(t, res)
			require.Contains(t, page, tc.says)
			require.Len(t, o.requests(), tc.asked)
			if tc.field == "" {
				require.NotContains(t, page, "aria-invalid")
			} else {
				require.Contains(t, page, `id="wrong-`+tc.field+`"`)
				require.Equal(t, 1, strings.Count(page, `aria-invalid="true" autofocus`))
				require.Equal(t, tc.field == "digest", strings.Contains(page, `<details class="box" open>`), "what is marked is to be seen")
			}
			again := formIn(t, page)
			require.NotEqual(t, typed["once"], again["once"], "the same form is another request")
			delete(typed, "dry")
			delete(typed, "once")
			delete(again, "once")
			require.Equal(t, typed, again, "what was typed is there still")
		})
	}
}

func TestAConfirmedFormIsTheSame(t *testing.T) {
	t.Parallel()
	o := full("x")
	o.answer = func(q command.Request) command.Answer {
		if !q.Confirmed {
			return command.Answer{NeedsConfirm: true, Question: "Everybody reads them. Send them there?"}
		}
		return command.Answer{Problem: &command.Problem{Code: 409, Field: "name", Message: "There is one already."}}
	}
	s := desked(t, o, Options{})
	page := body(t, post(t, s, actPath, formIn(t, body(t, ask(t, s, "GET", "/console/edit?id=sub_2")), "arg.preset", "quiet", "arg.events", "", "arg.name", "other")))
	require.Contains(t, page, "Everybody reads them.")
	res := post(t, s, actPath, formIn(t, page))
	require.Equal(t, http.StatusConflict, res.StatusCode)
	require.Contains(t, body(t, res), `id="wrong-name"`)
	all := o.requests()
	require.Len(t, all, 2)
	require.Equal(t, all[0].Values, all[1].Values)
	require.Equal(t, map[string]any{"subscription": "sub_2", "preset": "quiet", "name": "other"}, all[1].Values)
}

func TestGoldenDryRunOfAForm(t *testing.T) {
	t.Parallel()
	o := full("<b>Ann</b>")
	o.answer = func(q command.Request) command.Answer {
		a := answered(q)
		p := a.Reply.Data.(command.Preview)
		p.Items[0].Text = "in <other> words"
		return a
	}
	s := desked(t, o, Options{})
	page := body(t, ask(t, s, "GET", "/console/add?once=once"))
	res := post(t, s, actPath, formIn(t, page, "arg.agents", "orbit_bot", "arg.template", "in <other> words", "since", "2h", "dry", "yes"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	drawn := regexp.MustCompile(`name="once" value="[A-Z0-9]+"`).ReplaceAllString(body(t, res), `name="once" value="once"`)
	golden.Equal(t, "testdata/sheet/draft.html", []byte(drawn))
	q := o.requests()[0]
	require.Equal(t, "preview", q.Verb)
	require.Empty(t, q.ID, "a look is not recorded")
	require.Equal(t, "orbit_bot", q.Agent)
	require.Equal(t, map[string]any{"preset": "quiet", "template": "in <other> words", "since": "2h"}, q.Values)
}

func TestWhatTheFileSaysHasNoForm(t *testing.T) {
	t.Parallel()
	o := full("x")
	s := desked(t, o, Options{})
	res := ask(t, s, "GET", "/console/edit?id=team")
	require.Equal(t, http.StatusConflict, res.StatusCode)
	require.Contains(t, body(t, res), "The settings of Team x stand in the configuration file.")
	require.NotContains(t, body(t, ask(t, s, "GET", "/console/subscription?id=team")), "/console/edit")
	require.Equal(t, http.StatusNotFound, ask(t, s, "GET", "/console/edit?id=gone").StatusCode)
}

// Every setting that people may give has its place in the form.
func TestTheFormHasEverySetting(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"add", "edit"} {
		spec, ok := command.Find("subscribe", verb)
		require.True(t, ok)
		known := map[string]bool{"subscription": true}
		for _, set := range settings() {
			_, takes := spec.Arg(set.Name)
			require.True(t, takes || set.OnlyNew && verb == "edit", set.Name)
			known[set.Name] = true
		}
		for _, arg := range spec.Args {
			require.True(t, known[arg.Name], "%s has no field for %s", verb, arg.Name)
		}
	}
}
