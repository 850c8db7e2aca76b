package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// breaker is a fault for these tests: it spoils replies the way it is told.
type breaker struct {
	mu    sync.Mutex
	first func(*exchange) bool
	last  func(*exchange)
}

func (b *breaker) early(f func(*exchange) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first = f
}

func (b *breaker) late(f func(*exchange)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = f
}

func (b *breaker) before(x *exchange) bool {
	b.mu.Lock()
	f := b.first
	b.mu.Unlock()
	return f != nil && f(x)
}

func (b *breaker) after(x *exchange) {
	b.mu.Lock()
	f := b.last
	b.mu.Unlock()
	if f != nil {
		f(x)
	}
}

// caller sends requests as orbit_bot.
type caller struct {
	t     *testing.T
	box   *Sandbox
	token string
}

func newCaller(t *testing.T, opt Options) (*caller, *breaker) {
	t.Helper()
	box, err := New(opt)
	require.NoError(t, err)
	b := &breaker{}
	box.way = b
	c := &caller{t: t, box: box}
	c.signIn()
	return c, b
}

func (c *caller) signIn() (refresh string) {
	k := c.box.Agents()[0]
	w := c.box.enter()
	defer c.box.leave()
	pair := w.issue(w.vault.accounts[k.ClientID], "")
	c.token = pair.AccessToken
	return pair.RefreshToken
}

func (c *caller) send(method, path, body string) (int, error) {
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.box.BaseURL()+path, strings.NewReader(body))
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.box.Client().Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return resp.StatusCode, err
}

func (c *caller) rules() []string {
	out := []string{}
	for _, v := range c.box.Violations() {
		out = append(out, v.Rule+" "+v.Detail)
	}
	return out
}

func TestUnwellMadeRequestsAreViolations(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 501)
	for name, tc := range map[string]struct {
		method, path, body string
		want               []string
	}{
		"well made":         {"POST", "/api/posts", `{"content":"x"}`, []string{}},
		"merely refused":    {"POST", "/api/posts", `{"content":""}`, []string{}},
		"unknown field":     {"POST", "/api/posts", `{"content":"x","media_ids":[],"text":"y"}`, []string{"unknown_field media_ids", "unknown_field text"}},
		"unknown parameter": {"GET", "/api/posts?page=2", "", []string{"unknown_field ?page"}},
		"post too long":     {"POST", "/api/posts", `{"content":"` + long + `"}`, []string{"too_long content"}},
		"prompt too long":   {"POST", "/api/generate", `{"provider":"OPENAI","generationType":"image","prompt":"` + long + long + `"}`, []string{"too_long prompt"}},
		"handle with @":     {"POST", "/api/conversations", `{"participantHandle":"@nova_ai","message":"x"}`, []string{"handle_with_at participantHandle"}},
		"limit":             {"GET", "/api/posts?limit=101", "", []string{"limit_over_100 101"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := newCaller(t, Options{})
			_, err := c.send(tc.method, tc.path, tc.body)
			require.NoError(t, err)
			require.Equal(t, tc.want, c.rules())
			for _, v := range c.box.Violations() {
				require.Equal(t, "orbit_bot", v.Agent)
				require.Contains(t, v.String(), tc.method)
			}
		})
	}
}

func TestABearerElsewhereIsAViolation(t *testing.T) {
	t.Parallel()
	c, _ := newCaller(t, Options{BaseURL: "http://127.0.0.1:8481"})
	for host, want := range map[string]int{"127.0.0.1:8481": 0, "localhost:8481": 0, "127.0.0.1:9000": 1, "evil.example": 2} {
		c.box.journal.clear()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/api/feed", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+c.token)
		resp, err := c.box.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Len(t, c.rules(), min(want, 1), host)
	}
}

func TestACreateMustNotBeRepeatedBlindly(t *testing.T) {
	t.Parallel()
	status := func(n int, retryAfter string) func(*exchange) {
		return func(x *exchange) {
			x.status = n
			if retryAfter != "" {
				x.header.Set("Retry-After", retryAfter)
			}
		}
	}
	for name, tc := range map[string]struct {
		path, body string
		spoil      func(*exchange)
		wait       time.Duration
		second     string
		want       int
	}{
		"after a 500":            {"/api/posts", `{"content":"x"}`, status(500, ""), 0, "", 1},
		"after a bare 503":       {"/api/posts", `{"content":"x"}`, status(503, ""), 0, "", 1},
		"after an honest 503":    {"/api/posts", `{"content":"x"}`, status(503, "1"), 0, "", 0},
		"after a lost reply":     {"/api/posts", `{"content":"x"}`, func(x *exchange) { x.lost, x.send = true, abort }, 0, "", 1},
		"after a lost retry":     {"/api/posts/POST/repost", "", status(502, ""), 0, "", 1},
		"after looking":          {"/api/posts", `{"content":"x"}`, status(500, ""), 3 * time.Second, "", 0},
		"another text":           {"/api/posts", `{"content":"x"}`, status(500, ""), 0, `{"content":"y"}`, 0},
		"after success":          {"/api/posts", `{"content":"x"}`, nil, 0, "", 0},
		"what means the same":    {"/api/posts/POST/like", "", status(500, ""), 0, "", 0},
		"after a plain refusal":  {"/api/posts", `{"content":""}`, nil, 0, "", 0},
		"message, lost":          {"/api/conversations", `{"participantHandle":"nova_ai","message":"x"}`, status(504, ""), 0, "", 1},
		"generation, lost reply": {"/api/generate", `{"provider":"OPENAI","prompt":"x","generationType":"image"}`, status(500, ""), 0, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, b := newCaller(t, Options{})
				path := strings.Replace(tc.path, "POST", c.box.State().Posts[0].ID, 1)
				b.late(tc.spoil)
				_, _ = c.send(http.MethodPost, path, tc.body)
				b.late(nil)
				time.Sleep(tc.wait + time.Millisecond)
				if tc.second == "" {
					tc.second = tc.body
				}
				_, _ = c.send(http.MethodPost, path, tc.second)
				require.Len(t, c.rules(), tc.want, "%v", c.rules())
			})
		})
	}
}

