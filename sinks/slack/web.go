package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
)

const (
	// callTimeout bounds one call; the HTTP client's own timeout is the second belt.
	callTimeout   = 10 * time.Second
	clientTimeout = 30 * time.Second
	maxAnswer     = 8 << 20 // bytes read of one answer
)

// exchange is what our transport saw of one call, beyond what the library tells.
type exchange struct {
	status     int
	retryAfter string
	code       string // Slack's error name, whatever the status
	needed     string
	bare       bool // {"ok":false} without a name, which the library takes for success
	written    bool // the request was written, whole or in part
}

type exchangeKey struct{}

// web is the Web API of one installation.
type web struct {
	origin  *url.URL
	client  *http.Client
	token   func() string
	app     func() string
	timeout time.Duration

	mu     sync.Mutex // guards all below
	scopes []string   // granted to the bot token, as the last answer told; nil when not known
	who    identity
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
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	var seen exchange
	err := f(context.WithValue(ctx, exchangeKey{}, &seen), w.api())
	return diagnose(method, seen, err)
}

// errPoor says that a good answer lacks what it always has.
var errPoor = errors.New("the answer lacks a part")

func (w *web) learn(h http.Header) {
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
	if w.selfKnown().UserID != "" {
		return nil
	}
	_, f := w.whoAmI(ctx)
	return f
}

func (w *web) selfKnown() identity {
	w.mu.Lock()
	defer w.mu.Unlock()
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
		w.mu.Lock()
		defer w.mu.Unlock()
		w.who = who
	}
	return who, f
}

// transport is the one way to Slack: it moves the token from the form into the
// Authorization header, reads what the library does not pass on, and bounds the
// answer.
type transport struct {
	base   http.RoundTripper
	origin *url.URL
	agent  string
	seen   func(http.Header)
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != t.origin.Scheme || r.URL.Host != t.origin.Host {
		closeBody(r)
		return nil, errors.New("not Slack's address")
	}
	seen, _ := r.Context().Value(exchangeKey{}).(*exchange)
	if seen == nil {
		seen = &exchange{}
	}
	var wrote sync.Mutex // the transport may still be writing when it returns
	written := false
	out := r.Clone(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) {
			wrote.Lock()
			defer wrote.Unlock()
			written = true
		},
	}))
	out.Header.Set("User-Agent", t.agent)
	if err := tokenToHeader(out); err != nil {
		return nil, err
	}
	resp, err := t.base.RoundTrip(out)
	wrote.Lock()
	seen.written = written
	wrote.Unlock()
	if err != nil {
		return nil, err
	}
	seen.written, seen.status = true, resp.StatusCode
	seen.retryAfter = resp.Header.Get("Retry-After")
	if !strings.HasPrefix(out.Header.Get("Authorization"), "Bearer "+appPrefix) {
		t.seen(resp.Header)
	}
	if err := seen.read(resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// tokenToHeader takes the token out of a form body, where logs and proxies see it
// (most methods of the library put it there).
func tokenToHeader(r *http.Request) error {
	if r.Body == nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return nil
	}
	raw, err := io.ReadAll(r.Body)
	closeBody(r)
	if err != nil {
		return errors.New("request body is not readable")
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return errors.New("request body is no form")
	}
	if token := form.Get("token"); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	form.Del("token")
	body := []byte(form.Encode())
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	return nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// read looks for Slack's verdict in an answer, which the library drops where the
// status is not 200 and overlooks where it has no name, and leaves the answer to
// be read again.
func (e *exchange) read(resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	var told struct {
		OK     *bool  `json:"ok"`
		Error  string `json:"error"`
		Needed string `json:"needed"`
	}
	if json.Unmarshal(raw, &told) == nil && told.OK != nil && !*told.OK {
		e.code, e.needed, e.bare = told.Error, told.Needed, told.Error == ""
	}
	return nil
}

// silent keeps the library's own log lines, which show message contents, out of
// sight.
type silent struct{}

// Output implements the library's logger.
func (silent) Output(int, string) error { return nil }
