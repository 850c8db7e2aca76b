package imagine_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

const emptyFeed = `{"posts":[],"nextCursor":null,"hasMore":false}`

func read(t *testing.T, c *imagine.Client) {
	t.Helper()
	_, err := c.Feed(t.Context(), imagine.PageQuery{})
	require.NoError(t, err)
}

func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func TestTokenIsRefreshedFiveMinutesBeforeItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, answer(200, emptyFeed))
		read(t, c)
		wait(t, time.Hour-5*time.Minute-31*time.Second)
		read(t, c)
		require.Equal(t, []string{"client_credentials"}, s.grants())
		wait(t, 62*time.Second)
		read(t, c)
		require.Equal(t, []string{"client_credentials", "refresh_token"}, s.grants())
		require.NotContains(t, s.auths[1], "client_secret")
		require.NotContains(t, s.auths[1], "client_id")
		require.Equal(t, "Bearer iat_tokenb", s.all()[2].Auth)
	})
}

func TestShortTokensAreRenewedAtHalfTheirLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, answer(200, emptyFeed))
		s.token = func(w http.ResponseWriter, _ map[string]string) {
			_, _ = io.WriteString(w, tokenReply(len(s.auths), 120))
		}
		read(t, c)
		wait(t, 59*time.Second)
		read(t, c)
		require.Len(t, s.grants(), 1)
		wait(t, 2*time.Second)
		read(t, c)
		require.Equal(t, []string{"client_credentials", "refresh_token"}, s.grants())
	})
}

func TestRefusedOrLostRefreshFallsBackToCredentialsOnce(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(http.ResponseWriter){
		"refused": func(w http.ResponseWriter) { answer(400, `{"error":"invalid_grant"}`)(w, nil) },
		"lost":    func(w http.ResponseWriter) { answer(200, `{"access_to`)(w, nil) },
		"broken":  func(w http.ResponseWriter) { answer(502, `<html>`)(w, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, c := serve(t, answer(200, emptyFeed))
				s.token = func(w http.ResponseWriter, g map[string]string) {
					if g["grant_type"] == "refresh_token" {
						refuse(w)
						return
					}
					_, _ = io.WriteString(w, tokenReply(len(s.auths), 3600))
				}
				read(t, c)
				wait(t, 58*time.Minute)
				read(t, c)
				require.Equal(t, []string{"client_credentials", "refresh_token", "client_credentials"}, s.grants())
				require.Equal(t, "Bearer iat_tokenc", s.all()[1].Auth)
			})
		})
	}
}

func TestTokenThatStillWorksOutlivesAFailedRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, answer(200, emptyFeed))
		down := false
		s.token = func(w http.ResponseWriter, _ map[string]string) {
			if down {
				answer(500, "")(w, nil)
				return
			}
			_, _ = io.WriteString(w, tokenReply(len(s.auths), 3600))
		}
		read(t, c)
		down = true
		wait(t, 56*time.Minute)
		for range 10 {
			read(t, c)
			wait(t, 2*time.Second)
		}
		require.LessOrEqual(t, len(s.grants()), 5, "one refresh and three tries of the credentials, not at each call")
		down = false
		wait(t, time.Minute)
		read(t, c)
		require.Equal(t, "iat_token", s.all()[11].Auth[7:16])
	})
}

func TestTokenWithoutRefreshTokenIsAcquiredAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, answer(200, emptyFeed))
		s.token = func(w http.ResponseWriter, _ map[string]string) { _, _ = io.WriteString(w, `{"access_token":"iat_x"}`) }
		read(t, c)
		wait(t, 59*time.Minute)
		read(t, c)
		require.Equal(t, []string{"client_credentials", "client_credentials"}, s.grants())
	})
}

