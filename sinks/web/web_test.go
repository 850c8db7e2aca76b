package web

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

func ask(t *testing.T, s *Server, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	r.Host = "localhost:8480"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(b)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	s := server(t, Options{Hosts: []string{"bridge.example:8480"}})
	for name, tc := range map[string]struct {
		method, target string
		header         []string
		status         int
	}{
		"health":                       {"GET", "/healthz", nil, 200},
		"metrics":                      {"GET", "/metrics", nil, 200},
		"head":                         {"HEAD", "/console/", nil, 200},
		"head of the stream":           {"HEAD", "/console/events", nil, 200},
		"post":                         {"POST", "/console/", nil, 405},
		"delete":                       {"DELETE", "/metrics", nil, 405},
		"root":                         {"GET", "/", nil, 302},
		"without a slash":              {"GET", "/console", nil, 302},
		"console":                      {"GET", "/console/", nil, 200},
		"script":                       {"GET", "/console/assets/console.js", nil, 200},
		"no such file":                 {"GET", "/console/assets/other.js", nil, 404},
		"out of the folder":            {"GET", "/console/assets/..%2fpage.go", nil, 404},
		"nothing there":                {"GET", "/admin", nil, 404},
		"rebound name":                 {"GET", "/console/", []string{"Host", "evil.example"}, 421},
		"rebound name at the stream":   {"GET", "/console/events", []string{"Host", "evil.example:8480"}, 421},
		"rebound name at the root":     {"GET", "/", []string{"Host", "evil.example"}, 421},
		"looks like loopback":          {"GET", "/console/", []string{"Host", "127.0.0.1.evil.example"}, 421},
		"ends like localhost":          {"GET", "/console/", []string{"Host", "notlocalhost"}, 421},
		"another address":              {"GET", "/console/", []string{"Host", "10.1.2.3"}, 421},
		"no host":                      {"GET", "/console/", []string{"Host", ""}, 421},
		"loopback address":             {"GET", "/console/", []string{"Host", "127.0.0.1:8480"}, 200},
		"another loopback address":     {"GET", "/console/", []string{"Host", "127.8.9.1"}, 200},
		"loopback of version 6":        {"GET", "/console/", []string{"Host", "[::1]:8480"}, 200},
		"name under localhost":         {"GET", "/console/", []string{"Host", "bridge.LOCALHOST.:8480"}, 200},
		"listed name, not signed in":   {"GET", "/console/", []string{"Host", "Bridge.Example"}, 303},
		"listed name's stream":         {"GET", "/console/events", []string{"Host", "Bridge.Example", "Accept", "text/event-stream"}, 401},
		"listed name's files":          {"GET", "/console/assets/page.css", []string{"Host", "Bridge.Example"}, 200},
		"through a proxy":              {"GET", "/console/", []string{"X-Forwarded-For", "192.0.2.7"}, 303},
		"fetched by another site":      {"HEAD", "/console/events", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		"fetched from another port":    {"HEAD", "/console/events", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, 403},
		"framed by another site":       {"GET", "/console/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		"linked from another site":     {"GET", "/console/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},
		"fetched by the page itself":   {"HEAD", "/console/events", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, 200},
		"typed into the address field": {"GET", "/console/", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := ask(t, s, tc.method, tc.target, tc.header...)
			defer res.Body.Close()
			require.Equal(t, tc.status, res.StatusCode)
			require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
			require.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))
		})
	}
}

