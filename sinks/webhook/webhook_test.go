package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
	"github.com/imaginebridge/imaginebridge/sinks/webhook"
)

const (
	first  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	second = "whsec_c2VjcmV0LW51bWJlci10d28tMDEyMzQ1Njc4OQ=="
)

// receiver keeps what it gets, once for each webhook-id, as receivers should.
type receiver struct {
	mu   sync.Mutex
	ids  []string
	text map[string]string
	all  []*http.Request
	body []byte
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.text == nil {
		r.text = map[string]string{}
	}
	id := q.Header.Get("webhook-id")
	if _, seen := r.text[id]; !seen {
		r.ids = append(r.ids, id)
	}
	r.text[id], r.body = string(body), body
	r.all = append(r.all, q)
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) visible() []sinktest.Shown {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []sinktest.Shown
	for _, id := range r.ids {
		out = append(out, sinktest.Shown{ID: id, Text: r.text[id]})
	}
	return out
}

func TestTheWebhookSinkKeepsTheHouseRules(t *testing.T) {
	gone := bridge.Gone
	sinktest.Run(t, sinktest.Subject{
		Open: func(t *testing.T, g sinktest.Ground) bridge.Sink {
			t.Helper()
			s, err := webhook.New(webhook.Options{Secrets: secrets(first), HTTPClient: g.Client, AllowPrivate: true, Log: g.Log})
			require.NoError(t, err)
			return s
		},
		Platform: func(t *testing.T) sinktest.Platform {
			t.Helper()
			r := &receiver{}
			return sinktest.Platform{Handler: r, To: bridge.Destination{Scheme: "webhook", Place: "http://platform.test/hook?key=canary-key"}, Visible: r.visible}
		},
		Secrets: []string{first, "canary-key"},
		Once:    true, Later: true,
		Answers: []sinktest.Answer{
			{Name: "yes", Status: 200, Sent: true},
			{Name: "bad request", Status: 400, Want: bridge.Retry, Unknown: true},
			{Name: "unauthorized", Status: 401, Want: bridge.Retry, Unknown: true},
			{Name: "forbidden", Status: 403, Want: bridge.Retry, Unknown: true},
			{Name: "not found", Status: 404, Want: bridge.Retry, Unknown: true},
			{Name: "request timeout", Status: 408, Want: bridge.Retry},
			{Name: "conflict", Status: 409, Want: bridge.Retry, Unknown: true},
			{Name: "unprocessable", Status: 422, Want: bridge.Retry, Unknown: true},
			{Name: "too early", Status: 425, Want: bridge.Retry},
			{Name: "accepted", Status: 202, Sent: true},
			{Name: "nothing to say", Status: 204, Sent: true},
			{Name: "gone", Status: 410, Want: gone, Advice: true},
			{Name: "moved", Status: 301, Header: map[string]string{"Location": "https://b.example/y?k=1"}, Want: gone, Advice: true},
			{Name: "found", Status: 302, Header: map[string]string{"Location": "/login"}, Want: gone, Advice: true},
			{Name: "moved for good", Status: 308, Want: gone, Advice: true},
			{Name: "too large", Status: 413, Want: bridge.Retry, Unknown: true},
			{Name: "too many, seconds", Status: 429, Header: map[string]string{"Retry-After": "7"}, Want: bridge.Retry, After: 7e9, Paced: true},
			{Name: "too many, for a day", Status: 429, Header: map[string]string{"Retry-After": "86400"}, Want: bridge.Retry, After: 24 * time.Hour, Paced: true},
			{Name: "too many, nonsense", Status: 429, Header: map[string]string{"Retry-After": "soon"}, Want: bridge.Retry, After: 30e9, Paced: true},
			{Name: "not implemented", Status: 501, Want: bridge.Retry},
			{Name: "too many, silent", Status: 429, Want: bridge.Retry, After: 30e9, Paced: true},
			{Name: "server error", Status: 500, Want: bridge.Retry},
			{Name: "bad gateway", Status: 502, Want: bridge.Retry},
			{Name: "unavailable", Status: 503, Header: map[string]string{"Retry-After": "9"}, Want: bridge.Retry, After: 9e9},
			{Name: "gateway timeout", Status: 504, Want: bridge.Retry},
		},
	})
}

