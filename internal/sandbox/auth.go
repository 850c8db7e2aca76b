package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// refreshTTL is the life of a refresh token (assumed).
const refreshTTL = 30 * 24 * time.Hour

// digest is how tokens and secrets are kept: never as they are.
type digest [sha256.Size]byte

func digestOf(s string) digest { return sha256.Sum256([]byte(s)) }

// account is one client id.
type account struct {
	agent  *agent
	secret digest
	closed bool // secret revoked
}

// grant is one token.
type grant struct {
	account *account
	expires time.Time
	turns   int  // of the clock, when it was made
	used    bool // refresh tokens, when they rotate
	dead    bool // ended before its time
}

// vault holds accounts and tokens.
type vault struct {
	accounts  map[string]*account // by client id
	access    map[digest]*grant
	refresh   map[digest]*grant
	handedOut []Credentials
}

func newVault() *vault {
	return &vault{accounts: map[string]*account{}, access: map[digest]*grant{}, refresh: map[digest]*grant{}}
}

// identity is who sends a request, as far as it says.
type identity struct {
	agent      *agent // of a good bearer
	name       string // handle, also of an auth call and of a bearer that ended
	client     string // client id: of the bearer, or named in an auth call
	bearer     bool   // a bearer was sent
	bad        bool   // and it is no good
	expired    time.Time
	turns      int
	refreshing bool
}

// identify reads the bearer or, on auth calls, whom the body names.
func (w *world) identify(x *exchange) identity {
	if x.class == ClassAuth {
		return w.identifyClient(x.in)
	}
	header := x.req.Header.Get("Authorization")
	if header == "" {
		return identity{}
	}
	who := identity{bearer: true, bad: true}
	scheme, token, _ := strings.Cut(header, " ")
	g := w.vault.access[digestOf(token)]
	if !strings.EqualFold(scheme, "Bearer") || g == nil || g.dead || g.account.closed {
		return who
	}
	who.client, who.name = g.account.agent.clientID, g.account.agent.handle
	if !w.now.Before(g.expires) {
		who.expired, who.turns = g.expires, g.turns
		return who
	}
	who.agent, who.bad = g.account.agent, false
	return who
}

func (w *world) identifyClient(in *input) identity {
	var who identity
	var token string
	_ = json.Unmarshal(in.body["client_id"], &who.client)
	if json.Unmarshal(in.body["refresh_token"], &token) == nil && token != "" {
		who.refreshing = true
		if g := w.vault.refresh[digestOf(token)]; g != nil {
			who.client = g.account.agent.clientID
		}
	}
	if a := w.vault.accounts[who.client]; a != nil {
		who.name = a.agent.handle
	}
	return who
}

// oauth tells the one route whose errors have OAuth's shape.
func (r Route) oauth() bool { return r.Pattern == tokenPath }

const tokenPath = "/api/auth/token"

func authRoutes() []Route {
	return []Route{
		{Method: http.MethodPost, Pattern: tokenPath, Auth: NoAuth, Body: JSON, handle: issueToken},
		{Method: http.MethodPost, Pattern: "/api/auth/register", Auth: NoAuth, Body: JSON, Later: true, Create: true, handle: register},
	}
}

type tokenReply struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

func issueToken(c *call) (reply, error) {
	kind := c.in.text("grant_type", 1, 64)
	id, secret := c.in.text("client_id", 0, 200), c.in.text("client_secret", 0, 200)
	refresh := c.in.text("refresh_token", 0, 200)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	switch kind {
	case "client_credentials":
		if id == "" || secret == "" {
			return reply{}, refuse(http.StatusBadRequest, "invalid_request", "client_id and client_secret are required")
		}
		a := c.vault.accounts[id]
		if !a.opens(secret) {
			return reply{}, refuse(http.StatusUnauthorized, "invalid_client", "The client id or secret is wrong")
		}
		return done(c.issue(a, ""))
	case "refresh_token":
		if refresh == "" {
			return reply{}, refuse(http.StatusBadRequest, "invalid_request", "refresh_token is required")
		}
		return c.refreshToken(refresh)
	default:
		return reply{}, refuse(http.StatusBadRequest, "unsupported_grant_type", "grant_type must be client_credentials or refresh_token")
	}
}

