package imagine

import (
	"bytes"
	"compress/gzip"
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

	"crypto/tls"
	"crypto/x509"
)

const (
	callTime = 30 * time.Second
	maxBody  = 8 << 20 // of a reply, after decompression
)

// request is one call of a method.
type request struct {
	op      op
	ids     []string // fill the pattern
	query   url.Values
	body    any     // sent as JSON; nil sends no body at all
	file    *upload // sent as multipart instead
	secrets []string
}

// outcome is what one attempt came to.
type outcome struct {
	answer
	verdict verdict
	body    []byte
	says    errorBody
	asked   time.Duration // Retry-After, or how long a 429 asks to wait
	words   string        // why there is no readable reply
	err     error         // a sentinel, or an error of ours that ended the attempt
}

// send makes the call, repeating it where judge allows, and gives the body of a good reply. alreadySo reports that it was refused
// because it was so before.
func (c *Client) send(ctx context.Context, r request) (body []byte, alreadySo bool, err error) {
	e, started := endpoints[r.op], time.Now()
	var token string
	var doubt, renewed bool
	tries, holds := 0, 0
	for {
		paid, err := c.pay(ctx, e.Class, priorityOf(ctx), nil)
		if err != nil {
			return nil, false, c.localFailure(e, err, doubt)
		}
		if !e.bare {
			if token, err = c.signIn.token(ctx); err != nil {
				paid.refund()
				return nil, false, err
			}
		}
		out := c.attempt(ctx, e, r, token, paid)
		out.goneAgain = doubt && e.Method == http.MethodDelete
		out.verdict = judge(e.repeat, out.answer)
		if out.err != nil && out.verdict != done {
			out.verdict = final
		}
		doubt = doubt || e.repeat != reads && unsure(out)
		if out.verdict == done || out.verdict == already {
			return out.body, out.verdict == already, nil
		}
		failure := c.failure(e, out, ctx.Err(), append(r.secrets, token)...)
		failure.Uncertain = doubt && (out.verdict != final || out.err != nil)
		if ctx.Err() != nil || !r.file.rewind(ctx) {
			return nil, false, failure
		}
		switch out.verdict {
		case renew:
			if renewed || e.bare {
				return nil, false, failure
			}
			renewed = true
			if _, err := c.signIn.renew(ctx, token, failure); err != nil {
				return nil, false, err
			}
		case hold:
			if holds++; holds > maxHolds {
				return nil, false, failure
			}
			c.log.Debug("told to wait", "op", e.Op, "status", out.status, "retry_in", out.asked)
		case again:
			tries++
			wait, left := backoff(tries, time.Since(started), out.asked)
			if !left {
				return nil, false, failure
			}
			c.log.Debug("trying again", "op", e.Op, "status", out.status, "attempt", tries, "retry_in", wait)
			if sleep(ctx, wait) != nil {
				return nil, false, failure
			}
		default:
			return nil, false, failure
		}
	}
}

// unsure reports an attempt after which a write may or may not have happened.
func unsure(out outcome) bool {
	switch {
	case out.neverRan:
		return false
	case out.status == 0, out.status < 300 && (out.garbled || out.err != nil), out.status == http.StatusRequestTimeout:
		return true
	default:
		return out.status >= 500 && !(out.status == http.StatusServiceUnavailable && out.toldWhen)
	}
}