// TestT21_NoReboundNameReadsHealthAndMetrics: probes ask by address or a listed
// name; a page whose name was made to point here can ask by that name only.
func TestT21_NoReboundNameReadsHealthAndMetrics(t *testing.T) {
	t.Parallel()
	s := server(t, Options{Hosts: []string{"bridge.example:8480"}, Conditions: func() []Condition { return conditions }})
	for host, status := range map[string]int{
		"10.1.2.3:8480":               200,
		"10.1.2.3":                    200,
		"127.0.0.1:8480":              200,
		"[::1]:8480":                  200,
		"[fd00::7]:8480":              200,
		"localhost:8480":              200,
		"Bridge.Example":              200,
		"evil.example":                421,
		"evil.example:8480":           421,
		"10.1.2.3.evil.example":       421,
		"10-1-2-3.evil.example:8480":  421,
		"notlocalhost":                421,
		"bridge.example.evil.example": 421,
		"imaginebridge:8480":          421,
		"":                            421,
	} {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			res := ask(t, s, "GET", path, "Host", host)
			text := body(t, res)
			require.Equal(t, status, res.StatusCode, "%s by %q", path, host)
			if status != 200 {
				require.Equal(t, "Health and metrics do not answer to this host name. Ask by address or as localhost, or set http.public_url to the name you use.\n", text)
			}
		}
	}
}

func TestThePageAllowsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	s := server(t, Options{MediaHosts: []string{"https://cdn.example"}})
	res := ask(t, s, "GET", "/console/")
	page := body(t, res)
	require.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https://cdn.example; "+
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'", res.Header.Get("Content-Security-Policy"))
	require.Equal(t, "same-origin", res.Header.Get("Referrer-Policy"))
	require.Equal(t, "DENY", res.Header.Get("X-Frame-Options"))
	require.Equal(t, "same-origin", res.Header.Get("Cross-Origin-Resource-Policy"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.NotRegexp(t, `<script[^>]*>[^<]`, page, "a script in the page would be refused")
	require.NotRegexp(t, `<style|\sstyle=|\son[a-z]+=`, page, "a style in the page would be refused")
	require.NotRegexp(t, `(src|href)="(https?:)?//`, page, "an empty console asks another host for something")
}

func TestAssetsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	s := server(t, Options{})
	for name, kind := range map[string]string{"console.js": "text/javascript", "page.css": "text/css", "discord.css": "text/css", "slack.css": "text/css", "icon.svg": "image/svg+xml"} {
		first := ask(t, s, "GET", "/console/assets/"+name)
		require.NotEmpty(t, body(t, first))
		require.Contains(t, first.Header.Get("Content-Type"), kind)
		again := ask(t, s, "GET", "/console/assets/"+name, "If-None-Match", first.Header.Get("ETag"))
		require.Equal(t, http.StatusNotModified, again.StatusCode)
		require.Empty(t, body(t, again))
	}
}

var conditions = []Condition{
	{Component: "discord", State: StateOK, Since: at},
	{Component: "poller", Agent: "secret_handle", State: StateDegraded, Reason: "It <b>answered</b> 500.", Next: "It is tried on with growing pauses.", Since: at},
	{Component: "secret_component", State: "secret_state"},
}

var lanes = []Lane{
	{Subscription: "team", To: "discord:secret_place", State: "live", Delivered: 128, Dead: 2, Last: at},
	{Subscription: "more", To: "discord:secret_other", State: "live", Delivered: 2},
	{Subscription: "hook", To: "webhook:secret.example", State: "suspended", Reason: "The address answers 410."},
	{Subscription: "odd", To: "secret_scheme:x", State: "secret_lane", Delivered: 1},
	{Subscription: "later", To: "slack:C1", State: "paused", Reason: "by a person"},
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		all    []Condition
		status int
		ready  bool
	}{
		"nothing to wait for":      {nil, 200, true},
		"failing is named, and up": {conditions, 200, true},
		"one of them starts":       {append([]Condition{{Component: "poller", Agent: "b", State: StateStarting}}, conditions...), 503, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := ask(t, server(t, Options{Conditions: func() []Condition { return tc.all }}), "GET", "/readyz")
			var got readiness
			require.NoError(t, json.Unmarshal([]byte(body(t, res)), &got))
			require.Equal(t, tc.status, res.StatusCode)
			require.Equal(t, readiness{Ready: tc.ready, Components: append([]Condition{}, tc.all...)}, got)
		})
	}
}

