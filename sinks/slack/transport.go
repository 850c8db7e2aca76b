package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
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
