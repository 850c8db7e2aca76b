// Package fakeslack is a strict, stateful stand-in for Slack on loopback: the Web API, the upload host, the OAuth pages,
// Socket Mode, and the people of the workspaces. Product code reaches it through its base URL alone, with the real
// client library over real sockets.
//
// A [Server] refuses what Slack refuses, under Slack's error names, and what Slack would let pass although its
// documentation asks otherwise is recorded all the same: [Server.Faults] lists both, and a test compares that list with
// what it expects, usually nothing. Faults of the platform itself are switched on with [Server.Inject].
//
// It shares no code and no table with the product, so that the two cannot agree on a mistake.
package fakeslack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options configures a Server; the zero value works.
type Options struct {
	Addr string           // where to listen, "127.0.0.1:0" when empty
	Now  func() time.Time // the clock of every window and expiry, time.Now when nil

	ClientID      string   // of the app's OAuth credentials, a fixed value when empty
	ClientSecret  string   // likewise
	SigningSecret string   // signs every delivery over HTTP, a fixed value when empty
	RedirectURLs  []string // what a redirect_uri must begin with, anything when empty

	// RotateTokens makes bot tokens from OAuth expire after twelve hours and come with a refresh token.
	RotateTokens bool

	// RefreshGrace is how long a refresh token that was used may be used once more,
	// for an answer that was lost; what was given for it before ends then. 0: not at all.
	RefreshGrace time.Duration

	Limits Limits

	// EditWindow is how long a message may be edited, for ever when 0 (a workspace setting at Slack).
	EditWindow time.Duration

	Deliver Deliver
}

// Limits bends the rate limits; the zero value is what Slack documents.
type Limits struct {
	Off        bool           // no limit at all, for tests whose subject is something else
	PostGap    time.Duration  // between two messages to one channel, 1 s when 0
	PostBurst  int            // messages a channel takes at once before the gap counts, 1 when 0
	PerMinute  map[string]int // by method, in place of its tier
	NewApp     bool           // conversations.history and .replies: one call a minute, 15 messages
	Tolerance  time.Duration  // how early a call may come without being held against it, 50 ms when 0
	Workspace  int            // chat.postMessage a minute and workspace, 300 when 0
	RetryAfter time.Duration  // shortest pause asked for, 1 s when 0

	TriggerLife time.Duration // how long a trigger_id opens a form, 3 s when 0
}

// Server is one Slack with one app on it. All its methods may be called at any time from any goroutine.
type Server struct {
	opt  Options
	addr string
	stop context.CancelFunc
	life context.Context //nolint:containedctx // the server's own lifetime: ends its deliveries, sockets and slow answers on Close
	wg   sync.WaitGroup

	mu         sync.Mutex
	http       *http.Server // nil while down
	changed    chan struct{}
	seq        int
	lastTS     int64
	methods    map[string]method
	workspaces map[string]*Workspace
	channels   map[string]*channel
	users      map[string]*user
	groups     map[string]*group
	tokens     map[string]*token
	app        *token
	config     *token
	limiter    limiter
	troubles   []*Injection
	badImages  []string
	requests   []Request
	faults     []Fault
	uploads    map[string]*upload
	hosted     map[string]*hosted
	hidden     bool // files come as an id alone
	oauth      oauthState
	unfurls    map[string]*sharedLink
	triggers   map[string]*trigger
	responses  map[string]*responseURL
	views      map[string]*view
	socket     socketState
	deliveries []Attempt
	closed     bool
}

// New starts a Server. It listens until Close; the error is that of listening.
func New(opt Options) (*Server, error) {
	opt.Addr = cmp.Or(opt.Addr, "127.0.0.1:0")
	opt.ClientID = cmp.Or(opt.ClientID, "1111111111.2222222222")
	opt.ClientSecret = cmp.Or(opt.ClientSecret, "fakeslack-client-secret")
	opt.SigningSecret = cmp.Or(opt.SigningSecret, "fakeslack-signing-secret")
	if opt.Now == nil {
		opt.Now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background()) // the root of the server's own life, ended by Close
	s := &Server{
		opt: opt, stop: stop, life: ctx,
		changed:    make(chan struct{}),
		methods:    methodTable(),
		workspaces: map[string]*Workspace{},
		channels:   map[string]*channel{},
		users:      map[string]*user{},
		groups:     map[string]*group{},
		tokens:     map[string]*token{},
		uploads:    map[string]*upload{},
		hosted:     map[string]*hosted{},
		unfurls:    map[string]*sharedLink{},
		triggers:   map[string]*trigger{},
		responses:  map[string]*responseURL{},
		views:      map[string]*view{},
		limiter:    newLimiter(opt.Limits),
		socket:     newSocketState(),
		oauth:      newOAuthState(),
	}
	s.app = s.mint(kindApp, nil, []string{"connections:write"})
	s.config = s.mint(kindConfig, nil, nil)
	if err := s.listen(opt.Addr); err != nil {
		stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) listen(addr string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(s.life, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	server := &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	s.mu.Lock()
	s.http, s.addr = server, l.Addr().String()
	s.wg.Go(func() { _ = server.Serve(l) })
	s.mu.Unlock()
	return nil
}

// URL is the origin to configure as Slack's, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.addr }

// Close ends everything: connections, deliveries under way, slow answers. It may be called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.Down()
	s.wg.Wait()
}

// Down makes the server unreachable: new connections are refused and open ones cut.
func (s *Server) Down() {
	s.mu.Lock()
	server := s.http
	s.http = nil
	s.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
	s.dropSockets()
}

// Up ends Down on the same address. It fails when another program took the port meanwhile.
func (s *Server) Up() error {
	s.mu.Lock()
	up := s.http != nil || s.closed
	s.mu.Unlock()
	if up {
		return errors.New("server is not down")
	}
	return s.listen(s.addr)
}

// Until waits until cond holds, looking again after every change of the server's state. The error is ctx's.
func (s *Server) Until(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for fake slack: %w", ctx.Err())
		}
	}
}

// touch wakes those who wait in Until. The caller holds mu.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// id makes the next identifier with a prefix, in Slack's shape. The caller holds mu.
func (s *Server) id(prefix string) string {
	s.seq++
	return fmt.Sprintf("%s0FAKE%05d", prefix, s.seq)
}

// ts makes the next message timestamp: unique, growing, close to the clock. The caller holds mu.
func (s *Server) ts() string {
	now := s.opt.Now().UnixMicro()
	s.lastTS = max(s.lastTS+100, now)
	return fmt.Sprintf("%d.%06d", s.lastTS/1e6, s.lastTS%1e6)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("POST /upload/v1/{ticket}", s.serveUpload)
	mux.HandleFunc("GET /files-pri/{file}/{name}", s.serveFile)
	mux.HandleFunc("GET /files-pri/{file}/download/{name}", s.serveFile)
	mux.HandleFunc("GET /signin", s.serveSignIn)
	mux.HandleFunc("GET /oauth/v2/authorize", s.serveAuthorize)
	mux.HandleFunc("POST /oauth/v2/authorize", s.serveDecision)
	mux.HandleFunc("GET /link", s.serveSocket)
	mux.HandleFunc("POST /commands/{team}/{ticket}", s.serveResponseURL)
	return s.counted(mux)
}

// counted lets Close wait for the requests under way, upgraded ones included.
func (s *Server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		closed := s.closed
		if !closed {
			s.wg.Add(1)
		}
		s.mu.Unlock()
		if closed {
			hangUp(w, true)
			return
		}
		defer s.wg.Done()
		next.ServeHTTP(w, r)
	})
}