// attempt sends the request once and books what the reply says of the rate budget.
func (c *Client) attempt(ctx context.Context, e Endpoint, r request, token string, paid slots) outcome {
	if err := c.site.wait(ctx); err != nil {
		paid.refund()
		return outcome{answer: answer{neverRan: true}, err: err}
	}
	limit := callTime
	if r.file != nil {
		limit = r.file.time()
	}
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var asked, connected atomic.Bool
	inner = httptrace.WithClientTrace(inner, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	hr, err := c.request(inner, e, r, token)
	if err != nil {
		paid.refund()
		return outcome{answer: answer{neverRan: true}, err: err}
	}
	sent := time.Now()
	resp, err := c.http.Do(hr) //nolint:bodyclose // closed in read
	if err != nil {
		out := outcome{words: c.noReply(ctx, err, limit), err: r.file.failed()}
		out.neverRan = asked.Load() && !connected.Load() || neverSent(err) || out.err != nil
		if out.neverRan {
			paid.refund()
		} else {
			paid.done()
		}
		if errors.Is(err, errRedirect) {
			out.answer, out.err = answer{status: http.StatusPermanentRedirect}, errRedirect
		}
		return out
	}
	return c.read(resp, e, sent, paid)
}

// noReply puts a transport error into words. It is never wrapped: it may hold the URL.
func (c *Client) noReply(ctx context.Context, err error, limit time.Duration) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Timeout() && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return fmt.Sprintf("nothing came within %s", limit)
		}
		err = u.Err
	}
	return err.Error()
}

// neverSent tells an error of dialling or of the TLS handshake, after which no request can have arrived.
func neverSent(err error) bool {
	if o, ok := errors.AsType[*net.OpError](err); ok && (o.Op == "dial" || o.Op == "proxyconnect") {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	_, unknownCA := errors.AsType[x509.UnknownAuthorityError](err)
	return unknownCA
}

func (c *Client) request(ctx context.Context, e Endpoint, r request, token string) (*http.Request, error) {
	// The ids are escaped already and must reach the wire as they are.
	target := c.base.String() + e.path(r.ids)
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	var size int64
	var kind string
	switch {
	case r.file != nil:
		body, size, kind = r.file.open()
	case r.body != nil:
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, &ArgError{Reason: "a value cannot be written as JSON"}
		}
		body, size, kind = bytes.NewReader(data), int64(len(data)), "application/json"
	}
	hr, err := http.NewRequestWithContext(ctx, e.Method, target, body)
	if err != nil {
		return nil, &ArgError{Reason: "no such path can be asked for"}
	}
	if body != nil {
		hr.ContentLength = size
		hr.Header.Set("Content-Type", kind)
	}
	hr.Header.Set("Accept", "application/json")
	hr.Header.Set("User-Agent", c.agent)
	if token != "" {
		hr.Header.Set("Authorization", "Bearer "+token)
	}
	return hr, nil
}

// read takes the reply in, up to the cap, and sorts it.
func (c *Client) read(resp *http.Response, e Endpoint, sent time.Time, paid slots) outcome {
	body, lost := readBody(resp)
	now := time.Now()
	out := outcome{answer: answer{status: resp.StatusCode}, body: body, says: parseErrorBody(body)}
	r := parseRate(resp.Header, now)
	out.code = out.says.code
	out.already = saysAlready(out.says)
	out.drained = r.hasRemaining && r.remaining == 0
	out.asked, out.toldWhen = retryAfter(resp.Header, now)
	out.html = out.status >= 300 && looksLikeHTML(resp.Header, body)
	if out.status < 300 {
		out.garbled = lost != nil || e.repeat == reads && len(body) == 0 || len(body) > 0 && !json.Valid(body)
		if out.garbled {
			out.words = "not JSON"
		}
		if errors.Is(lost, ErrTooLarge) {
			out.err = ErrTooLarge
		}
	} else if out.html {
		out.says = errorBody{message: "a web page in place of the API's reply"}
	}
	if out.html && (out.status == http.StatusForbidden || out.status == http.StatusTooManyRequests || out.status == http.StatusServiceUnavailable) {
		c.site.turnAway(sent, out.asked)
	} else if out.status < 500 && !out.html {
		c.site.letIn()
	}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.skew.Store(new(sent.Add(now.Sub(sent) / 2).Sub(t)))
	}
	c.book(resp, &out, r, e.Class, paid)
	return out
}

