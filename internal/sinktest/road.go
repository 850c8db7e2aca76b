package sinktest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// Road is a number of destinations of one sink, each with its subscription and its
// worker, as one process has them. It belongs into a bubble of time.
type Road struct {
	Stops []*Stop
	t     *testing.T
	begun sync.WaitGroup
	end   context.CancelFunc
}

// Stop is one destination of a road.
type Stop struct {
	To bridge.Destination

	worker *bridge.Worker
	lane   *flow

	mu      sync.Mutex
	notices []bridge.OwnerNotice
}

// NewRoad starts the workers of the destinations; they end with Close.
func NewRoad(t *testing.T, sink bridge.Sink, to ...bridge.Destination) *Road {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, circuits := &Road{t: t, end: cancel}, &bridge.Circuits{}
	for i, d := range to {
		s := &Stop{To: d, lane: &flow{arrived: make(chan struct{}), backlog: backlog{receipts: map[string]bridge.Receipt{}}}}
		s.worker = bridge.NewWorker(bridge.WorkerOptions{
			Subscription: bridge.Subscription{Name: fmt.Sprint("team-", i), Events: []string{"*"}, To: d},
			Lane:         s.lane, Ledger: s.lane, Sink: sink, Circuits: circuits,
			Tell: func(_ context.Context, n bridge.OwnerNotice) error {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.notices = append(s.notices, n)
				return nil
			},
		})
		r.Stops = append(r.Stops, s)
		r.begun.Go(func() {
			if err := s.worker.Run(ctx); err != nil {
				t.Errorf("%s: %v", d, err)
			}
		})
	}
	return r
}

// Drive lets so many events happen in that time, one destination after the other in
// turn, and calls at before each of them.
func (r *Road) Drive(count int, within time.Duration, at func(n int)) {
	r.t.Helper()
	for n := range count {
		at(n)
		s := r.Stops[n%len(r.Stops)]
		e := events.New("https://imagineanything.com", "orbit_bot", fmt.Sprint("ntf_", n), "a1", time.Now(),
			events.NotificationFollow{Actor: events.Agent{ID: "a1", Handle: "nova_ai", Name: s.Name(s.Events())}})
		data, err := json.Marshal(e)
		require.NoError(r.t, err)
		s.lane.publish(data)
		<-time.After(within / time.Duration(count))
	}
}

// Resume makes every worker look again, as after a change at the platform.
func (r *Road) Resume() {
	for _, s := range r.Stops {
		s.worker.Resume()
	}
}

// Settle waits until everything is done with, at most so long, and reports whether it
// is.
func (r *Road) Settle(most time.Duration) bool {
	for end := time.Now().Add(most); time.Now().Before(end); <-time.After(time.Second) {
		done := true
		for _, s := range r.Stops {
			done = done && s.Waiting() == 0
		}
		if done {
			return true
		}
	}
	return false
}

// Close ends the workers.
func (r *Road) Close() {
	r.end()
	r.begun.Wait()
}

// Waiting is how many events of the destination are not done with.
func (s *Stop) Waiting() int { return s.lane.waiting() }

// Name is what the nth event of a destination, from 0, speaks of and no other does.
func (*Stop) Name(n int) string { return fmt.Sprintf("Nova number %06d", n) }

// Events is how many there were for the destination.
func (s *Stop) Events() int {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	return len(s.lane.entries)
}

// Dead is how many of them became dead letters.
func (s *Stop) Dead() int {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	return len(s.lane.dead)
}

// Notices are what the owner was told.
func (s *Stop) Notices() []bridge.OwnerNotice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]bridge.OwnerNotice(nil), s.notices...)
}

// flow is a backlog to which events are added.
type flow struct {
	backlog
	arrived chan struct{} // closed and replaced with each
}

func (f *flow) publish(data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = append(f.entries, bridge.Entry{Position: uint64(len(f.entries) + 1), Data: data, Stored: time.Now()})
	close(f.arrived)
	f.arrived = make(chan struct{})
}

func (f *flow) Next(ctx context.Context, after uint64) (bridge.Entry, error) {
	for {
		f.mu.Lock()
		arrived, there := f.arrived, after < uint64(len(f.entries))
		var e bridge.Entry
		if there {
			e = f.entries[after]
		}
		f.mu.Unlock()
		if there {
			return e, nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return bridge.Entry{}, ctx.Err()
		}
	}
}

func (f *flow) Lag() uint64 { return uint64(f.waiting()) }

func (f *flow) waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.entries) - int(f.record.Position)
}

func (f *flow) Save(_ context.Context, r bridge.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.record = r
	return nil
}

func (f *flow) Bury(ctx context.Context, r bridge.Record, d bridge.DeadLetter) error {
	f.mu.Lock()
	f.dead = append(f.dead, d)
	f.mu.Unlock()
	return f.Save(ctx, r)
}