func secrets(keys ...string) func(string) []string {
	return func(string) []string { return keys }
}

// delivery is the first kind of the catalogue on its way to a URL.
func delivery(t *testing.T, url string) bridge.Delivery {
	t.Helper()
	for k := range events.Kinds() {
		e := events.New("https://imagineanything.com", "orbit_bot", "ntf_1", "x", time.Date(2026, 2, 6, 13, 36, 48, 120e6, time.UTC), k.Example)
		return bridge.Delivery{Subscription: "hook", To: bridge.Destination{Scheme: "webhook", Place: url}, Event: e, Message: bridge.Layout(e), Attempt: 1}
	}
	return bridge.Delivery{}
}

func TestEveryAttemptIsSignedWithEveryKey(t *testing.T) {
	r := &receiver{}
	server := httptest.NewServer(r)
	defer server.Close()
	s, err := webhook.New(webhook.Options{Secrets: secrets(first, second), AllowPrivate: true, Version: "1.2.3"})
	require.NoError(t, err)
	d := delivery(t, server.URL)
	for generation, id := range map[int]string{0: "ntf_1", 2: "ntf_1_r2"} {
		d.Generation = generation
		receipt, err := s.Send(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, id, receipt.Message)
		q := r.all[len(r.all)-1]
		require.Equal(t, id, q.Header.Get("webhook-id"))
		require.Equal(t, "application/cloudevents+json", q.Header.Get("Content-Type"))
		for _, key := range []string{first, second} {
			verifier, err := standard.NewWebhook(key)
			require.NoError(t, err)
			require.NoError(t, verifier.Verify(r.body, q.Header), "the published library verifies with either key")
			require.Error(t, verifier.Verify(append(r.body, ' '), q.Header), "re-encoded bytes fail")
		}
		var e events.Event
		require.NoError(t, json.Unmarshal(r.body, &e))
		require.Equal(t, d.Event, e)
	}
}

func TestF49_PrivateAddressesAreNeverDialled(t *testing.T) {
	reached := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	s, err := webhook.New(webhook.Options{Secrets: secrets(first)})
	require.NoError(t, err)
	for _, address := range []string{
		server.URL, "http://localhost:" + port, "http://[::1]:" + port, "http://0.0.0.0:" + port, "http://[::ffff:127.0.0.1]:" + port,
		"http://10.0.0.5/x", "http://169.254.169.254/latest", "http://[64:ff9b::7f00:1]/", "http://192.168.1.1:443/",
	} {
		_, err := s.Send(t.Context(), delivery(t, address))
		send, ok := errors.AsType[*bridge.SendError](err)
		require.True(t, ok, address)
		require.Equal(t, bridge.Gone, send.Verdict, address)
		require.Contains(t, send.Advice, "refused to protect this network", address)
	}
	require.Empty(t, reached)
}

func TestB51_ARedirectIsToldAndNotFollowed(t *testing.T) {
	followed := make(chan struct{}, 1)
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed <- struct{}{} }))
	defer target.Close()
	server := httptest.NewServer(http.RedirectHandler(target.URL+"/y", http.StatusMovedPermanently))
	defer server.Close()
	s, err := webhook.New(webhook.Options{Secrets: secrets(first), AllowPrivate: true})
	require.NoError(t, err)
	_, err = s.Send(t.Context(), delivery(t, server.URL+"/x?key=1"))
	send, _ := errors.AsType[*bridge.SendError](err)
	golden.Equal(t, "testdata/B51_moved.golden", []byte(strings.NewReplacer(server.URL, "https://a.example", target.URL, "https://b.example").Replace(send.Advice)+"\n"))
	require.Empty(t, followed)
}

