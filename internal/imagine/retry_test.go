package imagine_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// transport answers each call with one step: a reply or an error.
type transport struct {
	steps []step
	n     int
	at    []time.Time
}

type step struct {
	status int
	body   string
	header http.Header
	err    error
	cut    bool // the body ends early
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	if r.URL.Path == "/api/auth/token" {
		return reply(r, step{status: 200, body: tokenReply(1, 3600)}), nil
	}
	s := tr.steps[min(tr.n, len(tr.steps)-1)]
	tr.n++
	tr.at = append(tr.at, time.Now())
	if s.err != nil {
		return nil, s.err
	}
	return reply(r, s), nil
}

type cutBody struct{ r io.Reader }

func (c cutBody) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func reply(r *http.Request, s step) *http.Response {
	h := s.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	var body io.Reader = strings.NewReader(s.body)
	if s.cut {
		body = cutBody{body}
	}
	return &http.Response{StatusCode: s.status, Header: h, Body: io.NopCloser(body), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// ends is how each kind of call is expected to end.
type ends struct {
	calls     int
	ok        bool
	uncertain bool
}

func TestEachStatusForEachKindOfCall(t *testing.T) {
	t.Parallel()
	good := map[string]string{"read": `{"posts":[]}`, "same": `{"liked":true}`, "create": `{"post":{"id":"p1"}}`}
	kinds := map[string]func(context.Context, *imagine.Client) error{
		"read": func(ctx context.Context, c *imagine.Client) error {
			_, err := c.Feed(ctx, imagine.PageQuery{})
			return err
		},
		"same": func(ctx context.Context, c *imagine.Client) error { _, err := c.Like(ctx, "p1"); return err },
		"create": func(ctx context.Context, c *imagine.Client) error {
			_, err := c.CreatePost(ctx, imagine.NewPost{Content: "x"})
			return err
		},
	}
	code := func(status int, body string, header ...string) step {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return step{status: status, body: body, header: h}
	}
	html := []string{"Content-Type", "text/html"}
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	once, four := ends{calls: 1}, ends{calls: 4}
	fine2 := ends{calls: 2, ok: true}
	doubt := ends{calls: 1, uncertain: true}
	for name, tc := range map[string]struct {
		first              step // then good replies; see always
		always             bool
		read, same, create ends
	}{
		"200":                      {first: code(200, ""), read: fine2, same: ends{1, true, false}, create: ends{1, true, false}},
		"204":                      {first: code(204, ""), read: fine2, same: ends{1, true, false}, create: ends{1, true, false}},
		"200 html":                 {first: code(200, "<html>", html...), read: fine2, same: fine2, create: doubt},
		"200 truncated":            {first: code(200, `{"post":{"id":`), read: fine2, same: fine2, create: doubt},
		"200 cut off":              {first: step{status: 200, body: `{"post":`, cut: true}, read: fine2, same: fine2, create: doubt},
		"200 trailing junk":        {first: code(200, `{"liked":true} oops`), read: fine2, same: fine2, create: doubt},
		"302":                      {first: code(302, "", "Location", "https://elsewhere.example/"), read: once, same: once, create: once},
		"400":                      {first: code(400, `{"error":"validation_error","message":"no"}`), read: once, same: once, create: once},
		"400 already":              {first: code(400, `{"error":"x","message":"You already like this"}`), read: once, same: ends{1, true, false}, create: once},
		"401":                      {first: code(401, `{"error":"unauthorized"}`), read: fine2, same: fine2, create: fine2},
		"401 for good":             {first: code(401, `{"error":"unauthorized"}`), always: true, read: ends{calls: 2}, same: ends{calls: 2}, create: ends{calls: 2}},
		"403":                      {first: code(403, `{"error":"forbidden"}`), read: once, same: once, create: once},
		"403 html":                 {first: code(403, "<html>", html...), read: fine2, same: fine2, create: once},
		"404":                      {first: code(404, `{"error":"not_found"}`), read: once, same: once, create: once},
		"405":                      {first: code(405, ``), read: once, same: once, create: once},
		"408":                      {first: code(408, ``), read: fine2, same: fine2, create: doubt},
		"409":                      {first: code(409, `{"error":"conflict"}`), read: once, same: ends{1, true, false}, create: once},
		"413 text":                 {first: code(413, `Request Entity Too Large`, "Content-Type", "text/plain"), read: once, same: once, create: once},
		"418":                      {first: code(418, `{}`), read: once, same: once, create: once},
		"429 rate":                 {first: code(429, `{"error":"rate_limit_exceeded"}`), read: fine2, same: fine2, create: fine2},
		"429 with Retry-After":     {first: code(429, `{"error":"slow_down"}`, "Retry-After", "3"), read: fine2, same: fine2, create: fine2},
		"429 html":                 {first: code(429, `<html>`, html...), read: fine2, same: fine2, create: fine2},
		"429 rule":                 {first: code(429, `{"error":"too_many_jobs"}`), read: once, same: once, create: once},
		"500":                      {first: code(500, `{"error":"internal_error"}`), read: fine2, same: fine2, create: doubt},
		"500 for good":             {first: code(500, ``), always: true, read: four, same: ends{calls: 4, uncertain: true}, create: doubt},
		"502 html":                 {first: code(502, `<html>`, html...), read: fine2, same: fine2, create: doubt},
		"503":                      {first: code(503, `{}`), read: fine2, same: fine2, create: doubt},
		"503 html":                 {first: code(503, `<html>`, html...), read: fine2, same: fine2, create: doubt},
		"503 with Retry-After":     {first: code(503, `{}`, "Retry-After", "2"), read: fine2, same: fine2, create: fine2},
		"503 with a distant wish":  {first: code(503, `{}`, "Retry-After", "90"), read: once, same: once, create: once},
		"504":                      {first: code(504, ``), read: fine2, same: fine2, create: doubt},
		"connection refused":       {first: step{err: dial}, read: fine2, same: fine2, create: fine2},
		"refused for good":         {first: step{err: dial}, always: true, read: four, same: four, create: four},
		"connection lost":          {first: step{err: io.ErrUnexpectedEOF}, read: fine2, same: fine2, create: doubt},
		"connection lost for good": {first: step{err: io.ErrUnexpectedEOF}, always: true, read: four, same: ends{calls: 4, uncertain: true}, create: doubt},
	} {
		for kind, call := range kinds {
			want := map[string]ends{"read": tc.read, "same": tc.same, "create": tc.create}[kind]
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					steps := []step{tc.first, {status: 200, body: good[kind]}}
					if tc.always {
						steps = steps[:1]
					}
					tr := &transport{steps: steps}
					err := call(t.Context(), clientOf(t, tr, nil))
					require.Equal(t, want.calls, tr.n, "calls; err: %v", err)
					require.Equal(t, want.ok, err == nil, "err: %v", err)
					require.Equal(t, want.uncertain, imagine.IsUncertain(err), "err: %v", err)
					if err != nil {
						e, ok := errors.AsType[*imagine.Error](err)
						require.True(t, ok, "%T", err)
						require.NotContains(t, e.Error(), "iat_")
						require.NotContains(t, e.Error(), "<html>")
					}
				})
			})
		}
	}
}

