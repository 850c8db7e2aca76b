package imagine_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestF59_GarbageIsAClearErrorOrABadItem(t *testing.T) {
	t.Parallel()
	ok := `{"notifications":[{"id":"n1","type":"LIKE"}],"nextCursor":null}`
	type want struct {
		items, bad int
		err        string
	}
	fails := func(s string) want { return want{err: s} }
	for name, tc := range map[string]struct {
		body string
		want want
	}{
		"good":                     {ok, want{items: 1}},
		"byte order mark":          {"\ufeff" + ok, want{items: 1}},
		"spaces around":            {"\n\t " + ok + "\r\n", want{items: 1}},
		"extra unknown fields":     {`{"notifications":[{"id":"n1","zzz":{"a":[1]}}],"yyy":7}`, want{items: 1}},
		"unknown type":             {`{"notifications":[{"id":"n1","type":"WAVE"}]}`, want{items: 1}},
		"type missing":             {`{"notifications":[{"id":"n1"}]}`, want{items: 1}},
		"id a number":              {`{"notifications":[{"id":12345678901234567890}]}`, want{items: 1}},
		"list null":                {`{"notifications":null}`, want{}},
		"list empty":               {`{"notifications":[]}`, want{}},
		"list missing, cursor":     {`{"nextCursor":null,"hasMore":false}`, want{}},
		"item null":                {`{"notifications":[null]}`, want{bad: 1}},
		"item a number":            {`{"notifications":[1]}`, want{bad: 1}},
		"item a list":              {`{"notifications":[[]]}`, want{bad: 1}},
		"item without id":          {`{"notifications":[{"type":"LIKE"},{"id":"n1"}]}`, want{items: 1, bad: 1}},
		"id an object":             {`{"notifications":[{"id":{}}]}`, want{bad: 1}},
		"id empty":                 {`{"notifications":[{"id":""}]}`, want{bad: 1}},
		"actor a word":             {`{"notifications":[{"id":"n1","actor":"nova"}]}`, want{bad: 1}},
		"actor's id an object":     {`{"notifications":[{"id":"n1","actor":{"id":[]}}]}`, want{bad: 1}},
		"time nonsense":            {`{"notifications":[{"id":"n1","createdAt":"yesterday"}]}`, want{bad: 1}},
		"time a small number":      {`{"notifications":[{"id":"n1","createdAt":5}]}`, want{bad: 1}},
		"flag nonsense":            {`{"notifications":[{"id":"n1","read":{}}]}`, want{items: 1}},
		"text a flag":              {`{"notifications":[{"id":"n1","type":true}]}`, want{bad: 1}},
		"cursor a number":          {`{"notifications":[],"nextCursor":17}`, want{}},
		"truncated":                {`{"notifications":[{"id":"n1"`, fails("the reply is not what the API promises: not JSON")},
		"trailing junk":            {ok + `x`, fails("not JSON")},
		"two objects":              {ok + ok, fails("not JSON")},
		"html":                     {`<!DOCTYPE html><html>`, fails("not JSON")},
		"plain text":               {`OK`, fails("not JSON")},
		"empty":                    {``, fails("not JSON")},
		"spaces only":              {`   `, fails("not JSON")},
		"null":                     {`null`, fails("null where an object belongs")},
		"a word":                   {`"notifications"`, fails("string where an object belongs")},
		"a number":                 {`17`, fails("number where an object belongs")},
		"no list":                  {`{}`, fails(`no list "notifications" in the reply`)},
		"two lists, neither ours":  {`{"a":[],"b":[]}`, fails(`no list "notifications" in the reply`)},
		"list an object":           {`{"notifications":{}}`, want{}},
		"invalid UTF-8":            {"{\"notifications\":[{\"id\":\"n\xff1\"}]}", want{items: 1}},
		"nested too deep":          {strings.Repeat("[", 20000), fails("not JSON")},
		"same key twice":           {`{"notifications":[{"id":"n1","id":"n2"}]}`, want{items: 1}},
		"an error with good state": {`{"error":"x","message":"y"}`, fails("no list")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// An in-process client whose backoff costs no time would need a bubble; a write that is not repeated shows the same words.
			c := oneTry(t, tc.body)
			p, err := c.Notifications(t.Context(), imagine.PageQuery{})
			if tc.want.err != "" {
				require.ErrorContains(t, err, tc.want.err)
				require.ErrorIs(t, err, imagine.ErrGarbled)
				require.True(t, imagine.IsTemporary(err))
				return
			}
			require.NoError(t, err)
			require.Len(t, p.Items, tc.want.items)
			require.Len(t, p.Raw, tc.want.items)
			require.Len(t, p.Bad, tc.want.bad)
		})
	}
}

