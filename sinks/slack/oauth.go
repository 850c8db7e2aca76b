package slack

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Addresses of the installation, under the bridge's own.
const (
	installPath  = "/slack/install"
	callbackPath = "/slack/oauth/callback"
)

// hereFlag marks an address that somebody was sent to: a proxy may change the host
// for ever.
const hereFlag = "here"

// maxBegun is how many installations may begin in a minute. Each is stored, and
// anybody may ask.
const maxBegun = 120

// perMinute counts what may happen so often in a minute.
type perMinute struct {
	mu    sync.Mutex // guards all below
	since time.Time
	count int
}

// take counts one and reports whether it may be.
func (m *perMinute) take(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.since) >= time.Minute {
		m.since, m.count = now, 0
	}
	m.count++
	return m.count <= maxBegun
}

// stateLife is how long an installation may take from its begin to Slack's answer.
const stateLife = 10 * time.Minute

// States keep what is good once, for all processes.
type States interface {
	PutOnce(ctx context.Context, key string, value []byte, life time.Duration) error
	// TakeOnce gives what was put and takes it away; nil for nothing.
	TakeOnce(ctx context.Context, key string) ([]byte, error)
}

// OAuth is what lets people install the app (Slack docs: "Installing with OAuth").
type OAuth struct {
	ClientID     string
	ClientSecret func() string
	// PublicURL is the origin by which browsers reach the bridge.
	PublicURL string
	States    States
	// Show writes a page for people.
	Show func(w http.ResponseWriter, p Page)
}

func (o *OAuth) check() error {
	u, ok := webURL(o.PublicURL)
	switch {
	case o.ClientID == "" || o.ClientSecret == nil || o.ClientSecret() == "":
		return errors.New("installing needs slack.client_id and slack.client_secret; both are under Basic Information, App Credentials")
	case !ok || strings.Trim(u, "/") != strings.TrimRight(o.PublicURL, "/"):
		return errors.New("installing needs http.public_url, the address of the bridge such as https://bridge.example.com")
	case o.States == nil || o.Show == nil:
		return errors.New("installing needs a store and pages")
	}
	return nil
}

// address is one of the bridge's own, as browsers reach it.
func (o *OAuth) address(path string) string { return strings.TrimRight(o.PublicURL, "/") + path }

func (o *OAuth) secure() bool { return strings.HasPrefix(o.PublicURL, "https://") }

