package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// T9, T23: who sends one forgery after the other is not read any more for the rest
// of the minute, whoever else is; and nobody shuts out an address that something
// genuine comes from, such as a proxy's.
func TestT23_WhoForgesWithoutEndIsNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		read := 0
		door := new(strangers).guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			read++
			if r.Header.Get("Signed") == "" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}))
		send := func(from, signed string) int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/slack/events", nil)
			r.RemoteAddr = from
			r.Header.Set("Signed", signed)
			w := httptest.NewRecorder()
			door.ServeHTTP(w, r)
			require.Empty(t, w.Body.String())
			if w.Code == http.StatusTooManyRequests {
				require.Equal(t, "60", w.Header().Get("Retry-After"))
			}
			return w.Code
		}
		const forger, other = "203.0.113.7:4711", "203.0.113.8:4711"
		for n := range maxForged {
			require.Equal(t, http.StatusUnauthorized, send(fmt.Sprintf("203.0.113.7:%d", 5000+n), ""), "from any port")
		}
		require.Equal(t, http.StatusTooManyRequests, send(forger, ""))
		require.Equal(t, http.StatusTooManyRequests, send(forger, "yes"))
		require.Equal(t, maxForged, read)
		require.Equal(t, http.StatusUnauthorized, send(other, ""))
		require.Equal(t, http.StatusOK, send(other, "yes"))
		time.Sleep(time.Minute)
		require.Equal(t, http.StatusOK, send(forger, "yes"), "a minute later it is heard again")

		for range 3 * maxForged { // it comes from where something genuine came from
			require.Equal(t, http.StatusUnauthorized, send(other, ""))
		}
		require.Equal(t, http.StatusOK, send(other, "yes"))
		time.Sleep(trustTime)
		for range maxForged {
			require.Equal(t, http.StatusUnauthorized, send(other, ""))
		}
		require.Equal(t, http.StatusTooManyRequests, send(other, ""), "which was long ago")
	})
}

func TestT23_StrangersAreFewInMemory(t *testing.T) {
	t.Parallel()
	s, now := new(strangers), time.Now()
	for n := range maxStrangers + 10 {
		s.note(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 32), http.StatusUnauthorized, now)
	}
	require.LessOrEqual(t, len(s.at), maxStrangers)
	require.Equal(t, network("[2001:db8::1]:1"), network("[2001:db8::ffff]:2"), "one machine of IPv6 has many addresses")
	require.Equal(t, network("[::ffff:192.0.2.1]:1"), network("192.0.2.1:2"))
	require.NotEqual(t, network("192.0.2.1:1"), network("192.0.2.2:1"))
	require.Equal(t, netip.Prefix{}, network("@"))
}

// T9: the program's own door says the same to every wrong signature, nothing of
// the right one, and in the end nothing at all.
func TestT9_AForgerAtTheDoorLearnsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(w.everywhere())
	text, err := os.ReadFile(w.file())
	require.NoError(t, err)
	text = []byte(strings.Replace(string(text), "slack: {", "slack: {signing_secret: signing-secret-0123456789abcdef, ", 1))
	require.NoError(t, os.WriteFile(w.file(), text, 0o600))
	run := w.start()
	w.ready()
	forge := func(signature string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.web+"/slack/events", strings.NewReader(`{"type":"url_verification","challenge":"c"}`))
		require.NoError(t, err)
		r.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(time.Now().Unix(), 10))
		r.Header.Set("X-Slack-Signature", signature)
		answer, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(body)
	}
	last := 0
	for n := 0; n < 2*maxForged && last != http.StatusTooManyRequests; n++ { // a minute may end among them
		status, body := forge(fmt.Sprintf("v0=%064x", n))
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusTooManyRequests}, status)
		require.Empty(t, body)
		last = status
	}
	require.Equal(t, http.StatusTooManyRequests, last)
	run.stop()
	require.NotContains(t, w.logs.String(), "v0=")
}
