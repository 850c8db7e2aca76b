package discord

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

func TestBucketIsKeptToTheRateThatHeadersTell(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		const events = 200
		begin := time.Now()
		for i := range events {
			st.patient(st.Context(), st.sink, direct2(st, i))
		}
		took := time.Since(begin)
		texts := st.texts(st.channel)
		require.Len(st, texts, events)
		for i, text := range texts {
			require.Equal(st, strconv.Itoa(i), text, "order")
		}
		best := time.Duration(events/5-1) * 5 * time.Second
		require.InDelta(st, best.Seconds(), took.Seconds(), best.Seconds()*0.05+1, "within 5 % of five in five seconds")
		require.Zero(st, st.fake.Stats().Exhausted+st.fake.Stats().Early+st.fake.Stats().Invalid)
		st.faultless()
	})
}

// direct2 is a message without a thread, with a number in it.
func direct2(st *stand, i int) bridge.Delivery {
	d := delivery(st, "ntf_"+strconv.Itoa(i))
	d.Message.Headline, d.Message.Text = nil, strconv.Itoa(i)
	return d
}

func TestGlobalLimitOverManyChannels(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		const channels = 300
		var to []string
		for i := range channels {
			to = append(to, st.fake.Channel(st.guild, "c"+strconv.Itoa(i)))
		}
		begin := time.Now()
		each(channels, func(i int) {
			d := direct2(st, i)
			d.To.Place = to[i]
			st.patient(st.Context(), st.sink, d)
		})
		require.Zero(st, st.fake.Stats().Invalid, "no 429 at all")
		require.Less(st, time.Since(begin), 8*time.Second, "close to 45 a second")
		for _, id := range to {
			require.Len(st, st.fake.Messages(id), 1)
		}
		st.faultless()
	})
}

func TestInteractionsPassTheGlobalLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(nil)
		l.global = time.Now().Add(time.Hour)
		c := fill("POST", "/interactions/{interaction}/{token}/callback", "1", "t")
		c.exempt = true
		begin := time.Now()
		ticket, err := l.admit(t.Context(), c)
		require.NoError(t, err)
		ticket.release()
		require.Zero(t, time.Since(begin))
		_, err = l.admit(t.Context(), fill("GET", "/users/@me"))
		require.ErrorContains(t, err, "held back for 1h")
	})
}

func TestSharesDivideTheGlobalLimit(t *testing.T) {
	t.Parallel()
	for shares, most := range map[int]int{1: 45, 3: 15, 100: 5} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(func() int { return shares })
			begin, n := time.Now(), 0
			for time.Since(begin) < 20*time.Second {
				ticket, err := l.admit(t.Context(), fill("GET", "/channels/{channel}", strconv.Itoa(n)))
				require.NoError(t, err)
				ticket.release()
				n++
			}
			require.InDelta(t, most*20, n, globalBurst+1)
		})
	}
}

func TestF20_PausesAreKept(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]fakediscord.Effect{
		"bucket 0.3 s":        fakediscord.RateLimited("user", 300*time.Millisecond),
		"bucket 1.37 s":       fakediscord.RateLimited("user", 1370*time.Millisecond),
		"bucket 65 s":         fakediscord.RateLimited("user", 65*time.Second),
		"shared":              fakediscord.RateLimited("shared", 3*time.Second),
		"global":              fakediscord.RateLimited("global", 2500*time.Millisecond),
		"only in the body":    fakediscord.RateLimitedBare("user", 4*time.Second),
		"global, body only":   fakediscord.RateLimitedBare("global", 4*time.Second),
		"without a time":      fakediscord.RateLimitedBare("user", 0),
		"channel write limit": fakediscord.Refuse(20028),
		"slowmode":            fakediscord.Refuse(20016),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, fakediscord.Options{}, func(st *stand) {
				rule := st.fake.Inject(fakediscord.Rule{Route: createRoute, Every: 7, Effect: effect})
				const perChannel = 40 // of ten kinds, to five channels: 2,000 messages
				places := []string{st.channel}
				for i := range 4 {
					places = append(places, st.fake.Channel(st.guild, "c"+strconv.Itoa(i)))
				}
				lane := func(place string, from, to int) {
					for i := from; i < to; i++ {
						d := direct2(st, i)
						d.Key, d.To.Place = fmt.Sprint(place, i), place
						st.patient(st.Context(), st.sink, d)
					}
				}
				if strings.HasPrefix(name, "global") { // what is under way when the pause begins can't know of it
					for i := range perChannel {
						for _, place := range places {
							lane(place, i, i+1)
						}
					}
				} else {
					each(len(places), func(i int) { lane(places[i], 0, perChannel) })
				}
				require.GreaterOrEqual(st, rule.Hits(), perChannel*len(places)/7)
				require.Zero(st, st.fake.Stats().Early, "a request before its time")
				require.Less(st, st.fake.Stats().Invalid, 100)
				for _, place := range places {
					texts := st.texts(place)
					require.Len(st, texts, perChannel)
					for i, text := range texts {
						require.Equal(st, strconv.Itoa(i), text, "order")
					}
				}
				st.faultless()
			})
		})
	}
}

func TestEdgeStopIsReportedAndEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		effect fakediscord.Effect
		pause  time.Duration
	}{
		"429 in HTML":    {fakediscord.EdgeBan(10 * time.Minute), 10 * time.Minute},
		"403 in HTML":    {fakediscord.EdgeBlocked(), 10 * time.Minute},
		"internal 40333": {fakediscord.Refuse(40333), 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, fakediscord.Options{}, func(st *stand) {
				st.fake.Inject(fakediscord.Rule{Times: 1, Effect: tc.effect})
				begin := time.Now()
				_, err := st.sink.Send(st.Context(), direct2(st, 1))
				require.True(st, st.verdict(err).Paced)
				require.Equal(st, StateDegraded, st.sink.Status().State)
				d := direct2(st, 2)
				d.To.Place = st.fake.Channel(st.guild, "other")
				_, err = st.sink.Send(st.Context(), d)
				require.True(st, st.verdict(err).Paced, "everybody waits")
				require.Equal(st, 1, st.fake.Stats().Requests)
				st.patient(st.Context(), st.sink, direct2(st, 1))
				require.GreaterOrEqual(st, time.Since(begin), tc.pause)
				require.Equal(st, StateOK, st.sink.Status().State, "it goes on alone")
				require.Len(st, st.reports, 2)
			})
		})
	}
}

func TestFuseStopsBeforeDiscordDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(nil)
		var many bool
		for i := range fuseBlow {
			ticket, err := l.admit(t.Context(), fill("GET", "/channels/{channel}", strconv.Itoa(i)))
			require.NoError(t, err)
			many = ticket.done(http.Header{}, &Error{Status: http.StatusForbidden})
			require.Equal(t, i+1 >= fuseWarn, many)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := l.admit(ctx, fill("GET", "/channels/{channel}", "x"))
		require.ErrorContains(t, err, "held back")
		probe := fill("GET", "/users/@me")
		probe.probe = true
		ticket, err := l.admit(t.Context(), probe)
		require.NoError(t, err, "probes still go out")
		ticket.release()
		time.Sleep(fuseSpan + slotSpan)
		ticket, err = l.admit(t.Context(), fill("GET", "/channels/{channel}", "x"))
		require.NoError(t, err)
		ticket.release()
	})
}

func TestAdmitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(nil)
		c := fill("GET", "/channels/{channel}", "1")
		held, err := l.admit(t.Context(), c)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begin := time.Now()
		_, err = l.admit(ctx, c)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, time.Second, time.Since(begin))
		held.b.remaining, held.b.reset = 0, time.Now().Add(5*time.Second)
		held.release()
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = l.admit(ctx, c)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 2*time.Second, time.Since(begin))
	})
}

func TestBucketsAreNotKeptForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(nil)
		l.pace.SetLimit(1e6)
		for i := range 3 * maxBuckets {
			c := fill("GET", "/channels/{channel}", strconv.Itoa(i))
			c.exempt = true
			ticket, err := l.admit(t.Context(), c)
			require.NoError(t, err)
			h := http.Header{}
			h.Set("X-RateLimit-Bucket", "h")
			h.Set("X-RateLimit-Remaining", "1")
			h.Set("X-RateLimit-Reset-After", "0.5")
			ticket.done(h, nil)
			time.Sleep(time.Millisecond)
		}
		require.LessOrEqual(t, len(l.buckets), maxBuckets)
		require.LessOrEqual(t, len(l.names), maxBuckets)
	})
}

func TestRoutesThatShareABucketShareItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(nil)
		told := http.Header{}
		told.Set("X-RateLimit-Bucket", "abc")
		told.Set("X-RateLimit-Remaining", "0")
		told.Set("X-RateLimit-Reset-After", "4")
		for _, route := range []string{"/channels/{channel}/a", "/channels/{channel}/b"} {
			ticket, err := l.admit(t.Context(), fill("GET", route, "1"))
			require.NoError(t, err)
			ticket.done(told, nil)
		}
		begin := time.Now()
		ticket, err := l.admit(t.Context(), fill("GET", "/channels/{channel}/a", "1"))
		require.NoError(t, err)
		ticket.release()
		require.Equal(t, 4*time.Second+resetMargin, time.Since(begin))
		ticket, err = l.admit(t.Context(), fill("GET", "/channels/{channel}/a", "2"))
		require.NoError(t, err)
		ticket.release()
		require.Equal(t, 4*time.Second+resetMargin, time.Since(begin), "another channel has another bucket")
	})
}

func TestF22_RevokedTokenStopsEverything(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		var to []string
		for i := range 20 {
			to = append(to, st.fake.Channel(st.guild, "c"+strconv.Itoa(i)))
		}
		time.AfterFunc(3*time.Second, st.fake.RevokeToken)
		each(len(to), func(i int) {
			for n := 0; ; n++ {
				d := direct2(st, n)
				d.Key, d.To.Place = fmt.Sprint(i, n), to[i]
				_, err := st.sink.Send(st.Context(), d)
				if err == nil {
					continue
				}
				e := st.verdict(err)
				if e.Verdict == bridge.Revoked {
					require.Contains(st, e.Advice, "DISCORD_BOT_TOKEN")
					break
				}
				_ = pause(st.Context(), max(e.After, 100*time.Millisecond))
			}
		})
		require.LessOrEqual(st, st.fake.Stats().Status[http.StatusUnauthorized], 1+3, "the first, and what was under way")
		require.Equal(st, StateDown, st.sink.Status().State)
		for i := range to {
			d := direct2(st, 0)
			d.To.Place = to[i]
			_, err := st.sink.Send(st.Context(), d)
			require.Equal(st, bridge.Revoked, st.verdict(err).Verdict)
		}
		require.LessOrEqual(st, st.fake.Stats().Status[http.StatusUnauthorized], 1+3)
	})
}
