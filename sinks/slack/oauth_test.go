package slack

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// visit is an installation that goes wrong somewhere on its way.
type visit struct {
	*town
	team    *fakeslack.Workspace
	browser *http.Client
	state   string // as our page gave it to Slack
	code    string // as Slack gave it
}

// begin opens our page and goes to Slack, where somebody allows it, and stops before
// Slack sends the browser back.
func (v *visit) begin(form ...string) {
	v.Helper()
	status, to, _, _ := get(v.T, v.browser, http.MethodGet, v.site.URL+installPath)
	require.Equal(v, http.StatusFound, status)
	require.True(v, strings.HasPrefix(to.String(), v.fake.URL()+"/oauth/v2/authorize?"), to)
	q := to.Query()
	v.state = q.Get("state")
	q.Set("decision", "allow")
	q.Set("workspace", v.team.ID)
	for i := 0; i+1 < len(form); i += 2 {
		q.Set(form[i], form[i+1])
	}
	r, err := http.NewRequestWithContext(v.Context(), http.MethodPost, v.fake.URL()+"/oauth/v2/authorize", strings.NewReader(q.Encode()))
	require.NoError(v, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := v.browser.Do(r)
	require.NoError(v, err)
	require.NoError(v, res.Body.Close())
	back, err := res.Location()
	require.NoError(v, err)
	require.Equal(v, v.site.URL+callbackPath, strings.SplitN(back.String(), "?", 2)[0])
	v.code = back.Query().Get("code")
}

// back comes back from Slack with these parameters.
func (v *visit) back(c *http.Client, pairs ...string) (int, string) {
	v.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	status, to, body, header := get(v.T, c, http.MethodGet, v.site.URL+callbackPath+"?"+q.Encode())
	require.Nil(v, to, "nobody is sent anywhere")
	require.Equal(v, "no-store", header.Get("Cache-Control"))
	require.Equal(v, "no-referrer", header.Get("Referrer-Policy"))
	return status, body
}

// S27, F53, T16: whatever goes wrong, nothing is installed, and the page says what
// to do.
func TestF53_NothingIsInstalledTheWrongWay(t *testing.T) {
	t.Parallel()
	type way func(v *visit) (status int, page string)
	good := func(v *visit) (int, string) {
		v.begin()
		return v.back(v.browser, "state", v.state, "code", v.code)
	}
	for name, tc := range map[string]struct {
		do     way
		status int
		says   string
		faults []string
		fake   func(*fakeslack.Options)
		apps   func(*AppsOptions)
	}{
		"no cookie": {status: 400, says: "did not begin", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(browser(v.T), "state", v.state, "code", v.code)
		}},
		"a state of another browser": {status: 400, says: "belongs to another browser", do: func(v *visit) (int, string) {
			other := *v
			other.browser = browser(v.T)
			other.begin()
			v.begin()
			return v.back(v.browser, "state", other.state, "code", other.code)
		}},
		"the cookie of another browser": {status: 400, says: "belongs to another", do: func(v *visit) (int, string) {
			v.begin()
			other := browser(v.T)
			_, _, _, _ = get(v.T, other, http.MethodGet, v.site.URL+installPath)
			return v.back(other, "state", v.state, "code", v.code)
		}},
		"no state": {status: 400, says: "begins here", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "code", v.code)
		}},
		"an empty state": {status: 400, says: "begins here", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "state", "", "code", v.code)
		}},
		"two states": {status: 400, says: "begins here", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "state", v.state, "state", v.state, "code", v.code)
		}},
		"an invented state": {status: 400, says: "used already", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "state", strings.Repeat("A", 43), "code", v.code)
		}},
		"a state of a megabyte's kin": {status: 400, says: "begins here", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "state", strings.Repeat("A", 3000), "code", v.code)
		}},
		"a state that was used": {status: 400, says: "used already", do: func(v *visit) (int, string) {
			v.begin("decision", "cancel")
			site, err := url.Parse(v.site.URL)
			require.NoError(v, err)
			half := v.browser.Jar.Cookies(site)
			require.NotEmpty(v, half)
			_, _ = v.back(v.browser, "state", v.state, "error", "access_denied")
			require.Empty(v, v.browser.Jar.Cookies(site), "the browser is told to forget it")
			v.browser.Jar.SetCookies(site, half)
			return v.back(v.browser, "state", v.state, "code", "anything")
		}},
		"a state of eleven minutes ago": {status: 400, says: "older than ten minutes", do: func(v *visit) (int, string) {
			v.begin()
			v.age()
			return v.back(v.browser, "state", v.state, "code", v.code)
		}},
		"no code": {status: 400, says: "without its approval", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "state", v.state)
		}},
		"two codes": {status: 400, says: "without its approval", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "state", v.state, "code", v.code, "code", "another")
		}},
		"an invented code": {status: 400, says: "too old", faults: []string{"invalid_code"}, do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "state", v.state, "code", "invented")
		}},
		"a code of another's installation that was used": {status: 400, says: "used already or is too old", faults: []string{"code_already_used"}, do: func(v *visit) (int, string) {
			v.begin()
			code := v.code
			_, _ = v.fake.Redeem(v.Context(), code, v.site.URL+callbackPath)
			v.begin()
			return v.back(v.browser, "state", v.state, "code", code)
		}},
		"cancelled": {status: 200, says: "You cancelled", do: func(v *visit) (int, string) {
			v.begin("decision", "cancel")
			return v.back(v.browser, "state", v.state, "error", "access_denied")
		}},
		"cancelled, with a code all the same": {status: 200, says: "You cancelled", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "state", v.state, "error", "access_denied", "code", v.code)
		}},
		"an error with markup": {status: 400, says: "Slack's word", do: func(v *visit) (int, string) {
			v.begin()
			return v.back(v.browser, "state", v.state, "error", "<script>alert(1)</script>\nx")
		}},
		"somewhere to go afterwards": {status: 400, says: "begins here", do: func(v *visit) (int, string) {
			return v.back(v.browser, "redirect_uri", "https://evil.example", "next", "//evil.example", "return_to", "https://evil.example")
		}},
		"a post": {status: 405, do: func(v *visit) (int, string) {
			v.begin()
			status, _, body, _ := get(v.T, v.browser, http.MethodPost, v.site.URL+callbackPath+"?"+url.Values{"state": {v.state}, "code": {v.code}}.Encode())
			return status, body
		}},
		"a post to begin": {status: 405, do: func(v *visit) (int, string) {
			status, _, body, _ := get(v.T, v.browser, http.MethodPost, v.site.URL+installPath)
			return status, body
		}},
		"the wrong client secret": {
			status: 502, says: "do not fit together", faults: []string{"bad_client_secret"}, do: good,
			apps: func(o *AppsOptions) { o.OAuth.ClientSecret = func() string { return "another" } },
		},
		"fewer permissions than needed": {status: 403, says: "chat:write", do: func(v *visit) (int, string) {
			v.begin("grant", "commands,im:history,links:read,links:write")
			return v.back(v.browser, "state", v.state, "code", v.code)
		}},
		"slack's answer lost": {status: 502, says: "did not answer as it should", do: func(v *visit) (int, string) {
			v.begin()
			v.fake.Inject(fakeslack.Trouble{Method: "oauth.v2.access", Kind: fakeslack.Cut, Effect: true, Times: 1})
			return v.back(v.browser, "state", v.state, "code", v.code)
		}},
		"slack has trouble": {status: 502, says: "Try again in a minute", do: func(v *visit) (int, string) {
			v.begin()
			v.fake.Inject(fakeslack.Trouble{Method: "oauth.v2.access", Kind: fakeslack.Status, Code: 500, Times: 1})
			return v.back(v.browser, "state", v.state, "code", v.code)
		}},
		"a token that does not work": {status: 502, says: "did not answer as it should", do: func(v *visit) (int, string) {
			v.begin()
			v.fake.Inject(fakeslack.Trouble{Method: "auth.test", Kind: fakeslack.Refused, Error: "invalid_auth"})
			return v.back(v.browser, "state", v.state, "code", v.code)
		}},
		"a store that is down when it begins": {status: 503, says: "can't store anything", do: func(v *visit) (int, string) {
			v.shelf.fail(errors.New("down"))
			defer v.shelf.fail(nil)
			status, _, body, _ := get(v.T, v.browser, http.MethodGet, v.site.URL+installPath)
			return status, body
		}},
		"a store that is down when it ends": {status: 503, says: "can't store anything", do: func(v *visit) (int, string) {
			v.begin()
			v.shelf.fail(errors.New("down"))
			defer v.shelf.fail(nil)
			return v.back(v.browser, "state", v.state, "code", v.code)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := fakeslack.Options{}
			if tc.fake != nil {
				tc.fake(&o)
			}
			v := &visit{town: buildTown(t, o, 1, tc.apps), browser: browser(t)}
			v.team = v.fake.AddEmptyWorkspace("acme")
			status, page := tc.do(v)
			require.Equal(t, tc.status, status, page)
			require.Contains(t, page, tc.says)
			if tc.status != http.StatusMethodNotAllowed {
				require.Contains(t, page, v.site.URL+installPath, "the way to begin anew")
			}
			require.NotContains(t, page, "evil")
			all, _ := v.shelf.list()
			require.Empty(t, all, "nothing is stored")
			require.Empty(t, v.noticed(&v.came))
			v.clean(tc.faults...)

			status, page = good(&visit{town: v.town, team: v.team, browser: browser(t)})
			if tc.apps == nil && name != "a token that does not work" { // without the mistake it works
				require.Equal(t, 200, status, page)
			}
		})
	}
}

