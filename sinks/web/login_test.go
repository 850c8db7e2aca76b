package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const token = "0123456789abcdef"

func remote(t *testing.T) *Server {
	t.Helper()
	return desked(t, full("x"), Options{Remote: true, HTTPS: true, Hosts: []string{"bridge.example"}, Token: token})
}

// signIn returns what the server sets as the cookie, and where it leads.
func signIn(t *testing.T, s *Server, typed string, header ...string) (*http.Cookie, *http.Response) {
	t.Helper()
	res := post(t, s, loginPath, url.Values{"token": {typed}, "back": {"/console/dead?x=1"}}, append([]string{"Host", "bridge.example"}, header...)...)
	require.NoError(t, res.Body.Close())
	for _, c := range res.Cookies() {
		return c, res
	}
	return nil, res
}

func TestT21_FromElsewhereOneHasToSignIn(t *testing.T) {
	t.Parallel()
	s := remote(t)
	for _, host := range []string{"bridge.example", "localhost:8480", "192.0.2.9:8480", "[2001:db8::1]:8480"} {
		for _, path := range []string{"/console/", "/console/dead?x=1", "/console/event?id=ntf_1"} {
			res := ask(t, s, "GET", path, "Host", host)
			require.NotContains(t, body(t, res), "orbit_bot")
			require.Equal(t, http.StatusSeeOther, res.StatusCode, "%s at %s", path, host)
			require.Equal(t, "/console/login?back="+url.QueryEscape(path), res.Header.Get("Location"))
		}
		for _, path := range []string{"/console/events", "/console/changes?page=dead"} {
			res := ask(t, s, "GET", path, "Host", host, "Accept", "text/event-stream")
			require.Equal(t, "Sign in at /console/login first.\n", body(t, res))
			require.Equal(t, http.StatusUnauthorized, res.StatusCode)
		}
	}
	res := ask(t, s, "GET", "/console/", "Host", "evil.example")
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusMisdirectedRequest, res.StatusCode)

	page := ask(t, s, "GET", "/console/login?back=/console/dead", "Host", "bridge.example")
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'none'")
	text := body(t, page)
	require.Contains(t, text, `value="/console/dead"`)
	require.NotContains(t, text, token)
	require.NotContains(t, text, "orbit_bot")
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	s := remote(t)
	c, res := signIn(t, s, " "+token+"\n")
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	require.Equal(t, "/console/dead?x=1", res.Header.Get("Location"))
	require.True(t, c.HttpOnly)
	require.True(t, c.Secure)
	require.Equal(t, http.SameSiteStrictMode, c.SameSite)
	require.Equal(t, "/console", c.Path)
	require.NotContains(t, c.Value, token)
	plain, _ := signIn(t, s, token, "Host", "localhost")
	require.False(t, plain.Secure, "a browser keeps no secure cookie of a plain address")

	in := func(c *http.Cookie) int {
		res := ask(t, s, "GET", "/console/dead", "Host", "bridge.example", "Cookie", c.Name+"="+c.Value)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	require.Equal(t, http.StatusOK, in(c))
	res = ask(t, s, "GET", "/console/login", "Host", "bridge.example", "Cookie", c.Name+"="+c.Value)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusSeeOther, res.StatusCode, "who is in need not sign in")
	require.Equal(t, http.StatusSeeOther, in(&http.Cookie{Name: c.Name, Value: c.Value + "A"}))
	require.Equal(t, http.StatusSeeOther, in(&http.Cookie{Name: c.Name, Value: token}))

	foreign := post(t, s, loginPath, url.Values{"token": {token}}, "Host", "bridge.example", "Sec-Fetch-Site", "cross-site")
	require.NoError(t, foreign.Body.Close())
	require.Equal(t, http.StatusForbidden, foreign.StatusCode)

	res = post(t, s, logoutPath, nil, "Host", "bridge.example", "Cookie", c.Name+"="+c.Value)
	require.NoError(t, res.Body.Close())
	require.Negative(t, res.Cookies()[0].MaxAge)
	require.Equal(t, http.StatusSeeOther, in(c), "the cookie is worth nothing any more, also to who has kept it")
	require.Equal(t, http.StatusOK, in(plain), "others stay")
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	k := newKeeper(token)
	now := at
	id, wait := k.enter(token, "192.0.2.1", now)
	require.Zero(t, wait)
	require.True(t, k.known(id, now.Add(sessionTime-time.Second)))
	require.False(t, k.known(id, now.Add(sessionTime)))
	require.True(t, newKeeper(token).known(id, now), "a process beside, or after a restart, knows it by the token")
	require.False(t, newKeeper(token+"x").known(id, now), "another token ends all sessions")
	for _, forged := range []string{"", ".", "..", id + "0", "9" + id, strings.Replace(id, ".", "0.", 1), id[:len(id)-1], strings.ToUpper(id)} {
		require.False(t, k.known(forged, now), forged)
	}
	k.leave(id, now)
	k.leave("9999999999.x.y", now)
	require.False(t, k.known(id, now))
	require.Len(t, k.left, 1)
	k.leave("", now.Add(sessionTime))
	require.Empty(t, k.left, "what is over is not kept")

	open := newKeeper("")
	id, _ = open.enter("", "192.0.2.1", now)
	require.Empty(t, id, "no token is no empty token")
	require.False(t, open.known("9999999999.x."+open.mark("9999999999.x"), now))
}