func TestAPauseMustBeKept(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*exchange)
		wait  time.Duration
		want  int
	}{
		"too early":           {nil, 58 * time.Second, 1},
		"in time":             {nil, 60 * time.Second, 0},
		"already under way":   {nil, 20 * time.Millisecond, 0},
		"as a date, early":    {func(x *exchange) { x.header.Set("Retry-After", x.at.Add(30*time.Second).Format(http.TimeFormat)) }, 28 * time.Second, 1},
		"as a date, in time":  {func(x *exchange) { x.header.Set("Retry-After", x.at.Add(30*time.Second).Format(http.TimeFormat)) }, 30 * time.Second, 0},
		"body only, early":    {func(x *exchange) { x.header.Del("Retry-After") }, 58 * time.Second, 1},
		"nothing told, early": {func(x *exchange) { x.header.Del("Retry-After"); x.body = []byte(`{"error":"rate_limit_exceeded"}`) }, 500 * time.Millisecond, 1},
		"nothing told":        {func(x *exchange) { x.header.Del("Retry-After"); x.body = []byte(`{"error":"rate_limit_exceeded"}`) }, time.Second, 0},
		"a rule":              {func(x *exchange) { x.header.Del("Retry-After"); x.body = []byte(`{"error":"too_many_jobs"}`) }, time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, b := newCaller(t, Options{})
				c.box.Spend("orbit_bot", ClassRead, 100)
				b.late(tc.spoil)
				status, err := c.send(http.MethodGet, "/api/feed", "")
				require.NoError(t, err)
				require.Equal(t, http.StatusTooManyRequests, status)
				b.late(nil)
				time.Sleep(tc.wait)
				_, _ = c.send(http.MethodPost, "/api/posts", `{"content":"another class goes on"}`)
				_, _ = c.send(http.MethodGet, "/api/feed", "")
				require.Len(t, c.rules(), tc.want, "%v", c.rules())
			})
		})
	}
}

func TestAnExpiredTokenMustNotBeSent(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]int{time.Hour - time.Second: 0, time.Hour + time.Second: 0, time.Hour + 3*time.Second: 1} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := newCaller(t, Options{})
			time.Sleep(wait)
			_, err := c.send(http.MethodGet, "/api/feed", "")
			require.NoError(t, err)
			require.Len(t, c.rules(), want)
		})
	}
}

func TestOneRefreshAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, b := newCaller(t, Options{KeepRefresh: true})
		body := fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, c.signIn())
		refresh := func() { _, _ = c.send(http.MethodPost, "/api/auth/token", body) }
		refresh()
		refresh()
		require.Empty(t, c.rules(), "one after another is fine where the token stays")
		b.late(func(*exchange) { time.Sleep(time.Second) })
		go refresh()
		time.Sleep(time.Millisecond)
		refresh()
		synctest.Wait()
		require.Equal(t, []string{"refresh_twice another refresh is under way"}, c.rules())
	})
}

func TestAUsedRefreshTokenIsAViolation(t *testing.T) {
	t.Parallel()
	c, _ := newCaller(t, Options{})
	body := fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, c.signIn())
	_, _ = c.send(http.MethodPost, "/api/auth/token", body)
	_, _ = c.send(http.MethodPost, "/api/auth/token", body)
	require.Equal(t, []string{"refresh_twice this refresh token was used before"}, c.rules())
}

func TestTheJournalKeepsRequestsWithoutSecrets(t *testing.T) {
	t.Parallel()
	c, b := newCaller(t, Options{})
	k := c.box.Agents()[0]
	refresh := c.signIn()
	_, _ = c.send(http.MethodPost, "/api/auth/token", fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, k.ClientID, k.ClientSecret))
	_, _ = c.send(http.MethodPost, "/api/auth/token", fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, refresh))
	_, _ = c.send(http.MethodPost, "/api/settings/services", `{"provider":"RUNWARE","apiKey":"rw-canary"}`)
	b.early(func(x *exchange) bool { x.status = 503; return true })
	_, _ = c.send(http.MethodGet, "/api/posts?limit=5", "")
	entries := c.box.Journal()
	require.Len(t, entries, 4)
	all := fmt.Sprintf("%+v", entries)
	for _, secret := range []string{k.ClientSecret, refresh, "rw-canary", c.token} {
		require.NotContains(t, all, secret)
	}
	last := entries[3]
	require.Equal(t, "orbit_bot", last.Agent)
	require.Equal(t, ClassRead, last.Class)
	require.Equal(t, "/api/posts", last.Route)
	require.Equal(t, "limit=5", last.Query)
	require.Equal(t, 503, last.Status)
	require.Empty(t, c.rules())
}

func TestTheJournalIsBounded(t *testing.T) {
	t.Parallel()
	j := newJournal()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example/api/posts", nil)
	require.NoError(t, err)
	for range journalSize + 10 {
		j.record(&exchange{req: req, in: &input{}, flags: []flag{{RuleLimit, ""}}}, 0)
	}
	require.LessOrEqual(t, len(j.entries), journalSize)
	require.Equal(t, journalSize+10, j.entries[len(j.entries)-1].Seq)
	require.Len(t, j.violations, maxViolations)
}
