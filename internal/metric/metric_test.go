package metric_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/metric"
)

var sets = metric.Sets{Groups: []string{"dm", "post"}, Streams: []string{"IA_EVENTS", "KV_IA_CONFIG"}}

// stranger is a value that belongs into no label.
const stranger = "luna_secret"

// exercised are metrics that were told of everything, and of strangers.
func exercised() *metric.Metrics {
	m := metric.New(metric.Options{Version: "v1", Sets: sets, Read: func() metric.Reading {
		return metric.Reading{
			Ready:         true,
			Components:    []metric.State{{"discord", "ok"}, {"poller", "degraded"}, {stranger, stranger}},
			Subscriptions: []metric.State{{"discord", "live"}, {"slack", "suspended"}, {stranger, stranger}},
			Lags:          []metric.Lag{{Events: 3, Age: time.Minute}, {Events: 12, Age: 7 * time.Minute}},
			PollAges:      map[string]time.Duration{"notifications": 9 * time.Second, "watch #" + stranger: time.Minute, "watch b": time.Second, stranger: 1},
			Budgets:       []metric.Budget{{"read", 40, 60, 0.6}, {stranger, 1, 1, 1}},
			Leases:        map[string]int{"agent": 2, stranger: 1},
			Circuits:      map[string]int{"slack": 1, stranger: 1},
			Members:       1, Connected: true, Reconnects: 2, DeadLetters: 4, Viewers: 1,
			Streams: []metric.Stream{{"IA_EVENTS", 10, 1000, 1 << 20}, {stranger, 1, 1, -1}},
		}
	}})
	like := events.New("https://imagineanything.com", stranger, "ntf_1", "p", time.Now(), events.NotificationLike{})
	m.Polled("notifications", 200*time.Millisecond, []events.Event{like, like}, false)
	m.Polled("watch #"+stranger, time.Second, nil, true)
	for _, status := range []int{200, 302, 404, 429, 503, 0, 999} {
		m.Asked("discord", status, time.Second)
	}
	m.Asked(stranger, 200, time.Second)
	m.Delivered("discord", "delivered", time.Now().Add(-7*time.Second))
	m.Delivered(stranger, stranger, time.Time{})
	m.Commanded("slack", "post", "done", time.Second)
	m.Commanded(stranger, stranger, stranger, time.Second)
	m.Acknowledged("discord", 80*time.Millisecond)
	m.Acknowledged(stranger, time.Second)
	m.Slack("slack_retries")
	m.Slack(stranger)
	return m
}

func scrape(t *testing.T, m *metric.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	return w.Body.String()
}