func TestT21_TokensCannotBeTriedForLong(t *testing.T) {
	t.Parallel()
	s := remote(t)
	for range maxFailures {
		c, res := signIn(t, s, "wrong")
		require.Nil(t, c)
		require.Equal(t, http.StatusForbidden, res.StatusCode)
	}
	c, res := signIn(t, s, token)
	require.Nil(t, c, "the right one is not looked at either")
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	require.Equal(t, "60", res.Header.Get("Retry-After"))
	c, _ = signIn(t, s, token, "Remote", "192.0.2.1:77")
	require.NotNil(t, c, "elsewhere nobody tried")

	k := newKeeper(token)
	now := at
	for n := range 10 * maxAllFailures {
		_, _ = k.enter("wrong", "2001:db8:"+string(rune('a'+n%6))+"::/64#"+time.Duration(n).String(), now)
	}
	all := 0
	for _, times := range k.failures {
		all += len(times)
	}
	require.LessOrEqual(t, all, maxAllFailures, "however many places they come from")
	_, wait := k.enter(token, "192.0.2.1", now.Add(59*time.Second))
	require.Equal(t, time.Second, wait)
	id, wait := k.enter(token, "192.0.2.1", now.Add(time.Minute))
	require.Zero(t, wait)
	require.NotEmpty(t, id)
}

func TestWhereARequestComesFrom(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"127.0.0.1:7": "127.0.0.1", "[::1]:7": "::1", "[::ffff:192.0.2.1]:7": "192.0.2.1", "[2001:db8:1:2:3:4:5:6]:7": "2001:db8:1:2::/64", "[fe80::1%eth0]:7": "fe80::/64",
		"@": "unknown", "": "unknown",
	} {
		require.Equal(t, want, placeOf(&http.Request{RemoteAddr: remote}), remote)
	}
}

// A page that is open when somebody signs out shows nothing more.
func TestStreamsEndWithTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{Remote: true, Token: token, Operator: full("x").operator()})
		id, _ := s.keeper.enter(token, "here", time.Now())
		cookie := sessionCookie + "=" + id
		cards := s.browse(t, "/console/events?after="+s.room.position(0), "Cookie", cookie)
		changes := s.browse(t, "/console/changes?page=dead", "Cookie", cookie)
		require.Equal(t, http.StatusOK, cards.res.StatusCode)
		require.Equal(t, http.StatusOK, changes.res.StatusCode)
		require.Equal(t, int64(2), s.streams.Load())
		for range 2 {
			_, _ = changes.next(t) // edition and body
		}
		s.keeper.leave(id, time.Now())
		time.Sleep(heartbeat + time.Second) // in virtual time
		synctest.Wait()
		require.Zero(t, s.streams.Load())
		s.stop(t)
	})
}
