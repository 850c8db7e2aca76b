package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuantileIsTheNearestRank(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i)*time.Second)
	}
	for name, tc := range map[string]struct {
		samples []time.Duration
		share   float64
		want    time.Duration
	}{
		"none":    {nil, 0.5, 0},
		"one":     {hundred[:1], 0.99, 100 * time.Second},
		"least":   {hundred, 0, time.Second},
		"median":  {hundred, 0.5, 50 * time.Second},
		"p99":     {hundred, 0.99, 99 * time.Second},
		"most":    {hundred, 1, 100 * time.Second},
		"of four": {[]time.Duration{4, 1, 3, 2}, 0.5, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, quantile(tc.samples, tc.share))
		})
	}
}

func TestATableMarksWhatIsOver(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	printTable(&out, []figure{
		{Section: "a", What: "below", Value: 44.9, Unit: "MiB", Most: 45},
		{Section: "a", What: "above", Value: 501, Unit: "ms", Most: 500, Samples: 10},
		{Section: "b", What: "nothing", None: true},
		{Section: "b", What: "something", Value: 1, None: true},
		{Section: "b", What: "no promise", Value: 1420, Unit: "events/s"},
	})
	require.Regexp(t, `below +44\.9 MiB +≤ 45\.0 MiB +ok`, out.String())
	require.Regexp(t, `above +501 ms +≤ 500 ms +OVER +10`, out.String())
	require.Regexp(t, `nothing +0 +0 +ok`, out.String())
	require.Regexp(t, `something +1 +0 +OVER`, out.String())
	require.Regexp(t, `(?m)no promise +1420 events/s +$`, out.String())
}

func TestUsageIsReadFromProc(t *testing.T) {
	t.Parallel()
	const status = "Name:\timaginebridge\nVmHWM:\t   61440 kB\nVmRSS:\t   40960 kB\nRssAnon:\t    8192 kB\nThreads:\t12\n"
	const stat = "4711 (odd) name) S 1 4711 4711 0 -1 4194560 9000 0 0 0 250 50 0 0 20 0 12 0 100 1 1 1"
	u, err := parseUsage(status, stat)
	require.NoError(t, err)
	require.Equal(t, usage{resident: 40, anonymous: 8, peak: 60, cpu: 3 * time.Second}, u)
	_, err = parseUsage("VmRSS: lots\n", stat)
	require.Error(t, err)
	_, err = parseUsage(status, "1 (x) S")
	require.Error(t, err)
}

func TestArrivalsKeepTheFirstAndCountTheRest(t *testing.T) {
	t.Parallel()
	a, at := newArrivals(), time.Unix(100, 0)
	a.note([]byte(`{"text":"mark-000001"}`), at)
	a.note([]byte(`{"text":"mark-000001"}`), at.Add(time.Second))
	a.note([]byte(`{"text":"something else"}`), at)
	require.Equal(t, map[string]time.Time{"mark-000001": at}, a.first)
	require.Equal(t, 1, a.again)
}

func TestOnlyNamesSections(t *testing.T) {
	t.Parallel()
	got, err := chosen("start,size")
	require.NoError(t, err)
	require.Equal(t, "start", got[0].name)
	require.Len(t, got, 2)
	_, err = chosen("speed")
	require.ErrorContains(t, err, `no section is called "speed"`)
}
