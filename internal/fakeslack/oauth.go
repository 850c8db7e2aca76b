package fakeslack

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// oauthState is what OAuth remembers.
type oauthState struct {
	codes   map[string]*grant
	refresh map[string]*refreshToken
}

// refreshToken is good once, and for a while once more.
type refreshToken struct {
	home   *Workspace
	gave   *token    // what was given for it, nil while it was not used
	usedAt time.Time // when it was first
}

// grant is one approval on its way from the authorize page to oauth.v2.access.
type grant struct {
	home        *Workspace
	scopes      []string
	redirectURI string
	orgWide     bool
	by          string
	expires     time.Time
	used        bool
}

const (
	codeLife  = 10 * time.Minute
	tokenLife = 12 * time.Hour
)

func newOAuthState() oauthState {
	return oauthState{codes: map[string]*grant{}, refresh: map[string]*refreshToken{}}
}

var authorizePage = template.Must(template.New("authorize").Parse(`<!DOCTYPE html><html><head><title>Slack</title></head><body>
<h1>ImagineBridge is requesting permission to access a Slack workspace</h1>
<form method="post" action="/oauth/v2/authorize">
{{range $k, $v := .}}<input type="hidden" name="{{$k}}" value="{{$v}}">
{{end}}<label>Workspace <input name="workspace"></label> <label><input type="checkbox" name="org_wide" value="true"> Install for the whole organisation</label>
<button name="decision" value="allow">Allow</button> <button name="decision" value="cancel">Cancel</button>
</form></body></html>
`))

// checkAuthorize says what is wrong with the parameters of the authorize page, "" for nothing.
func (s *Server) checkAuthorize(q url.Values) (code, detail string) {
	switch {
	case q.Get("client_id") != s.opt.ClientID:
		return "invalid_client_id", q.Get("client_id")
	case q.Get("scope") == "":
		return "invalid_scope", "no scope asked for"
	case q.Get("state") == "":
		return "missing_state", "an install link without state can be forged"
	case len(s.opt.RedirectURLs) > 0 && !slices.ContainsFunc(s.opt.RedirectURLs, func(u string) bool {
		return strings.HasPrefix(q.Get("redirect_uri"), u)
	}):
		return "bad_redirect_uri", q.Get("redirect_uri")
	}
	if u, err := url.Parse(q.Get("redirect_uri")); err != nil || u.Host == "" {
		return "bad_redirect_uri", q.Get("redirect_uri")
	}
	return "", ""
}

func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if code, detail := s.checkAuthorize(q); code != "" {
		s.oauthFault(code, detail)
		http.Error(w, "Something went wrong when authorizing this app: "+code, http.StatusBadRequest)
		return
	}
	fields := map[string]string{}
	for _, key := range []string{"client_id", "scope", "state", "redirect_uri", "team"} {
		fields[key] = q.Get(key)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = authorizePage.Execute(w, fields)
}

// serveDecision is the person's click on Allow or Cancel.
func (s *Server) serveDecision(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if r.ParseForm() != nil {
		http.Error(w, "bad form", http.StatusBadRequest)
		return
	}
	if code, detail := s.checkAuthorize(r.PostForm); code != "" {
		s.oauthFault(code, detail)
		http.Error(w, code, http.StatusBadRequest)
		return
	}
	back, _ := url.Parse(r.PostForm.Get("redirect_uri"))
	q := back.Query()
	q.Set("state", r.PostForm.Get("state"))
	if r.PostForm.Get("decision") == "allow" {
		q.Set("code", s.approve(r.PostForm))
	} else {
		q.Set("error", "access_denied")
	}
	back.RawQuery = q.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// approve makes the code. The person may leave out optional scopes by the field "grant".
func (s *Server) approve(form url.Values) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	home := s.workspaces[cmp.Or(form.Get("workspace"), form.Get("team"))]
	if home == nil {
		for _, id := range sortedKeys(s.workspaces) {
			home = cmp.Or(home, s.workspaces[id])
		}
	}
	scopes := strings.Split(form.Get("scope"), ",")
	if form.Has("grant") {
		kept := strings.Split(form.Get("grant"), ",")
		scopes = slices.DeleteFunc(scopes, func(sc string) bool { return !slices.Contains(kept, sc) })
	}
	code := rand.Text()
	s.oauth.codes[code] = &grant{
		home: home, scopes: scopes, redirectURI: form.Get("redirect_uri"), orgWide: form.Get("org_wide") == "true",
		by: home.Owner, expires: s.opt.Now().Add(codeLife),
	}
	return code
}

