// Package web is the bridge's own HTTP door: health, readiness, metrics and the
// console: a page that shows each message live as Discord and as Slack show it,
// and those for whoever runs the bridge.
//
// Its main type is [Server]. Everything that came from outside is text: it is
// escaped by html/template, never fetched by the server, and shown as a picture
// only where its origin is allowed. The package knows neither NATS nor the
// platforms: what it shows of them is a likeness, drawn from bridge.Message.
package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
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

// Options configures a Server. Functions that are nil tell nothing; those given
// must be safe for concurrent use.
type Options struct {
	Conditions func() []Condition
	Lanes      func() []Lane
	// Tail calls fn for every event stored since the instant, oldest first, then for
	// new ones as they come. It blocks until ctx ends. fn is not called concurrently.
	Tail func(ctx context.Context, since time.Time, fn func(e events.Event, stored time.Time)) error
	// Hosts are the Host names that are answered to besides those of this machine:
	// "bridge.example" or "bridge.example:8480", whose port is ignored.
	Hosts []string
	// Remote says that others than people at this machine can reach the server: the
	// console then asks everybody to sign in, and answers to addresses too. What comes
	// by a name of Hosts, or through a proxy, has to sign in anyway.
	Remote bool
	HTTPS  bool   // Hosts are reached by https
	Token  string // signs in to the console; "" lets nobody in who has to
	// Operator makes the console's pages for whoever runs the bridge; nil: there is
	// the live page only.
	Operator *Operator
	// MediaHosts are the origins whose images the operator's browser may fetch:
	// "https://cdn.example". What stands behind the origin is ignored.
	MediaHosts []string
	Metrics    http.Handler // answers /metrics; nil for nothing there
	Version    string
	Hint       []string // last lines of the page; none for no such box
	Log        *slog.Logger
}

// Server answers the HTTP paths of the bridge. It is safe for concurrent use.
type Server struct {
	o       Options
	log     *slog.Logger
	look    look
	csp     string
	pages   map[string]*template.Template // by the tag of their language
	assets  map[string]asset
	edition string
	room    *room
	desk    *desk // nil where there is the live page only
	keeper  *keeper
	done    chan struct{} // closed when Run ends
	streams atomic.Int64
	began   time.Time
	handler http.Handler
}

// New makes the server. It starts nothing. The error names the option that can't
// be used.
func New(o Options) (*Server, error) {
	s := &Server{o: o, log: o.Log, room: newRoom(), done: make(chan struct{}), keeper: newKeeper(o.Token), began: time.Now()}
	if o.Operator != nil {
		s.desk = newDesk(*o.Operator)
	}
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
	if s.look, err = newLook(o.MediaHosts); err != nil {
		return nil, err
	}
	if s.pages, err = parseAll(); err != nil {
		return nil, err
	}
	if s.assets, err = readAssets(); err != nil {
		return nil, err
	}
	s.csp = contentPolicy(s.look)
	s.edition = edition(s.assets, s.csp)
	s.handler = s.routes(hosts)
	return s, nil
}

// Handler answers every path of the server.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) routes(hosts map[string]bool) http.Handler {
	all := http.NewServeMux()
	all.Handle("/healthz", probed(hosts, http.HandlerFunc(s.healthz)))
	all.Handle("/readyz", probed(hosts, http.HandlerFunc(s.readyz)))
	all.Handle("/metrics", probed(hosts, s.metrics()))

	inside := http.NewServeMux()
	inside.HandleFunc("/console/{$}", s.page)
	inside.HandleFunc("/console/events", s.stream)
	if s.desk != nil {
		for _, p := range sheets() {
			inside.HandleFunc(p.path(), s.sheet(p))
		}
		inside.HandleFunc("/console/changes", s.changes)
		inside.HandleFunc("POST "+actPath, s.act)
	}
	console := http.NewServeMux()
	console.Handle("/{$}", http.RedirectHandler("/console/", http.StatusFound))
	console.Handle("/console", http.RedirectHandler("/console/", http.StatusFound))
	console.HandleFunc("/console/assets/{name}", s.asset)
	console.HandleFunc("GET "+loginPath, s.loginPage)
	console.HandleFunc("POST "+loginPath, s.login)
	console.HandleFunc("POST "+logoutPath, s.logout)
	console.Handle("/", s.signedIn(inside))
	all.Handle("/", s.private(hosts, console))
	return readOnly(all)
}

const (
	lookBack = time.Hour              // how much of the past a fresh console shows
	refresh  = time.Second            // how often the state of components is looked at
	tailWait = 500 * time.Millisecond // before the first new try at a broken tail
	tailMax  = 30 * time.Second
)

// Run reads the events, passes them on to the browsers and ends their streams
// when ctx ends; then it returns nil. A tail that breaks is taken up again. Run is
// called once.
func (s *Server) Run(ctx context.Context) error {
	defer close(s.done)
	var wg sync.WaitGroup
	wg.Go(func() { s.watch(ctx) })
	if s.desk != nil {
		wg.Go(func() { s.listen(ctx) })
	}
	s.read(ctx)
	wg.Wait()
	return nil
}

// watch looks at the state of the components until ctx ends.
func (s *Server) watch(ctx context.Context) {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		if now, err := s.states(); err == nil {
			s.room.setState(now)
		} else {
			s.log.Warn("state not drawn", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// read takes events off the tail until ctx ends.
func (s *Server) read(ctx context.Context) {
	since := time.Now().Add(-lookBack)
	for wait := tailWait; s.o.Tail != nil; wait = min(2*wait, tailMax) {
		err := s.o.Tail(ctx, since, func(e events.Event, stored time.Time) {
			if stored.After(since) {
				since = stored
			}
			wait = tailWait
			s.take(e)
		})
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("the events can't be read, trying again", "retry_in", wait, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
	<-ctx.Done()
}

// listen hears the journal until ctx ends.
func (s *Server) listen(ctx context.Context) {
	for wait := tailWait; ; wait = min(2*wait, tailMax) {
		s.desk.tallies.clear()
		err := s.desk.o.Journal(ctx, time.Now().Add(-lookBack), s.desk.done, s.desk.became)
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("the journal can't be read, trying again", "retry_in", wait, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// take shows one event.
func (s *Server) take(e events.Event) {
	if e.Kind() == nil || !s.room.add(e) {
		return
	}
	if s.desk != nil {
		s.desk.recent.add(e)
	}
}

var errNoHost = errors.New("is no host name")

func optionError(option, value string, err error) error {
	return fmt.Errorf("option %s: %q %w", option, value, err)
}
