// Package webhook is the sink that posts events to addresses of other programs,
// signed as Standard Webhooks 1.0 asks (https://www.standardwebhooks.com). Its
// main type is [Sink].
//
// Whoever owns a subscription chooses the address, so every dial is checked
// after the name was resolved: nothing inside private networks is reached, and
// redirects are not followed. The package must not know NATS or any chat
// platform.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fetch"
)

const (
	timeout   = 15 * time.Second
	maxAnswer = 64 << 10 // bytes of an answer that are read
)

// Options configures a Sink. Secrets is required.
type Options struct {
	// Secrets returns the secrets that sign a subscription's events: one, or two
	// while keys change. Each is whsec_ and base64.
	Secrets func(subscription string) []string
	// AllowPrivate permits http and addresses inside private networks.
	AllowPrivate bool
	// HTTPClient carries the requests where it is given, unguarded: for tests.
	HTTPClient *http.Client
	// Through sets something round the guarded transport; nil for nothing.
	Through func(http.RoundTripper) http.RoundTripper
	Version string // of the bridge, for the User-Agent
	Log     *slog.Logger
}

// Sink posts events to webhook addresses. It is safe for concurrent use.
type Sink struct {
	o      Options
	client *http.Client
	pauses pauses
}

// New makes the sink; it starts nothing.
func New(o Options) (*Sink, error) {
	if o.Secrets == nil {
		return nil, errors.New("a webhook sink needs secrets to sign with")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	client := &http.Client{Transport: fetch.Guarded(o.AllowPrivate, timeout)}
	if o.HTTPClient != nil {
		client.Transport = o.HTTPClient.Transport
	}
	if o.Through != nil {
		client.Transport = o.Through(client.Transport)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Sink{o: o, client: client}, nil
}

// Send implements bridge.Sink. The event's own id is the webhook-id on every
// attempt, so that a receiver may skip what it has; a replay that a person asked
// for adds _r and its number.
func (s *Sink) Send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	if rest := s.pauses.rest(d.To.Place); rest > 0 {
		return bridge.Receipt{}, &bridge.SendError{Verdict: bridge.Retry, Paced: true, After: rest, Err: errors.New(host(d.To) + " asked for a pause")}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := s.request(ctx, d)
	if err != nil {
		return bridge.Receipt{}, &bridge.SendError{Verdict: bridge.Reject, Err: err}
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return bridge.Receipt{}, failed(d.To, err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // so that the connection can be used again
	if refused := classify(answer.StatusCode, answer.Header, d); refused != nil {
		s.pauses.begin(d.To.Place, refused.After)
		return bridge.Receipt{}, refused
	}
	return bridge.Receipt{Message: request.Header.Get(standard.HeaderWebhookID), At: time.Now().UTC()}, nil
}

// request signs the event's bytes once and sends those bytes.
func (s *Sink) request(ctx context.Context, d bridge.Delivery) (*http.Request, error) {
	body, err := json.Marshal(d.Event)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	id := d.Event.ID
	if d.Generation > 0 {
		id += "_r" + strconv.Itoa(d.Generation)
	}
	now := time.Now()
	signature, err := sign(s.o.Secrets(d.Subscription), id, now, body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.To.Place, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the address is not a URL")
	}
	r.Header.Set("Content-Type", events.ContentType)
	r.Header.Set("User-Agent", "ImagineBridge/"+s.o.Version+" (+https://github.com/imaginebridge/imaginebridge)")
	r.Header.Set(standard.HeaderWebhookID, id)
	r.Header.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standard.HeaderWebhookSignature, signature)
	return r, nil
}

// sign makes one signature for each secret, separated by spaces (Standard
// Webhooks 1.0, "Signature scheme").
func sign(secrets []string, id string, at time.Time, body []byte) (string, error) {
	if len(secrets) == 0 {
		return "", errors.New("the subscription has no signing secret")
	}
	var out []string
	for _, secret := range secrets {
		key, err := standard.NewWebhook(secret)
		if err != nil {
			return "", errors.New("a signing secret is not whsec_ and base64")
		}
		signature, err := key.Sign(id, at, body)
		if err != nil {
			return "", errors.New("a signing secret can't sign")
		}
		out = append(out, signature)
	}
	return strings.Join(out, " "), nil
}

// host is what of an address may be shown: its path may hold a secret.
func host(to bridge.Destination) string {
	u, err := url.Parse(to.Place)
	if err != nil {
		return "the webhook"
	}
	return u.Host
}