// age makes what began be older than ten minutes.
func (v *visit) age() {
	v.shelf.mu.Lock()
	defer v.shelf.mu.Unlock()
	for key := range v.shelf.once {
		v.shelf.once[key] = []byte(`{"until":"2020-01-01T00:00:00Z"}`)
	}
}

// T16: the state and the browser's half are each of 256 bits and new each time; of
// neither the store knows more than that both belong together.
func TestT16_InstallationsAreBoundToOneBrowser(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		public, cookie string
		secure         bool
	}{
		"https": {public: "https://bridge.example.com", cookie: "__Host-imaginebridge_slack_install", secure: true},
		"http":  {public: "http://127.0.0.1:8480", cookie: "imaginebridge_slack_install"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := buildTown(t, fakeslack.Options{}, 1, func(o *AppsOptions) { o.OAuth.PublicURL = tc.public })
			seen := map[string]bool{}
			for range 2 {
				out := httptest.NewRecorder()
				w.apps[0].Handler().ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodGet, tc.public+installPath+"?redirect_uri=https://evil.example&state=chosen", nil))
				require.Equal(t, http.StatusFound, out.Code)
				to, err := out.Result().Location()
				require.NoError(t, err)
				require.Equal(t, tc.public+callbackPath, to.Query().Get("redirect_uri"))
				c := out.Result().Cookies()[0]
				require.Equal(t, tc.cookie, c.Name)
				require.True(t, c.HttpOnly)
				require.Equal(t, tc.secure, c.Secure)
				require.Equal(t, http.SameSiteLaxMode, c.SameSite)
				require.Equal(t, "/", c.Path)
				require.Empty(t, c.Domain)
				require.Equal(t, 600, c.MaxAge)
				for _, secret := range []string{to.Query().Get("state"), c.Value} {
					require.Len(t, secret, 43, "256 bits in base64")
					require.False(t, seen[secret])
					seen[secret] = true
					for key, value := range w.shelf.once {
						require.NotContains(t, key+string(value), secret)
					}
				}
			}
		})
	}
}

