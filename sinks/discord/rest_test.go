package discord

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// overHTTP makes a sink on a small server of the test's own.
func overHTTP(t *testing.T, handle http.HandlerFunc) *Sink {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	s, err := New(Options{
		Token: func() string { return secretToken }, APIURL: server.URL, HTTPClient: server.Client(), Version: "1.2.3",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	return s
}

func TestRequestsGoToTheConfiguredOriginInVersion10(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	s := overHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		body, _ = io.ReadAll(r.Body)
		fmt.Fprint(w, `{"id":"5"}`)
	})
	var out struct {
		ID flexID `json:"id"`
	}
	require.NoError(t, s.rest.do(t.Context(), fill("POST", routeThreads, "12", "34"), threadBody{Name: "n", AutoArchive: 60}, &out))
	require.Equal(t, flexID("5"), out.ID)
	require.Equal(t, "/api/v10/channels/12/messages/34/threads", got.URL.Path)
	require.Equal(t, "Bot "+secretToken, got.Header.Get("Authorization"))
	require.Equal(t, "DiscordBot (https://github.com/imaginebridge/imaginebridge, 1.2.3)", got.Header.Get("User-Agent"))
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.JSONEq(t, `{"name":"n","auto_archive_duration":60}`, string(body))
	c := fill("GET", routeMessages, "12")
	c.path += "?limit=100&after=1"
	require.NoError(t, s.rest.do(t.Context(), c, nil, nil))
	require.Equal(t, "limit=100&after=1", got.URL.RawQuery)
	require.Empty(t, got.Header.Get("Content-Type"))
}

func TestAnswersHaveALimit(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		for range (maxAnswer >> 20) + 2 {
			fmt.Fprint(w, strings.Repeat("x", 1<<20))
		}
	})
	err := s.rest.do(t.Context(), fill("GET", "/users/@me"), nil, &struct{}{})
	require.ErrorContains(t, err, "too large")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	asked := 0
	s := overHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	err := s.rest.do(t.Context(), fill("GET", "/users/@me"), nil, nil)
	require.ErrorContains(t, err, "302")
	require.Equal(t, 1, asked)
}

func TestOneSlowChannelHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	slow, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := overHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/channels/1/") {
			<-slow.Done()
		}
		fmt.Fprint(w, `{"id":"5"}`)
	})
	var waiting sync.WaitGroup
	waiting.Go(func() { _ = s.rest.do(t.Context(), fill("POST", routeMessages, "1"), createBody{}, nil) })
	for i := range 100 { // more than any striped set of locks has
		require.NoError(t, s.rest.do(t.Context(), exempt(fill("POST", routeMessages, strconv.Itoa(i+2))), createBody{}, nil))
	}
	cancel()
	waiting.Wait()
}

func exempt(c call) call {
	c.exempt = true
	return c
}