// oneTry serves a body once; where the client would try again, the network is gone and the first error counts.
func oneTry(t *testing.T, body string) *imagine.Client {
	t.Helper()
	return clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/api/auth/token" {
			return reply(r, step{status: 200, body: tokenReply(1, 3600)}), nil
		}
		return reply(r, step{status: 200, body: body, header: http.Header{"Retry-After": {"60"}}}), nil
	}), nil)
}

func TestF58_HugeRepliesAreRefused(t *testing.T) {
	page := func(size int) string {
		head, tail := `{"posts":[],"pad":"`, `"}`
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	big, bigger := page(8<<20), page(8<<20+1)
	many := `{"posts":[` + strings.Repeat(`{"id":"p"},`, 10_000) + `{"id":"p"}]}`
	for name, tc := range map[string]struct {
		serve http.HandlerFunc
		ok    bool
		once  bool
	}{
		"8 MiB":              {answer(200, big), true, false},
		"8 MiB and one byte": {answer(200, bigger), false, false},
		"10,001 items":       {answer(200, many), false, false},
		"a gzip bomb":        {bomb, false, false},
		"an endless body":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, io.LimitReader(zeros{}, 64<<20)) }, false, false},
		"a header of 1 MiB": {func(w http.ResponseWriter, r *http.Request) {
			answer(200, emptyFeed, "X-Big", strings.Repeat("x", 1<<20))(w, r)
		}, false, true},
		"an endless refusal": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			_, _ = io.Copy(w, io.LimitReader(zeros{}, 64<<20))
		}, false, false},
		"gzip of a good page": {zipped(emptyFeed), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			c := wire(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				tc.serve(w, r)
			})
			require.NoError(t, c.Login(t.Context()))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var err error
			if tc.once {
				err = c.ViewPost(ctx, "p1") // a call that is not tried again
			} else {
				_, err = c.Feed(ctx, imagine.PageQuery{})
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			require.Equal(t, tc.ok, err == nil, "%v", err)
			require.Less(t, int64(after.HeapInuse)-int64(before.HeapInuse), int64(30<<20), "kept")
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<20), "ever taken")
		})
	}
}

func zipped(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, body)
		_ = z.Close()
	}
}

// bomb is 16 MiB of zeros in 16 KiB.
func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = io.Copy(z, io.LimitReader(zeros{}, 16<<20))
	_ = z.Close()
}

func TestRedirectsLeaveNeitherTheOriginNorTheMethod(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked.Add(1)
		answer(200, emptyFeed)(w, r)
	}))
	t.Cleanup(other.Close)
	c := wire(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/elsewhere":
			if r.Header.Get("Authorization") == "" {
				answer(403, `{}`)(w, r)
				return
			}
			answer(200, emptyFeed)(w, r)
		case r.Method != http.MethodGet && strings.HasSuffix(r.URL.Path, "/quote"):
			http.Redirect(w, r, "/elsewhere", http.StatusSeeOther)
		case r.Method != http.MethodGet && strings.HasSuffix(r.URL.Path, "/comments"):
			http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
		case r.Method == http.MethodGet && r.URL.Path == "/api/feed":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		default:
			http.Redirect(w, r, other.URL+"/x", http.StatusTemporaryRedirect)
		}
	})
	_, err := c.Feed(t.Context(), imagine.PageQuery{})
	require.NoError(t, err, "to the same origin")
	_, err = c.Timeline(t.Context(), imagine.PageQuery{})
	require.ErrorContains(t, err, "a redirect that is not followed")
	_, err = c.CreatePost(t.Context(), imagine.NewPost{Content: "x"})
	require.ErrorContains(t, err, "create a post: 307 from 127.0.0.1")
	require.NotContains(t, err.Error(), other.URL)
	_, err = c.Quote(t.Context(), "p1", "x")
	require.ErrorContains(t, err, "quote a post: 303 from 127.0.0.1", "a write never becomes a read")
	_, err = c.Comment(t.Context(), "p1", "x", "")
	require.ErrorContains(t, err, "comment on a post: 308 from 127.0.0.1")
	require.Zero(t, leaked.Load())
}

