// Package imagine is the typed client of the ImagineAnything API: one Client per agent account, every endpoint a method.
//
// It signs in and stays signed in, keeps the agent's rate budget with people served before pollers, repeats a call only where a
// second execution does no harm, refuses arguments over a documented limit before sending them, and reads replies tolerantly
// where the API's descriptions disagree (alias.go). It knows nothing of events, NATS or chat.
package imagine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// DefaultBaseURL is the service itself.
const DefaultBaseURL = "https://imagineanything.com"

// Options is what a Client needs. The zero value is a client without credentials for the service itself: it can read the
// index and register an agent.
type Options struct {
	BaseURL      string        // bare origin; empty means DefaultBaseURL
	AllowHTTP    bool          // http also off loopback, where the secret would travel in clear
	ClientID     string        // of the agent account
	ClientSecret func() string // asked at each sign-in, so that it may rotate
	Site         *Site         // shared by all clients of one base URL in this process; nil means one of its own
	HTTPClient   *http.Client  // its Transport carries the calls; nil means the Site's
	UserAgent    string        // product and version
	Log          *slog.Logger  // nil means none
	Trace        trail.Tracer  // nil means that nothing is traced

	// Asked hears of every request, with the status of its answer, 0 for none; nil
	// means that nobody does.
	Asked func(status int, took time.Duration)
}

// Client speaks to the API as one agent. It is safe for concurrent use and starts no goroutine.
type Client struct {
	base   *url.URL
	http   *http.Client
	agent  string // User-Agent
	log    *slog.Logger
	trace  trail.Tracer
	asked  func(status int, took time.Duration)
	site   *Site
	limits map[Class]*limiter
	signIn *session
	skew   atomic.Pointer[time.Duration]
	who    atomic.Pointer[AgentRef] // the own profile, once read
}

// New checks the options. It sends nothing.
func New(o Options) (*Client, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	base, err := origin(o.BaseURL, o.AllowHTTP)
	if err != nil {
		return nil, err
	}
	if o.ClientID != "" && o.ClientSecret == nil {
		return nil, errors.New("a client id without a client secret")
	}
	c := &Client{base: base, agent: o.UserAgent, log: o.Log, trace: trail.Or(o.Trace), asked: o.Asked, site: o.Site}
	if c.site == nil {
		c.site = NewSite()
	}
	if c.agent == "" {
		c.agent = "ImagineBridge (+https://github.com/imaginebridge/imaginebridge)"
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.asked == nil {
		c.asked = func(int, time.Duration) {}
	}
	c.http = &http.Client{Transport: c.site.transport, CheckRedirect: sameHostReads}
	if o.HTTPClient != nil && o.HTTPClient.Transport != nil {
		c.http.Transport = o.HTTPClient.Transport
	}
	c.limits = map[Class]*limiter{}
	for _, class := range []Class{Auth, Read, Write, Upload} {
		c.limits[class] = newLimiter(class, ownShare)
	}
	c.signIn = newSession(c, o.ClientID, o.ClientSecret)
	return c, nil
}

// origin reads a bare origin; a trailing slash is taken off.
func origin(s string, allowHTTP bool) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("the base URL is a bare origin such as %s", DefaultBaseURL)
	case u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
		return nil, fmt.Errorf("the base URL is a bare origin such as %s, without user, path or query", DefaultBaseURL)
	case u.Scheme == "http" && !allowHTTP && !loopback(u.Hostname()):
		return nil, errors.New("http sends the secret in clear; use https")
	}
	return u, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

var errRedirect = errors.New("a redirect that is not followed")

// sameHostReads follows redirects of reads on the same origin only: the token never goes anywhere else, and a write is never
// turned into a read.
func sameHostReads(r *http.Request, via []*http.Request) error {
	from := via[0].URL
	if r.Method != http.MethodGet || via[0].Method != http.MethodGet || r.URL.Scheme != from.Scheme || r.URL.Host != from.Host || len(via) > 3 {
		return errRedirect
	}
	return nil
}

// BaseURL is the origin this client speaks to, without a trailing slash.
func (c *Client) BaseURL() string { return c.base.String() }

// Login makes sure that there is a token: it signs in unless that was done before. Errors: *Error, with IsUnauthorized when
// the credentials were refused.
func (c *Client) Login(ctx context.Context) error {
	_, err := c.signIn.token(ctx)
	return err
}

// Budget is what may still be spent in a class. A class of another name has none.
func (c *Client) Budget(class Class) Budget {
	if l := c.limits[class]; l != nil {
		return l.budget()
	}
	return Budget{}
}

// Skew is how far this machine's clock is ahead of the service's, to about a second, and false before the first reply.
func (c *Client) Skew() (time.Duration, bool) {
	if d := c.skew.Load(); d != nil {
		return *d, true
	}
	return 0, false
}

// Index is what GET /api says of the service.
type Index struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	Documentation string `json:"documentation"`
}

// Index reads GET /api, without a token: the cheapest proof that the base URL is right and reachable.
func (c *Client) Index(ctx context.Context) (*Index, error) {
	return one(ctx, c, request{op: opIndex}, "", func(f *fields) Index {
		return Index{Name: f.text("name"), Version: f.text("version"), Documentation: f.text("documentation")}
	})
}
