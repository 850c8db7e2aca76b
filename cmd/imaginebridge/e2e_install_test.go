package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// The app's OAuth credentials at the emulator.
const (
	slackClient = "1111111111.2222222222"
	slackSecret = "fakeslack-client-secret"
)

// installable is a world whose bridge has no workspace of its own: people install
// the Slack app.
func installable(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, func(o *options) {
		o.slack = fakeslack.Options{RotateTokens: true, Limits: fakeslack.Limits{Off: true}}
	})
	text := fmt.Sprintf(`imagineanything: {base_url: %s}
poll: {notifications: 2s, messages: 2s, generations: 2s, ceiling: 2s}
nats: {listen: "%s", store: 64MiB}
http: {listen: "%[3]s", public_url: "http://%[3]s"}
slack: {client_id: "%[4]s", client_secret: %[5]s, signing_secret: %[6]s, api_url: %[7]s}
`, w.api.URL, w.nats, w.web, slackClient, slackSecret, w.slack.SigningSecret(), w.slackURL)
	require.NoError(t, os.WriteFile(w.file(), []byte(text), 0o600))
	base := "http://" + w.web
	w.slack.SetDeliver(fakeslack.Deliver{EventsURL: base + "/slack/events", CommandsURL: base + "/slack/commands", InteractionsURL: base + "/slack/interactions"})
	return w
}

// install goes through an installation as a person does, in a browser.
func (w *world) install(team *fakeslack.Workspace) {
	w.t.Helper()
	page, err := w.slack.Install(w.t.Context(), fakeslack.Install{URL: "http://" + w.web + "/slack/install", Workspace: team.ID})
	require.NoError(w.t, err)
	require.Equal(w.t, 200, page.Status, page.Body)
	require.Contains(w.t, page.Body, "<h1>ImagineBridge is installed in "+team.Name+"</h1>")
}

// fillIn types a command that opens a form, and sends the form.
func (w *world) fillIn(person, channel, line string, fields map[string][]string) {
	w.t.Helper()
	w.types(person, channel, line)
	w.eventually("a form for "+line, 20*time.Second, func() bool { return w.slack.Form(person) != "" })
	r, err := w.slack.SubmitForm(person, fields)
	require.NoError(w.t, err)
	require.True(w.t, r.Acked)
	require.Empty(w.t, r.Errors)
}

func (w *world) types(person, channel, line string) {
	w.t.Helper()
	r, err := w.slack.Slash(person, channel, line)
	require.NoError(w.t, err)
	require.True(w.t, r.Acked, line)
}

// F53, F57, T18: from a browser to the first card; two workspaces of one bridge, each
// sees only its own; one that removes the app and adds it again goes on where it
// stopped.
func TestF57_InstalledFromABrowserToTheFirstCardAndBack(t *testing.T) {
	t.Parallel()
	w := installable(t)
	acme, bolt := w.slack.AddEmptyWorkspace("acme"), w.slack.AddEmptyWorkspace("bolt")
	run := w.start()
	w.ready()
	w.install(acme)
	w.install(bolt)
	alerts, other := acme.AddChannel("alerts"), bolt.AddChannel("alerts")

	w.fillIn(acme.Owner, alerts, "/ia connect agent", map[string][]string{"client_id": {w.agent.ClientID}, "client_secret": {w.agent.ClientSecret}})
	w.eventually("the agent is connected", 20*time.Second, func() bool {
		return strings.Contains(w.slack.Form(acme.Owner)+w.slack.Screen(alerts), w.agent.Handle)
	})
	_, err := w.slack.CloseForm(acme.Owner, true)
	require.NoError(t, err)
	w.types(acme.Owner, alerts, "/ia subscribe add --events notification.mention")
	w.eventually("subscribed", 20*time.Second, func() bool { return strings.Contains(w.slack.Screen(alerts), "notification.mention") })
	w.mention(1)
	w.eventually("the first card", 20*time.Second, func() bool { return strings.Contains(w.slack.Screen(alerts), numbered(1)) })

	w.types(bolt.Owner, other, "/ia subscribe list")
	w.types(bolt.Owner, other, "/ia profile show --agent "+w.agent.Handle)
	w.eventually("refused", 20*time.Second, func() bool { return len(w.slack.Messages(other)) >= 2 })
	require.NotContains(t, w.slack.Screen(other), numbered(1))

	acme.Uninstall(true)
	w.eventually("the bridge knows", 20*time.Second, func() bool { return strings.Contains(w.logs.String(), "tokens of an installation erased") })
	calls := len(w.slack.Requests())
	w.mention(2)
	w.eventually("the subscription rests", 20*time.Second, func() bool { return strings.Contains(w.logs.String(), `"a subscription rests"`) })
	w.install(acme)
	w.mention(3)
	w.eventually("what waited follows", 20*time.Second, func() bool { return strings.Contains(w.slack.Screen(alerts), numbered(3)) })
	require.Contains(t, w.slack.Screen(alerts), numbered(2))
	for _, q := range w.slack.Requests()[calls:] {
		require.NotEqual(t, "account_inactive", q.Error, q.Method)
	}
	run.stop()
	require.NotContains(t, w.logs.String(), acme.BotToken())
	require.NotContains(t, w.logs.String(), slackSecret)
}