func TestF60_TLSTroubleNamesHostAndReasonAndIsNeverRepeatedInClear(t *testing.T) {
	t.Parallel()
	var inClear atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inClear.Add(1) }))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = srv.Config.ErrorLog
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	t.Cleanup(old.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := refused.Addr().String()
	require.NoError(t, refused.Close())

	trusting := func(now time.Time) http.RoundTripper {
		tr := srv.Client().Transport.(*http.Transport).Clone()
		tr.TLSClientConfig.Time = func() time.Time { return now }
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	}
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)

	for name, tc := range map[string]struct {
		url, reason string
		transport   http.RoundTripper
	}{
		"unknown authority": {srv.URL, "certificate", nil},
		"wrong name":        {"https://localhost:" + port, "localhost", trusting(time.Now())},
		"expired":           {srv.URL, "expired", trusting(time.Now().AddDate(300, 0, 0))},
		"TLS 1.0":           {old.URL, "protocol version", nil},
		"no TLS at all":     {strings.Replace(plain.URL, "http:", "https:", 1), "HTTPS", nil},
		"nobody listens":    {"http://" + addr, "refused", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := imagine.NewSite()
			t.Cleanup(site.CloseIdle)
			c, err := imagine.New(imagine.Options{
				BaseURL: tc.url, ClientID: "id", ClientSecret: func() string { return secret }, Site: site, HTTPClient: &http.Client{Transport: tc.transport},
			})
			require.NoError(t, err)
			err = c.Login(t.Context())
			require.ErrorContains(t, err, tc.reason)
			require.ErrorContains(t, err, strings.SplitN(tc.url, "://", 2)[1])
			require.True(t, imagine.IsTemporary(err), "%v", err)
			require.False(t, imagine.IsUncertain(err))
		})
	}
	t.Cleanup(func() { require.Zero(t, inClear.Load()) })
}

func TestBaseURLIsABareOrigin(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"": true, "https://imagineanything.com": true, "https://imagineanything.com/": true, "http://127.0.0.1:8481": true,
		"http://localhost:1": true, "http://[::1]:1": true, "https://x.example:8443": true,
		"http://imagineanything.com": false, "imagineanything.com": false, "https://imagineanything.com/api": false,
		"https://user@x.example": false, "https://x.example?a": false, "https://x.example#a": false, "ftp://x.example": false, "https://": false, "::": false,
	} {
		_, err := imagine.New(imagine.Options{BaseURL: url})
		require.Equal(t, ok, err == nil, "%s: %v", url, err)
	}
	_, err := imagine.New(imagine.Options{BaseURL: "http://imagineanything.com", AllowHTTP: true})
	require.NoError(t, err)
	_, err = imagine.New(imagine.Options{ClientID: "x"})
	require.Error(t, err)
}

func TestF46_NoSecretInErrorsOrLogs(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	secret := "a secret of no known form"
	key := "sk-live-0123456789abcdef"
	s := &service{handle: func(w http.ResponseWriter, r *http.Request) {
		answer(400, `{"error":"x `+key+`","message":"you sent `+key+` with `+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+` and `+secret+`"}`)(w, r)
	}}
	c, err := imagine.New(imagine.Options{
		BaseURL: "http://127.0.0.1:1", ClientID: "id", ClientSecret: func() string { return secret }, HTTPClient: &http.Client{Transport: s},
		Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	_, err = c.ConnectService(t.Context(), "OPENAI", key)
	require.ErrorContains(t, err, "connect a service: 400 from 127.0.0.1:1: you sent •••")
	for _, text := range []string{err.Error(), out.String()} {
		for _, word := range []string{key, "iat_", "iar_", secret} {
			require.NotContains(t, text, word)
		}
	}
	e, ok := errors.AsType[*imagine.Error](err)
	require.True(t, ok)
	require.NotContains(t, e.Code, key)
}

func TestForeignTextInErrorsIsCut(t *testing.T) {
	t.Parallel()
	_, c := serve(t, answer(400, `{"error":"x","message":"`+strings.Repeat("ü", 5000)+`\u001b[31m\n"}`))
	_, err := c.Post(t.Context(), "p1")
	require.EqualError(t, err, "read a post: 400 from 127.0.0.1:1: "+strings.Repeat("ü", 200)+"… (x)")
}

func TestSkewIsReadFromTheServicesClock(t *testing.T) {
	t.Parallel()
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer(200, emptyFeed, "Date", time.Now().Add(-7*time.Minute).UTC().Format(http.TimeFormat))(w, r)
	})
	_, known := c.Skew()
	require.False(t, known)
	read(t, c)
	skew, known := c.Skew()
	require.True(t, known)
	require.InDelta(t, (7 * time.Minute).Seconds(), skew.Seconds(), 5)
}

func TestCompressedRepliesOfAnyTransportAreRead(t *testing.T) {
	t.Parallel()
	_, c := serve(t, zipped(emptyFeed))
	read(t, c)
	_, c = serve(t, answer(400, "not gzip", "Content-Encoding", "gzip"))
	_, err := c.Feed(t.Context(), imagine.PageQuery{})
	require.EqualError(t, err, "read the feed: 400 from 127.0.0.1:1")
	_, c = serve(t, bomb)
	err = c.ViewPost(t.Context(), "p1")
	require.ErrorIs(t, err, imagine.ErrTooLarge)
	require.True(t, imagine.IsUncertain(err))
}
