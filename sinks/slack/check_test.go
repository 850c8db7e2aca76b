package slack

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// report is findings as text.
func report(found []Finding) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(string(f.Level) + " · " + f.Subject + " · " + f.Problem)
		if f.Remedy != "" {
			b.WriteString(" → " + f.Remedy)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestCheckNamesWhatIsMissingAndTheClickThatMendsIt(t *testing.T) {
	t.Parallel()
	everything := append([]string{"chat:write.public"}, allScopes...)
	for name, tc := range map[string]struct {
		scopes []string
		app    bool
		secret string // of signed requests
		place  string
		change func(*world)
	}{
		"all well":        {scopes: everything, app: true},
		"mentions alone":  {scopes: []string{"chat:write", "commands", "app_mentions:read", "im:history"}},
		"signed requests": {scopes: everything, secret: "s"},
		"socket trouble": {scopes: everything, app: true, change: func(w *world) {
			w.fake.Inject(fakeslack.Trouble{Method: methodOpen, Kind: fakeslack.Refused, Error: "internal_error"})
		}},
		"socket limit": {scopes: everything, app: true, change: func(w *world) {
			w.fake.Inject(fakeslack.Trouble{Method: methodOpen, Kind: fakeslack.RateLimited, RetryAfter: "9"})
		}},
		"least":                {scopes: []string{"chat:write", "commands", "im:history"}},
		"no right to write":    {scopes: []string{"channels:history"}},
		"not invited":          {scopes: allScopes, app: true, change: func(w *world) { w.fake.Kick(w.channel) }},
		"not invited, no read": {scopes: []string{"chat:write", "channels:history"}, change: func(w *world) { w.fake.Kick(w.channel) }},
		"public posting":       {scopes: everything, app: true, change: func(w *world) { w.fake.Kick(w.channel) }},
		"archived":             {scopes: allScopes, app: true, change: func(w *world) { w.fake.Archive(w.channel, true) }},
		"unknown channel":      {scopes: allScopes, app: true, place: "C0NOWHERE"},
		"B17 a name":           {scopes: allScopes, app: true, place: "general"},
		"revoked":              {scopes: allScopes, app: true, change: func(w *world) { w.team.Revoke() }},
		"app token revoked":    {scopes: allScopes, app: true, change: func(w *world) { w.fake.RevokeAppToken() }},
		"limit": {scopes: allScopes, app: true, change: func(w *world) {
			w.fake.Inject(fakeslack.Trouble{Method: methodAuth, Kind: fakeslack.RateLimited, RetryAfter: "9"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onSockets(t, settings{scopes: tc.scopes, app: tc.app})
			w.sink.opt.SigningSecret = func() string { return tc.secret }
			if tc.change != nil {
				tc.change(w)
			}
			place := w.channel
			if tc.place != "" {
				place = tc.place
			}
			found := w.sink.Check(t.Context(), []bridge.Destination{{Scheme: "slack", Place: place}})
			for _, f := range found {
				require.Equal(t, f.Level == Good, f.Remedy == "", "%s: %s", f.Subject, f.Problem)
			}
			text := strings.ReplaceAll(report(found), w.channel, "C0CHANNEL")
			golden.Equal(t, "testdata/check "+name+".golden", []byte(text))
			require.Empty(t, w.fake.Requests(methodPost))
			require.Eventually(t, func() bool { return w.fake.Sockets() == 0 }, 20*time.Second, time.Millisecond, "the socket is dropped")
		})
	}
}

func TestCheckSaysWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{timeout: time.Second})
	w.fake.Down()
	found := w.sink.Check(t.Context(), nil)
	require.Equal(t, Problem, found[0].Level)
	require.Contains(t, found[0].Problem, "Slack does not answer")
	require.Contains(t, found[0].Remedy, "slack.api_url")
}

// S40: the manifests in deploy/slack are what the tables say, and Slack takes them.
func TestS40_ManifestsAreFresh(t *testing.T) {
	t.Parallel()
	for file, url := range map[string]string{"manifest-socket.json": "", "manifest-http.json": "https://bridge.example.com"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			got, err := Manifest(url)
			require.NoError(t, err)
			require.Empty(t, fakeslack.ValidateManifest(got))
			golden.Equal(t, "../../deploy/slack/"+file, got)
			_, err = os.Stat("../../deploy/slack/" + file)
			require.NoError(t, err)
		})
	}
	_, err := Manifest("bridge.example.com")
	require.Error(t, err)
}

func TestCheckSeesAClockThatIsOff(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		w.off = -5 * time.Minute
		require.Contains(w, report(w.sink.Check(w.Context(), nil)), "This machine's clock is 5m0s off Slack's.")
	})
}

// S40: every address in the manifest is one of the bridge's, and the install page asks
// for what the manifest has.
func TestS40_ManifestSendsSlackToTheBridge(t *testing.T) {
	t.Parallel()
	const public = "https://bridge.example.com"
	raw, err := Manifest(public)
	require.NoError(t, err)
	var m manifest
	require.NoError(t, json.Unmarshal(raw, &m))

	require.Subset(t, m.Settings.Events.Bot, []string{"app_uninstalled", "tokens_revoked", "team_access_granted", "team_access_revoked"})
	require.Equal(t, allScopeNames(), m.OAuth.Scopes.Bot)
	require.Empty(t, missingScopes(m.OAuth.Scopes.Bot))
	require.Subset(t, m.OAuth.Scopes.Bot, m.OAuth.Scopes.Optional)
	require.True(t, m.Settings.Rotate && m.Settings.OrgWide && !m.Settings.Socket)

	w := buildTown(t, fakeslack.Options{}, 1, func(o *AppsOptions) { o.OAuth.PublicURL = public })
	addresses := append([]string{m.Settings.Events.URL, m.Settings.Interactivity.URL, m.Settings.Interactivity.Options, m.Features.Commands[0].URL}, m.OAuth.Redirects...)
	require.Len(t, addresses, 5)
	for _, address := range addresses {
		require.True(t, strings.HasPrefix(address, public+"/slack/"), address)
		out := httptest.NewRecorder()
		w.apps[0].Handler().ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))
		require.NotEqual(t, http.StatusNotFound, out.Code, address)
	}
	for _, s := range m.Features.Shortcuts {
		require.True(t, strings.HasPrefix(s.Callback, idPrefix))
	}
}
