package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// receiver takes webhooks and keeps every attempt.
type receiver struct {
	server *httptest.Server

	mu       sync.Mutex
	attempts []attempt
	refuse   int // so many requests from now on get the status
	status   int // of refusals
	drop     int // so many are taken and not answered
}

// attempt is one request as the receiver saw it.
type attempt struct {
	at     time.Time
	id     string // webhook-id
	status int    // 0 where the answer was cut
	took   bool   // the receiver has it
}

func newReceiver() *receiver {
	r := &receiver{}
	r.server = httptest.NewServer(r)
	return r
}

func (r *receiver) url() string { return r.server.URL + "/in" }

func (r *receiver) close() { r.server.Close() }

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	_, err := io.Copy(io.Discard, q.Body)
	if err != nil {
		return
	}
	status, cut := r.take(q.Header.Get("webhook-id"))
	if cut {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(status)
}

func (r *receiver) take(id string) (status int, cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := attempt{at: time.Now(), id: id, status: http.StatusNoContent, took: true}
	switch {
	case r.refuse > 0:
		r.refuse--
		a.status, a.took = r.status, false
	case r.drop > 0:
		r.drop--
		a.status, cut = 0, true
	}
	r.attempts = append(r.attempts, a)
	return a.status, cut
}

// storm lets the next n requests fail with the status.
func (r *receiver) storm(n, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse, r.status = n, status
}

// lose lets the answers to the next n requests get lost.
func (r *receiver) lose(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop = n
}

// heal makes it a good receiver again.
func (r *receiver) heal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse, r.drop = 0, 0
}

func (r *receiver) seen() []attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.attempts)
}