// faulty are all the ways in which a platform that knows the token may throw it
// back at us.
func faulty(w http.ResponseWriter, r *http.Request, n int) {
	h := r.Header.Get("Authorization")
	switch n {
	case 0:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"message":%q,"code":50035,"errors":{%q:{"_errors":[{"code":%q,"message":%q}]}}}`, h, h, h, h)
	case 1:
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, h)
	case 2:
		http.Redirect(w, r, "https://x.example/?"+h, http.StatusFound)
	case 3:
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, h)
	case 4:
		w.Header().Set("X-RateLimit-Bucket", h)
		w.Header().Set("Retry-After", h)
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprintf(w, `{"message":%q}`, h)
	case 5:
		fmt.Fprintf(w, `{"id":%q}`, h)
	case 6:
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = conn.Write([]byte("HTTP/1.1 " + h + "\r\n\r\n"))
			_ = conn.Close()
		}
	case 7:
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"message":%q,"code":50013}`, h)
	default:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"message":%q,"code":0}`, h)
	}
}

func TestF46_TheTokenIsShownNowhere(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var mu sync.Mutex
	for n := range 9 {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { faulty(w, r, n) }))
			defer server.Close()
			var shown []string
			s, err := New(Options{
				Token: func() string { return secretToken }, APIURL: server.URL, HTTPClient: server.Client(),
				Log:    slog.New(slog.NewTextHandler(&locked{w: &log, mu: &mu}, &slog.HandlerOptions{Level: slog.LevelDebug})),
				Report: func(s Status) { shown = append(shown, fmt.Sprint(s)) },
			})
			require.NoError(t, err)
			st := &stand{T: t, channel: "123456789012345678"}
			_, err = s.Send(t.Context(), delivery(st, "ntf_1"))
			require.Error(t, err)
			shown = append(shown, fmt.Sprintf("%v %+v %#v", err, st.verdict(err), st.verdict(err).Err), fmt.Sprint(s.Check(t.Context(), st.channel)))
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			require.NoError(t, s.Run(ctx))
			server.Close()
			_, err = s.Send(t.Context(), delivery(st, "ntf_2"))
			shown = append(shown, fmt.Sprintf("%v %#v", err, err))
			for _, text := range shown {
				require.NotContains(t, text, "canary")
			}
		})
	}
	require.NotContains(t, log.String(), "canary")
	require.NotEmpty(t, log.String())
}

type locked struct {
	w  io.Writer
	mu *sync.Mutex
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestF46_GatewayShowsNoToken(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var mu sync.Mutex
	st := newStand(t, fakediscord.Options{}, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&locked{w: &log, mu: &mu}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for _, effect := range []fakediscord.GatewayEffect{fakediscord.CloseFirst(4000), fakediscord.Torn(), fakediscord.InvalidFirst(false)} {
		st.fake.InjectGateway(fakediscord.GatewayRule{Times: 1, Effect: effect})
	}
	st.run()
	st.connected()
	st.fake.RevokeToken()
	st.eventually("down", func() bool { return st.sink.Status().State == StateDown })
	st.stop()
	mu.Lock()
	defer mu.Unlock()
	require.NotContains(t, log.String(), "canary")
}

func TestSecureGatewayIsHeldThroughTLS(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	front := httptest.NewTLSServer(st.fake) // the emulator behind TLS
	defer front.Close()
	d := newLines(time.Second, &tls.Config{RootCAs: front.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12})
	conn, err := d.dialTLS(t.Context(), "tcp", front.Listener.Addr().String())
	require.NoError(t, err)
	_, err = conn.Write([]byte{0x88, 0x80, 0, 0, 0, 0})
	require.ErrorIs(t, err, errFarSide, "a close frame does not go out before its time")
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	d.cut()
	_, err = d.dialTLS(t.Context(), "tcp", front.Listener.Addr().String())
	require.Error(t, err, "a cut line dials no more")
}

func TestLineRefusesAStormOfFrames(t *testing.T) {
	t.Parallel()
	l := &line{}
	now := time.Now()
	for range maxFrames {
		require.NoError(t, l.allowed([]byte{0x81}, now))
	}
	require.ErrorIs(t, l.allowed([]byte{0x81}, now), errLineCut)
	require.NoError(t, l.allowed([]byte{0x81}, now.Add(2*frameWindow)))
	require.ErrorIs(t, l.allowed([]byte{0x88}, now), errFarSide)
	l.farewell = true
	require.NoError(t, l.allowed([]byte{0x88}, now.Add(2*frameWindow)))
}

func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"fields":{"2":{"value":{"_errors":[{"code":"BASE_TYPE_REQUIRED","message":"This field is required"}]}}}}}}}`)
	})
	err := s.rest.do(t.Context(), fill("POST", routeMessages, "1"), createBody{}, nil)
	e, ok := errors.AsType[*Error](err)
	require.True(t, ok)
	require.Equal(t, []string{"embeds.0.fields.2.value BASE_TYPE_REQUIRED"}, e.Fields)
	require.EqualError(t, e, "POST /channels/{channel}/messages: 400 (code 50035): Invalid Form Body: embeds.0.fields.2.value BASE_TYPE_REQUIRED")
}
