package slack

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

func TestVerdictsByPurpose(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		seen exchange
		err  error
		post bridge.Verdict
		edit bridge.Verdict
	}{
		"not written":       {exchange{}, errors.New("refused"), bridge.Retry, bridge.Retry},
		"broke after":       {exchange{written: true}, errors.New("reset"), bridge.InDoubt, bridge.Retry},
		"no answer":         {exchange{written: true}, context.DeadlineExceeded, bridge.InDoubt, bridge.Retry},
		"no answer, before": {exchange{}, context.DeadlineExceeded, bridge.Retry, bridge.Retry},
		"500":               {exchange{written: true, status: 500}, errors.New("x"), bridge.InDoubt, bridge.Retry},
		"unreadable":        {exchange{written: true, status: 200}, errors.New("x"), bridge.InDoubt, bridge.Retry},
		"bare":              {exchange{written: true, status: 200, bare: true}, nil, bridge.Retry, bridge.Retry},
		"internal_error":    {exchange{written: true, status: 200, code: "internal_error"}, errors.New("x"), bridge.InDoubt, bridge.Retry},
		"named in a 500":    {exchange{written: true, status: 500, code: "fatal_error"}, errors.New("x"), bridge.InDoubt, bridge.Retry},
		"not_in_channel":    {exchange{written: true, status: 200, code: "not_in_channel"}, errors.New("x"), bridge.Gone, bridge.Gone},
		"message_not_found": {exchange{written: true, status: 200, code: "message_not_found"}, errors.New("x"), bridge.Retry, bridge.Retry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := diagnose(methodPost, tc.seen, tc.err)
			require.Equal(t, tc.post.String(), f.sendError(posting, "C1").Verdict.String())
			require.Equal(t, tc.edit.String(), f.sendError(editing, "C1").Verdict.String())
		})
	}
	require.Nil(t, diagnose(methodPost, exchange{status: 200}, nil))
}

func TestAnEndedCallerIsNoFaultOfTheMessage(t *testing.T) {
	t.Parallel()
	f := diagnose(methodPost, exchange{}, context.Canceled)
	require.Equal(t, bridge.Retry, f.sendError(posting, "C1").Verdict)
	f = diagnose(methodPost, exchange{written: true}, context.Canceled)
	require.Equal(t, bridge.InDoubt, f.sendError(posting, "C1").Verdict)
}

func TestAdviceNamesTheScope(t *testing.T) {
	t.Parallel()
	f := diagnose(methodPost, exchange{status: 200, code: "missing_scope", needed: "chat:write"}, errors.New("x"))
	require.Equal(t, "The Slack app lacks the permission chat:write. Add it under OAuth & Permissions, then reinstall the app to the workspace.", f.advice("C1"))
	f = diagnose(methodPost, exchange{status: 200, code: "not_in_channel"}, errors.New("x"))
	require.Equal(t, "I'm not in C1. Type /invite @ImagineBridge there.", f.advice("C1"))
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"1": time.Second, "60": time.Minute, "1.5": 1500 * time.Millisecond, "": 30 * time.Second, "soon": 30 * time.Second, "-1": 30 * time.Second,
		"0": time.Second, "NaN": 30 * time.Second, "1e300": 24 * time.Hour, "Inf": 24 * time.Hour,
	} {
		require.Equal(t, want, retryAfter(in), in)
	}
}

func FuzzClassifier(f *testing.F) {
	f.Add("ratelimited", "", 200, "1", true, true)
	f.Add("", "chat:write", 429, "nonsense", false, false)
	f.Add("<!channel>\x00", "x", 503, "1e9", true, false)
	f.Fuzz(func(t *testing.T, code, needed string, status int, after string, written, bare bool) {
		bad := diagnose(methodPost, exchange{status: status, retryAfter: after, code: code, needed: needed, bare: bare, written: written}, errors.New("canary"))
		require.NotContains(t, bad.Error(), "canary", "library errors are not shown")
		for _, why := range []purpose{posting, editing, reading} {
			e := bad.sendError(why, "C1")
			require.Contains(t, []bridge.Verdict{bridge.Retry, bridge.InDoubt, bridge.Reject, bridge.Gone, bridge.Revoked}, e.Verdict)
			require.GreaterOrEqual(t, e.After, time.Duration(0))
			require.LessOrEqual(t, e.After, longestPause)
			require.Equal(t, e.After > 0, e.Paced)
			if e.Verdict == bridge.InDoubt {
				require.Equal(t, posting, why)
			}
			if e.Verdict != bridge.Retry && e.Verdict != bridge.InDoubt {
				require.NotEmpty(t, e.Advice)
			}
		}
	})
}
