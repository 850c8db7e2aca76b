package discord

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// slowly answers every request after a while with an empty object.
type slowly time.Duration

// RoundTrip implements http.RoundTripper.
func (d slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := pause(r.Context(), time.Duration(d)); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// watch is a door that notes when the first response comes, and its kind.
type watch struct {
	since time.Time
	took  *[]time.Duration
	kinds *[]int
	mu    *sync.Mutex
}

func (w watch) first(_ context.Context, r response) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	*w.took, *w.kinds = append(*w.took, time.Since(w.since)), append(*w.kinds, r.Type)
	return nil
}

// F35: with a slow API, slow records and a slow network a hundred commands at
// once are all acknowledged in time; what can't be recorded is not begun.
func TestF35_SlowEverythingIsAcknowledgedInTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		record time.Duration
		kind   int
		done   int
	}{
		"slow":     {time.Second, respondLater, 100},
		"too slow": {10 * time.Second, respondMessage, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &desk{records: map[string]command.Answer{}}
				s, err := New(Options{
					Token: func() string { return secretToken }, APIURL: "http://127.0.0.1", Commands: slowDesk{d, tc.record},
					HTTPClient: &http.Client{Transport: slowly(2 * time.Second)},
				})
				require.NoError(t, err)
				d.answer = func(ctx context.Context, _ command.Request) command.Answer {
					require.NoError(t, pause(ctx, 5*time.Second))
					return ok("Done.")
				}
				require.NoError(t, pause(t.Context(), 20*365*24*time.Hour)) // Discord's ids begin in 2015
				var took []time.Duration
				var kinds []int
				var mu sync.Mutex
				for i := range 100 {
					raw := fmt.Sprintf(`{"id":%q,"application_id":"1","type":2,"token":"t%d","guild_id":"5","channel_id":"6","member":{"user":{"id":"7"},"roles":[]},`+
						`"data":{"name":"ia","type":1,"options":[{"name":"post","type":2,"options":[{"name":"like","type":1,"options":[{"name":"post","type":3,"value":"p%d"}]}]}]}}`,
						snowflakeAt(time.Now().Add(time.Duration(i)*time.Millisecond)), i, i)
					in, readable := decode([]byte(raw))
					require.True(t, readable)
					require.True(t, s.receive(t.Context(), in, watch{time.Now(), &took, &kinds, &mu}))
				}
				s.Drain()
				require.Len(t, took, 100)
				for i := range took {
					require.LessOrEqual(t, took[i], maxClickAge)
					require.Equal(t, tc.kind, kinds[i])
				}
				require.Len(t, d.calls(), tc.done)
			})
		})
	}
}

// slowDesk takes a while to record.
type slowDesk struct {
	*desk

	record time.Duration
}

func (d slowDesk) Accept(ctx context.Context, _ command.Request) error { return pause(ctx, d.record) }
