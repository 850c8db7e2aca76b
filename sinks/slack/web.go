package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	// callTimeout bounds one call; the HTTP client's own timeout is the second belt.
	callTimeout   = 10 * time.Second
	clientTimeout = 30 * time.Second
	maxAnswer     = 8 << 20 // bytes read of one answer
	deadFor       = 10 * time.Minute
)

// web is the Web API of one installation.
type web struct {
	origin  *url.URL
	client  *http.Client
	hooks   *http.Client // for answers by response_url: no token, any host that was allowed before
	files   *http.Client // for large ones: bounded by the caller's context alone
	token   func() string
	app     func() string
	timeout time.Duration
	grant   *grant // keeps the token and knows whose it is; nil: nobody does

	mu     sync.Mutex // guards all below
	of     string     // the bot token that all below belongs to
	scopes []string   // granted to it, as the last answer told; nil when not known
	who    identity
	asked  time.Time     // when somebody last wanted to know who
	skew   time.Duration // how far Slack's clock is ahead of ours
	dead   *fault        // Slack's word that the token is worthless
	until  time.Time     // when that may be doubted
}

// identity is who the bot token speaks for; zero while unknown.
type identity struct{ UserID, BotID, TeamID, Team string }

func newWeb(o Options, origin *url.URL) *web {
	w := &web{origin: origin, token: o.BotToken, app: o.AppToken, timeout: o.Timeout}
	base := http.DefaultTransport
	if o.HTTPClient != nil && o.HTTPClient.Transport != nil {
		base = o.HTTPClient.Transport
	}
	w.client = &http.Client{
		Timeout:   clientTimeout,
		Transport: &transport{base: base, origin: origin, agent: "ImagineBridge/" + o.Version, seen: w.learn},
		// A redirected call would carry the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.files = &http.Client{Transport: base, CheckRedirect: w.client.CheckRedirect}
	w.hooks = &http.Client{Timeout: clientTimeout, Transport: base, CheckRedirect: w.client.CheckRedirect}
	return w
}

// api is the library's client with the tokens of this moment.
func (w *web) api() *slackgo.Client {
	return slackgo.New(w.token(),
		slackgo.OptionAPIURL(w.origin.String()+"/api/"),
		slackgo.OptionHTTPClient(w.client),
		slackgo.OptionAppLevelToken(w.app()),
		slackgo.OptionLog(silent{}))
}

// do makes one call within its own time and returns its fault, if any.
func (w *web) do(ctx context.Context, method string, f func(context.Context, *slackgo.Client) error) *fault {
	if err := ctx.Err(); err != nil {
		return diagnose(method, exchange{}, err)
	}
	if w.grant != nil {
		if bad := w.grant.ready(ctx, method); bad != nil {
			return bad
		}
	}
	if dead := w.deadToken(); dead != nil && method != methodAuth {
		return dead
	}
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	var seen exchange
	token := w.token()
	err := f(context.WithValue(ctx, exchangeKey{}, &seen), w.api())
	bad := diagnose(method, seen, err)
	if w.grant != nil {
		bad = w.grant.judge(ctx, token, bad)
	}
	w.bury(bad)
	return bad
}

// deadToken returns Slack's last word where it was that this very token is
// worthless: until a new one is here, or for ten minutes, nothing is asked with it.
func (w *web) deadToken() *fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if token := w.token(); token != w.of {
		w.of, w.scopes, w.who, w.dead = token, nil, identity{}, nil
		if w.grant != nil {
			w.who, w.scopes = w.grant.self()
		}
	}
	if w.dead == nil || time.Now().After(w.until) {
		return nil
	}
	dead := *w.dead
	dead.written = false
	return &dead
}

func (w *web) bury(bad *fault) {
	if bad == nil || bad.verdict(reading) != bridge.Revoked {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead, w.until = bad, time.Now().Add(deadFor)
}

// errPoor says that a good answer lacks what it always has.
var errPoor = errors.New("the answer lacks a part")

// learn reads what every answer tells beside the matter.
func (w *web) learn(h http.Header) {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		w.mu.Lock()
		w.skew = time.Until(date)
		w.mu.Unlock()
	}
	granted := h.Get("X-OAuth-Scopes")
	if granted == "" {
		return
	}
	var scopes []string
	for s := range strings.SplitSeq(granted, ",") {
		scopes = append(scopes, strings.TrimSpace(s))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scopes = scopes
}

// meet asks Slack once who the bot token speaks for and what it may do.
func (w *web) meet(ctx context.Context) *fault {
	if w.selfKnown().UserID != "" || w.token() == "" {
		return nil
	}
	_, f := w.whoAmI(ctx)
	return f
}

// acquaintGap lies between two attempts to learn who the token speaks for, where
// Slack does not say.
const acquaintGap = 30 * time.Second

// acquaint learns once who the bot token speaks for.
func (s *Sink) acquaint(ctx context.Context) {
	if s.web.selfKnown().TeamID == "" && s.web.mayAsk(time.Now()) {
		_ = s.web.meet(ctx) // the next attempt may know more
	}
}

func (w *web) mayAsk(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.asked) < acquaintGap {
		return false
	}
	w.asked = now
	return true
}

// ahead is how far Slack's clock is ahead of ours, to a second or two.
func (w *web) ahead() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.skew
}

func (w *web) selfKnown() identity {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.grant != nil && w.who.UserID == "" {
		w.who, _ = w.grant.self()
	}
	return w.who
}

func (w *web) known() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.scopes)
}

func (w *web) whoAmI(ctx context.Context) (identity, *fault) {
	var who identity
	f := w.do(ctx, methodAuth, func(ctx context.Context, api *slackgo.Client) error {
		got, err := api.AuthTestContext(ctx)
		if err != nil {
			return err
		}
		who = identity{UserID: got.UserID, BotID: got.BotID, TeamID: got.TeamID, Team: got.Team}
		if who.UserID == "" {
			return errPoor
		}
		return nil
	})
	if f == nil {
		if w.grant != nil { // a token of an organisation is every workspace's
			who.TeamID = w.grant.team
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.who = who
	}
	return who, f
}