func TestDeleteThatIsGoneAfterALostReplyIsDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := &transport{steps: []step{{err: io.ErrUnexpectedEOF}, {status: 404, body: `{"error":"not_found"}`}}}
		require.NoError(t, clientOf(t, tr, nil).DeletePost(t.Context(), "p1"))
		tr = &transport{steps: []step{{status: 404, body: `{"error":"not_found"}`}}}
		require.True(t, imagine.IsNotFound(clientOf(t, tr, nil).DeletePost(t.Context(), "p1")))
	})
}

func TestBackoffStaysWithinTwentySeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := &transport{steps: []step{{status: 500}}}
		start := time.Now()
		_, err := clientOf(t, tr, nil).Feed(t.Context(), imagine.PageQuery{})
		require.Error(t, err)
		require.Equal(t, 4, tr.n)
		require.LessOrEqual(t, time.Since(start), 4*time.Second) // 0.5 + 1 + 2 at most
	})
}

func TestTimeSpentWaitingForThePurseIsNotTakenFromTheTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit := http.Header{"X-Ratelimit-Limit": {"1"}}
		good := step{status: 200, body: emptyFeed, header: limit}
		tr := &transport{steps: []step{good, {status: 500, header: limit}, good}}
		c := clientOf(t, tr, nil)
		read(t, c)
		start := time.Now()
		read(t, c) // waits a minute, fails, waits another minute and goes again
		require.Equal(t, 3, tr.n)
		require.GreaterOrEqual(t, time.Since(start), 2*time.Minute)
	})
}

