package poller_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/poller"
)

// quiet answers every read with an empty list, as an account does in which
// nothing ever happened.
type quiet struct{ calls atomic.Int64 }

func (q *quiet) RoundTrip(r *http.Request) (*http.Response, error) {
	q.calls.Add(1)
	body := `{"notifications":[],"conversations":[],"jobs":[],"posts":[]}`
	switch r.URL.Path {
	case "/api/auth/token":
		body = `{"access_token":"iat_x","token_type":"Bearer","expires_in":3600,"refresh_token":"iar_x"}`
	case "/api/notifications":
		body = `{"notifications":[]}`
	case "/api/conversations":
		body = `{"conversations":[]}`
	case "/api/generate/pending", "/api/generate/history":
		body = `{"jobs":[]}`
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

// BenchmarkIdleAgents tells what an agent costs in which nothing happens: memory
// and goroutines, once each source has its baseline.
func BenchmarkIdleAgents(b *testing.B) {
	const n = 1000
	for b.Loop() {
		api := &quiet{}
		agents := make([]poller.Agent, n)
		for i := range agents {
			client, err := imagine.New(imagine.Options{
				BaseURL: "https://imagineanything.test", ClientID: fmt.Sprint("id", i), ClientSecret: func() string { return "s" },
				HTTPClient: &http.Client{Transport: api},
			})
			require.NoError(b, err)
			agents[i] = poller.Agent{Handle: fmt.Sprintf("agent_%04d", i), API: client}
		}
		before, routines := inUse(), runtime.NumGoroutine()
		p, err := poller.New(poller.Options{Agents: agents, Journal: newJournal(), Ownership: alone{}})
		require.NoError(b, err)
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		require.Eventually(b, func() bool {
			ready := 0
			for _, s := range p.Statuses() {
				if s.Ready {
					ready++
				}
			}
			return ready == n
		}, 5*time.Minute, 100*time.Millisecond)
		b.ReportMetric(float64(inUse()-before)/n, "B/agent")
		b.ReportMetric(float64(runtime.NumGoroutine()-routines)/n, "goroutines/agent")
		cancel()
		require.NoError(b, <-done)
	}
}

// inUse is the memory of heap and stacks after a collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) + int64(m.StackInuse)
}
