package discord

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// inProcess carries requests to a handler without a socket, so that time can be
// virtual. A handler that aborts loses the answer.
type inProcess struct {
	platform http.Handler
	latency  time.Duration
}

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	inside := r.Clone(ctx)
	inside.RequestURI, inside.Host, inside.RemoteAddr = r.URL.RequestURI(), r.URL.Host, "192.0.2.1:1"
	if inside.Body == nil {
		inside.Body = http.NoBody
	}
	defer inside.Body.Close()
	if trace := httptrace.ContextClientTrace(ctx); trace != nil {
		trace.WroteHeaders()
	}
	rec, answered := httptest.NewRecorder(), make(chan bool, 1)
	go func() {
		defer func() { answered <- recover() == nil }()
		p.platform.ServeHTTP(rec, inside)
	}()
	select {
	case ok := <-answered:
		if !ok {
			return nil, &net.OpError{Op: "read", Net: "tcp", Err: errors.Join(syscall.ECONNRESET, io.ErrUnexpectedEOF)}
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := pause(ctx, p.latency); err != nil {
		return nil, err
	}
	out := rec.Result()
	out.Request = r
	return out, nil
}

// inBubble runs a test in virtual time on an emulator without sockets.
func inBubble(t *testing.T, fo fakediscord.Options, test func(st *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// Ids count from 2015; the bubble's clock begins before.
		time.Sleep(time.Until(time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC)))
		fo.Token, fo.OpenAPI = secretToken, officialDocument()
		fake, err := fakediscord.NewUnbound(fo)
		require.NoError(t, err)
		t.Cleanup(fake.Close)
		st := &stand{T: t, fake: fake, guild: fake.Guild("guild")}
		st.channel = fake.Channel(st.guild, "alerts")
		st.sink = st.another()
		test(st)
		synctest.Wait()
	})
}

// officialDocument is the path of Discord's OpenAPI document, where a machine
// has it: bodies are then held to it as well.
func officialDocument() string {
	return os.Getenv("DISCORD_OPENAPI") //nolint:forbidigo // tests only
}

// another is one more process on the same emulator.
func (st *stand) another() *Sink {
	st.Helper()
	s, err := New(Options{
		Token: func() string { return secretToken }, APIURL: "http://127.0.0.1", Version: "test",
		HTTPClient: &http.Client{Transport: inProcess{platform: st.fake, latency: 20 * time.Millisecond}},
		Log:        slog.New(slog.NewTextHandler(st.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
		Report:     func(s Status) { st.mu.Lock(); defer st.mu.Unlock(); st.reports = append(st.reports, s) },
	})
	require.NoError(st, err)
	return s
}

// patient sends as a worker does: it waits as told and remembers its doubt. It
// returns how often it tried.
func (st *stand) patient(ctx context.Context, s *Sink, d bridge.Delivery) (bridge.Receipt, int) {
	st.Helper()
	for try := 1; try < 100; try++ {
		began := time.Now()
		r, err := s.Send(ctx, d)
		if err == nil {
			return r, try
		}
		e, ok := errors.AsType[*bridge.SendError](err)
		if !ok || e.Verdict != bridge.Retry && e.Verdict != bridge.InDoubt {
			st.Errorf("not sent: %v", err)
			return r, try
		}
		if e.Verdict == bridge.InDoubt && d.Doubt.IsZero() {
			d.Doubt = began
		}
		d.Attempt++
		_ = pause(ctx, max(e.After, 100*time.Millisecond))
	}
	st.Error("not sent after a hundred tries")
	return bridge.Receipt{}, 100
}

// texts are the first words of the messages in a channel, oldest first.
func (st *stand) texts(channel string) []string {
	var out []string
	for _, m := range st.fake.Messages(channel) {
		switch {
		case len(m.Embeds) > 0 && m.Embeds[0].Title != "":
			out = append(out, m.Embeds[0].Title)
		case len(m.Embeds) > 0:
			_, text, _ := strings.Cut(m.Embeds[0].Description, "\n")
			if text == "" {
				text = m.Embeds[0].Description
			}
			out = append(out, text)
		default:
			out = append(out, m.Content)
		}
	}
	return out
}

func (st *stand) verdict(err error) *bridge.SendError {
	st.Helper()
	e, ok := errors.AsType[*bridge.SendError](err)
	require.True(st, ok, "%v", err)
	return e
}

const createRoute = "POST /channels/{channel_id}/messages"

// each runs f n times at once.
func each(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}
