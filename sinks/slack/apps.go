package slack

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// platform is how records name Slack.
const platform = "slack"

// Installs keeps the installations of all processes. Their errors are
// bridge.ErrFenced where another was quicker, and those of the store.
type Installs interface {
	Get(ctx context.Context, platform, enterprise, team string) (bridge.Installation, error)
	Put(ctx context.Context, r bridge.Installation) (bridge.Installation, error)
	Watch(ctx context.Context, changed func([]bridge.Installation)) error
}

// AppsOptions configure Apps.
type AppsOptions struct {
	// Options are those of every installation. BotToken is the configuration's own
	// workspace, which needs no install; nil or "" for none.
	Options
	// Installs keeps what workspaces granted; nil: the configuration's is the only one.
	Installs Installs
	// Owner names this process among all, for leases.
	Owner string
	// OAuth lets people install the app; nil: nobody can.
	OAuth *OAuth
	// Came and Left are told that the app was added to a workspace, or removed from it:
	// at least once, and by every process, until they return nil. Left's team is
	// bridge.WholeOrganisation for all workspaces of one. nil for nobody.
	Came func(ctx context.Context, r bridge.Installation, team string) error
	Left func(ctx context.Context, r bridge.Installation, team string) error
}

// Apps is the app in all the workspaces that it was installed in: one Sink each. It
// brings what comes in from Slack to the right one, and finds the one that a message
// goes out by. Its methods may be called from any goroutine.
type Apps struct {
	opt   AppsOptions
	log   *slog.Logger
	front *Sink // holds the doors, and is the configuration's workspace where it has a token
	own   bool  // it has
	desk  *desk

	mu         sync.Mutex                         // guards all below
	all        map[installKey]bridge.Installation // as the store has them
	sinks      map[seat]*Sink                     // made when they are needed
	homes      map[string]string                  // the workspace of channels that nobody named one for
	doubts     map[installKey]string              // tokens that Slack calls expired before their time
	hopelessOf map[installKey]string              // refresh tokens that Slack does not know any more
	renewing   map[installKey]*renewal
	owed       map[seat]bool            // workspaces that Came or Left is to be told of: true for Came
	told       map[seat]bool            // that Came was told of by this process
	surveyed   map[installKey]time.Time // of organisations: when the installation was made whose workspaces were listed

	begun    perMinute
	known    chan struct{} // closed when the store was read once
	knowOnce sync.Once
	changed  chan struct{} // something is to be looked at
}

// installKey names an installation.
type installKey struct{ enterprise, team string }

// seat is a workspace as an installation serves it. One of an organisation serves
// many.
type seat struct {
	by   installKey
	team string
}

func keyOf(r bridge.Installation) installKey { return installKey{r.Enterprise, r.Team} }

