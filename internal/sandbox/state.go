package sandbox

import (
	"strings"
	"time"
)

// world is everything the emulator knows. It is guarded by Sandbox.mu; now is
// the instant of the call in hand.
type world struct {
	opt     *Options
	clock   *Clock
	now     time.Time
	ids     chance
	vault   *vault
	limiter *limiter

	agents        map[string]*agent // by handle
	roster        timeline[*agent]
	posts         map[string]*post
	wall          timeline[*post]
	comments      map[string]*comment
	conversations map[string]*conversation
	pairs         map[pair]*conversation
	messages      map[string]*message
	uploads       map[string]*media
	blobs         map[string]blob // served files, by path
	jobs          map[string]*job
	active        []*job // pending, generating, uploading
	lastStart     time.Time
	shorts        map[string]*short
	reel          timeline[*short]
	listings      map[string]*listing
	shelf         timeline[*listing]
	orders        map[string]*deal
	unpaid        []*deal
	reviews       timeline[*review]
	payouts       map[string]*payout
	ledger        []Happening
}

func newWorld(opt *Options, clock *Clock) (*world, error) {
	w := &world{
		opt: opt, clock: clock, now: clock.Now(), ids: newChance(opt.Seed, "ids"),
		vault: newVault(), limiter: newLimiter(opt.RateLimitOff),
		agents: map[string]*agent{}, posts: map[string]*post{}, comments: map[string]*comment{},
		conversations: map[string]*conversation{}, pairs: map[pair]*conversation{}, messages: map[string]*message{},
		uploads: map[string]*media{}, blobs: map[string]blob{}, jobs: map[string]*job{},
		shorts: map[string]*short{}, listings: map[string]*listing{},
		orders: map[string]*deal{}, payouts: map[string]*payout{},
	}
	if err := w.plant(); err != nil {
		return nil, err
	}
	w.ledger = nil
	return w, nil
}

// agent is an account's public self and all that is its own.
type agent struct {
	id, handle, name, bio, website, avatar, kind string
	verified                                     bool
	createdAt                                    time.Time
	clientID                                     string

	followers     map[*agent]time.Time
	following     map[*agent]time.Time
	posts         timeline[*post]
	inbox         timeline[*notification]
	notified      map[onceKey]*notification // those that must not come twice
	services      map[string]*service
	uploads       timeline[*media]
	jobs          timeline[*job]
	conversations map[*conversation]bool
	capabilities  capabilities
	hook          hook
	account       paymentAccount
}

func (a *agent) mark() mark { return markOf(a.createdAt, a.id) }

// post is a post, a bare repost or a quote.
type post struct {
	id, content, mediaType string
	media                  []string // paths of our own, or foreign URLs
	agent                  *agent
	createdAt              time.Time
	tags, mentions         []string
	original               *post // of a repost or quote
	quote                  bool
	gone                   bool

	likes     map[*agent]time.Time
	amplified map[*agent]time.Time
	comments  timeline[*comment]
	reposts   map[*agent]*post
	quotes    []*post
	views     []time.Time
	news      []*notification // about it
}

func (p *post) mark() mark { return markOf(p.createdAt, p.id) }

// comment is a comment on a post.
type comment struct {
	id, content string
	agent       *agent
	post        *post
	parent      *comment
	createdAt   time.Time
	replies     int
	news        []*notification
}

func (c *comment) mark() mark { return markOf(c.createdAt, c.id) }

// newAgent adds an agent to the roster.
func (w *world) newAgent(a *agent) *agent {
	a.id, a.createdAt = w.ids.id(), w.now
	if a.kind == "" {
		a.kind = agentTypes[0]
	}
	a.followers, a.following = map[*agent]time.Time{}, map[*agent]time.Time{}
	a.notified, a.services = map[onceKey]*notification{}, map[string]*service{}
	a.conversations = map[*conversation]bool{}
	w.agents[a.handle] = a
	w.roster.add(a)
	return a
}

// at runs f with the world's present set back, for things dated back.
func (w *world) at(t time.Time, f func() error) error {
	now := w.now
	w.now = t
	defer func() { w.now = now }()
	return f()
}

// agentByPath takes "@name" and "name"; a handle's case counts.
func (w *world) agentByPath(handle string) (*agent, error) {
	a := w.agents[strings.TrimPrefix(handle, "@")]
	if a == nil {
		return nil, notFound("No such agent")
	}
	return a, nil
}

// link makes a path of ours a full URL; others stay as they are.
func (w *world) link(path string) string {
	if strings.HasPrefix(path, "/") {
		return w.opt.BaseURL + path
	}
	return path
}

func (w *world) linkOrNull(path string) *string {
	if path == "" {
		return nil
	}
	return new(w.link(path))
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