func TestRepostAlreadyThereIsDone(t *testing.T) {
	t.Parallel()
	_, c := serve(t, answer(409, `{"error":"conflict","message":"Already reposted"}`))
	r, err := c.Repost(t.Context(), "p1")
	require.NoError(t, err)
	require.True(t, r.Already)
}

func TestLaterEndpointsMayBeMissing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{404, 405} {
		_, c := serve(t, answer(status, `{"error":"not_found"}`))
		_, err := c.UnreadMessages(t.Context())
		require.ErrorIs(t, err, imagine.ErrNotOffered)
		_, err = c.Feed(t.Context(), imagine.PageQuery{})
		require.NotErrorIs(t, err, imagine.ErrNotOffered)
	}
}

func TestHTMLPageHoldsBackEveryClientOfTheSite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := imagine.NewSite()
		a := &transport{steps: []step{{status: 503, body: "<html>", header: http.Header{"Retry-After": {"40"}}}}}
		b := &transport{steps: []step{{status: 200, body: `{"posts":[]}`}}}
		ca, cb := clientOf(t, a, site), clientOf(t, b, site)
		require.NoError(t, cb.Login(t.Context()))
		start := time.Now()
		_, err := ca.Feed(t.Context(), imagine.PageQuery{})
		require.Error(t, err)
		_, err = cb.Feed(t.Context(), imagine.PageQuery{})
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), 40*time.Second)

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = ca.Feed(t.Context(), imagine.PageQuery{})
		before := time.Now()
		_, err = cb.Feed(short, imagine.PageQuery{})
		require.True(t, imagine.IsRateLimited(err), "%v", err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, time.Since(before), "a wait beyond the deadline is told at once")
	})
}

func TestManyTurnedAwayAtOnceCountOnceAndPollersComeLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closed := true
		s, c := serve(t, nil)
		s.handle = func(w http.ResponseWriter, r *http.Request) {
			shut := closed
			wait(t, 100*time.Millisecond)
			if shut {
				answer(403, "<html>", "Content-Type", "text/html")(w, r)
				return
			}
			answer(200, emptyFeed)(w, r)
		}
		require.NoError(t, c.Login(t.Context()))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { _, _ = c.CreatePost(t.Context(), imagine.NewPost{Content: "x"}) })
		}
		wg.Wait()
		closed = false
		start := time.Now()
		var later atomic.Int32
		for range 10 {
			wg.Go(func() {
				poll(t, c)
				if time.Since(start) > 1400*time.Millisecond {
					later.Add(1)
				}
			})
		}
		read(t, c)
		require.LessOrEqual(t, time.Since(start), 1400*time.Millisecond, "twenty refusals of one moment are one")
		wg.Wait()
		require.Positive(t, later.Load())
	})
}

func TestCallsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/api/auth/token" {
				return reply(r, step{status: 200, body: tokenReply(1, 3600)}), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		c := clientOf(t, hang, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.CreatePost(ctx, imagine.NewPost{Content: "x"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, imagine.IsUncertain(err))

		start := time.Now()
		_, err = c.CreatePost(t.Context(), imagine.NewPost{Content: "x"})
		require.EqualError(t, err, "create a post: no answer from 127.0.0.1:1: nothing came within 30s: it may have happened")
		require.Equal(t, 30*time.Second, time.Since(start))
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
