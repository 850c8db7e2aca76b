package discord

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

// secretToken is a token that must appear nowhere.
const secretToken = "MTEwMDAwMDAwMDAwMDAwMDA0Mg.Gcanary.canary-canary-canary-canary-canary-0"

// onLoopback lets the sink believe that the in-process platform is on this
// machine, where http is allowed.
type onLoopback struct {
	to   *url.URL
	next http.RoundTripper
}

func (o onLoopback) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = o.to.Scheme, o.to.Host
	return o.next.RoundTrip(r)
}

func TestSinkKeepsThePromisesOfAllSinks(t *testing.T) {
	t.Parallel()
	sinktest.Run(t, sinktest.Subject{
		Open: func(t *testing.T, g sinktest.Ground) bridge.Sink {
			t.Helper()
			to, err := url.Parse(g.URL)
			require.NoError(t, err)
			s, err := New(Options{
				Token: func() string { return secretToken }, APIURL: "http://127.0.0.1", Log: g.Log,
				HTTPClient: &http.Client{Transport: onLoopback{to: to, next: g.Client.Transport}},
			})
			require.NoError(t, err)
			return s
		},
		Platform: platform,
		Secrets:  []string{secretToken},
		Creates: func(r *http.Request) bool {
			return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/messages")
		},
		Answers: answers,
		Once:    true, Later: true, Edits: true, Threads: true, Markup: true,
	})
}

func platform(t *testing.T) sinktest.Platform {
	t.Helper()
	fake, err := fakediscord.NewUnbound(fakediscord.Options{Token: secretToken, OpenAPI: officialDocument()})
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	channel := fake.Channel(fake.Guild("guild"), "alerts")
	return sinktest.Platform{
		Handler: fake, To: bridge.Destination{Scheme: "discord", Place: channel},
		Visible: func() []sinktest.Shown {
			var out []sinktest.Shown
			for _, place := range append([]string{channel}, fake.Threads(channel)...) {
				for _, m := range fake.Messages(place) {
					out = append(out, shown(m, place, channel))
				}
			}
			return out
		},
		Remove: func(id string) { fake.Delete(channel, id) },
		Objections: func() []string {
			var out []string
			for _, v := range fake.Faults() {
				out = append(out, v.String())
			}
			return out
		},
	}
}

// shown reads a message as people see it.
func shown(m fakediscord.Message, place, channel string) sinktest.Shown {
	out := sinktest.Shown{ID: m.ID}
	if place != channel {
		out.Thread = place
	}
	var words []string
	read := func(markdown string) {
		text := readMarkdown(markdown)
		words = append(words, text.plain)
		out.Pings = append(out.Pings, text.pings...)
		out.Links = append(out.Links, text.masked...)
	}
	read(m.Content)
	for _, e := range m.Embeds {
		if e.Author != nil {
			words = append(words, e.Author.Name)
		}
		read(e.Title)
		read(e.Description)
		for _, f := range e.Fields {
			read(f.Name)
			read(f.Value)
		}
		if e.Footer != nil {
			words = append(words, e.Footer.Text)
		}
	}
	for _, c := range m.Components {
		for _, b := range c.Components {
			words = append(words, b.Label)
		}
	}
	for _, u := range m.Mentions {
		out.Pings = append(out.Pings, u.ID)
	}
	out.Pings = append(out.Pings, m.MentionRoles...)
	if m.MentionEveryone {
		out.Pings = append(out.Pings, "everyone")
	}
	out.Text = strings.Join(words, "\n")
	return out
}

