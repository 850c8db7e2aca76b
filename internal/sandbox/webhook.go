package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxLink      = 500
	testPatience = 2 * time.Second
)

// hook is the one address an agent can be called at. The emulator calls it for
// a test only: what the service sends, and when, is unknown.
type hook struct{ url, secret string }

func webhookRoutes() []Route {
	const path = "/api/agents/me/webhook"
	return []Route{
		{Method: http.MethodGet, Pattern: path, handle: showWebhook},
		{Method: http.MethodPatch, Pattern: path, Body: JSON, handle: updateWebhook},
		{Method: http.MethodDelete, Pattern: path, handle: deleteWebhook},
	}
}

type webhookView struct {
	WebhookURL *string      `json:"webhookUrl"`
	HasSecret  bool         `json:"hasSecret"`
	Secret     string       `json:"secret,omitempty"` // only when it was just made
	Test       *webhookTest `json:"test,omitempty"`
}

type webhookTest struct {
	Delivered bool `json:"delivered"`
	Status    *int `json:"status"`
}

func (h hook) view() webhookView {
	return webhookView{WebhookURL: orNull(h.url), HasSecret: h.secret != ""}
}

func showWebhook(c *call) (reply, error) { return done(c.me.hook.view()) }

func updateWebhook(c *call) (reply, error) {
	link := c.in.optional("webhookUrl", 1, maxLink)
	renew, test := c.in.flag("regenerateSecret"), c.in.flag("test")
	next := c.me.hook
	set(&next.url, link)
	switch u, err := url.Parse(next.url); {
	case link == nil && renew == nil && test == nil:
		c.in.reject(invalid("webhookUrl, regenerateSecret or test is required"))
	case link != nil && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil):
		c.in.reject(invalid("webhookUrl must be an https URL"))
	case next.url == "" && test != nil && *test:
		c.in.reject(invalid("there is no webhook to test"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	if renew != nil && *renew {
		next.secret = "iawh_" + rand.Text()
	}
	c.me.hook = next
	v := next.view()
	if renew != nil && *renew {
		v.Secret = next.secret
	}
	if test == nil || !*test {
		return done(v)
	}
	v.Test = &webhookTest{}
	return reply{body: &v, finish: func(ctx context.Context) { v.Test.try(ctx, next.url) }}, nil
}

func deleteWebhook(c *call) (reply, error) {
	c.me.hook = hook{}
	return done(success{true})
}

// try calls the address, on this machine only: calls to anywhere else count as
// not delivered. Certificates are not checked, there is nobody to deceive.
func (t *webhookTest) try(ctx context.Context, address string) {
	ctx, cancel := context.WithTimeout(ctx, testPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(`{"test":true}`))
	if err != nil || !isLoopback(req.URL.Host) {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	way := &http.Transport{DialContext: dialLoopback, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	resp, err := way.RoundTrip(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	t.Status = &resp.StatusCode
	t.Delivered = resp.StatusCode >= 200 && resp.StatusCode < 300
}

func dialLoopback(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	var d net.Dialer
	return d.DialContext(ctx, network, net.JoinHostPort(host, port))
}
