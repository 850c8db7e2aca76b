// Package web is the bridge's own HTTP door: health, readiness, metrics and the
// console, a page that shows each message live as Discord and as Slack show it.
//
// Its main type is [Server]. Everything that came from outside is text: it is
// escaped by html/template, never fetched by the server, and shown as a picture
// only where its origin is allowed.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// States of a component, as Condition.State spells them.
const (
	StateOK       = "ok"
	StateStarting = "starting"
	StateDegraded = "degraded"
	StateDown     = "down"
)

// Condition is how one component goes.
type Condition struct {
	Component string    `json:"component"`
	Agent     string    `json:"agent,omitempty"` // handle, where it is one agent's
	State     string    `json:"state"`           // one of the States above
	Reason    string    `json:"reason,omitempty"`
	Next      string    `json:"next,omitempty"` // what to do, or what will happen
	Since     time.Time `json:"since,omitzero"`
}

// Lane is how the delivery of one subscription goes.
type Lane struct {
	Subscription    string
	To              string // destination as logs may show it: bridge.Destination.Label
	State           string // live, paused or suspended
	Delivered, Dead uint64
	Last            time.Time // of a delivery
	Reason          string
}

// Options configures a Server. Functions that are nil tell nothing.
type Options struct {
	Conditions func() []Condition
	Lanes      func() []Lane
	// Tail calls fn for every event stored since the instant, oldest first, then for
	// new ones as they come. It blocks until ctx ends.
	Tail       func(ctx context.Context, since time.Time, fn func(e events.Event, stored time.Time)) error
	Hosts      []string // Host names answered besides loopback ones
	MediaHosts []string // origins whose images may be shown ("https://cdn.example")
	Version    string
	Hint       []string // last lines of the page
	Log        *slog.Logger
}

// Server answers the HTTP paths of the bridge. It is safe for concurrent use.
type Server struct {
	o       Options
	log     *slog.Logger
	handler http.Handler
}

// New makes the server. It starts nothing. The error names an option that can't
// be used.
func New(o Options) (*Server, error) {
	s := &Server{o: o, log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.o.Conditions == nil {
		s.o.Conditions = func() []Condition { return nil }
	}
	if s.o.Lanes == nil {
		s.o.Lanes = func() []Lane { return nil }
	}
	hosts, err := allowedHosts(o.Hosts)
	if err != nil {
		return nil, err
	}
	s.handler = guard(hosts, s.routes())
	return s, nil
}

// Handler answers every path of the server.
func (s *Server) Handler() http.Handler { return s.handler }

// Run reads the events and passes them on to the browsers until ctx ends. Open
// event streams end with it.
func (s *Server) Run(ctx context.Context) error {
	if s.o.Tail == nil {
		<-ctx.Done()
		return nil
	}
	err := s.o.Tail(ctx, time.Now(), func(events.Event, time.Time) {})
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /console/{$}", s.console)
	mux.Handle("GET /{$}", http.RedirectHandler("/console/", http.StatusFound))
	return mux
}
