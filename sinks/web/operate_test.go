package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// office is what the operator's pages look at, in memory.
type office struct {
	mu         sync.Mutex
	asked      []command.Request
	answer     func(q command.Request) command.Answer
	lanes      []command.SubscriptionView
	letters    []bridge.DeadLetter
	events     []events.Event
	entries    []command.Entry
	places     []bridge.WorkspaceRecord
	installs   []bridge.Installation
	agentsNow  []Agent
	storeError error
	becoming   chan bridge.Outcome
}

func (o *office) do(_ context.Context, q command.Request) command.Answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, q)
	if o.answer != nil {
		return o.answer(q)
	}
	return command.Answer{OK: true, Reply: command.Reply{Text: "Done: " + q.Group + " " + q.Verb + "."}}
}

func (o *office) requests() []command.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

func (o *office) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

func (o *office) Events(_ context.Context, _ []string, _ time.Time, fn func(events.Event, bridge.Entry) bool) error {
	for i, e := range o.events {
		if !fn(e, bridge.Entry{Position: uint64(i) + 1, Stored: at}) {
			break
		}
	}
	return nil
}

func (o *office) Find(_ context.Context, _ []string, id string) (events.Event, bridge.Entry, bool, error) {
	for _, e := range o.events {
		if e.ID == id {
			data, err := json.Marshal(e)
			return e, bridge.Entry{Position: 7, Stored: at, Data: data}, true, err
		}
	}
	return events.Event{}, bridge.Entry{}, false, nil
}

func (o *office) Audits(_ context.Context, _ time.Time, fn func(command.Entry) bool) error {
	for _, e := range o.entries {
		if !fn(e) {
			break
		}
	}
	return nil
}

func (o *office) List(_ context.Context, _ string, fn func(bridge.DeadLetter) bool) error {
	for _, l := range o.letters {
		if !fn(l) {
			break
		}
	}
	return nil
}

