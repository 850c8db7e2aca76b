package imagine

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
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
)

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
	if err == nil {
		return c.read(resp, e, sent, paid)
	}
	out := outcome{words: c.noReply(ctx, err, limit), err: r.file.failed()}
	out.neverRan = asked.Load() && !connected.Load() || neverSent(err)
	if out.neverRan {
		paid.refund()
	} else {
		paid.done()
	}
	out.neverRan = out.neverRan || out.err != nil // a body that broke off is no request
	if resp != nil && errors.Is(err, errRedirect) {
		out.status, out.words = resp.StatusCode, errRedirect.Error()
	}
	return out
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
	out := outcome{answer: answer{status: resp.StatusCode}, body: body}
	if out.status >= 300 {
		out.says = parseErrorBody(body)
	}
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

// readBody reads at most maxBody bytes, decompressed, without a byte order mark; of a refusal only the beginning.
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
	var body bytes.Buffer
	if resp.StatusCode < 300 {
		body.Grow(int(min(max(resp.ContentLength, 0), maxBody)) + bytes.MinRead)
	} else {
		src = io.LimitReader(src, maxRefusal)
	}
	if n, err := body.ReadFrom(io.LimitReader(src, maxBody+1)); n > maxBody {
		return nil, ErrTooLarge
	} else if err != nil {
		return nil, err
	}
	return bytes.TrimSpace(bytes.TrimPrefix(body.Bytes(), bom)), nil
}
