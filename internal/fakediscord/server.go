// Package fakediscord is a strict, stateful emulator of Discord's REST API v10
// and gateway on loopback. Tests reach it through the real client library over
// real sockets: [Server.URL] is what the product gets as its base URL.
//
// It is stricter than Discord on purpose: what Discord forgives silently (an
// unknown property, a missing allowed_mentions, a request before its time) is
// written down and given out by [Server.Faults], which tests expect to be
// empty. Its tables of fields, types and limits are its own; it shares nothing
// with the product, so that the two can't make the same mistake.
package fakediscord

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is one emulated Discord: its guilds, its messages, one bot user and
// one application. It is an [http.Handler]; [New] also gives it a socket.
type Server struct {
	opts    Options
	mux     *http.ServeMux
	known   map[string]bool // routes, as in Request.Route
	schemas *schemas
	url     string
	http    *http.Server
	closing chan struct{} // closed by Close, ends every wait
	client  *http.Client  // to the application's endpoint
	tasks   sync.WaitGroup

	mu        sync.Mutex // guards all below
	skew      time.Duration
	token     string
	log       journal
	limits    limiter
	rules     []*Injector
	world     world
	nonces    map[string]sent
	commands  commandStore
	calls     interactionStore
	gateway   hub
	changed   chan struct{} // closed and replaced when a message comes
	closeOnce sync.Once
}

// New starts an emulator on Options.Addr, by default on a free port of
// loopback. It returns an error when the address is taken, the OpenAPI document
// can't be read or Options.Limits names no route. Close ends it.
func New(o Options) (*Server, error) {
	s, err := NewUnbound(o)
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", s.opts.Addr) // the listener lives until Close
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", s.opts.Addr, err)
	}
	s.url = "http://" + l.Addr().String()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.tasks.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.log.fault(s.now(), "server", 0, err.Error())
		}
	})
	return s, nil
}

// NewUnbound makes an emulator without a socket, for tests that hand requests
// to ServeHTTP themselves, such as those inside a synctest bubble.
func NewUnbound(o Options) (*Server, error) {
	o = o.withDefaults()
	s := &Server{
		opts:    o,
		token:   o.Token,
		closing: make(chan struct{}),
		limits:  newLimiter(o),
		nonces:  map[string]sent{},
		changed: make(chan struct{}),
		url:     "http://fakediscord.invalid",
		known:   map[string]bool{},
		client:  &http.Client{Timeout: o.AnswerWithin, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	s.world = newWorld(s.bot())
	s.calls = newInteractionStore()
	s.gateway = newHub(o)
	s.log.now = s.now
	if o.OpenAPI != "" {
		var err error
		if s.schemas, err = loadSchemas(o.OpenAPI); err != nil {
			return nil, err
		}
	}
	s.mux = s.routes()
	for name := range o.Limits {
		if !s.known[name] {
			return nil, fmt.Errorf("limits: no route %q", name)
		}
	}
	return s, nil
}

// URL is the origin to configure as Discord's, "http://127.0.0.1:PORT". The
// REST API is below /api/v10, attachments are below /cdn, the gateway is told
// by GET /gateway.
func (s *Server) URL() string { return s.url }

// Close cuts every connection and waits for what is running. It may be called
// more than once.
func (s *Server) Close() {
	s.closeOnce.Do(func() {
		close(s.closing)
		if s.http != nil {
			_ = s.http.Close() // nothing to save: the listener and idle connections go
		}
		s.cutSessions()
		s.tasks.Wait()
	})
}

// ServeHTTP answers one REST request, CDN download or gateway dial.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// now is the emulator's time; callers hold mu.
func (s *Server) now() time.Time { return s.opts.Now().Add(s.skew) }

// Skew moves the emulator's clock by d: new ids, Date headers and expiries
// follow, the time in logs too.
func (s *Server) Skew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// wait blocks for d, or until the request or the server ends.
func (s *Server) wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-s.closing:
	}
}

// RevokeToken makes the bot token invalid from now on: REST answers 401 and
// gateway sessions are closed with 4004.
func (s *Server) RevokeToken() { s.SetToken("") }

// SetToken replaces the bot token. Requests with any other get 401.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != token {
		s.closeSessions(closeAuthenticationFailed)
	}
	s.token = token
}
