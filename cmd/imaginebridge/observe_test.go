package main

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/metric"
	"github.com/imaginebridge/imaginebridge/internal/trail"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

func TestP7_ADestinationThatFallsBehindIsNamed(t *testing.T) {
	t.Parallel()
	h := newHealth()
	var told []web.Condition
	h.tell = func(c web.Condition) { told = append(told, c) }
	lag := func(name string, age time.Duration) laneLag { return laneLag{metric.Lag{Age: age}, name} }
	h.late([]laneLag{lag("a", time.Minute), lag("b", 0)})
	require.Empty(t, h.all(), "who keeps up is no news")
	for range 3 { // told once, however long it lasts
		h.late([]laneLag{lag("a", 6*time.Minute), lag("b", 0)})
	}
	h.late([]laneLag{lag("a", time.Hour), lag("b", metric.Late), lag("c", time.Hour), lag("d", time.Hour), lag("e", time.Hour)})
	h.late(nil)
	h.late(nil)
	require.Len(t, told, 3)
	require.Equal(t, web.StateDegraded, told[0].State)
	require.Equal(t, "Behind by more than 5 minutes: a.", told[0].Reason)
	require.NotEmpty(t, told[0].Next)
	require.Equal(t, "Behind by more than 5 minutes: a, b, c, 2 more.", told[1].Reason)
	require.Equal(t, web.StateOK, told[2].State)
	require.True(t, h.ready(), "who is late is named, and holds readiness back no longer")
}

func TestP7_LanesAreLookedAtOftenEnough(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, lateEvery, 30*time.Second)
}

func TestGroupsOfCommandsAreASetOfTheMetrics(t *testing.T) {
	t.Parallel()
	sets := metricSets()
	for _, s := range command.Table() {
		require.Contains(t, sets.Groups, s.Group)
	}
	require.True(t, slices.IsSorted(sets.Groups))
	require.Contains(t, sets.Streams, "IA_EVENTS")
}

func TestBudgetsAreSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := imagine.New(imagine.Options{})
		require.NoError(t, err)
		other, err := imagine.New(imagine.Options{})
		require.NoError(t, err)
		got := budgets(map[string]*imagine.Client{"a": client, "b": other})
		i := slices.IndexFunc(got, func(b metric.Budget) bool { return b.Class == "read" })
		require.Equal(t, metric.Budget{Class: "read", Remaining: 200, Lowest: 1}, got[i])
	})
}

// A transport that is watched tells of each request, and passes on what came.
func TestRequestsToPlatformsAreCounted(t *testing.T) {
	t.Parallel()
	var told []int
	for name, tc := range map[string]struct {
		answer *http.Response
		err    error
		want   int
	}{
		"taken":     {&http.Response{StatusCode: http.StatusNoContent}, nil, 204},
		"refused":   {&http.Response{StatusCode: http.StatusForbidden}, nil, 403},
		"no answer": {nil, http.ErrHandlerTimeout, 0},
	} {
		told = nil
		w := &watchedTransport{
			next:  roundTrip(func(*http.Request) (*http.Response, error) { return tc.answer, tc.err }),
			asked: func(status int, _ time.Duration) { told = append(told, status) }, trace: trail.Or(nil),
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://hooks.example/token", http.NoBody)
		require.NoError(t, err)
		got, err := w.RoundTrip(r)
		require.Equal(t, tc.answer, got, name)
		require.Equal(t, tc.err, err, name)
		require.Equal(t, []int{tc.want}, told, name)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