func TestHealthIsAWordOrJSONAsAskedFor(t *testing.T) {
	t.Parallel()
	s := server(t, Options{Version: "v1", Conditions: func() []Condition { return conditions }})
	for name, tc := range map[string]struct {
		path, accept string
		kind, holds  string
	}{
		"health for a probe":    {"/healthz", "*/*", "text/plain", "ok\n"},
		"health for a program":  {"/healthz", "application/json", "application/json", `"version":"v1"`},
		"ready for a probe":     {"/readyz", "*/*", "application/json", `"components":[`},
		"ready for a program":   {"/readyz", "application/json", "application/json", `"ready":true`},
		"ready for either":      {"/readyz", "text/plain, application/json;q=0.5", "application/json", `"ready":true`},
		"ready for a browser":   {"/readyz", "text/html,application/xhtml+xml,*/*;q=0.8", "text/plain", "ready\n"},
		"ready names all of it": {"/readyz", "text/plain", "text/plain", "\npoller @"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := ask(t, s, "GET", tc.path, "Accept", tc.accept)
			require.Equal(t, tc.kind+"; charset=utf-8", res.Header.Get("Content-Type"))
			require.Contains(t, body(t, res), tc.holds)
		})
	}
}

func TestMetricsAreShownWhereTheyAreCounted(t *testing.T) {
	t.Parallel()
	counted := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("some 1\n")) })
	require.Equal(t, "some 1\n", body(t, ask(t, server(t, Options{Metrics: counted}), "GET", "/metrics")))
}

func TestGoldenPage(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"nothing": {},
		"starting": {Conditions: func() []Condition {
			return []Condition{{Component: "poller", Agent: "orbit_bot", State: StateStarting}}
		}},
		"full": {
			Version: "v1.2.3", Conditions: func() []Condition { return conditions }, Lanes: func() []Lane { return lanes }, Hint: []string{"Set <A> and <B>,", "and start."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := server(t, o)
			s.room.epoch, s.edition = "epoch", "edition"
			if name == "full" {
				s.take(job("pending", 0))
				s.take(comment(1, "p"))
				s.take(job("completed", 0))
				s.take(comment(2, "p"))
			}
			golden.Equal(t, "testdata/page/"+name+".html", []byte(body(t, ask(t, s, "GET", "/console/"))))
		})
	}
}

func TestManyComponentsAreShownWorstFirst(t *testing.T) {
	t.Parallel()
	var all []Condition
	for n := range 100 {
		c := Condition{Component: "poller", Agent: string(rune('a'+n%26)) + strings.Repeat("x", n/26), State: StateOK}
		if n >= 90 {
			c.State, c.Reason = StateDegraded, "slow"
		}
		if n == 99 {
			c.State = StateDown
		}
		all = append(all, c)
	}
	v := status(language.Speaker{}, all, nil)
	require.Len(t, v.Components, maxChips)
	require.Equal(t, StateDown, v.Components[0].State)
	require.Equal(t, "and 93 more", v.Components[maxChips-1].Name)
	require.Len(t, v.Alerts, maxAlerts)
	require.Equal(t, StateDown, v.Alerts[0].State)
	require.Equal(t, 6, v.More)
	require.Equal(t, "@a, @b and 98 more", v.Watching)
}

func TestTimesOfOneCardAreThoseOfItsStates(t *testing.T) {
	t.Parallel()
	s := server(t, Options{})
	s.take(job("pending", 0))
	s.take(job("completed", 0))
	v := s.look.view(s.room.since(0, 0).roots[0])
	require.Equal(t, at.Add(7*time.Second), v.Discord.Posted)
	require.Equal(t, at.Add(9*time.Second), v.Discord.At)
	require.Equal(t, v.Discord.Posted, v.Slack.Posted)
}