var (
	sample = regexp.MustCompile(`^(imaginebridge_\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	pair   = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

func TestT27_MetricsHaveLabelsOfClosedSetsOnly(t *testing.T) {
	t.Parallel()
	text := scrape(t, exercised())
	require.NotContains(t, text, stranger)
	table := map[string]metric.Family{}
	for _, f := range metric.Table(sets) {
		table[f.Name] = f
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "imaginebridge_") {
			continue
		}
		parts := sample.FindStringSubmatch(strings.TrimSpace(line))
		require.NotNil(t, parts, line)
		name := parts[1]
		if _, whole := table[name]; !whole {
			name += parts[2]
		}
		f, known := table[name]
		require.True(t, known, "%s has no row in the table", line)
		seen[name] = true
		for _, p := range pair.FindAllStringSubmatch(parts[3], -1) {
			i := slices.IndexFunc(f.Labels, func(l metric.Label) bool { return l.Name == p[1] })
			if f.Kind == metric.Histogram && p[1] == "le" || f.Name == "imaginebridge_build_info" {
				continue
			}
			require.GreaterOrEqual(t, i, 0, "%s has a label that its row does not name", line)
			require.Contains(t, append(f.Labels[i].Values, metric.Other), p[2], line)
		}
	}
	for name := range table {
		require.True(t, seen[name], "%s is in the table and not shown", name)
	}
}

func TestMetricsFollowPrometheusRules(t *testing.T) {
	t.Parallel()
	problems, err := promlint.New(strings.NewReader(scrape(t, exercised()))).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestMetricsSayWhatWasTold(t *testing.T) {
	t.Parallel()
	text := scrape(t, exercised())
	for _, line := range []string{
		`imaginebridge_ready 1`,
		`imaginebridge_events_total{family="notification",type="like"} 2`,
		`imaginebridge_events_total{family="generation",type="failed"} 0`,
		`imaginebridge_polls_total{outcome="ok",source="notifications"} 1`,
		`imaginebridge_polls_total{outcome="failed",source="watch"} 1`,
		`imaginebridge_poll_age_seconds{source="watch"} 60`,
		`imaginebridge_api_budget_calls{class="read",state="used"} 40`,
		`imaginebridge_api_budget_lowest_ratio{class="read"} 0.6`,
		`imaginebridge_requests_total{platform="discord",status="429"} 1`,
		`imaginebridge_requests_total{platform="discord",status="4xx"} 1`,
		`imaginebridge_requests_total{platform="discord",status="none"} 1`,
		`imaginebridge_deliveries_total{outcome="delivered",sink="discord"} 1`,
		`imaginebridge_deliveries_total{outcome="dead",sink="slack"} 0`,
		`imaginebridge_delivery_freshness_seconds_bucket{sink="discord",le="6"} 0`,
		`imaginebridge_delivery_freshness_seconds_bucket{sink="discord",le="8"} 1`,
		`imaginebridge_lane_lag_events 12`,
		`imaginebridge_lane_lag_seconds 420`,
		`imaginebridge_lanes_late 1`,
		`imaginebridge_dead_letters 4`,
		`imaginebridge_circuits_open{sink="slack"} 1`,
		`imaginebridge_commands_total{door="slack",group="post",outcome="done"} 1`,
		`imaginebridge_commands_total{door="other",group="other",outcome="other"} 1`,
		`imaginebridge_ack_duration_seconds_bucket{door="discord",le="0.1"} 1`,
		`imaginebridge_leases{kind="agent"} 2`,
		`imaginebridge_leases{kind="lane"} 0`,
		`imaginebridge_nats_reconnects_total 2`,
		`imaginebridge_nats_stream_bytes{stream="IA_EVENTS"} 1000`,
		`imaginebridge_component_state{component="poller",state="degraded"} 1`,
		`imaginebridge_component_state{component="poller",state="down"} 0`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.Contains(t, text, "go_goroutines")
	require.Contains(t, text, "process_resident_memory_bytes")
}

func TestMetricsAreCountedByMany(t *testing.T) {
	t.Parallel()
	m := exercised()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				m.Asked("slack", 200, time.Millisecond)
			}
		})
	}
	wg.Wait()
	require.Contains(t, scrape(t, m), `imaginebridge_requests_total{platform="slack",status="2xx"} 800`)
}

// The page is written by "go test ./internal/metric -update".
func TestThePageOfMetricsIsCurrent(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	out.WriteString(`# Metrics

At ` + "`/metrics`" + `, as [Prometheus](https://prometheus.io) reads them. Each process counts what it does itself: sum over processes. This page is
made from the table in ` + "`internal/metric/table.go`" + `, which the program follows.

Labels have the values that stand here and, for what is in none of them, ` + "`other`" + `: no handle, name, id or place of anybody is ever one.

| metric | kind | labels | |
|---|---|---|---|
`)
	for _, f := range metric.Table(metric.Sets{}) {
		var labels []string
		for _, l := range f.Labels {
			switch values := strings.Join(l.Values, " "); {
			case l.Name == "family" || l.Name == "type":
				labels = append(labels, fmt.Sprintf("`%s`: as in [events](events.md)", l.Name))
			case l.Name == "group":
				labels = append(labels, "`group`: as in [commands](commands.md)")
			case l.Name == "stream":
				labels = append(labels, "`stream`: as in [architecture](architecture.md); buckets begin with `KV_`")
			case values == "":
				labels = append(labels, "`"+l.Name+"`")
			default:
				labels = append(labels, fmt.Sprintf("`%s`: %s", l.Name, values))
			}
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", f.Name, f.Kind, strings.Join(labels, "; "), f.Help)
	}
	out.WriteString(`
Besides these there are the library's own of the Go runtime (` + "`go_…`" + `) and of the process (` + "`process_…`" + `).
`)
	golden.Equal(t, "../../docs/metrics.md", []byte(out.String()))
}
