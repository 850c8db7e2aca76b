package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
)

const (
	requestTimeout = 12 * time.Second // leaves a Send time to wait for the echo of a lost answer
	maxAnswer      = 8 << 20
	maxRefusal     = 64 << 10
)

// rest makes requests to Discord's REST API. The library carries them; limits,
// retries, decoding and errors are ours.
type rest struct {
	base    *url.URL // origin, to which /api/v10 is added
	next    http.RoundTripper
	token   func() string
	limit   *limiter
	library *discordgo.Session

	onTrouble func(trouble, time.Duration) // set once, before the first request
	troubled  atomic.Bool

	dead atomic.Pointer[string] // the token that Discord refused
	skew atomic.Int64           // nanoseconds that Discord's clock is ahead of ours
}

func newREST(base *url.URL, next http.RoundTripper, token func() string, agent string, shares func() int) (*rest, error) {
	library, err := discordgo.New("")
	if err != nil {
		return nil, fmt.Errorf("make a session: %w", err)
	}
	library.UserAgent = agent
	library.ShouldRetryOnRateLimit, library.MaxRestRetries = false, 0
	library.StateEnabled = false
	return &rest{base: base, next: next, token: token, limit: newLimiter(shares), library: library}, nil
}

// do makes one request and decodes its answer into out, where out is not nil.
// Errors are *Error, or ctx's own when it ended before anything was sent.
func (r *rest) do(ctx context.Context, c call, body, out any) error {
	token := r.token()
	if err := r.refusedBefore(c, token); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	t, err := r.limit.admit(ctx, c)
	if err != nil {
		return err
	}
	defer t.release()
	if err := r.refusedBefore(c, token); err != nil {
		return err // while this request waited
	}

	x := &exchange{rest: r, call: c, ticket: t, token: token}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { x.written.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { x.written.Store(true) },
	})
	answer, err := r.send(ctx, c, body, &http.Client{Transport: x, CheckRedirect: noRedirect})
	if err != nil {
		return x.explain(err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &Error{Method: c.method, Route: c.route, Text: "the answer is not what was asked for", Unsure: true}
	}
	return nil
}

// refusedBefore stops requests with a token that Discord refused.
func (r *rest) refusedBefore(c call, token string) error {
	if dead := r.dead.Load(); dead == nil || *dead != token {
		return nil
	}
	return &Error{Method: c.method, Route: c.route, Status: http.StatusUnauthorized, Text: "this token was refused before", Held: true}
}

// send hands the request to the library with a bucket of its own, so that the
// library's limiter, which can't be interrupted, has nothing to wait for.
func (r *rest) send(ctx context.Context, c call, body any, client *http.Client) ([]byte, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode body: %w", err)
		}
	}
	lone := &discordgo.Bucket{Remaining: 1}
	lone.Lock()
	return r.library.RequestWithLockedBucket(c.method, discordgo.EndpointAPI+strings.TrimPrefix(c.path, "/"),
		"application/json", payload, lone, 0, discordgo.WithContext(ctx), discordgo.WithClient(client))
}

// ahead is how far Discord's clock is ahead of ours, as far as it is known.
func (r *rest) ahead() time.Duration { return time.Duration(r.skew.Load()) }

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

var errUnexpectedPath = errors.New("not a path of Discord's API")

// exchange is one request under way. It is the transport of its own client, so
// that the library never sees the token, a rate limit header or a refusal.
type exchange struct {
	rest    *rest
	call    call
	ticket  *ticket
	token   string
	written atomic.Bool
}

// RoundTrip sends the library's https://discord.com/api/v9/REST to
// BASE/api/v10/REST. Refusals come back as *Error.
func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	_, path, ok := strings.Cut(r.URL.Path, "/api/v")
	_, path, slash := strings.Cut(path, "/")
	if !ok || !slash {
		return nil, errUnexpectedPath
	}
	r = r.Clone(r.Context())
	base := x.rest.base
	r.URL.Scheme, r.URL.Host, r.URL.Path, r.URL.RawPath = base.Scheme, base.Host, base.Path+"/api/v10/"+path, ""
	r.Host = ""
	r.Header.Set("Authorization", "Bot "+x.token)
	resp, err := x.rest.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	x.rest.learnTime(resp.Header)
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer resp.Body.Close()
		return nil, x.refused(resp)
	}
	if !x.ticket.done(resp.Header, nil) {
		x.rest.tell(untroubled, 0)
	}
	stripLimits(resp.Header)
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}

func (x *exchange) refused(resp *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // what can't be read is no JSON
	e := readError(x.call, resp.StatusCode, resp.Header, body)
	e.Text = x.hide(e.Text)
	for i, field := range e.Fields {
		e.Fields[i] = x.hide(field)
	}
	e.Unsure = e.Status >= http.StatusInternalServerError
	many := x.ticket.done(resp.Header, e)
	switch {
	case e.Status == http.StatusUnauthorized && !x.call.exempt:
		x.rest.dead.Store(&x.token)
		x.rest.tell(tokenRefused, 0)
	case e.Edge, e.Code == codeInternalNetwork:
		x.rest.tell(addressStopped, e.After)
	case many:
		x.rest.tell(manyRefused, 0)
	default:
		x.rest.tell(untroubled, 0)
	}
	return e
}

// trouble is what stops more than one request.
type trouble int

const (
	untroubled trouble = iota
	tokenRefused
	addressStopped
	manyRefused
)

// tell passes a change of trouble on.
func (r *rest) tell(t trouble, after time.Duration) {
	if was := r.troubled.Swap(t != untroubled); (was || t != untroubled) && r.onTrouble != nil {
		r.onTrouble(t, after)
	}
}

// explain makes an *Error of what the library returned.
func (x *exchange) explain(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Method: x.call.method, Route: x.call.route, Unsure: x.written.Load()}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err // its text holds the address
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Text = fmt.Sprintf("no answer from %s in time", x.rest.base.Host)
	case errors.Is(err, context.Canceled) && !e.Unsure:
		return context.Canceled
	case errors.Is(err, context.Canceled):
		e.Text = "ended before the answer came"
	default:
		e.Text = x.hide(short(reason(err)))
	}
	return e
}

// reason is the innermost cause, which names host and trouble but no address.
func reason(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "look up " + dns.Name + ": " + dns.Err
	}
	return err.Error()
}

// hide takes the token out of words that come from elsewhere.
func (x *exchange) hide(s string) string {
	if x.token == "" {
		return s
	}
	return strings.ReplaceAll(s, x.token, "***")
}

func (r *rest) learnTime(h http.Header) {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		r.skew.Store(int64(time.Until(t) + 500*time.Millisecond)) // Date has whole seconds: its middle
	}
}

var _ http.RoundTripper = (*exchange)(nil)
