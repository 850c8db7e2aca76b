package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

// tape answers each request as it was answered the first time, without limits, so
// that nothing but the client and the poller is measured.
type tape struct {
	from http.RoundTripper

	mu    sync.Mutex
	known map[string]recording
}

type recording struct {
	answer *http.Response
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (p *tape) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := r.Method + " " + r.URL.String()
	have, known := p.known[key]
	if !known {
		answer, err := p.from.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		if have.body, err = io.ReadAll(answer.Body); err != nil {
			return nil, err
		}
		for name := range answer.Header {
			if strings.HasPrefix(name, "X-Ratelimit") {
				answer.Header.Del(name)
			}
		}
		have.answer = answer
		p.known[key] = have
	}
	again := *have.answer
	again.Header, again.Body, again.Request = have.answer.Header.Clone(), io.NopCloser(bytes.NewReader(have.body)), r
	return &again, nil
}

// sieve is a journal that forgets and counts.
type sieve struct {
	mu   sync.Mutex
	left int
	full chan struct{} // receives when as many events came as were expected
}

// Load implements poller.Journal.
func (*sieve) Load(context.Context, string, string) ([]byte, uint64, error) { return nil, 0, nil }

// Commit implements poller.Journal.
func (s *sieve) Commit(_ context.Context, _, _ string, evs []events.Event, _ []byte, revision uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.left
	if s.left -= len(evs); before > 0 && s.left <= 0 {
		s.full <- struct{}{}
	}
	return revision + 1, nil
}

func (s *sieve) missing() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

type alone struct{}

// HoldChanging implements poller.Ownership.
func (alone) HoldChanging(ctx context.Context, _ string, names <-chan []string, work func(context.Context, string) error) error {
	var errs []error
	for _, name := range <-names {
		errs = append(errs, work(ctx, name))
	}
	return errors.Join(errs...)
}

// BenchmarkPoll5000 reads an account with nearly 5,000 notifications, as many as
// one look takes, and makes events of them all: fifty pages decoded, compared,
// converted.
func BenchmarkPoll5000(b *testing.B) {
	const n = 4950
	s, err := sandbox.New(sandbox.Options{RateLimitOff: true, Empty: true})
	require.NoError(b, err)
	who := s.Agents()[0]
	s.AddNotifications(who.Handle, n, time.Minute)
	s.AddNotifications(who.Handle, 10, 60*24*time.Hour) // where backfill ends
	record := &tape{from: s.Transport(), known: map[string]recording{}}
	b.ReportAllocs()
	for b.Loop() {
		api, err := imagine.New(imagine.Options{
			BaseURL: s.BaseURL(), ClientID: who.ClientID, ClientSecret: func() string { return who.ClientSecret },
			HTTPClient: &http.Client{Transport: record},
		})
		require.NoError(b, err)
		found := &sieve{left: n, full: make(chan struct{}, 1)}
		p, err := poller.New(poller.Options{
			Agents: []poller.Agent{{Handle: who.Handle, API: api}}, Journal: found, Ownership: alone{}, Plan: poller.Plan{Backfill: 30 * 24 * time.Hour},
		})
		require.NoError(b, err)
		ctx, cancel := context.WithCancel(b.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = p.Run(ctx) })
		select {
		case <-found.full:
		case <-time.After(time.Minute):
			b.Fatalf("%d of %d notifications did not become events", found.missing(), n)
		}
		cancel()
		wg.Wait()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "notifications/s")
}
