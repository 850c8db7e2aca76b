package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// guarded serves a handler that reads bodies, behind the bounds of the program's
// own server, and returns its address and what became of the bodies.
func guarded(t *testing.T, most int64, within time.Duration) (address string, read chan error) {
	t.Helper()
	read = make(chan error, 1000)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, listener, bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			read <- err
			if err != nil {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
		}), most, within))
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return listener.Addr().String(), read
}

// send writes raw bytes to a server and returns the status it answers with, 0 for
// a connection that ends without an answer.
func send(t *testing.T, address string, parts ...string) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	for _, p := range parts {
		if _, err := io.WriteString(conn, p); err != nil {
			break // it hung up already; its answer may still be there
		}
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = r.Body.Close()
	return r.StatusCode
}

func TestF58_RequestsAtTheLimitPassAndOneMoreIsRefused(t *testing.T) {
	t.Parallel()
	address, read := guarded(t, maxBody, readTime)
	post := func(size int) int {
		return send(t, address, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", size), strings.Repeat("x", size))
	}
	require.Equal(t, http.StatusOK, post(maxBody))
	require.NoError(t, <-read)
	require.NotEqual(t, http.StatusOK, post(maxBody+1))
	e, ok := errors.AsType[*http.MaxBytesError](<-read)
	require.True(t, ok)
	require.EqualValues(t, maxBody, e.Limit)

	header := func(size int) int {
		return send(t, address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: "+strings.Repeat("x", size)+"\r\n\r\n")
	}
	require.Equal(t, http.StatusOK, header(15<<10))
	require.NoError(t, <-read)
	// net/http allows 4 KiB on top of the number it is given
	require.Contains(t, []int{0, http.StatusRequestHeaderFieldsTooLarge}, header(21<<10))
}

// A body of one byte now and then is cut off; a request beside hundreds of idle
// connections is answered.
func TestF58_SlowBodiesAndIdleConnectionsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	address, read := guarded(t, maxBody, 200*time.Millisecond)
	slow, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer slow.Close()
	_, err = io.WriteString(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
	require.NoError(t, err)
	select {
	case err := <-read:
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	case <-time.After(20 * time.Second):
		t.Fatal("a body that never ends is waited for")
	}
	for range 300 {
		idle, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer idle.Close()
	}
	require.Equal(t, http.StatusOK, send(t, address, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"))
	require.NoError(t, <-read)
}

// A page that is streamed is not cut off by what bounds requests.
func TestABoundedServerStreamsOn(t *testing.T) {
	t.Parallel()
	server := make(chan struct{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer func() { cancel(); <-server }()
	go func() {
		defer close(server)
		_ = serve(ctx, listener, bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for range 5 {
				_, _ = io.WriteString(w, "tick\n")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
					return
				case <-time.After(60 * time.Millisecond):
				}
			}
		}), maxBody, 100*time.Millisecond))
	}()
	for _, sent := range []string{"", "asked for"} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+listener.Addr().String()+"/", strings.NewReader(sent))
		require.NoError(t, err)
		r, err := http.DefaultTransport.RoundTrip(q)
		require.NoError(t, err)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, 5, bytes.Count(body, []byte("tick")))
	}
}
