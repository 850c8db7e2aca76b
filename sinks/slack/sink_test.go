package slack

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

const (
	canaryBot = "xoxb-canary-5f1d7b0c9e"
	canaryApp = "xapp-1-canary-77aa21"
)

func TestSink(t *testing.T) {
	t.Parallel()
	for name, canLook := range map[string][]string{"with history": allScopes} {
		t.Run(name, func(t *testing.T) {
			ferry := newOutside(t)
			var w *world
			sinktest.Run(t, sinktest.Subject{
				Platform: func(t *testing.T) sinktest.Platform {
					t.Helper()
					w = &world{T: t, ferry: ferry}
					w.now.Store(time.Now().UnixMicro())
					ferry.do(func() {
						w.open(settings{scopes: canLook, fake: fakeslack.Options{Now: func() time.Time { return time.UnixMicro(w.now.Load()) }}})
					})
					t.Cleanup(func() { ferry.do(w.fake.Close) })
					return w.platform()
				},
				Open: func(t *testing.T, g sinktest.Ground) bridge.Sink {
					t.Helper()
					sink, err := New(Options{
						BotToken: func() string { return canaryBot }, AppToken: func() string { return canaryApp },
						APIURL: g.URL, HTTPClient: g.Client, Log: g.Log, Version: "test",
					})
					require.NoError(t, err)
					return sink
				},
				Secrets: []string{canaryBot, canaryApp},
				Creates: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/"+methodPost) },
				Answers: answers(),
				Once:    true, Later: true, Edits: true, Threads: true, Markup: true,
			})
		})
	}
}

// answers is the table of what Slack may say to chat.postMessage.
func answers() []sinktest.Answer {
	refusal := func(code string, want bridge.Verdict, advice bool) sinktest.Answer {
		return sinktest.Answer{Name: code, Status: 200, Body: `{"ok":false,"error":"` + code + `"}`, Want: want, Advice: advice}
	}
	page := func(status int, want bridge.Verdict, advice bool) sinktest.Answer {
		return sinktest.Answer{Name: http.StatusText(status), Status: status, Body: "<html>no</html>", Want: want, Advice: advice}
	}
	unknown := func(a sinktest.Answer) sinktest.Answer {
		a.Unknown = true
		return a
	}
	wait := func(name, header string, least time.Duration) sinktest.Answer {
		a := sinktest.Answer{Name: name, Status: 429, Body: `{"ok":false,"error":"ratelimited"}`, Want: bridge.Retry, Paced: true, After: least}
		if header != "" {
			a.Header = map[string]string{"Retry-After": header}
		}
		return a
	}
	return []sinktest.Answer{
		{Name: "posted", Status: 200, Body: `{"ok":true,"channel":"C0FAKE00001","ts":"1.000001","message":{"ts":"1.000001"}}`, Sent: true},
		{Name: "no timestamp", Status: 200, Body: `{"ok":true}`, Want: bridge.InDoubt},
		{Name: "not JSON", Status: 200, Body: `<html>`, Want: bridge.InDoubt},
		{Name: "no reason", Status: 200, Body: `{"ok":false}`, Want: bridge.Retry, Unknown: true},
		wait("one second", "1", time.Second), wait("a minute", "60", time.Minute), wait("fraction", "1.5", 1500*time.Millisecond),
		wait("no time", "", 30*time.Second), wait("nonsense", "soon", 30*time.Second),
		{Name: "ratelimited in a 200", Status: 200, Body: `{"ok":false,"error":"ratelimited"}`, Want: bridge.Retry, Paced: true, After: 30 * time.Second},
		refusal("service_unavailable", bridge.Retry, false), unknown(refusal("brand_new", bridge.Retry, false)),
		refusal("internal_error", bridge.InDoubt, false), refusal("fatal_error", bridge.InDoubt, false), refusal("request_timeout", bridge.InDoubt, false),
		refusal("msg_too_long", bridge.Reject, true), refusal("msg_blocks_too_long", bridge.Reject, true), refusal("invalid_blocks", bridge.Reject, true),
		refusal("invalid_blocks_format", bridge.Reject, true), refusal("metadata_too_large", bridge.Reject, true), refusal("no_text", bridge.Reject, true),
		refusal("channel_not_found", bridge.Gone, true), refusal("is_archived", bridge.Gone, true), refusal("not_in_channel", bridge.Gone, true),
		refusal("restricted_action", bridge.Gone, true), refusal("restricted_action_read_only_channel", bridge.Gone, true),
		refusal("messages_tab_disabled", bridge.Gone, true), refusal("ekm_access_denied", bridge.Gone, true),
		refusal("team_access_not_granted", bridge.Gone, true), refusal("missing_scope", bridge.Gone, true),
		refusal("invalid_auth", bridge.Revoked, true), refusal("not_authed", bridge.Revoked, true), refusal("account_inactive", bridge.Revoked, true),
		refusal("token_revoked", bridge.Revoked, true), refusal("token_expired", bridge.Revoked, true), refusal("org_login_required", bridge.Revoked, true),
		refusal("not_allowed_token_type", bridge.Revoked, true),
		unknown(page(400, bridge.Retry, false)), page(401, bridge.Revoked, true), page(403, bridge.Gone, true), page(404, bridge.Gone, true),
		page(408, bridge.InDoubt, false), page(413, bridge.Reject, true), page(500, bridge.InDoubt, false), page(502, bridge.InDoubt, false),
		page(503, bridge.InDoubt, false), page(504, bridge.InDoubt, false),
		{
			Name: "unavailable with a name", Status: 503, Header: map[string]string{"Content-Type": "application/json"},
			Body: `{"ok":false,"error":"service_unavailable"}`, Want: bridge.Retry,
		},
	}
}