// TestInstallingLeadsToTheBridgesOwnAddress: a cookie that is set elsewhere would be
// missing when Slack sends people back.
func TestInstallingLeadsToTheBridgesOwnAddress(t *testing.T) {
	t.Parallel()
	w := buildTown(t, fakeslack.Options{}, 1, func(o *AppsOptions) { o.OAuth.PublicURL = "https://bridge.example.com" })
	ask := func(address string) string {
		out := httptest.NewRecorder()
		w.apps[0].Handler().ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))
		to, err := out.Result().Location()
		require.NoError(t, err)
		return to.String()
	}
	require.Equal(t, "https://bridge.example.com/slack/install?here", ask("http://127.0.0.1:8480/slack/install"))
	require.Contains(t, ask("http://127.0.0.1:8480/slack/install?here"), w.fake.URL(), "behind a proxy that changes the host")
}

// S27: what was not granted is named with what it would add; what was is used.
func TestInstalledWithFewerPermissions(t *testing.T) {
	t.Parallel()
	w := buildTown(t, fakeslack.Options{}, 1, nil)
	team := w.fake.AddEmptyWorkspace("acme")
	var needed []string
	for _, sc := range scopes() {
		if !sc.optional {
			needed = append(needed, sc.name)
		}
	}
	page := w.install(fakeslack.Install{Workspace: team.ID, Scopes: needed})
	require.Equal(t, 200, page.Status, page.Body)
	require.Contains(t, page.Body, "Not allowed: channels:history, groups:history. With it, ")
	require.ElementsMatch(t, needed, w.record("", team.ID).Scopes)
	w.clean()
}

