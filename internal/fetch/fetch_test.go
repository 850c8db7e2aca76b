package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func png() []byte { return append([]byte("\x89PNG\x0D\x0A\x1A\x0A"), bytes.Repeat([]byte{7}, 1000)...) }

func images() Wanted { return Wanted{Types: []string{"image/png", "image/jpeg"}, Bytes: 5_000_000} }

// read fetches all of a file.
func read(t *testing.T, f *Fetcher, address string, want Wanted) ([]byte, error) {
	t.Helper()
	body, err := f.Open(t.Context(), address, want)
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, body.Close()) }()
	return io.ReadAll(body)
}

func TestFileIsReadAsItIs(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/a.png", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(png())
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/a.png", http.StatusFound) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	for _, path := range []string{"/a.png", "/moved"} {
		got, err := read(t, New(true), s.URL+path, images())
		require.NoError(t, err)
		require.Equal(t, png(), got)
	}
}

func TestT28_FileThatIsNotWantedIsRefused(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	page := func(path, kind, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
		})
	}
	page("/page", "image/png", "<html><body>hello</body></html>")
	page("/drawing.svg", "image/png", `<?xml version="1.0"?><svg/>`)
	page("/film", "image/png", "\x00\x00\x00\x18ftypisom____________")
	page("/unknown", "", "\x01\x02\x03\x04")
	page("/empty", "", "")
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "6000000")
		_, _ = w.Write(png())
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	for path, want := range map[string]string{
		"/page":        "it is text/html, and image/png or image/jpeg is wanted",
		"/drawing.svg": "it is text/xml, and image/png or image/jpeg is wanted",
		"/film":        "it is video/mp4, and",
		"/unknown":     "it is application/octet-stream, and",
		"/empty":       "it is text/plain, and",
		"/gone":        "127.0.0.1 answered 404",
		"/huge":        "it is larger than 5 MB",
		"/loop":        "it was sent on more than 3 times",
	} {
		_, err := read(t, New(true), s.URL+path, images())
		e, typed := errors.AsType[*Error](err)
		require.True(t, typed, "%s: %v", path, err)
		require.Contains(t, e.Reason, want, path)
	}
}

func TestT28_FileWithoutAnEndIsCutOff(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(png()); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	body, err := New(true).Open(t.Context(), s.URL, images())
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, body)
	require.ErrorContains(t, err, "larger than 5 MB")
	require.LessOrEqual(t, n, int64(5_000_000))
	require.NoError(t, body.Close())
}

func TestF49_AddressesInsideAreNeverDialled(t *testing.T) {
	t.Parallel()
	var dialled atomic.Int32
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			_ = c.Close()
		}
	}()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	for _, host := range []string{
		"127.0.0.1", "localhost", "127.1", "0.0.0.0", "0", "2130706433", "0x7f000001", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "224.0.0.1", "255.255.255.255",
	} {
		for _, at := range []string{host + ":" + port, host, host + ":8443"} {
			_, err := New(false).Open(t.Context(), "https://"+at+"/a.png", images())
			e, typed := errors.AsType[*Error](err)
			require.True(t, typed, "%s: %v", at, err)
			require.NotContains(t, e.Reason, "a.png")
		}
	}
	require.Zero(t, dialled.Load())
}

// A public address that redirects into the network is followed no further.
func TestT11_RedirectInsideIsRefused(t *testing.T) {
	t.Parallel()
	var inside atomic.Int32
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) }))
	t.Cleanup(private.Close)
	for _, to := range []string{strings.Replace(private.URL, "http:", "https:", 1), private.URL, "file:///etc/passwd", "gopher://127.0.0.1/", "https://user:pw@example.org/"} {
		f := New(false)
		guarded := f.client.Transport
		f.client.Transport = transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "public.example" {
				return guarded.RoundTrip(r)
			}
			return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {to}}, Body: http.NoBody, Request: r}, nil
		})
		_, err := f.Open(t.Context(), "https://public.example/a.png", images())
		_, typed := errors.AsType[*Error](err)
		require.True(t, typed, "%s: %v", to, err)
	}
	require.Zero(t, inside.Load())
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://example.org/a.png":    "https://",
		"ftp://example.org/a.png":     "https://",
		"https:///a.png":              "no host",
		"https://me:pw@example.org/a": "password",
		"https://example.org/%zz":     "can't be read",
		"javascript:alert(1)":         "https://",
		"":                            "https://",
	} {
		require.ErrorContains(t, New(false).Check(address), want, address)
	}
}

func TestInterruptedFetchSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }))
	t.Cleanup(s.Close)
	_, err := New(true).Open(ctx, s.URL, images())
	require.ErrorContains(t, err, "interrupted")
}