// platform is the fake as sinktest wants it. The canary tokens stand for the real
// ones, so that the logs can be searched for them.
func (w *world) platform() sinktest.Platform {
	return sinktest.Platform{
		To: bridge.Destination{Scheme: "slack", Place: w.channel},
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			out, err := http.NewRequestWithContext(w.Context(), r.Method, w.fake.URL()+r.URL.Path, bytes.NewReader(body))
			if err != nil {
				panic(err)
			}
			out.Header = r.Header.Clone()
			if out.Header.Get("Authorization") == "Bearer "+canaryBot {
				out.Header.Set("Authorization", "Bearer "+w.team.BotToken())
			}
			resp, err := w.RoundTrip(out)
			if err != nil {
				panic(err)
			}
			rw.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
			rw.Header().Set("X-OAuth-Scopes", resp.Header.Get("X-OAuth-Scopes"))
			rw.WriteHeader(resp.StatusCode)
			_, _ = io.Copy(rw, resp.Body)
		}),
		Visible: func() []sinktest.Shown {
			var out []sinktest.Shown
			for _, m := range w.shown() {
				out = append(out, seen(m))
			}
			return out
		},
		Remove: func(id string) { w.do(func() { w.fake.DeleteMessage(w.channel, id) }) },
		Objections: func() []string {
			var out []string
			for _, f := range w.fake.Faults("message_not_found") {
				out = append(out, f.String())
			}
			return out
		},
	}
}

func seen(m fakeslack.Message) sinktest.Shown {
	s := sinktest.Shown{ID: m.TS, Thread: m.ThreadTS, Pings: m.Mentions()}
	for _, l := range m.Links() {
		if l.Label != l.URL {
			s.Links = append(s.Links, l.URL)
		}
	}
	var v any
	_ = json.Unmarshal(m.Blocks, &v)
	s.Text = strings.Join(spoken(v, nil), "\n")
	return s
}

// spoken collects the words of blocks in reading order.
func spoken(v any, out []string) []string {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out = spoken(e, out)
		}
	case map[string]any:
		for _, key := range []string{"text", "fields", "elements", "url", "alt_text"} {
			if s, ok := v[key].(string); ok {
				out = append(out, strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s))
				continue
			}
			out = spoken(v[key], out)
		}
	}
	return out
}
