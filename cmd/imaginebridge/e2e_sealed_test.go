package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
)

// What people entrust to the bridge while it runs (the tokens of an installation, an
// agent's secret typed into a form, the address of a webhook, the state that binds
// an installation to a browser) stands nowhere in the store, its files, a backup,
// the logs or a page, but sealed.
func TestF46_WhatIsEntrustedWhileItRunsIsSealed(t *testing.T) {
	t.Parallel()
	w := installable(t)
	c := &canaries{known: map[string]string{}, swept: map[string]int{}}
	slack := newSpy(t, w.slack.URL())
	slack.answers = func(path string, body []byte) {
		var tokens map[string]any
		if strings.HasSuffix(path, "/oauth.v2.access") && json.Unmarshal(body, &tokens) == nil {
			for _, name := range []string{"access_token", "refresh_token"} {
				text, _ := tokens[name].(string)
				c.add("slack: "+name+" "+strconv.Itoa(len(c.known)), text)
			}
		}
	}
	text, err := os.ReadFile(w.file())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.file(), []byte(strings.Replace(string(text), w.slackURL, slack.url, 1)+"webhooks: {allow_private: true}\n"), 0o600))
	c.add("api: client secret", w.agent.ClientSecret)
	c.add("slack: client secret", slackSecret)
	c.add("slack: signing secret", w.slack.SigningSecret())
	c.add("key", "imaginebridge-key-canary-badcab1e0ff1ce")
	c.add("hook: path", "hook-f1a5c07e-entrusted")
	w.extra = append(w.extra, "IMAGINEBRIDGE_KEY=imaginebridge-key-canary-badcab1e0ff1ce")
	run := w.start()
	w.ready()
	for _, file := range []string{bus.AdminFile, bus.SubscriberFile} {
		cred, err := bus.ReadCredentials(filepath.Join(w.dir, "data/nats", file))
		require.NoError(t, err)
		c.add("nats: "+file, cred.Password)
	}
	w.visit(c)
	acme := w.slack.AddEmptyWorkspace("acme")
	w.install(acme)
	alerts := acme.AddChannel("alerts")
	w.fillIn(acme.Owner, alerts, "/ia connect agent", map[string][]string{"client_id": {w.agent.ClientID}, "client_secret": {w.agent.ClientSecret}})
	w.eventually("the agent is connected", 40*time.Second, func() bool {
		return strings.Contains(w.slack.Form(acme.Owner)+w.slack.Screen(alerts), w.agent.Handle)
	})
	out, errs, code := w.output("subscriptions", "add", "--to", "webhook:"+w.hookURL+"/hook-f1a5c07e-entrusted", "--events", "*", "--name", "entrusted", "--agents", w.agent.Handle, "--yes", "--config", w.file())
	require.Zero(t, code, out+errs)
	w.mention(1)
	w.eventually("at the webhook", time.Minute, func() bool { return len(w.hook.seen()) >= 1 })

	w.sweepStreams(c)
	for _, bucket := range []string{"CONFIG", "INSTALLS"} {
		require.NotZero(t, c.swept["stream KV_IA_"+bucket])
	}
	for _, page := range []string{"/console/", "/metrics", "/readyz", "/console/events"} {
		c.sweep("page "+page, w.page(page))
	}
	file := filepath.Join(w.dir, "state.backup")
	out, errs, code = w.output("backup", file, "--config", w.file())
	require.Zero(t, code, out+errs)
	c.sweep("output of backup", []byte(out+errs))
	run.stop()
	w.sweepFiles(c)
	c.sweep("logs", []byte(w.logs.String()))
	c.sweep("what people see at Slack", []byte(w.slack.Screen(alerts)))

	// What was copied is what was stored.
	require.NoError(t, os.Rename(filepath.Join(w.dir, "data"), filepath.Join(w.dir, "gone")))
	out, errs, code = w.output("restore", file, "--config", w.file())
	require.Zero(t, code, out+errs)
	c.sweep("output of restore", []byte(out+errs))
	run = w.start()
	w.ready()
	w.sweepStreams(c)
	w.mention(2)
	w.eventually("it opens what was sealed", time.Minute, func() bool { return len(w.hook.seen()) >= 2 })
	run.stop()
	w.sweepFiles(c)
	require.Empty(t, strings.Join(c.hits, "\n"))
	require.GreaterOrEqual(t, len(c.known), 11, "the tokens of the installation and its state too")
}

// visit begins an installation and leaves it, and takes note of what binds it to the
// browser.
func (w *world) visit(c *canaries) {
	w.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	q, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.web+"/slack/install", nil)
	require.NoError(w.t, err)
	r, err := client.Do(q)
	require.NoError(w.t, err)
	defer r.Body.Close()
	to, err := url.Parse(r.Header.Get("Location"))
	require.NoError(w.t, err)
	require.NotEmpty(w.t, to.Query().Get("state"), "%d %s", r.StatusCode, r.Header.Get("Location"))
	c.add("oauth: state", to.Query().Get("state"))
	for _, cookie := range r.Cookies() {
		c.add("oauth: cookie", cookie.Value)
	}
}