// book settles the paid call and corrects the purse of the class the reply names, or of the call's own.
func (c *Client) book(resp *http.Response, out *outcome, r rate, class Class, paid slots) {
	if l := c.limits[r.class]; l != nil {
		class = r.class
	}
	if out.status != http.StatusTooManyRequests || judge(create, out.answer) != hold {
		paid.done()
		c.limits[class].observe(r)
		return
	}
	out.asked = pause(resp.Header, out.says, time.Now())
	paid.refund() // a refused call is not counted
	c.limits[class].observe(rate{limit: r.limit})
	c.limits[class].refuse(out.asked)
}

// readBody reads at most maxBody bytes, decompressed, without a byte order mark.
func readBody(resp *http.Response) ([]byte, error) {
	defer func() { _ = resp.Body.Close() }()
	var src io.Reader = resp.Body
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && !resp.Uncompressed {
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			return nil, ErrGarbled
		}
		src = z
	}
	body, err := io.ReadAll(io.LimitReader(src, maxBody+1))
	if len(body) > maxBody {
		return nil, ErrTooLarge
	}
	return bytes.TrimSpace(bytes.TrimPrefix(body, bom)), err
}

// failure makes the error of an attempt that was not good.
func (c *Client) failure(e Endpoint, out outcome, ctxErr error, secrets ...string) *Error {
	f := &Error{Op: e.Op, Host: c.base.Host, Status: out.status, Code: foreign(out.says.code, secrets...), Err: out.err}
	f.Message = foreign(out.says.message, secrets...)
	f.RetryAfter = out.asked
	if out.verdict == hold {
		f.Code = CodeRateLimited
	}
	switch {
	case out.words != "":
		f.Message = foreign(out.words, secrets...)
		if out.garbled && f.Err == nil {
			f.Err = ErrGarbled
		}
	case e.Later && f.Err == nil && (out.status == http.StatusNotFound || out.status == http.StatusMethodNotAllowed):
		f.Err = ErrNotOffered
	}
	if ctxErr != nil && out.status == 0 {
		f.Err, f.Message = ctxErr, ""
	}
	return f
}

// localError is the error of a call that ended before it was sent: the context's, or the budget's under its deadline.
func (c *Client) localError(e Endpoint, err error) error {
	f := &Error{Op: e.Op, Host: c.base.Host, Err: err}
	if w, ok := errors.AsType[*waitError](err); ok {
		f.Code, f.RetryAfter = CodeRateLimited, w.wait
		f.Message = fmt.Sprintf("%s for another %s", w.Error(), w.wait.Round(time.Second))
	}
	return f
}

func (c *Client) localFailure(e Endpoint, err error, doubt bool) error {
	err = c.localError(e, err)
	if f, ok := errors.AsType[*Error](err); ok {
		f.Uncertain = doubt
	}
	return err
}

// slots is what one call pays: its class, and for sign-ins the address's purse too.
type slots []*slot

func (s slots) done() {
	for _, one := range s {
		one.done()
	}
}

func (s slots) refund() {
	for _, one := range s {
		one.refund()
	}
}

// pay waits for room in the purse, or both purses for auth. It gives nil when abort was closed meanwhile.
func (c *Client) pay(ctx context.Context, class Class, p Priority, abort <-chan struct{}) (slots, error) {
	purses := []*limiter{c.limits[class]}
	if class == Auth {
		purses = append(purses, c.site.signIns)
	}
	var paid slots
	for _, l := range purses {
		s, err := l.take(ctx, p, abort)
		if s == nil {
			paid.refund()
			return nil, err
		}
		paid = append(paid, s)
	}
	return paid, nil
}

// tryPayAuth is pay for a sign-in, without waiting.
func (c *Client) tryPayAuth(p Priority) slots {
	own := c.limits[Auth].tryTake(p)
	if own == nil {
		return nil
	}
	shared := c.site.signIns.tryTake(p)
	if shared == nil {
		own.refund()
		return nil
	}
	return slots{own, shared}
}
