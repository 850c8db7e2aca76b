// Package sandbox emulates the ImagineAnything API: stateful, strict and
// deterministic under a seed. It is the ground the product is tested on, so it
// refuses what the service might let pass, keeps a journal of what a well-made
// client would never send, and a ledger of what really happened.
//
// Its main type is Sandbox, an http.Handler. It imports nothing of the project,
// so that it cannot share a mistake with it. All state is in memory.
package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// DefaultBaseURL is where media links point until SetBaseURL is called. It is
// good enough for the in-process Client, which goes nowhere else.
const DefaultBaseURL = "https://imagineanything.test"

// AuthBy says whom the auth rate class is counted for.
type AuthBy string

// The ways of counting the auth class. Which one the service uses is unknown.
const (
	AuthByClient  AuthBy = "client"  // per client id
	AuthByAddress AuthBy = "address" // per address: the strict reading
)

// Dialect says which description of the API the emulator follows.
type Dialect string

// The dialects.
const (
	DialectFull Dialect = "full"
	DialectSeed Dialect = "seed" // later endpoints answer 404
)

// Options are the switches of a Sandbox. The zero value is a full emulator with
// seed content and strict limits.
type Options struct {
	Seed    uint64 // the same seed gives the same ids, content and crowd
	BaseURL string // origin for media links; SetBaseURL can set it later

	Agents []Credentials // accounts with known credentials; nil is the seed's own three
	Empty  bool          // accounts and cast, but no content at all

	Crowd        Crowd // what lives by itself while Run runs
	Control      bool  // serve /_sandbox/ to loopback callers
	RateLimitOff bool  // for demonstrations, never for product tests
	AuthBy       AuthBy
	Dialect      Dialect
	NoFalAI      bool // FAL_AI is refused and not offered
	NoMediaURLs  bool // external media URLs in posts are refused

	TokenTTL    time.Duration // life of an access token; 0 is an hour
	SingleToken bool          // a new access token ends the agent's older ones
	KeepRefresh bool          // a refresh token survives its use
	NoRefresh   bool          // replies carry no refresh token

	JobScale float64 // stretches the timings of generations; 0 is 1
	Quirks   Quirks
}

// Quirks are readings of the API that nobody has confirmed. They can be changed
// while the emulator runs.
type Quirks struct {
	FetchMarksRead        bool // reading a conversation marks it read
	HistoryWithoutRunning bool // generation history leaves out running jobs
	TooManyJobs400        bool // a fourth job at once is 400 instead of 429
	PreviewCut            int  // last message previews are cut to so many characters; 0 is whole
	ConversationCap       int  // the conversation list ends here without a cursor; 0 is no end
}

// Credentials are what an agent signs in with.
type Credentials struct {
	Handle       string `json:"handle"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// Sandbox is the emulator. It is safe for concurrent use.
type Sandbox struct {
	clock   *Clock
	journal *journal
	routes  []Route
	faults  *injector
	way     inTheWay      // the injector; tests of the journal put another here
	stir    chan struct{} // the crowd was changed

	mu    sync.Mutex // guards all below
	opt   Options
	world *world
}

// New returns an emulator in its seed state. Inside a testing/synctest bubble
// call it inside the bubble: the seed's dates hang on the clock's present.
func New(opt Options) (*Sandbox, error) {
	if opt.BaseURL == "" {
		opt.BaseURL = DefaultBaseURL
	}
	opt.BaseURL = strings.TrimRight(opt.BaseURL, "/")
	if opt.TokenTTL <= 0 {
		opt.TokenTTL = time.Hour
	}
	if opt.JobScale <= 0 {
		opt.JobScale = 1
	}
	opt.AuthBy, opt.Dialect = cmp.Or(opt.AuthBy, AuthByClient), cmp.Or(opt.Dialect, DialectFull)
	if opt.AuthBy != AuthByClient && opt.AuthBy != AuthByAddress {
		return nil, fmt.Errorf("auth by %q: not client or address", opt.AuthBy)
	}
	if opt.Dialect != DialectFull && opt.Dialect != DialectSeed {
		return nil, fmt.Errorf("dialect %q: not full or seed", opt.Dialect)
	}
	s := &Sandbox{clock: &Clock{}, journal: newJournal(), routes: Routes(), stir: make(chan struct{}, 1), opt: opt}
	s.faults = &injector{box: s, seed: opt.Seed}
	s.way = s.faults
	w, err := newWorld(&s.opt, s.clock)
	if err != nil {
		return nil, err
	}
	s.world = w
	return s, nil
}

// Reset goes back to the seed state: tokens, windows, journal and ledger are
// emptied as well, and no fault is left. The clock stays where it is.
func (s *Sandbox) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := newWorld(&s.opt, s.clock)
	if err != nil {
		return err
	}
	s.world = w
	s.journal.clear()
	s.faults.clear()
	return nil
}

// Clock is the emulator's time.
func (s *Sandbox) Clock() *Clock { return s.clock }

// BaseURL is the origin clients are to use.
func (s *Sandbox) BaseURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opt.BaseURL
}

// SetBaseURL sets the origin of media links, once the listener is known.
func (s *Sandbox) SetBaseURL(origin string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.BaseURL = strings.TrimRight(origin, "/")
}

// SetQuirks changes unconfirmed readings while the emulator runs.
func (s *Sandbox) SetQuirks(change func(*Quirks)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.opt.Quirks)
}

// Agents lists the accounts with known credentials, in the order they were made.
func (s *Sandbox) Agents() []Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Credentials(nil), s.world.vault.handedOut...)
}

// SetLimit changes a rate limit while the emulator runs.
func (s *Sandbox) SetLimit(class Class, perMinute int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.limiter.limits[class] = perMinute
}

// Spend takes n requests from an agent's purse, as the agent's own program does.
func (s *Sandbox) Spend(handle string, class Class, n int) {
	w := s.enter()
	defer s.leave()
	w.limiter.spend(w.now, purse{"agent:" + handle, class}, n)
}

// Client is an http.Client that reaches this emulator without a socket.
func (s *Sandbox) Client() *http.Client { return &http.Client{Transport: s.Transport()} }

// enter locks the world and brings it up to the present.
func (s *Sandbox) enter() *world {
	s.mu.Lock()
	s.world.settle(s.clock.Now())
	return s.world
}

func (s *Sandbox) leave() { s.mu.Unlock() }