// cookie carries what binds an installation to a browser. Its name with __Host-
// keeps other hosts of the domain from setting it (RFC 6265bis).
func (o *OAuth) cookie(value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure wherever the bridge's address is https: browsers drop such a cookie elsewhere
		Name: "imaginebridge_slack_install", Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: o.secure(),
	}
	if o.secure() {
		c.Name = "__Host-" + c.Name
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// stateKey is where an installation under way is found: only by who has both the
// state, which went to Slack and back, and the browser's own half.
func stateKey(state, half string) string {
	sum := sha256.Sum256([]byte(state + "." + half))
	return "slack/install/" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// chance is 256 bits of it.
func chance() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// underWay is an installation that began.
type underWay struct {
	Until time.Time `json:"until"`
}

// install sends a browser to Slack.
func (a *Apps) install(w http.ResponseWriter, r *http.Request) {
	o := a.opt.OAuth
	p := pages{language.Match(r.Header.Get("Accept-Language"))}
	private(w)
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	u, err := url.Parse(o.PublicURL)
	if elsewhere := err != nil || r.Host != u.Host; elsewhere && !r.URL.Query().Has(hereFlag) { // a cookie set here would not be there when Slack sends people back
		http.Redirect(w, r, o.address(installPath)+"?"+hereFlag, http.StatusFound)
		return
	}
	if !a.begun.take(time.Now()) {
		o.Show(w, p.busy(a))
		return
	}
	state, half := chance(), chance()
	var value []byte
	value, err = json.Marshal(underWay{Until: time.Now().Add(stateLife).UTC()})
	if err == nil {
		err = o.States.PutOnce(r.Context(), stateKey(state, half), value, stateLife)
	}
	if err != nil {
		a.log.WarnContext(r.Context(), "installation not begun", "err", err)
		o.Show(w, p.storeDown(a))
		return
	}
	http.SetCookie(w, o.cookie(half, stateLife))
	q := url.Values{"client_id": {o.ClientID}, "scope": {strings.Join(allScopeNames(), ",")}, "state": {state}, "redirect_uri": {o.address(callbackPath)}}
	http.Redirect(w, r, a.front.web.origin.String()+"/oauth/v2/authorize?"+q.Encode(), http.StatusFound)
}

// private keeps a page and its address to the browser that asked.
func private(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

func allScopeNames() []string {
	var out []string
	for _, sc := range scopes() {
		out = append(out, sc.name)
	}
	return out
}

// callback takes a browser that comes back from Slack. Nothing of its query is ever
// followed.
func (a *Apps) callback(w http.ResponseWriter, r *http.Request) {
	o := a.opt.OAuth
	private(w)
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	http.SetCookie(w, o.cookie("", 0))
	o.Show(w, a.comeBack(r, pages{language.Match(r.Header.Get("Accept-Language"))}))
}

// comeBack decides what an answer of Slack's by way of a browser leads to.
func (a *Apps) comeBack(r *http.Request, p pages) Page {
	o, q := a.opt.OAuth, r.URL.Query()
	state, code, refused := single(q, "state"), single(q, "code"), single(q, "error")
	half, err := r.Cookie(o.cookie("x", stateLife).Name)
	switch {
	case state == "":
		return p.noState(a)
	case err != nil || half.Value == "":
		return p.otherBrowser(a)
	}
	value, err := o.States.TakeOnce(r.Context(), stateKey(state, half.Value))
	if err != nil {
		a.log.WarnContext(r.Context(), "installation not found", "err", err)
		return p.storeDown(a)
	}
	var begun underWay
	switch {
	case value == nil || json.Unmarshal(value, &begun) != nil || time.Now().After(begun.Until):
		return p.tooLate(a)
	case refused == "access_denied":
		return p.denied(a)
	case refused != "" || code == "":
		return p.refused(a, refused)
	}
	return a.redeem(r.Context(), p, code)
}

// single is a parameter that is there once, "" for any other.
func single(q url.Values, name string) string {
	if v := q[name]; len(v) == 1 && len(v[0]) <= maxParameter {
		return v[0]
	}
	return ""
}

const maxParameter = 2048 // characters

// redeem buys the token and stores what was granted.
func (a *Apps) redeem(ctx context.Context, p pages, code string) Page {
	got, bad := a.desk.access(ctx, func(ctx context.Context, c *oauthClient) (*slackgo.OAuthV2Response, error) {
		return slackgo.GetOAuthV2ResponseContext(ctx, c.http, c.id, c.secret, code, a.opt.OAuth.address(callbackPath), c.at)
	})
	if bad != nil {
		a.log.WarnContext(ctx, "installation refused by slack", "err", bad)
		return p.notRedeemed(a, bad)
	}
	r, problem := a.granted(ctx, p, got)
	if problem != nil {
		return *problem
	}
	if err := a.put(ctx, r); err != nil {
		a.log.ErrorContext(ctx, "installation not stored", "installation", r.String(), "err", err)
		return p.storeDown(a)
	}
	a.log.InfoContext(ctx, "installed", "installation", r.String(), "scopes", len(r.Scopes))
	a.settle(ctx)
	return p.installed(r)
}

// granted makes the record of what Slack gave, or the page that says why it is of no
// use.
func (a *Apps) granted(ctx context.Context, p pages, got *slackgo.OAuthV2Response) (bridge.Installation, *Page) {
	r := bridge.Installation{
		Platform: platform, Enterprise: got.Enterprise.ID, Team: got.Team.ID, Name: got.Team.Name,
		App: got.AppID, BotUser: got.BotUserID, Scopes: strings.Split(got.Scope, ","),
		Installer: bridge.Person{Platform: platform, ID: got.AuthedUser.ID}, Installed: a.desk.now(),
		Bot: got.AccessToken, Refresh: got.RefreshToken, Expires: expiry(got),
	}
	if got.IsEnterpriseInstall {
		r.Team, r.Name = bridge.WholeOrganisation, got.Enterprise.Name
	}
	reject := func(page Page, why string) (bridge.Installation, *Page) {
		a.log.WarnContext(ctx, "installation of no use", "installation", r.String(), "reason", why)
		return r, &page
	}
	switch {
	case r.Team == "" || r.Team == bridge.WholeOrganisation && r.Enterprise == "" || got.AppID == "":
		return reject(p.incomplete(a), "the answer lacks a part")
	case got.TokenType != "bot" || botTokenProblem(r.Bot) != nil || r.BotUser == "":
		return reject(p.incomplete(a), "it is no bot token")
	case a.otherApp(got.AppID) != "":
		return reject(p.otherApp(a), "the app is another than "+a.otherApp(got.AppID))
	}
	if missing := missingScopes(r.Scopes); len(missing) > 0 {
		return reject(p.tooLittle(a, missing), "it lacks "+strings.Join(missing, ", "))
	}
	who, bad := a.desk.whose(ctx, r.Bot)
	switch {
	case bad != nil:
		return reject(p.notRedeemed(a, bad), "the token does not work: "+bad.Error())
	case who.UserID != r.BotUser || r.Team != bridge.WholeOrganisation && who.TeamID != r.Team:
		return reject(p.incomplete(a), "the token is another's")
	}
	r.BotID = who.BotID
	return r, nil
}

// otherApp is the app that is installed elsewhere, where that is not this one: the
// credentials were changed while the old app is still in use. "" for none.
func (a *Apps) otherApp(app string) string {
	for _, r := range a.live() {
		if r.App != "" && r.App != app {
			return r.App
		}
	}
	return ""
}

// missingScopes are those without which the bridge is of no use.
func missingScopes(granted []string) []string {
	var out []string
	for _, sc := range scopes() {
		if !sc.optional && !slices.Contains(granted, sc.name) {
			out = append(out, sc.name)
		}
	}
	return out
}

// put stores a new installation in the place of any that was there.
func (a *Apps) put(ctx context.Context, r bridge.Installation) error {
	for {
		was, err := a.opt.Installs.Get(ctx, r.Platform, r.Enterprise, r.Team)
		if err != nil {
			return err
		}
		r.Inherit(was)
		kept, err := a.opt.Installs.Put(ctx, r)
		if errors.Is(err, bridge.ErrFenced) {
			continue
		}
		if err == nil {
			a.note(kept)
		}
		return err
	}
}
