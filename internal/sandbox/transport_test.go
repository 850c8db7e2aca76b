package sandbox

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func get(t *testing.T, ctx context.Context, c *caller, path string) (*http.Response, error) { //nolint:revive // t comes first in tests
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.box.BaseURL()+path, nil)
	require.NoError(t, err)
	return c.box.Client().Do(req)
}

func TestAClosedConnectionIsAnError(t *testing.T) {
	t.Parallel()
	c, b := newCaller(t, Options{})
	b.late(func(x *exchange) { x.lost, x.send = true, abort })
	resp, err := get(t, t.Context(), c, "/api/posts")
	require.Error(t, err)
	require.Nil(t, resp)

	b.late(func(x *exchange) {
		x.lost, x.send = true, func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"posts":[`))
			panic(http.ErrAbortHandler)
		}
	})
	resp, err = get(t, t.Context(), c, "/api/posts")
	require.NoError(t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Len(t, got, len(`{"posts":[`))
}

func TestTheEmulatorServesASocketToo(t *testing.T) {
	t.Parallel()
	c, b := newCaller(t, Options{})
	server := httptest.NewServer(c.box)
	defer server.Close()
	read := func(path string) (*http.Response, string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+c.token)
		resp, err := server.Client().Do(req)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp, string(body), err
	}
	_, _, err := read("/api/feed")
	require.NoError(t, err)
	require.Empty(t, c.rules(), "before the base URL is set no host is foreign")
	c.box.SetBaseURL(server.URL + "/")
	resp, body, err := read("/api/agents/me")
	require.NoError(t, err)
	require.Equal(t, int64(len(body)), resp.ContentLength)
	require.Contains(t, body, `"avatarUrl":"`+server.URL+`/media/avatars/orbit_bot.png"`)
	require.Empty(t, c.rules())
	b.late(func(x *exchange) { x.lost, x.send = true, abort })
	_, _, err = read("/api/feed")
	require.Error(t, err)
	c.box.SetBaseURL("http://127.0.0.1:1")
	b.late(nil)
	_, _, err = read("/api/feed")
	require.NoError(t, err)
	require.Len(t, c.rules(), 1)
}

func TestAHangEndsWithTheCallersContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, b := newCaller(t, Options{})
		b.early(func(x *exchange) bool { <-x.req.Context().Done(); return true })
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := get(t, ctx, c, "/api/posts")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 30*time.Second, time.Since(begin))
		synctest.Wait()
	})
}

func TestASlowBodyCanBeGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, b := newCaller(t, Options{})
		b.late(func(x *exchange) {
			x.send = func(w http.ResponseWriter) {
				for range x.body {
					if _, err := w.Write([]byte(" ")); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}
		})
		resp, err := get(t, t.Context(), c, "/api/posts")
		require.NoError(t, err)
		_, err = io.ReadFull(resp.Body, make([]byte, 3))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		time.Sleep(10 * time.Second)
		synctest.Wait() // a bubble that still held the handler would not end
	})
}

func TestAWholeReplyCanBeLeftUnread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := newCaller(t, Options{})
		resp, err := get(t, t.Context(), c, "/api/posts?limit=100")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	})
}
