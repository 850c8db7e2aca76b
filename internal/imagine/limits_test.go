package imagine_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// purse is a server that counts as the real one does: a sliding log of one minute.
type purse struct {
	mu      sync.Mutex
	limit   int
	log     []time.Time
	refused int
	early   int // calls before a told pause was over
	until   time.Time
	millis  bool
	skew    time.Duration
}

func (p *purse) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Before(p.until) {
		p.early++
	}
	for len(p.log) > 0 && !p.log[0].Add(time.Minute).After(now) {
		p.log = p.log[1:]
	}
	ok := len(p.log) < p.limit
	if ok {
		p.log = append(p.log, now)
	}
	reset := p.log[0].Add(time.Minute + time.Second - 1).Add(p.skew)
	w.Header().Set("Date", now.Add(p.skew).UTC().Format(http.TimeFormat))
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(p.limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(0, p.limit-len(p.log))))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if p.millis {
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(reset.UnixMilli(), 10))
	}
	w.Header().Set("X-RateLimit-Endpoint-Type", "read")
	if !ok {
		p.refused++
		p.until = p.log[0].Add(time.Minute)
		answer(429, `{"error":"rate_limit_exceeded"}`)(w, r)
		return
	}
	answer(200, emptyFeed)(w, r)
}

// spend is somebody else with the same purse.
func (p *purse) spend(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range min(n, p.limit-len(p.log)) {
		p.log = append(p.log, time.Now())
	}
}

func poll(t *testing.T, c *imagine.Client) {
	t.Helper()
	_, err := c.Feed(imagine.AsPoller(t.Context()), imagine.PageQuery{})
	require.NoError(t, err)
}

func TestPollersStopBelowThirtyPerCentAndPeopleGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &purse{limit: 100}
		s, c := serve(t, p.serve)
		start := time.Now()
		for range 70 {
			poll(t, c)
		}
		require.Zero(t, time.Since(start))
		require.Equal(t, imagine.Budget{Limit: 100, Remaining: 30}, c.Budget(imagine.Read))

		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { poll(t, c) })
		}
		synctest.Wait()
		require.Len(t, s.all(), 70, "pollers wait")
		for range 20 {
			read(t, c)
		}
		require.Zero(t, time.Since(start), "people do not")
		require.Len(t, s.all(), 90)
		wg.Wait()
		require.Zero(t, p.refused)
		require.GreaterOrEqual(t, time.Since(start), time.Minute)
	})
}

func TestOwnCallsStayUnderNinetyPerCentOfTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &purse{limit: 100}
		s, c := serve(t, p.serve)
		start := time.Now()
		for range 91 {
			read(t, c)
		}
		require.GreaterOrEqual(t, time.Since(start), time.Minute)
		require.Len(t, s.all(), 91)
		require.Zero(t, p.refused)
	})
}

func TestPurseSharedWithAnotherProgramIsNotOverdrawn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &purse{limit: 100}
		_, c := serve(t, p.serve)
		read(t, c)
		p.spend(60)
		read(t, c)
		require.Equal(t, 38, c.Budget(imagine.Read).Remaining, "the lower number counts")
		start := time.Now()
		for range 38 {
			read(t, c)
		}
		require.Zero(t, time.Since(start))
		read(t, c)
		require.Zero(t, p.refused)
		require.GreaterOrEqual(t, time.Since(start), 59*time.Second)
	})
}

func TestGuessAboutOthersIsDroppedWhenTheServiceKnowsBetter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &purse{limit: 100}
		_, c := serve(t, p.serve)
		p.spend(60)
		read(t, c)
		require.Equal(t, 39, c.Budget(imagine.Read).Remaining)
		p.log = p.log[len(p.log)-1:] // their calls left earlier than they might have
		read(t, c)
		require.Equal(t, 98, c.Budget(imagine.Read).Remaining)
	})
}

func TestLimitChangesWhileRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &purse{limit: 100}
		_, c := serve(t, p.serve)
		read(t, c)
		p.limit = 20
		read(t, c)
		require.Equal(t, 20, c.Budget(imagine.Read).Limit)
		for range 30 {
			read(t, c)
		}
		require.Zero(t, p.refused)
	})
}