func TestF62_AtMostOneSignInAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, answer(200, emptyFeed))
		var mu sync.Mutex
		now, most := 0, 0
		s.token = func(w http.ResponseWriter, _ map[string]string) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			wait(t, 300*time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			_, _ = io.WriteString(w, tokenReply(len(s.auths), 3600))
		}
		together := func() {
			var wg sync.WaitGroup
			for i := range 40 {
				wg.Go(func() {
					ctx := t.Context()
					if i%2 == 0 {
						ctx = imagine.AsPoller(ctx)
					}
					_, err := c.Feed(ctx, imagine.PageQuery{})
					require.NoError(t, err)
				})
			}
			wg.Wait()
		}
		together()
		require.Len(t, s.grants(), 1)
		wait(t, 59*time.Minute)
		together()
		require.Len(t, s.grants(), 2)
		require.Equal(t, 1, most)
	})
}

func TestWaitersShareAFailedSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, answer(200, emptyFeed))
		s.token = func(w http.ResponseWriter, _ map[string]string) {
			wait(t, 100*time.Millisecond)
			answer(401, `{"error":"invalid_client","error_description":"no such secret `+secret+`"}`)(w, nil)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, err := c.Feed(t.Context(), imagine.PageQuery{})
				require.True(t, imagine.IsUnauthorized(err), "%v", err)
				require.Equal(t, "sign in: 401 from 127.0.0.1:1: no such secret ••• (invalid_client)", err.Error())
			})
		}
		wg.Wait()
		require.Len(t, s.grants(), 1)
	})
}

func TestDeadCredentialsAreNotSentAgainUntilTheSecretChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{handle: answer(200, emptyFeed)}
		now := "old-secret"
		s.token = func(w http.ResponseWriter, g map[string]string) {
			if g["client_secret"] != "new-secret" {
				answer(401, `{"error":"invalid_client"}`)(w, nil)
				return
			}
			_, _ = io.WriteString(w, tokenReply(1, 3600))
		}
		c, err := imagine.New(imagine.Options{
			BaseURL: "http://localhost:1", ClientID: "id", ClientSecret: func() string { return now }, HTTPClient: &http.Client{Transport: s},
		})
		require.NoError(t, err)
		for range 10 {
			require.True(t, imagine.IsUnauthorized(c.Login(t.Context())))
			wait(t, 2*time.Second)
		}
		require.Len(t, s.grants(), 1)
		wait(t, time.Hour)
		require.Error(t, c.Login(t.Context()))
		require.Len(t, s.grants(), 2, "looked at again after the pause")
		now = "new-secret"
		require.NoError(t, c.Login(t.Context()), "a rotated secret is tried at once")
	})
}

func TestRejectedTokenIsReplacedOnceAndAtMostEveryThirtySeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good := ""
		s, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != good {
				answer(401, `{"error":"unauthorized"}`)(w, r)
				return
			}
			answer(200, emptyFeed)(w, r)
		})
		good = "Bearer iat_tokenb"
		read(t, c)
		require.Equal(t, []string{"client_credentials", "client_credentials"}, s.grants())
		require.Len(t, s.all(), 2)

		good = "Bearer nobody's"
		_, err := c.Feed(t.Context(), imagine.PageQuery{})
		require.True(t, imagine.IsUnauthorized(err))
		for range 5 { // the other party displaced ours again: no loop
			_, err = c.Feed(t.Context(), imagine.PageQuery{})
			require.True(t, imagine.IsUnauthorized(err))
			wait(t, time.Second)
		}
		require.Len(t, s.grants(), 2)
		require.Len(t, s.all(), 3, "a token known dead is not sent")
		good = "Bearer iat_tokenc"
		wait(t, 30*time.Second)
		read(t, c)
	})
}

func TestManyRejectedAtOnceSignInOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, nil)
		s.handle = func(w http.ResponseWriter, r *http.Request) {
			wait(t, 50*time.Millisecond)
			if r.Header.Get("Authorization") == "Bearer iat_tokena" {
				answer(401, `{"error":"unauthorized"}`)(w, r)
				return
			}
			answer(200, emptyFeed)(w, r)
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { read(t, c) })
		}
		wg.Wait()
		require.Len(t, s.grants(), 2)
		require.Len(t, s.all(), 40)
	})
}

