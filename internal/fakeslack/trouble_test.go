package fakeslack_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func TestTroubles(t *testing.T) {
	t.Parallel()
	statusError := func(code int) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			t.Helper()
			got, ok := errors.AsType[slack.StatusCodeError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, code, got.Code)
		}
	}
	named := func(name string) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			t.Helper()
			require.EqualError(t, err, name)
		}
	}
	lost := func(t *testing.T, err error) {
		t.Helper()
		_, ok := errors.AsType[net.Error](err)
		require.True(t, ok, "%T %q", err, err)
	}
	for name, tc := range map[string]struct {
		trouble fakeslack.Trouble
		check   func(*testing.T, error)
		stored  int
	}{
		"429": {fakeslack.Trouble{Kind: fakeslack.RateLimited, RetryAfter: "30"}, func(t *testing.T, err error) {
			t.Helper()
			got, ok := errors.AsType[*slack.RateLimitedError](err)
			require.True(t, ok)
			require.Equal(t, 30*time.Second, got.RetryAfter)
		}, 0},
		"429 without header": {fakeslack.Trouble{Kind: fakeslack.RateLimited}, statusError(429), 0},
		"429 with fractions": {fakeslack.Trouble{Kind: fakeslack.RateLimited, RetryAfter: "1.5"}, func(t *testing.T, err error) {
			t.Helper()
			_, ok := errors.AsType[*strconv.NumError](err)
			require.True(t, ok)
		}, 0},
		"ratelimited in a 200":       {fakeslack.Trouble{Kind: fakeslack.SoftRateLimited}, named("ratelimited"), 0},
		"500":                        {fakeslack.Trouble{Kind: fakeslack.Status}, statusError(500), 0},
		"502":                        {fakeslack.Trouble{Kind: fakeslack.Status, Code: 502}, statusError(502), 0},
		"500 after the work":         {fakeslack.Trouble{Kind: fakeslack.Status, Effect: true}, statusError(500), 1},
		"internal_error":             {fakeslack.Trouble{Kind: fakeslack.Refused, Error: "internal_error"}, named("internal_error"), 0},
		"internal_error after work":  {fakeslack.Trouble{Kind: fakeslack.Refused, Error: "internal_error", Effect: true}, named("internal_error"), 1},
		"bare":                       {fakeslack.Trouble{Kind: fakeslack.Bare}, func(t *testing.T, err error) { t.Helper(); require.NoError(t, err) }, 0},
		"cut before the work":        {fakeslack.Trouble{Kind: fakeslack.Cut}, lost, 0},
		"cut after it":               {fakeslack.Trouble{Kind: fakeslack.Cut, Effect: true}, lost, 1},
		"reset after it":             {fakeslack.Trouble{Kind: fakeslack.Reset, Effect: true}, lost, 1},
		"hang after it":              {fakeslack.Trouble{Kind: fakeslack.Hang, Effect: true}, lost, 1},
		"slow":                       {fakeslack.Trouble{Kind: fakeslack.Slow, Delay: time.Millisecond}, func(t *testing.T, err error) { t.Helper(); require.NoError(t, err) }, 1},
		"dripping":                   {fakeslack.Trouble{Kind: fakeslack.Dripping, Delay: time.Microsecond}, func(t *testing.T, err error) { t.Helper(); require.NoError(t, err) }, 1},
		"dripping too slow":          {fakeslack.Trouble{Kind: fakeslack.Dripping, Delay: time.Minute}, lost, 1},
		"slow beyond the own time":   {fakeslack.Trouble{Kind: fakeslack.Slow, Delay: time.Minute}, lost, 1},
		"of another method, skipped": {fakeslack.Trouble{Kind: fakeslack.Status, Method: "chat.update"}, func(t *testing.T, err error) { t.Helper(); require.NoError(t, err) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, fakeslack.Options{})
			in := h.Inject(tc.trouble)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tc.trouble.Kind == fakeslack.Hang || tc.trouble.Delay == time.Minute {
				go func() { // the caller has waited long enough
					_ = h.Until(ctx, func() bool { return len(h.Requests()) > 0 })
					cancel()
				}()
			}
			_, _, err := h.api.PostMessageContext(ctx, h.ch, text("x"))
			tc.check(t, err)
			require.Len(t, h.Messages(h.ch), tc.stored)
			require.Empty(t, h.Faults(), "the client did nothing wrong")
			if tc.trouble.Method == "" {
				require.Equal(t, 1, in.Hits())
				require.True(t, h.Requests()[0].Injected)
			}
		})
	}
}

func TestTroubleHitsEveryNth(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Limits: fakeslack.Limits{Off: true}})
	other := h.team.AddChannel("other")
	in := h.Inject(fakeslack.Trouble{Kind: fakeslack.Refused, Error: "fatal_error", Method: "chat.postMessage", Channel: h.ch, Skip: 1, Every: 3, Times: 2})
	var failed []int
	for i := range 12 {
		require.NoError(t, h.try(t, other))
		if h.try(t, h.ch) != nil {
			failed = append(failed, i)
		}
	}
	require.Equal(t, []int{3, 6}, failed)
	require.Equal(t, 2, in.Hits())
	again := h.Inject(fakeslack.Trouble{Kind: fakeslack.Status})
	again.Stop()
	require.NoError(t, h.try(t, h.ch))
}

func TestCallBeforeAnInjectedPauseEndsIsAFault(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	h.Inject(fakeslack.Trouble{Kind: fakeslack.RateLimited, RetryAfter: "30", Times: 1})
	require.Error(t, h.try(t, h.ch))
	h.clock.Add(29 * time.Second)
	require.Error(t, h.try(t, h.ch))
	require.Equal(t, []string{"early_call"}, h.Codes())
	h.clock.Add(time.Second)
	require.NoError(t, h.try(t, h.ch))
}

func TestDownRefusesConnections(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	require.NoError(t, h.try(t, h.ch))
	h.clock.Add(time.Second)
	h.Down()
	h.api = h.client(h.team.BotToken()) // without the connections that were cut
	require.ErrorIs(t, h.try(t, h.ch), syscall.ECONNREFUSED)
	require.NoError(t, h.Up())
	require.Error(t, h.Up())
	require.NoError(t, h.try(t, h.ch))
	require.Len(t, h.Messages(h.ch), 2)
}

func TestUntilWaitsForAChange(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	done := make(chan error, 1)
	go func() {
		done <- h.Until(t.Context(), func() bool { return len(h.Messages(h.ch)) == 1 })
	}()
	require.NoError(t, h.try(t, h.ch))
	require.NoError(t, <-done)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, h.Until(ctx, func() bool { return false }), context.Canceled)
}