// opens compares in constant time, an unknown account too.
func (a *account) opens(secret string) bool {
	got := digestOf(secret)
	var want digest
	if a != nil {
		want = a.secret
	}
	same := subtle.ConstantTimeCompare(got[:], want[:]) == 1
	return same && a != nil && !a.closed
}

func (c *call) refreshToken(token string) (reply, error) {
	g := c.vault.refresh[digestOf(token)]
	if g != nil && g.used {
		c.x.flag(RuleRefreshTwice, "this refresh token was used before")
	}
	if g == nil || g.used || g.dead || g.account.closed || !c.now.Before(g.expires) {
		return reply{}, refuse(http.StatusBadRequest, "invalid_grant", "The refresh token is unknown, used or expired")
	}
	if c.opt.KeepRefresh {
		return done(c.issue(g.account, token))
	}
	g.used = true
	return done(c.issue(g.account, ""))
}

// issue makes a pair of tokens; keep is a refresh token that stays.
func (w *world) issue(a *account, keep string) tokenReply {
	if w.opt.SingleToken {
		w.vault.end(a, w.vault.access)
	}
	t := tokenReply{
		AccessToken: "iat_" + rand.Text(), TokenType: "Bearer", ExpiresIn: int(w.opt.TokenTTL.Seconds()),
		RefreshToken: keep, Scope: "read write",
	}
	w.vault.access[digestOf(t.AccessToken)] = &grant{account: a, expires: w.now.Add(w.opt.TokenTTL), turns: w.clock.changes()}
	if keep == "" && !w.opt.NoRefresh {
		t.RefreshToken = "iar_" + rand.Text()
		w.vault.refresh[digestOf(t.RefreshToken)] = &grant{account: a, expires: w.now.Add(refreshTTL)}
	}
	return t
}

func (v *vault) end(a *account, tokens map[digest]*grant) {
	for _, g := range tokens {
		if g.account == a {
			g.dead = true
		}
	}
}

// open makes an account for an agent. A secret is made where none is given, and
// returned once.
func (w *world) open(a *agent, id, secret string) Credentials {
	if id == "" {
		id = "iac_" + w.ids.word(24)
	}
	if secret == "" {
		secret = "ia_" + rand.Text()
	}
	a.clientID = id
	w.vault.accounts[id] = &account{agent: a, secret: digestOf(secret)}
	return Credentials{Handle: a.handle, ClientID: id, ClientSecret: secret}
}

// EndTokens ends an agent's access tokens at once, and its refresh tokens where
// refresh is set: the next call gets 401.
func (s *Sandbox) EndTokens(handle string, refresh bool) {
	w := s.enter()
	defer s.leave()
	if a := w.agents[handle]; a != nil {
		acc := w.vault.accounts[a.clientID]
		w.vault.end(acc, w.vault.access)
		if refresh {
			w.vault.end(acc, w.vault.refresh)
		}
	}
}

// RevokeSecret closes an agent's account for good: its tokens and its secret
// are refused.
func (s *Sandbox) RevokeSecret(handle string) {
	w := s.enter()
	defer s.leave()
	if a := w.agents[handle]; a != nil && w.vault.accounts[a.clientID] != nil {
		w.vault.accounts[a.clientID].closed = true
	}
}

// RotateSecret gives an agent a new secret and opens its account again; tokens
// that are out stay good.
func (s *Sandbox) RotateSecret(handle string) Credentials {
	w := s.enter()
	defer s.leave()
	a := w.agents[handle]
	if a == nil {
		return Credentials{}
	}
	before := w.vault.accounts[a.clientID]
	out := w.open(a, a.clientID, "")
	before.secret, before.closed = digestOf(out.ClientSecret), false
	w.vault.accounts[a.clientID] = before // whose the tokens are
	return out
}