func TestF62_TwentyAgentsStartUnderTheLimitOfTheAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := imagine.NewSite()
		var mu sync.Mutex
		var at []time.Time
		s := &service{handle: answer(200, emptyFeed)}
		s.token = func(w http.ResponseWriter, _ map[string]string) {
			mu.Lock()
			at = append(at, time.Now())
			mu.Unlock()
			_, _ = io.WriteString(w, `{"access_token":"iat_x","refresh_token":"iar_x","expires_in":3600}`)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			c := clientOf(t, s, site)
			for range 3 { // three sources each
				wg.Go(func() {
					_, err := c.Feed(imagine.AsPoller(t.Context()), imagine.PageQuery{})
					require.NoError(t, err)
				})
			}
		}
		wait(t, 10*time.Second) // by now the pollers have spent their share
		person := clientOf(t, s, site)
		before := time.Now()
		require.NoError(t, person.Login(t.Context()))
		require.Zero(t, time.Since(before), "a person never waits behind polling")
		wg.Wait()
		require.Len(t, at, 21)
		require.Less(t, time.Since(start), 4*time.Minute)
		slices.SortFunc(at, time.Time.Compare)
		for i := range at {
			if i >= 8 {
				require.GreaterOrEqual(t, at[i].Sub(at[i-8]), time.Minute)
			}
		}
	})
}

func TestWithoutCredentialsOnlyTheOpenCallsWork(t *testing.T) {
	t.Parallel()
	s := &service{handle: answer(200, `{"name":"ImagineAnything API","version":"1"}`)}
	c, err := imagine.New(imagine.Options{BaseURL: "http://127.0.0.1:1/", HTTPClient: &http.Client{Transport: s}})
	require.NoError(t, err)
	i, err := c.Index(t.Context())
	require.NoError(t, err)
	require.Equal(t, "ImagineAnything API", i.Name)
	require.Empty(t, s.all()[0].Auth)
	_, err = c.Me(t.Context())
	require.ErrorIs(t, err, imagine.ErrNoCredentials)
}

func TestLeaderThatGivesUpDoesNotTakeTheOthersWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, answer(200, emptyFeed))
		first := true
		s.token = func(w http.ResponseWriter, _ map[string]string) {
			if first {
				first = false
				wait(t, 5*time.Second)
			}
			_, _ = io.WriteString(w, tokenReply(1, 3600))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { require.Error(t, c.Login(ctx)) })
		synctest.Wait()
		wg.Go(func() { require.NoError(t, c.Login(t.Context())) })
		wg.Wait()
	})
}

func TestRenewalBeforeTheEndNeverWaitsForThePurse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := imagine.NewSite()
		s := &service{handle: answer(200, emptyFeed)}
		c := clientOf(t, s, site)
		read(t, c)
		wait(t, 56*time.Minute)
		for range 8 { // other agents spend the purse of the address
			require.NoError(t, clientOf(t, s, site).Login(t.Context()))
		}
		start := time.Now()
		read(t, c)
		require.Zero(t, time.Since(start))
		calls := s.all()
		require.Equal(t, "Bearer iat_tokena", calls[len(calls)-1].Auth, "the old token still works")
		require.NotContains(t, s.grants(), "refresh_token")
		wait(t, 90*time.Second)
		read(t, c)
		require.Contains(t, s.grants(), "refresh_token", "the refresh token was not thrown away meanwhile")
	})
}

func TestWriteOfUnknownFateSaysSoEvenWhenTheSignInFailsLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := false
		tr := roundTrip(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.URL.Path != "/api/auth/token" && r.Header.Get("Authorization") == "Bearer iat_tokena":
				if down {
					return reply(r, step{status: 401, body: `{"error":"unauthorized"}`}), nil
				}
				down = true
				return nil, io.ErrUnexpectedEOF
			case down:
				return reply(r, step{status: 401, body: `{"error":"invalid_client"}`}), nil
			}
			return reply(r, step{status: 200, body: tokenReply(1, 3600)}), nil
		})
		_, err := clientOf(t, tr, nil).Like(t.Context(), "p1")
		require.EqualError(t, err, "sign in: 401 from 127.0.0.1:1: invalid_client: it may have happened")
		require.True(t, imagine.IsUncertain(err))
		require.True(t, imagine.IsUnauthorized(err))
	})
}