func TestTooManyRequestsWaitsAsTold(t *testing.T) {
	t.Parallel()
	unix := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	for name, tc := range map[string]struct {
		header func(h http.Header)
		body   string
		want   time.Duration
	}{
		"seconds":                 {func(h http.Header) { h.Set("Retry-After", "17") }, `{"error":"rate_limit_exceeded","retryAfter":5}`, 17 * time.Second},
		"fraction":                {func(h http.Header) { h.Set("Retry-After", "1.5") }, `{}`, 1500 * time.Millisecond},
		"date":                    {func(h http.Header) { h.Set("Retry-After", time.Now().Add(9*time.Second).UTC().Format(http.TimeFormat)) }, `{}`, 9 * time.Second},
		"retryAfter in the body":  {func(http.Header) {}, `{"error":"rate_limit_exceeded","retryAfter":5,"retry_after":9}`, 5 * time.Second},
		"retry_after in the body": {func(http.Header) {}, `{"error":"rate_limit_exceeded","retry_after":"9"}`, 9 * time.Second},
		"reset":                   {func(h http.Header) { h.Set("X-RateLimit-Reset", unix(12*time.Second)) }, `{"error":"rate_limit_exceeded"}`, 12 * time.Second},
		"reset in milliseconds":   {func(h http.Header) { h.Set("X-RateLimit-Reset", unix(12*time.Second)+"000") }, `{"error":"rate_limit_exceeded"}`, 12 * time.Second},
		"reset by the other clock": {func(h http.Header) {
			h.Set("X-RateLimit-Reset", unix(102*time.Second))
			h.Set("Date", time.Now().Add(90*time.Second).UTC().Format(http.TimeFormat))
		}, `{"error":"rate_limit_exceeded"}`, 12 * time.Second},
		"nothing said":              {func(http.Header) {}, `{"error":"rate_limit_exceeded"}`, time.Minute},
		"nonsense":                  {func(h http.Header) { h.Set("Retry-After", "soon"); h.Set("X-RateLimit-Reset", "-1") }, `{"error":"rate_limit_exceeded","retryAfter":"NaN"}`, time.Minute},
		"too short":                 {func(h http.Header) { h.Set("Retry-After", "0") }, `{}`, time.Second},
		"too long":                  {func(h http.Header) { h.Set("Retry-After", "86400") }, `{}`, 2 * time.Minute},
		"no code, but nothing left": {func(h http.Header) { h.Set("X-RateLimit-Remaining", "0") }, ``, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if n++; n > 1 {
						answer(200, emptyFeed)(w, r)
						return
					}
					tc.header(w.Header())
					answer(429, tc.body)(w, r)
				})
				start := time.Now()
				read(t, c)
				require.Equal(t, 2, n)
				require.GreaterOrEqual(t, time.Since(start), tc.want)
				require.LessOrEqual(t, time.Since(start), tc.want+250*time.Millisecond)
			})
		})
	}
}

func TestTooManyRequestsStopsItsClassOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				answer(429, `{"error":"rate_limit_exceeded"}`, "Retry-After", "30")(w, r)
				return
			}
			answer(200, `{}`)(w, r)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Feed(ctx, imagine.PageQuery{})
		require.True(t, imagine.IsRateLimited(err))
		require.Zero(t, time.Since(start), "a pause beyond the deadline is told at once")
		require.Equal(t, imagine.Budget{Limit: 100, Wait: 30*time.Second + 100*time.Millisecond, Refusals: 1}, c.Budget(imagine.Read))
		_, err = c.Like(ctx, "p1")
		require.NoError(t, err)
		require.Zero(t, time.Since(start))
		require.Len(t, s.all(), 2)
	})
}

func TestRefusalsInARowAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := serve(t, answer(429, `{"error":"rate_limit_exceeded"}`, "Retry-After", "1"))
		_, err := c.Feed(t.Context(), imagine.PageQuery{})
		require.True(t, imagine.IsRateLimited(err))
		require.Equal(t, 4, c.Budget(imagine.Read).Refusals)
		wait(t, 6*time.Minute)
		require.Zero(t, c.Budget(imagine.Read).Refusals)
		_, _ = c.Feed(t.Context(), imagine.PageQuery{})
		s.handle = answer(200, emptyFeed)
		read(t, c)
		require.Zero(t, c.Budget(imagine.Read).Refusals)
	})
}

func TestUploadListCountedAsReadIsBookedAsRead(t *testing.T) {
	t.Parallel()
	_, c := serve(t, answer(200, `{"media":[]}`, "X-RateLimit-Endpoint-Type", "read", "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "40"))
	_, err := c.Media(t.Context(), imagine.MediaQuery{})
	require.NoError(t, err)
	require.Equal(t, 10, c.Budget(imagine.Upload).Limit)
	require.Equal(t, 40, c.Budget(imagine.Read).Remaining)
}

func TestWaitingForThePurseServesByPriority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &purse{limit: 2}
		s, c := serve(t, p.serve)
		read(t, c) // learns the limit: one of our own a minute
		var wg sync.WaitGroup
		var mu sync.Mutex
		var order []imagine.Priority
		for _, prio := range []imagine.Priority{imagine.Extra, imagine.Completion, imagine.Poller, imagine.Delivery, imagine.Person} {
			wg.Go(func() {
				_, err := c.Feed(imagine.WithPriority(t.Context(), prio), imagine.PageQuery{})
				require.NoError(t, err)
				mu.Lock()
				order = append(order, prio)
				mu.Unlock()
			})
			synctest.Wait()
		}
		wg.Wait()
		require.Equal(t, []imagine.Priority{imagine.Person, imagine.Delivery, imagine.Poller, imagine.Completion, imagine.Extra}, order)
		require.Len(t, s.all(), 6)
		require.Zero(t, p.refused)
	})
}

func TestPollingUnderAChangingPurseIsNeverEarly(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*purse{
		"plain":        {limit: 100},
		"small":        {limit: 7},
		"one":          {limit: 1},
		"millis":       {limit: 10, millis: true},
		"clock ahead":  {limit: 10, skew: 90 * time.Second},
		"clock behind": {limit: 10, skew: -90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, c := serve(t, p.serve)
				start := time.Now()
				for i := 0; time.Since(start) < 20*time.Minute; i++ {
					poll(t, c)
					wait(t, 700*time.Millisecond)
					if i%97 == 96 && p.limit > 1 {
						p.spend(p.limit / 2)
					}
				}
				require.Zero(t, p.early)
				require.LessOrEqual(t, p.refused, 10, "only what nobody can foresee")
			})
		})
	}
}