// NewApps makes the app. It starts nothing and asks Slack nothing. The error names
// the option that is missing or wrong.
func NewApps(o AppsOptions) (*Apps, error) {
	a := &Apps{
		opt: o, all: map[installKey]bridge.Installation{}, sinks: map[seat]*Sink{}, homes: map[string]string{},
		doubts: map[installKey]string{}, hopelessOf: map[installKey]string{}, renewing: map[installKey]*renewal{}, owed: map[seat]bool{}, told: map[seat]bool{}, surveyed: map[installKey]time.Time{},
		known: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	a.own = o.BotToken != nil && o.BotToken() != ""
	front := o.Options
	open := New
	if !a.own {
		front.BotToken, open = func() string { return "" }, build
	}
	var err error
	if a.front, err = open(front); err != nil {
		return nil, err
	}
	a.log, a.front.apps = a.front.log, a
	a.desk = &desk{web: newWeb(a.front.opt, a.front.web.origin), oauth: o.OAuth}
	if o.Installs == nil {
		close(a.known)
	}
	if o.OAuth != nil {
		if err := o.OAuth.check(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// note takes what the store has, and tells of installations that came or came back.
func (a *Apps) note(list ...bridge.Installation) {
	var news []Change
	a.mu.Lock()
	for _, r := range list {
		was, known := a.all[keyOf(r)]
		if known && r.Rev < was.Rev {
			continue // what this process wrote is newer
		}
		a.all[keyOf(r)] = r
		if !known || !r.Installed.Equal(was.Installed) || !r.Ended.Equal(was.Ended) {
			a.owe(r)
		}
		if r.Live() && !r.Installed.Equal(was.Installed) {
			news = append(news, Change{Kind: Installed, Team: r.Team, At: r.Installed, Reason: string(Installed)})
		}
		if known && was.Ended.IsZero() && !r.Ended.IsZero() {
			news = append(news, Change{Kind: Uninstalled, Team: r.Team, At: r.Ended, Reason: r.Why})
		}
	}
	a.mu.Unlock()
	for _, c := range news {
		a.front.opt.Changed(c)
	}
	a.look()
}

// look has the keeper look at what is to be done.
func (a *Apps) look() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// take replaces all that is known by what the store has.
func (a *Apps) take(list []bridge.Installation) {
	a.note(list...)
	a.mu.Lock()
	for key := range a.all {
		if !slices.ContainsFunc(list, func(r bridge.Installation) bool { return keyOf(r) == key }) {
			delete(a.all, key)
		}
	}
	a.mu.Unlock()
	a.knowOnce.Do(func() { close(a.known) })
}

// record is an installation as it is known now.
func (a *Apps) record(key installKey) bridge.Installation {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.all[key]
}

// Follow keeps the installations known and their tokens fresh until ctx ends. Every
// process that sends or hears runs it.
func (a *Apps) Follow(ctx context.Context) error {
	if a.opt.Installs == nil {
		<-ctx.Done()
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.opt.Installs.Watch(ctx, a.take) })
	group.Go(func() error { return a.keep(ctx) })
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// loaded waits until the store was read.
func (a *Apps) loaded(ctx context.Context) bool {
	select {
	case <-a.known:
		return true
	default:
	}
	select {
	case <-a.known:
		return true
	case <-ctx.Done():
		return false
	}
}

// find gives the installation that serves a workspace: its own before that of its
// organisation, the newest where there are several, live before ended.
func (a *Apps) find(enterprise, team string) (bridge.Installation, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var best bridge.Installation
	found := false
	rank := func(r bridge.Installation) int {
		n := 0
		if r.Live() {
			n += 2
		}
		if r.Team != bridge.WholeOrganisation {
			n++
		}
		return n
	}
	for _, r := range a.all {
		serves := team != "" && r.Team == team || r.Team == bridge.WholeOrganisation && enterprise != "" && r.Enterprise == enterprise
		if !serves {
			continue
		}
		if better := cmp.Or(cmp.Compare(rank(r), rank(best)), r.Installed.Compare(best.Installed)); !found || better > 0 {
			best, found = r, true
		}
	}
	return best, found
}

// sink gives the sink of a workspace that an installation serves.
func (a *Apps) sink(r bridge.Installation, team string) *Sink {
	at := seat{keyOf(r), team}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.sinks[at]; s != nil {
		return s
	}
	g := &grant{apps: a, key: at.by, team: team}
	o := a.opt.Options
	o.BotToken, o.AppToken, o.Manages = g.token, nil, g.manages
	s, err := build(o)
	if err != nil { // the same options made the front
		return a.front
	}
	s.log = a.log.With("workspace", team)
	s.grant, s.web.grant = g, g
	a.sinks[at] = s
	return s
}

// of gives the sink that serves a workspace, nil for none.
func (a *Apps) of(enterprise, team string) *Sink {
	if a.own && team != "" && a.front.web.selfKnown().TeamID == team {
		return a.front
	}
	if enterprise == "" {
		enterprise = a.organisation(team)
	}
	if r, ok := a.find(enterprise, team); ok && r.Live() {
		return a.sink(r, team)
	}
	if a.own && a.front.web.selfKnown().TeamID == "" {
		return a.front // as far as anybody knows
	}
	return nil
}

// handleBy brings a delivery to the workspace that it is about.
func (a *Apps) handleBy(ctx context.Context, deadline time.Time, in inbound) ack {
	early, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if !a.loaded(early) {
		return ack{again: true}
	}
	if in.kind == event && a.about(in.event) {
		return a.changes(early, in)
	}
	s := a.of(in.at.enterprise, in.at.team)
	if s == nil || s.grant != nil && !s.grant.hears(in.app) {
		a.front.unheard("of a workspace without the app")
		return ack{}
	}
	if s.grant != nil {
		a.met(s.grant)
	}
	return s.handleOwn(ctx, deadline, in)
}

// Answer is Sink.Answer by the workspace that was asked from.
func (a *Apps) Answer(ctx context.Context, q command.Request, answer command.Answer) {
	if q.Door != command.Slack || !a.loaded(ctx) {
		return
	}
	if s := a.of("", q.Principal.Workspace); s != nil {
		s.Answer(ctx, q, answer)
	}
}

// everySink lists the sinks of this process.
func (a *Apps) everySink() []*Sink {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := []*Sink{a.front}
	for _, s := range a.sinks {
		out = append(out, s)
	}
	return out
}

// Run is Sink.Run for all workspaces: one app has one set of sockets.
func (a *Apps) Run(ctx context.Context) error { return a.front.Run(ctx) }

// CatchUp is Sink.CatchUp for all workspaces.
func (a *Apps) CatchUp(ctx context.Context) error {
	if a.own {
		if err := a.front.CatchUp(ctx); err != nil {
			return err
		}
	}
	if !a.loaded(ctx) {
		return nil
	}
	for _, at := range a.seats() {
		if err := a.sink(a.record(at.by), at.team).CatchUp(ctx); err != nil {
			a.log.WarnContext(ctx, "threads not read again", "workspace", at.team, "err", err)
		}
	}
	return nil
}

// Handler answers Slack's deliveries over HTTP as Sink.Handler does, and installs the
// app at /slack/install and /slack/oauth/callback where it may be.
func (a *Apps) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", a.front.Handler())
	if a.opt.OAuth != nil {
		mux.HandleFunc(installPath, a.install)
		mux.HandleFunc(callbackPath, a.callback)
	}
	return mux
}

// Drain is Sink.Drain for all workspaces.
func (a *Apps) Drain(ctx context.Context) error {
	var all []error
	for _, s := range a.everySink() {
		all = append(all, s.Drain(ctx))
	}
	return errors.Join(all...)
}
