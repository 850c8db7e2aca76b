package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

// TestF58_ASignedRequestBesideIdleSlowAndJunkOnesIsAcknowledged: Slack's own door
// behind the program's bounds, with a thousand connections that say nothing, bodies
// that trickle, and junk that is pipelined.
func TestF58_ASignedRequestBesideIdleSlowAndJunkOnesIsAcknowledged(t *testing.T) {
	t.Parallel()
	const secret = "the signing secret"
	fake, err := fakeslack.New(fakeslack.Options{})
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	sink, err := slack.New(slack.Options{
		BotToken: func() string { return "xoxb-1" }, SigningSecret: func() string { return secret }, APIURL: fake.URL(),
		Log: slog.New(slog.DiscardHandler), Version: "test",
	})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, listener, bounded(sink.Handler(), maxBody, 300*time.Millisecond)) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	open := func(says string) {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), 20*time.Second)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, says)
		require.NoError(t, err)
	}
	for range 1000 {
		open("")
	}
	for range 50 {
		open("POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
		open("POST /slack/events HTTP/1.1\r\nHo")
		open(strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 20) + "\x00\x01 junk\r\n\r\n")
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
}
