package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fetch"
)

// maxWait bounds a Retry-After.
const maxWait = 24 * time.Hour

// classify says what an answer means. 2xx is yes; 410 ends the subscription and
// 3xx is a failure (Standard Webhooks 1.0); what is neither may be a receiver in
// the middle of a change: it is tried for as long as the worker tries unknown
// answers.
func classify(status int, header http.Header, d bridge.Delivery) *bridge.SendError {
	text := fmt.Errorf("%d from %s", status, host(d.To))
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests:
		return &bridge.SendError{Verdict: bridge.Retry, Paced: true, After: retryAfter(header, 30*time.Second), Err: text}
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return &bridge.SendError{Verdict: bridge.Retry, After: retryAfter(header, 0), Err: text}
	case status == http.StatusGone:
		return &bridge.SendError{
			Verdict: bridge.Gone, Err: text,
			Advice: fmt.Sprintf("%s: %s answered that this webhook is gone for good (410). Change the address, or remove the subscription.", d.Subscription, host(d.To)),
		}
	case status >= 300 && status < 400:
		return &bridge.SendError{
			Verdict: bridge.Gone, Err: text,
			Advice: fmt.Sprintf("%s: %s moved%s. I don't follow redirects; change the address.", d.Subscription, withoutQuery(d.To.Place), target(header)),
		}
	}
	return &bridge.SendError{Verdict: bridge.Retry, Unknown: true, Err: text}
}

// target names where a redirect points, as far as that can be shown.
func target(header http.Header) string {
	if to := header.Get("Location"); to != "" && len(to) < 300 {
		return " to " + withoutQuery(to)
	}
	return ""
}

// withoutQuery is an address without what usually holds a secret.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "elsewhere"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// retryAfter reads seconds or an HTTP date (RFC 9110 §10.2.3).
func retryAfter(header http.Header, otherwise time.Duration) time.Duration {
	text := header.Get("Retry-After")
	wait := otherwise
	if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 0 {
		wait = time.Duration(min(n, maxWait.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(text); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), maxWait)
}

// failed says what a request without an answer means: the same webhook-id makes
// every repeat harmless, so it is tried again. The library's own error is not
// passed on: it quotes the whole address.
func failed(to bridge.Destination, err error) error {
	out := &bridge.SendError{Verdict: bridge.Retry}
	switch {
	case fetch.Refused(err):
		out.Verdict, out.Err = bridge.Gone, fmt.Errorf("%s leads to a private address or another port", host(to))
		out.Advice = host(to) + " leads to a private address or a port other than 80, 443 and 8443, refused to protect this network. If you mean it, set webhooks.allow_private: true."
	case errors.Is(err, context.DeadlineExceeded):
		out.Verdict, out.Err = bridge.InDoubt, fmt.Errorf("no answer from %s in %s", host(to), timeout)
	case errors.Is(err, context.Canceled):
		out.Verdict, out.Err = bridge.InDoubt, fmt.Errorf("post to %s: %w", host(to), context.Canceled)
	default:
		out.Err = fmt.Errorf("post to %s: %s", host(to), reason(err))
		if !neverLeft(err) {
			out.Verdict = bridge.InDoubt
		}
	}
	return out
}

// neverLeft reports whether a request surely was not sent: no connection came
// about.
func neverLeft(err error) bool {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return true
	}
	_, name := errors.AsType[*net.DNSError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	return name || certificate
}

// reason is a cause without addresses.
func reason(err error) string {
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return "no such host"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not valid for it"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is not trusted"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Op + " failed"
	}
	return "the connection broke"
}