func (o *office) operator() *Operator {
	return &Operator{
		Do: o.do, History: o, Dead: o,
		Subscriptions: func(context.Context) ([]command.SubscriptionView, error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			return slices.Clone(o.lanes), o.storeError
		},
		Agents:     func(context.Context) ([]Agent, error) { return o.agentsNow, nil },
		Workspaces: func(context.Context) ([]bridge.WorkspaceRecord, error) { return o.places, nil },
		Installs:   func(context.Context) ([]bridge.Installation, error) { return o.installs, nil },
		NotGranted: func(_ language.Speaker, granted []string) []string {
			if len(granted) > 0 {
				return nil
			}
			return []string{"Not allowed: chat:write."}
		},
		Store: func(context.Context) (Store, error) {
			return Store{Version: "2.12.0", Embedded: true, Members: 2, Streams: []Stream{{Name: "IA_EVENTS", Messages: 7, Bytes: 5 << 20, Share: 0.82}}}, nil
		},
		Journal: func(ctx context.Context, _ time.Time, _ func(command.Entry), became func(bridge.Outcome)) error {
			for {
				select {
				case out := <-o.becoming:
					became(out)
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		},
	}
}

// full is an office in which everything that a page can show is there, with this
// text wherever text can come from outside.
func full(text string) *office {
	return &office{
		lanes: []command.SubscriptionView{
			{ID: "team", Name: "Team " + text, Agents: []string{"orbit_bot"}, Preset: "public", To: "discord:1234", State: "live", Waiting: 3, Origin: bridge.FromFile, Cap: 20, Digest: "1h"},
			{ID: "sub_2", Name: "Hook", Agents: []string{"*"}, Events: []string{"notification.like"}, Filter: text, To: "webhook:hooks.example", State: "suspended", Reason: "410 " + text, Origin: bridge.FromChat, By: text},
			{ID: "sub_3", Name: "Later", Agents: []string{"*"}, Events: []string{"*"}, To: "slack:C1", State: "paused", PausedUntil: at.Add(time.Hour), Origin: bridge.FromCLI},
		},
		letters: []bridge.DeadLetter{
			{ID: 4711, Subscription: "sub_2", To: "webhook:hooks.example", EventID: "ntf_1", Reason: "too large " + text, Attempts: 3, At: at},
			{ID: 4712, Subscription: text, To: text, Reason: text, Attempts: 1, At: at},
		},
		events: []events.Event{example("ntf_1", events.NotificationFollow{Actor: events.Agent{Handle: "nova_ai", Name: "Nova " + text}}), follow(2)},
		entries: []command.Entry{
			{At: at, Principal: command.Principal{Platform: command.Discord, User: "7", Name: text}, Door: "discord", Place: text, Agent: text, Group: text, Verb: text, Outcome: "refused", Status: "forbidden", Targets: map[string]string{"post": text}},
			{At: at.Add(time.Second), Principal: operator(), Door: door, Place: "127.0.0.1", Agent: "orbit_bot", Group: "subscribe", Verb: "pause", Outcome: "done", Targets: map[string]string{"subscription": "team"}},
		},
		places: []bridge.WorkspaceRecord{
			{Platform: "discord", ID: "99", Name: "Guild " + text, Joined: at, Welcomed: at, Installer: bridge.Person{Name: text}, Agents: []bridge.Connected{{Handle: "orbit_bot", By: bridge.Person{Name: text}, At: at, How: bridge.ByInvite}}, Access: map[string]bridge.AccessLists{"*": {Write: []string{"discord:role:5"}}}},
			{Platform: "slack", ID: "T1", Enterprise: "E1", Left: at},
			{Platform: "slack", ID: "T4", Enterprise: "E2", Name: "branch"},
		},
		installs: []bridge.Installation{
			{Platform: "slack", Team: "T2", Name: text, Scopes: []string{"chat:write"}, Installed: at, Ended: at.Add(time.Hour), Why: text},
			{Platform: "slack", Team: "T3", Name: "late", Installed: at, Expires: at.Add(12 * time.Hour), Installer: bridge.Person{Name: text}},
			{Platform: "slack", Enterprise: "E2", Team: bridge.WholeOrganisation, Name: "Corp", Scopes: []string{"chat:write"}, Installed: at},
		},
		agentsNow: []Agent{
			{
				Handle: "orbit_bot", State: StateDegraded, Reason: "orbit_bot: " + text, Next: "It is tried on.", Since: at, Process: "one",
				Sources: []Source{{Name: "messages", Last: at, Failures: 3, Problem: text}, {Name: "notifications", Last: at}},
				Budgets: []Budget{{Class: "read", Limit: 100, Remaining: 40, Wait: time.Second}},
			},
			{Handle: "silent", State: StateStarting},
		},
		becoming: make(chan bridge.Outcome),
	}
}

func desked(t *testing.T, o *office, opts Options) *Server {
	t.Helper()
	opts.Operator, opts.Version = o.operator(), "v1.2.3"
	opts.Conditions = func() []Condition { return conditions }
	s := server(t, opts)
	s.edition = "edition"
	for _, e := range o.events {
		s.take(e)
	}
	s.desk.became(bridge.Outcome{Kind: bridge.Dead, Subscription: "team", Reason: "too large", At: at})
	return s
}

// visits are the pages and what they are asked.
var visits = map[string]string{
	"overview": "", "agents": "", "subscriptions": "", "stream": "q=nova", "dead": "", "workspaces": "", "audit": "", "subscription": "id=sub_2",
	"add": "", "edit": "id=sub_2", "preview": "subscription=team&since=1h", "event": "id=ntf_1", "why": "subscription=team&event=ntf_1",
}

func answered(q command.Request) command.Answer {
	switch q.Verb {
	case "preview":
		return command.Answer{OK: true, Reply: command.Reply{Text: "It would have sent 1 event.", Data: command.Preview{Items: []command.PreviewEvent{
			{ID: "ntf_1", Event: "notification.like", Agent: "orbit_bot", At: at, Sent: true}, {ID: "ntf_2", Event: "notification.follow", Agent: "orbit_bot", At: at, Why: "the filter holds it back"},
		}}}}
	case "why":
		return command.Answer{OK: true, Reply: command.Reply{Text: "Team sent it.", Data: command.Trace{Event: "ntf_1", Stages: []command.Stage{{Name: "polled and stored", At: at, Verdict: "in one batch"}, {Name: "covered", Verdict: "yes"}}}}}
	}
	return command.Answer{OK: true}
}

func TestGoldenSheets(t *testing.T) {
	t.Parallel()
	require.Len(t, sheets(), len(visits))
	o := full("<b>Ann</b>")
	o.answer = answered
	s := desked(t, o, Options{})
	for name, query := range visits {
		t.Run(name, func(t *testing.T) {
			res := ask(t, s, "GET", "/console/"+name+"?once=once&"+query)
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Contains(t, res.Header.Get("Content-Security-Policy"), "script-src 'self'; style-src 'self';")
			require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
			golden.Equal(t, "testdata/sheet/"+name+".html", []byte(body(t, res)))
		})
	}
}

func TestSheetsWithoutAnythingSaySo(t *testing.T) {
	t.Parallel()
	s := server(t, Options{Operator: (&office{}).operator()})
	for name, says := range map[string]string{
		"overview": "Nobody has done anything", "agents": "No agent is configured", "subscriptions": "There is no subscription", "stream": "No event in the last hour",
		"stream?since=24h&q=x": "No event with these words in that time", "dead": "No event waits", "dead?reason=x": "No event waits as a dead letter that fits", "workspaces": "No server or workspace is known", "audit": "Nothing in that time",
	} {
		res := ask(t, s, "GET", "/console/"+name)
		require.Equal(t, 200, res.StatusCode, name)
		require.Contains(t, body(t, res), says, name)
	}
	for target, says := range map[string]string{"subscription?id=gone": "There is no such subscription.", "event?id=gone": "No event of that id is kept."} {
		res := ask(t, s, "GET", "/console/"+target)
		require.Equal(t, 404, res.StatusCode, target)
		require.Contains(t, body(t, res), says)
	}
}

func TestAStoreThatDoesNotAnswerIsToldSo(t *testing.T) {
	t.Parallel()
	o := full("x")
	o.storeError = context.DeadlineExceeded
	res := ask(t, desked(t, o, Options{}), "GET", "/console/subscriptions")
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Contains(t, body(t, res), "The store does not answer.")
}

// TestF48_SheetsShowTextAsText: whatever stands in names, reasons and answers, a
// page has no element, address or style but its own.
func TestF48_SheetsShowTextAsText(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	plain := desked(t, full("plain"), Options{})
	for name, query := range visits {
		for n := range parsed(t, ask(t, plain, "GET", "/console/"+name+"?"+query)).Descendants() {
			known[n.Data] = known[n.Data] || n.Type == html.ElementNode
			for _, a := range n.Attr {
				known["@"+a.Key] = true
			}
		}
	}
	for _, text := range hostile {
		t.Run(cut(clean(text, 20), 20), func(t *testing.T) {
			t.Parallel()
			o := full(text)
			o.answer = func(q command.Request) command.Answer {
				a := answered(q)
				a.Reply.Text = text
				return a
			}
			s := desked(t, o, Options{})
			for name, query := range visits {
				res := ask(t, s, "GET", "/console/"+name+"?q="+url.QueryEscape(cut(text, 500))+"&reason="+url.QueryEscape(cut(text, 500))+"&"+query)
				for n := range parsed(t, res).Descendants() {
					require.NotEqual(t, html.CommentNode, n.Type)
					if n.Type != html.ElementNode {
						continue
					}
					require.True(t, known[n.Data], "%s has <%s>", name, n.Data)
					for _, a := range n.Attr {
						require.True(t, known["@"+a.Key], "%s has %s=", name, a.Key)
						if a.Key == "href" || a.Key == "action" || a.Key == "src" {
							require.Regexp(t, `^(/|#|https://[a-z.]+/)`, a.Val, name)
						}
					}
				}
			}
		})
	}
}

func parsed(t *testing.T, res *http.Response) *html.Node {
	t.Helper()
	text := body(t, res)
	require.Less(t, len(text), 4<<20)
	require.Empty(t, strings.IndexFunc(strings.ReplaceAll(text, "\n", ""), func(r rune) bool { return r == 0 || r == '\u202e' })+1, "a control is shown")
	doc, err := html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	return doc
}

// post sends a form as a browser on this machine does.
func post(t *testing.T, s *Server, target string, form url.Values, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Host, r.RemoteAddr = "localhost:8480", "127.0.0.1:5555"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		switch name, value := header[i], header[i+1]; {
		case name == "Host":
			r.Host = value
		case name == "Remote":
			r.RemoteAddr = value
		case value == "":
			r.Header.Del(name)
		default:
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

func deedForm(command string, args ...string) url.Values {
	f := url.Values{"command": {command}, "once": {"page1"}, "back": {"/console/subscriptions?q=1"}}
	for i := 0; i+1 < len(args); i += 2 {
		f.Set("arg."+args[i], args[i+1])
	}
	return f
}

func TestAButtonIsACommandOfTheOperator(t *testing.T) {
	t.Parallel()
	o := full("x")
	s := desked(t, o, Options{})
	res := post(t, s, actPath, deedForm("subscribe pause", "subscription", "team", "until", " 2h ", "empty", ""))
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	require.NoError(t, res.Body.Close())
	q := o.requests()[0]
	require.Regexp(t, `^console:[0-9a-f]{32}$`, q.ID)
	q.ID = ""
	require.Equal(t, command.Request{
		Principal: command.Principal{Platform: command.Terminal, User: "console", Name: "operator"}, Group: "subscribe", Verb: "pause",
		Values: map[string]any{"subscription": "team", "until": "2h"}, Door: "console", Place: "127.0.0.1", Locale: "en",
	}, q)

	back := res.Header.Get("Location")
	require.Regexp(t, `^/console/subscriptions\?q=1&told=[A-Z0-9]+$`, back)
	require.Contains(t, body(t, ask(t, s, "GET", back)), `<p class="alert ok" role="status"><b>Done: subscribe pause.</b></p>`)
	require.NotContains(t, body(t, ask(t, s, "GET", back)), "Done: subscribe pause.", "it is told once")

	for _, form := range []url.Values{deedForm("subscribe pause", "subscription", "team", "until", "2h"), deedForm("subscribe pause", "subscription", "team"), deedForm("subscribe resume", "subscription", "team")} {
		require.NoError(t, post(t, s, actPath, form).Body.Close())
	}
	all := o.requests()
	require.Equal(t, all[0].ID, all[1].ID, "a double click is one request")
	require.NotEqual(t, all[1].ID, all[2].ID)
	require.NotEqual(t, all[2].ID, all[3].ID)
}

func TestWhatCannotBeUndoneIsAskedAbout(t *testing.T) {
	t.Parallel()
	o := full("x")
	o.answer = func(q command.Request) command.Answer {
		if !q.Confirmed {
			return command.Answer{NeedsConfirm: true, Question: "Drop <these>?"}
		}
		return command.Answer{OK: true, Reply: command.Reply{Text: "Dropped."}}
	}
	s := desked(t, o, Options{})
	res := post(t, s, actPath, deedForm("dead drop", "id", "all", "reason", `"too large"`))
	require.Equal(t, http.StatusOK, res.StatusCode)
	page := body(t, res)
	golden.Equal(t, "testdata/sheet/confirm.html", []byte(page))

	doc, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	yes := url.Values{}
	for n := range doc.Descendants() {
		if n.Data == "input" {
			values := map[string]string{}
			for _, a := range n.Attr {
				values[a.Key] = a.Val
			}
			yes.Set(values["name"], values["value"])
		}
	}
	res = post(t, s, actPath, yes)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	all := o.requests()
	require.Len(t, all, 2)
	require.True(t, all[1].Confirmed)
	require.Equal(t, map[string]any{"id": "all", "reason": `"too large"`}, all[1].Values)
	require.NotEqual(t, all[0].ID, all[1].ID)
}

func TestARefusalIsShown(t *testing.T) {
	t.Parallel()
	o := full("x")
	o.answer = func(command.Request) command.Answer {
		return command.Answer{Problem: &command.Problem{Code: 400, Message: "\"x\" is no time.", Hint: "Write 2h."}}
	}
	s := desked(t, o, Options{})
	res := post(t, s, actPath, deedForm("subscribe replay", "since", "x"))
	require.NoError(t, res.Body.Close())
	require.Contains(t, body(t, ask(t, s, "GET", res.Header.Get("Location"))), `<p class="alert down" role="status"><b>&#34;x&#34; is no time.</b> <span>Write 2h.</span></p>`)
	for target, kept := range map[string]string{
		"why?subscription=team&event=ntf_9": `name="event" value="ntf_9"`, "preview?subscription=team&since=x&filter=y": `name="since" value="x"`,
	} {
		res := ask(t, s, "GET", "/console/"+target)
		require.Equal(t, 400, res.StatusCode)
		page := body(t, res)
		require.Contains(t, page, "is no time")
		require.Contains(t, page, kept, "what was typed can be mended there")
	}
}

// TestT21_FormsOfOtherPagesDoNothing: only what a page of the console itself sends
// is carried out, and only what it has buttons for.
func TestT21_FormsOfOtherPagesDoNothing(t *testing.T) {
	t.Parallel()
	o := full("x")
	s := desked(t, o, Options{Hosts: []string{"bridge.example"}, Token: "0123456789abcdef"})
	pause := deedForm("subscribe pause", "subscription", "team")
	for name, tc := range map[string]struct {
		form   url.Values
		header []string
		status int
	}{
		"another site":                {pause, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"another port of this host":   {pause, []string{"Sec-Fetch-Site", "same-site"}, 403},
		"another site by its origin":  {pause, []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, 403},
		"an origin that is hidden":    {pause, []string{"Sec-Fetch-Site", "", "Origin", "null"}, 403},
		"nothing is said":             {pause, []string{"Sec-Fetch-Site", ""}, 403},
		"a rebound name":              {pause, []string{"Host", "evil.example"}, 421},
		"not signed in":               {pause, []string{"Host", "bridge.example"}, 401},
		"through a proxy":             {pause, []string{"X-Forwarded-For", "192.0.2.1"}, 401},
		"no such button":              {deedForm("post create", "text", "hi"), nil, 400},
		"a command that shows a key":  {deedForm("agent rotate"), nil, 400},
		"nothing":                     {url.Values{}, nil, 400},
		"a form that is no form":      {pause, []string{"Content-Type", "text/plain"}, 400},
		"one's own by its origin":     {pause, []string{"Sec-Fetch-Site", "", "Origin", "http://localhost:8480"}, 303},
		"one's own, as browsers tell": {pause, []string{"Origin", "http://localhost:8480"}, 303},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(o.requests())
			res := post(t, s, actPath, tc.form, tc.header...)
			require.NoError(t, res.Body.Close())
			require.Equal(t, tc.status, res.StatusCode)
			require.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))
			did := 0
			if tc.status == 303 {
				did = 1
			}
			require.Len(t, o.requests(), before+did)
		})
	}
	for _, path := range []string{"/console/subscriptions", "/console/", "/healthz", "/console/changes"} {
		res := post(t, s, path, pause)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode, path)
	}
}

func TestFormsLeadBackToTheConsoleOnly(t *testing.T) {
	t.Parallel()
	for back, want := range map[string]string{
		"/console/dead?reason=a+b":    "/console/dead?reason=a+b",
		"":                            "/console/",
		"https://evil.example/":       "/console/",
		"//evil.example/console/":     "/console/",
		"/\\evil.example":             "/console/",
		"/console/../metrics":         "/console/",
		"/consoles":                   "/console/",
		"javascript:alert(1)":         "/console/",
		"/console/%2e%2e/%2e%2e/x":    "/console/",
		"/console/\r\nSet-Cookie: a=": "/console/",
	} {
		require.Equal(t, want, within(back), back)
	}
}

func FuzzWithin(f *testing.F) {
	f.Add("/console/dead?x=1")
	f.Add("//evil/console/")
	f.Add("/console/\\..")
	f.Fuzz(func(t *testing.T, back string) {
		got := within(back)
		u, err := url.Parse(got)
		require.NoError(t, err)
		require.Empty(t, u.Host)
		require.Empty(t, u.Scheme)
		require.True(t, strings.HasPrefix(got, "/console/"), got)
		require.NotContains(t, got, "\n")
	})
}
