package sinktest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Tomorrow is a platform as it may be one day: it stands before today's emulator,
// speaks HTTP/2, adds fields to every answer and whatever add puts there, and every
// third time says GOAWAY.
func Tomorrow(t *testing.T, today string, add func(answer map[string]any)) *httptest.Server {
	t.Helper()
	target, err := url.Parse(today)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Transport:      transport,
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error { return extend(r, add) },
	}
	var n atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%3 == 0 {
			w.Header().Set("Connection", "close") // over HTTP/2 that is GOAWAY
		}
		proxy.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// extend adds to an answer that is an object.
func extend(r *http.Response, add func(map[string]any)) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var object map[string]any
	if json.Unmarshal(body, &object) == nil && object != nil {
		object["brand_new"] = map[string]any{"deep": []any{1, nil, "x"}}
		add(object)
		if body, err = json.Marshal(object); err != nil {
			return err
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}
