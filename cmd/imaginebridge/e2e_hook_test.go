package main

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// asAgent is the agent's own view of ImagineAnything.
func (w *world) asAgent() *imagine.Client {
	w.t.Helper()
	api, err := imagine.New(imagine.Options{BaseURL: w.api.URL, ClientID: w.agent.ClientID, ClientSecret: func() string { return w.agent.ClientSecret }})
	require.NoError(w.t, err)
	return api
}

// configureHook is configure for an agent with a hook, that is polled so seldom
// that nothing but a call makes the bridge look.
func (w *world) configureHook() {
	w.t.Helper()
	w.configure(w.everywhere())
	text, err := os.ReadFile(w.file())
	require.NoError(w.t, err)
	changed := strings.NewReplacer(
		`.secret}"}`, `.secret}", hook: true}`, "http: {listen:", "http: {public_url: https://bridge.example, listen:",
		"{notifications: 2s, messages: 2s, generations: 2s, ceiling: 2s}", "{notifications: 5m, messages: 5m, generations: 5m, ceiling: 5m}",
	).Replace(string(text))
	require.NoError(w.t, os.WriteFile(w.file(), []byte(changed), 0o600))
}

// A call at the registered address brings a look at once; what is in it does not
// matter, and any other address brings nothing.
func TestACallOfImagineAnythingBringsALook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configureHook()
	run := w.start()
	w.ready()
	var address *url.URL
	w.eventually("the registration", 20*time.Second, func() bool {
		hook, err := w.asAgent().Webhook(t.Context())
		require.NoError(t, err)
		address, err = url.Parse(hook.URL)
		require.NoError(t, err)
		return hook.URL != ""
	})
	require.Equal(t, "bridge.example", address.Host)
	require.Greater(t, len(address.Path), len(hookPath)+30, "nobody guesses it")
	call := func(method, path string) int {
		q, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.web+path, strings.NewReader(`{"type":"like","post":"forged"}`))
		require.NoError(t, err)
		r, err := http.DefaultTransport.RoundTrip(q)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		return r.StatusCode
	}
	looks := func() (n int) {
		for _, e := range w.sandbox.Journal() {
			if e.Path == "/api/notifications" {
				n++
			}
		}
		return n
	}
	w.mention(1)
	before := looks()
	require.Equal(t, http.StatusNotFound, call(http.MethodPost, hookPath))
	require.Equal(t, http.StatusNotFound, call(http.MethodPost, hookPath+"guess"))
	require.Equal(t, http.StatusMethodNotAllowed, call(http.MethodGet, address.Path))
	require.Equal(t, before, looks())
	require.Equal(t, http.StatusNoContent, call(http.MethodPost, address.Path))
	w.eventually("the mention at Discord", 30*time.Second, func() bool { return len(w.atDiscord()) == 1 })
	before = looks()
	for range 200 {
		require.Equal(t, http.StatusNoContent, call(http.MethodPost, address.Path))
	}
	w.mention(2)
	w.eventually("the second", 30*time.Second, func() bool {
		call(http.MethodPost, address.Path)
		return len(w.atDiscord()) == 2
	})
	require.Less(t, looks()-before, 40, "once a second at most")
	run.stop()
	require.Empty(t, w.sandbox.Violations())
	require.NotContains(t, w.logs.String(), strings.TrimPrefix(address.Path, hookPath), "the address is a secret")
}

// There is one such address for each agent: another program's stays.
func TestAnotherProgramsHookStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	const theirs = "https://other.example/in"
	_, err := w.asAgent().SetWebhook(t.Context(), imagine.WebhookChange{URL: theirs})
	require.NoError(t, err)
	w.configureHook()
	run := w.start()
	w.ready()
	w.eventually("a word about it", 20*time.Second, func() bool {
		return strings.Contains(run.logs.String(), "another program has the agent's hook and keeps it")
	})
	run.stop()
	hook, err := w.asAgent().Webhook(t.Context())
	require.NoError(t, err)
	require.Equal(t, theirs, hook.URL)
}

// Where the service offers no such thing the agent is polled as ever.
func TestAHookThatIsNotOffered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.sandbox.Inject(sandbox.Rule{Path: "/api/agents/me/webhook", Fault: sandbox.FaultSeedOnly})
	w.configureHook()
	run := w.start()
	w.ready()
	w.eventually("a word about it", 20*time.Second, func() bool {
		return strings.Contains(run.logs.String(), "imagineanything offers no hook")
	})
	run.stop()
}