func (s *Server) oauthFault(code, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault(Fault{Method: "oauth", Code: code, Detail: cut(detail, 200)})
}

// oauthAccess turns a code, or a refresh token, into tokens (oauth.v2.access documentation).
func (c *call) oauthAccess() answer {
	id, secret := c.args.str("client_id"), c.args.str("client_secret")
	if c.basicID != "" {
		id, secret = c.basicID, c.basicSecret
	}
	if id != c.s.opt.ClientID {
		return refuse("invalid_client_id", "%s", id)
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(c.s.opt.ClientSecret)) != 1 {
		return refuse("bad_client_secret", "")
	}
	switch grantType := cmp.Or(c.args.str("grant_type"), "authorization_code"); grantType {
	case "refresh_token":
		return c.refresh()
	case "authorization_code":
		return c.redeem()
	default:
		return refuse("invalid_grant_type", "%s", grantType)
	}
}

func (c *call) redeem() answer {
	g := c.s.oauth.codes[c.args.str("code")]
	switch {
	case g == nil:
		return refuse("invalid_code", "unknown")
	case g.used:
		return refuse("code_already_used", "a second time")
	case c.now.After(g.expires):
		return refuse("code_expired", "after ten minutes")
	case c.args.str("redirect_uri") != g.redirectURI:
		return refuse("bad_redirect_uri", "%s", c.args.str("redirect_uri"))
	}
	g.used = true
	w := g.home
	w.uninstalled, w.since, w.org = false, c.now, ""
	w.bot = c.s.mint(kindBot, w, g.scopes)
	if g.orgWide {
		w.org = "E" + w.ID[1:]
	}
	a := answer{fields: map[string]any{
		"token_type": "bot", "scope": strings.Join(g.scopes, ","), "bot_user_id": w.BotUser, "app_id": appID,
		"team": map[string]any{"id": w.ID, "name": w.Name}, "enterprise": nil, "is_enterprise_install": g.orgWide,
		"authed_user": map[string]any{"id": g.by},
	}}
	if g.orgWide {
		a.fields["team"], a.fields["enterprise"] = nil, map[string]any{"id": w.org, "name": w.Name}
	}
	c.hand(a.fields, w)
	return a
}

// hand puts the tokens into an answer.
func (c *call) hand(fields map[string]any, w *Workspace) {
	if c.s.opt.RotateTokens {
		delete(c.s.tokens, w.bot.secret)
		w.bot.secret = "xoxe." + w.bot.secret
		w.bot.expires = c.now.Add(tokenLife)
		c.s.tokens[w.bot.secret] = w.bot
		next := "xoxe-1-fake-" + rand.Text()
		c.s.oauth.refresh[next] = &refreshToken{home: w}
		fields["refresh_token"], fields["expires_in"] = next, int(tokenLife.Seconds())
	}
	fields["access_token"] = w.bot.secret
}

func (c *call) refresh() answer {
	old := c.s.oauth.refresh[c.args.str("refresh_token")]
	switch {
	case old == nil, old.gave != nil && c.now.Sub(old.usedAt) >= c.s.opt.RefreshGrace:
		return refuse("invalid_refresh_token", "unknown or used")
	case old.home.uninstalled:
		return refuse("account_inactive", "uninstalled")
	case old.gave != nil:
		old.gave.revoked = true
	default:
		old.usedAt = c.now
	}
	w := old.home
	if soon := c.now.Add(time.Minute); w.bot.expires.After(soon) { // the old token lives on for a short while
		w.bot.expires = soon
	}
	w.bot = c.s.mint(kindBot, w, w.bot.scopes)
	a := answer{fields: map[string]any{
		"token_type": "bot", "scope": strings.Join(w.bot.scopes, ","), "bot_user_id": w.BotUser, "app_id": appID,
		"team": map[string]any{"id": w.ID, "name": w.Name}, "enterprise": nil, "is_enterprise_install": w.org != "",
	}}
	if w.org != "" {
		a.fields["team"], a.fields["enterprise"] = nil, map[string]any{"id": w.org, "name": w.Name}
	}
	c.hand(a.fields, w)
	old.gave = w.bot
	for _, sister := range c.s.workspaces {
		if w.org != "" && sister.org == w.org {
			sister.bot = w.bot
		}
	}
	return a
}
