package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

// metered is a listener that counts how much of each connection is read.
type metered struct {
	net.Listener
	most atomic.Int64
}

func (m *metered) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &meteredConn{Conn: conn, of: m}, nil
}

type meteredConn struct {
	net.Conn
	of   *metered
	read atomic.Int64
}

func (c *meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	read := c.read.Add(int64(n))
	for most := c.of.most.Load(); read > most && !c.of.most.CompareAndSwap(most, read); most = c.of.most.Load() {
	}
	return n, err
}

// TestF58_ASignedRequestBesideIdleSlowAndJunkOnesIsAcknowledged: Slack's own door
// behind the program's bounds, with a thousand connections that say nothing, bodies
// that trickle or have no end, and junk that is pipelined. What that costs in memory
// and time is measured in bench, section flood. Not parallel: it counts goroutines.
func TestF58_ASignedRequestBesideIdleSlowAndJunkOnesIsAcknowledged(t *testing.T) {
	base := runtime.NumGoroutine()
	const secret = "the signing secret"
	fake, err := fakeslack.New(fakeslack.Options{})
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	sink, err := slack.New(slack.Options{
		BotToken: func() string { return "xoxb-1" }, SigningSecret: func() string { return secret }, APIURL: fake.URL(),
		Log: slog.New(slog.DiscardHandler), Version: "test",
	})
	require.NoError(t, err)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listener := &metered{Listener: plain}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, listener, bounded(sink.Handler(), maxBody, 300*time.Millisecond)) }()
	var opened []net.Conn
	end := sync.OnceFunc(func() {
		for _, conn := range opened {
			_ = conn.Close()
		}
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(end)
	open := func(says string) net.Conn {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), 20*time.Second)
		require.NoError(t, err)
		opened = append(opened, conn)
		_, err = io.WriteString(conn, says)
		require.NoError(t, err)
		return conn
	}
	for range 1000 {
		open("")
	}
	for range 50 {
		open("POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
		open("POST /slack/events HTTP/1.1\r\nHo")
		open(strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 20) + "\x00\x01 junk\r\n\r\n")
	}
	for range 3 { // more than is ever read; it is cut off on the way
		conn := open("POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n")
		_, _ = io.WriteString(conn, strings.Repeat("x", 8<<20))
	}
	body := `{"type":"url_verification","challenge":"still here"}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, (&url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/slack/events"}).String(), strings.NewReader(body))
	require.NoError(t, err)
	fakeslack.Sign(r.Header, secret, time.Now(), []byte(body))
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	require.NoError(t, err)
	said, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "still here", string(said))
	require.Positive(t, listener.most.Load())
	require.LessOrEqual(t, listener.most.Load(), int64(maxBody+512<<10), "net/http reads a quarter of a megabyte more before it hangs up")
	end()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= base+10 }, 40*time.Second, 10*time.Millisecond, "nothing is left behind")
}
