package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/events"
)

// openBus starts an embedded server with its defaults that nobody else can reach,
// and everything that a bus does by itself.
func openBus(b *testing.B) *bus.Bus {
	b.Helper()
	s, err := bus.Open(b.Context(), bus.Options{DataDir: b.TempDir(), Listen: "off", Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Run(ctx) })
	b.Cleanup(func() {
		cancel()
		wg.Wait()
		ending, done := context.WithTimeout(context.WithoutCancel(b.Context()), 10*time.Second)
		defer done()
		require.NoError(b, s.Close(ending))
	})
	return s
}

// mentionsAfter are n events that come after the given number.
func mentionsAfter(after, n int) []events.Event {
	out := make([]events.Event, n)
	for i := range out {
		out[i] = mention("http://127.0.0.1", "orbit_bot", after+i)
	}
	return out
}

// BenchmarkCommit stores events and the moved cursor in one atomic batch.
func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := openBus(b)
			var revision uint64
			done := 0
			for b.Loop() {
				var err error
				revision, err = s.Commit(b.Context(), "orbit_bot", "bench", mentionsAfter(done, n), []byte(`{"known":[]}`), revision)
				require.NoError(b, err)
				done += n
			}
			b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// counter is a sink that sends nothing and counts.
type counter struct {
	mu   sync.Mutex
	left int
	none chan struct{} // receives when nothing is left
}

func (c *counter) expect(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = n
}

// Send implements bridge.Sink.
func (c *counter) Send(context.Context, bridge.Delivery) (bridge.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		c.none <- struct{}{}
	}
	return bridge.Receipt{}, nil
}

// openLanes works n lanes that all get every event.
func openLanes(b *testing.B, s *bus.Bus, n int, sink bridge.Sink) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	b.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	for i := range n {
		sub := bridge.Subscription{Name: fmt.Sprint("lane-", i), Events: []string{"*"}, To: bridge.Destination{Scheme: "bench"}}
		lane, err := s.Lane(ctx, bus.LaneSpec{Subscription: sub.Name, Events: sub.Events})
		require.NoError(b, err)
		worker := bridge.NewWorker(bridge.WorkerOptions{Subscription: sub, Lane: lane, Ledger: s, Sink: sink})
		wg.Go(func() { _ = worker.Run(ctx) })
	}
}

// BenchmarkLanes stores ten events and waits until every lane sent them.
func BenchmarkLanes(b *testing.B) {
	const each = 10
	for _, n := range []int{1, 100, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s, sink := openBus(b), &counter{none: make(chan struct{}, 1)}
			openLanes(b, s, n, sink)
			var revision uint64
			done := 0
			for b.Loop() {
				sink.expect(each * n)
				var err error
				revision, err = s.Commit(b.Context(), "orbit_bot", "bench", mentionsAfter(done, each), []byte(`{}`), revision)
				require.NoError(b, err)
				<-sink.none
				done += each
			}
			b.ReportMetric(float64(done*n)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkLaneMemory tells what an idle lane with its worker holds, the share of
// the embedded server included.
func BenchmarkLaneMemory(b *testing.B) {
	const lanes = 1000
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	for b.Loop() {
		s := openBus(b)
		before := held()
		openLanes(b, s, lanes, &counter{})
		b.ReportMetric(float64(held()-before)/lanes, "B/lane")
	}
}