// S27: one installation serves every workspace of an organisation, as far as its
// administrators let the app in.
func TestInstalledForAnOrganisation(t *testing.T) {
	t.Parallel()
	w := buildTown(t, fakeslack.Options{RotateTokens: true}, 2, nil)
	head := w.fake.AddEmptyWorkspace("acme")
	page := w.install(fakeslack.Install{Workspace: head.ID, OrgWide: true})
	require.Equal(t, 200, page.Status, page.Body)
	require.Contains(t, page.Body, "whole organisation")
	org := "E" + head.ID[1:]
	r := w.record(org, bridge.WholeOrganisation)
	require.Equal(t, head.BotToken(), r.Bot)
	w.eventually("known in every process", func() bool {
		for _, a := range w.apps {
			if !a.record(keyOf(r)).Live() {
				return false
			}
		}
		return true
	})

	w.eventually("the bridge asks which workspaces it serves", func() bool { return len(w.noticed(&w.came)) == 1 })
	lab := head.AddSister("lab")
	w.eventually("the bridge hears of the other workspace", func() bool { return len(w.noticed(&w.came)) == 2 })
	require.Equal(t, []string{head.ID + " by " + head.Owner, lab.ID + " by " + head.Owner}, w.noticed(&w.came))
	for _, team := range []*fakeslack.Workspace{head, lab} {
		channel := team.AddChannel("alerts")
		ann := team.AddUser("ann")
		before := len(w.hands.effects())
		got, err := w.fake.Slash(ann, channel, "/ia post show p1")
		require.NoError(t, err)
		require.True(t, got.Acked)
		w.eventually("the command ran", func() bool { return len(w.hands.effects()) == before+1 })
		require.Equal(t, team.ID, w.hands.effects()[before].Principal.Workspace)
		w.eventually("answered there", func() bool { return len(w.fake.Messages(channel)) == 1 })
		w.eventually("this process has met the workspace", func() bool { return w.apps[0].of("", team.ID) != nil || w.apps[1].of("", team.ID) != nil })
	}
	w.clean()

	head.Uninstall(true)
	w.eventually("its tokens are erased", func() bool { return w.record(org, bridge.WholeOrganisation).Bot == "" })
	w.eventually("its workspaces are left", func() bool { return len(w.noticed(&w.left)) > 0 })
	require.Equal(t, []string{bridge.WholeOrganisation + " by " + head.Owner}, w.noticed(&w.left))
	require.Empty(t, w.record(org, bridge.WholeOrganisation).Teams)
}

// TestInstallationsBeginOnlySoOften: each is stored, and anybody may ask for one.
func TestInstallationsBeginOnlySoOften(t *testing.T) {
	t.Parallel()
	var m perMinute
	at := time.Date(2026, 2, 6, 13, 36, 0, 0, time.UTC)
	for range maxBegun {
		require.True(t, m.take(at))
	}
	require.False(t, m.take(at.Add(59*time.Second)))
	require.True(t, m.take(at.Add(time.Minute)))
}

// The pages are read in the browser's language.
func TestInstallPagesAreInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	w := buildTown(t, fakeslack.Options{}, 1, nil)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, w.site.URL+callbackPath, nil)
	r.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.5")
	out := httptest.NewRecorder()
	w.apps[0].Handler().ServeHTTP(out, r)
	require.Contains(t, out.Body.String(), "Es wurde nichts installiert")
}