func TestASubscriptionWithoutASecretIsNotSentUnsigned(t *testing.T) {
	s, err := webhook.New(webhook.Options{Secrets: secrets()})
	require.NoError(t, err)
	_, err = s.Send(t.Context(), delivery(t, "https://a.example/"))
	send, _ := errors.AsType[*bridge.SendError](err)
	require.Equal(t, bridge.Reject, send.Verdict)
}

func TestAnEndedContextIsInDoubtNotLost(t *testing.T) {
	s, err := webhook.New(webhook.Options{Secrets: secrets(first), AllowPrivate: true})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Send(ctx, delivery(t, "http://127.0.0.1:9/"))
	send, _ := errors.AsType[*bridge.SendError](err)
	require.Equal(t, bridge.InDoubt, send.Verdict)
}

// handled answers requests in this process, so that they take the bubble's time.
type handled struct{ http.Handler }

func (h handled) RoundTrip(q *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w.Result(), nil
}

// A hundred events are sent three times each, a minute apart, while the key changes:
// the id stays, the time and the signatures are those of the attempt, and bytes that
// a proxy encoded anew are not believed.
func TestF75_AKeyThatChangesBetweenTwoAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		keys := []string{first}
		s, err := webhook.New(webhook.Options{
			Secrets: func(string) []string { return keys }, HTTPClient: &http.Client{Transport: handled{r}}, AllowPrivate: true,
		})
		require.NoError(t, err)
		verifies := func(key string, body []byte, h http.Header) bool {
			verifier, err := standard.NewWebhook(key)
			require.NoError(t, err)
			return verifier.Verify(body, h) == nil
		}
		for n := range 100 {
			d := delivery(t, "http://127.0.0.1:9/in")
			d.Event.ID = fmt.Sprint("ntf_", n)
			stamps := map[string]bool{}
			for _, keys = range [][]string{{first}, {second, first}, {second}} {
				_, err := s.Send(t.Context(), d)
				require.NoError(t, err)
				q := r.all[len(r.all)-1]
				require.Equal(t, d.Event.ID, q.Header.Get("webhook-id"), "the id stays")
				stamps[q.Header.Get("webhook-timestamp")] = true
				var parsed map[string]any
				require.NoError(t, json.Unmarshal(r.body, &parsed))
				encoded, err := json.MarshalIndent(parsed, "", "  ")
				require.NoError(t, err)
				for _, key := range []string{first, second} {
					require.Equal(t, slices.Contains(keys, key), verifies(key, r.body, q.Header))
					require.False(t, verifies(key, encoded, q.Header))
				}
				time.Sleep(time.Minute)
			}
			require.Len(t, stamps, 3, "each attempt has its time")
		}
		require.Len(t, r.all, 300)
	})
}

// T12: what a receiver says is kept nowhere and shown to nobody: an address inside
// could be asked that way. Its status is told, and where a redirect leads, without
// what may be a secret.
func TestT12_NothingOfAnAnswerIsTold(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 301, 302, 400, 401, 403, 404, 408, 410, 418, 422, 429, 500, 503} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://user:canary@b.example/y?token=canary#canary")
			w.Header().Set("X-Secret", "canary")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, strings.Repeat("canary of the metadata service ", 1000))
		}))
		t.Cleanup(server.Close)
		s, err := webhook.New(webhook.Options{Secrets: secrets(first), AllowPrivate: true})
		require.NoError(t, err)
		receipt, err := s.Send(t.Context(), delivery(t, server.URL+"/x"))
		told := fmt.Sprintf("%+v", receipt)
		if send, ok := errors.AsType[*bridge.SendError](err); ok {
			told += send.Advice + send.Err.Error()
		} else {
			require.Equal(t, 200, status)
		}
		require.NotContains(t, told, "canary", "%d", status)
	}
}