// refusal rows say what each answer of Discord means for a message.
var answers = []sinktest.Answer{
	{Name: "400 without a code", Status: 400, Body: `{"message":"400: Bad Request","code":0}`, Want: bridge.Retry, Unknown: true},
	{Name: "form refused", Status: 400, Body: `{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"title":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"x"}]}}}}}`, Want: bridge.Reject, Advice: true},
	{Name: "empty message", Status: 400, Body: `{"message":"Cannot send an empty message","code":50006}`, Want: bridge.Reject, Advice: true},
	{Name: "no text channel", Status: 400, Body: `{"message":"x","code":50008}`, Want: bridge.Gone, Advice: true},
	{Name: "blocked by AutoMod", Status: 400, Body: `{"message":"x","code":200000}`, Want: bridge.Reject, Advice: true},
	{Name: "blocked by link filter", Status: 400, Body: `{"message":"x","code":240000}`, Want: bridge.Reject, Advice: true},
	{Name: "thread locked", Status: 400, Body: `{"message":"x","code":160005}`, Want: bridge.Gone, Advice: true},
	{Name: "token revoked", Status: 401, Body: `{"message":"401: Unauthorized","code":0}`, Want: bridge.Revoked, Advice: true},
	{Name: "no access", Status: 403, Body: `{"message":"Missing Access","code":50001}`, Want: bridge.Gone, Advice: true},
	{Name: "no permission", Status: 403, Body: `{"message":"Missing Permissions","code":50013}`, Want: bridge.Gone, Advice: true},
	{Name: "direct messages closed", Status: 403, Body: `{"message":"x","code":50007}`, Want: bridge.Gone, Advice: true},
	{Name: "no mutual guild", Status: 403, Body: `{"message":"x","code":50278}`, Want: bridge.Gone, Advice: true},
	{Name: "unknown 403", Status: 403, Body: `{"message":"x","code":59999}`, Want: bridge.Retry, Unknown: true},
	{Name: "internal network error", Status: 403, Body: `{"message":"internal network error","code":40333}`, Want: bridge.Retry, Paced: true, After: 10 * time.Minute},
	{Name: "edge refuses", Status: 403, Header: map[string]string{"Content-Type": "text/html"}, Body: `<html>denied`, Want: bridge.Retry, Paced: true, After: 10 * time.Minute},
	{Name: "unknown channel", Status: 404, Body: `{"message":"Unknown Channel","code":10003}`, Want: bridge.Gone, Advice: true},
	{Name: "404 without a code", Status: 404, Body: `{"message":"404: Not Found","code":0}`, Want: bridge.Gone, Advice: true},
	{Name: "sent and removed since", Status: 404, Body: `{"message":"Unknown Message","code":10008}`, Sent: true},
	{Name: "408", Status: 408, Want: bridge.Retry},
	{Name: "too large", Status: 413, Body: `{"message":"Request entity too large","code":40005}`, Want: bridge.Reject, Advice: true},
	{Name: "too large for the edge", Status: 413, Body: `<html>`, Want: bridge.Reject, Advice: true},
	{Name: "425", Status: 425, Want: bridge.Retry},
	{Name: "channel limit", Status: 429, Header: map[string]string{"Retry-After": "1", "X-RateLimit-Scope": "user"}, Body: `{"message":"You are being rate limited.","retry_after":0.57,"global":false}`, Want: bridge.Retry, Paced: true, After: 570 * time.Millisecond},
	{Name: "long channel limit", Status: 429, Header: map[string]string{"Retry-After": "65"}, Body: `{"message":"x","retry_after":64.57}`, Want: bridge.Retry, Paced: true, After: 64570 * time.Millisecond},
	{Name: "shared limit", Status: 429, Header: map[string]string{"Retry-After": "3", "X-RateLimit-Scope": "shared"}, Body: `{"message":"x","retry_after":3}`, Want: bridge.Retry, Paced: true, After: 3 * time.Second},
	{Name: "global limit", Status: 429, Header: map[string]string{"Retry-After": "1", "X-RateLimit-Global": "true"}, Body: `{"message":"x","retry_after":0.661,"global":true}`, Want: bridge.Retry, Paced: true, After: 661 * time.Millisecond},
	{Name: "limit without a time", Status: 429, Body: `{"message":"x"}`, Want: bridge.Retry, Paced: true, After: time.Second},
	{Name: "edge ban", Status: 429, Header: map[string]string{"Content-Type": "text/html", "Retry-After": "600"}, Body: `<!doctype html>`, Want: bridge.Retry, Paced: true, After: 10 * time.Minute},
	{Name: "channel writes", Status: 429, Header: map[string]string{"Retry-After": "120"}, Body: `{"message":"x","code":20028,"retry_after":120}`, Want: bridge.Retry, Paced: true, After: 2 * time.Minute},
	{Name: "slowmode", Status: 429, Body: `{"message":"x","code":20016,"retry_after":4.5}`, Want: bridge.Retry, Paced: true, After: 4500 * time.Millisecond},
	{Name: "500", Status: 500, Body: `{"message":"500: Internal Server Error","code":0}`, Want: bridge.InDoubt},
	{Name: "502", Status: 502, Body: `<html>`, Want: bridge.InDoubt},
	{Name: "503", Status: 503, Want: bridge.InDoubt},
	{Name: "503 with a time", Status: 503, Header: map[string]string{"Retry-After": "20"}, Want: bridge.InDoubt, After: 20 * time.Second},
	{Name: "504", Status: 504, Want: bridge.InDoubt},
	{Name: "answer cut short", Status: 200, Body: `{"id":"12`, Want: bridge.InDoubt},
	{Name: "answer of another kind", Status: 200, Body: `[]`, Want: bridge.InDoubt},
	{Name: "redirect", Status: 302, Header: map[string]string{"Location": "https://elsewhere.example/"}, Want: bridge.Retry, Unknown: true},
}
