package fakeslack

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"
)

type tokenKind int

const (
	kindNone   tokenKind = iota // the method takes no token
	kindBot                     // xoxb-, or xoxe.xoxb- where tokens rotate
	kindApp                     // xapp-, app-level
	kindConfig                  // xoxe.xoxp-, app configuration
	kindAny                     // any of the above
)

type token struct {
	secret  string
	kind    tokenKind
	home    *Workspace // nil for tokens of the app itself
	scopes  []string
	revoked bool
	expires time.Time // zero: never
}

// prefixes are those of Slack's token types.
var prefixes = map[tokenKind]string{kindBot: "xoxb-", kindApp: "xapp-1-", kindConfig: "xoxe.xoxp-"}

// mint makes a token. The caller holds mu, or nobody else has the server yet.
func (s *Server) mint(kind tokenKind, home *Workspace, scopes []string) *token {
	t := &token{secret: prefixes[kind] + "fake-" + rand.Text(), kind: kind, home: home, scopes: scopes}
	s.tokens[t.secret] = t
	return t
}

// check says why a token may not be used for methods of a kind, "" when it may.
func (t *token) check(want tokenKind, now time.Time) string {
	switch {
	case t == nil:
		return "invalid_auth"
	case t.home != nil && t.home.uninstalled:
		return "account_inactive"
	case t.revoked:
		return "token_revoked"
	case !t.expires.IsZero() && !now.Before(t.expires):
		return "token_expired"
	case want != kindAny && t.kind != want:
		return "not_allowed_token_type"
	}
	return ""
}

// missing says which of the alternatives in need the token lacks; any one of them is enough.
func (t *token) missing(need []string) bool {
	return len(need) > 0 && !slices.ContainsFunc(need, func(sc string) bool { return slices.Contains(t.scopes, sc) })
}

func mask(secret string) string {
	if i := strings.LastIndexByte(secret, '-'); i > 0 {
		return secret[:i] + "-…"
	}
	return "…"
}

// AppToken is the app-level token for Socket Mode (scope connections:write).
func (s *Server) AppToken() string { return s.app.secret }

// ConfigToken is the app configuration token that apps.manifest.validate wants.
func (s *Server) ConfigToken() string { return s.config.secret }

// SigningSecret is the secret that signs deliveries over HTTP.
func (s *Server) SigningSecret() string { return s.opt.SigningSecret }

// RevokeAppToken makes the app-level token useless.
func (s *Server) RevokeAppToken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.revoked = true
}
