package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/poller"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

// These bound the parts of a shutdown, which may take ten seconds: edits that
// wait in a sink, and draining and stopping the store.
const (
	drainTimeout = 2 * time.Second
	closeTimeout = 3 * time.Second
)

// process is one running bridge.
type process struct {
	wiring
	roles    []string
	book     *book
	doors    []door
	accounts *accounts
	web      *web.Server
	listener net.Listener // of the web server; nil for none
	hint     []string     // last words of the console page
	began    time.Time

	registered registered    // agents that commands added
	named      chan struct{} // closed when every agent's handle is known

	polling sync.Mutex // guards poller, and that agents change together
	poller  *poller.Poller
	hooks   hooks

	reread   func() (loaded, error) // reads the configuration again; nil where there is none to read
	files    []string               // what it was read from
	fromFile bool
}

// newProcess opens the store and builds everything; it starts nothing but the
// embedded server. What can be wrong with the surroundings is found here.
func newProcess(ctx context.Context, cfg config.Config, p *program, log *slog.Logger, hint []string) (*process, error) {
	pr := &process{
		wiring: wiring{cfg: cfg, log: log, out: p.out, colour: p.colour(), version: versionText(), health: newHealth(), workers: &workers{}},
		roles:  p.roles, hint: hint, began: time.Now(),
	}
	pr.hooks.changed, pr.named = make(chan struct{}, 1), make(chan struct{})
	if len(pr.roles) == 0 {
		pr.roles = roles
	}
	var err error
	for _, r := range fileRecords(cfg) { // Load has checked them: an error here is ours
		if _, err = r.Compile(); err != nil {
			return nil, fmt.Errorf("subscription %s: %w", r.ID, err)
		}
	}
	if pr.has("console") && cfg.HTTP.Listen != "off" {
		if pr.listener, err = listenOn(ctx, cfg.HTTP.Listen, "IMAGINEBRIDGE_LISTEN"); err != nil {
			return nil, err
		}
	}
	if pr.keys, err = newRing(cfg); err != nil {
		pr.closeListener()
		return nil, err
	}
	pr.observe(p.env)
	store := busOptions(cfg, pr.keys, log)
	store.Trace = pr.seen.tracer()
	if pr.bus, err = bus.Open(ctx, store); err != nil {
		pr.closeListener()
		return nil, errors.Join(err, pr.seen.close(ctx))
	}
	if err := pr.build(); err != nil {
		pr.closeListener()
		return nil, errors.Join(err, pr.close(ctx))
	}
	return pr, nil
}

func (pr *process) has(role string) bool { return slices.Contains(pr.roles, role) }

func (pr *process) closeListener() {
	if pr.listener != nil {
		_ = pr.listener.Close()
	}
}

// build makes the agents' clients, the doors and the web server.
func (pr *process) build() error {
	pr.accounts = newAccounts()
	for _, a := range pr.cfg.Agents {
		one, err := pr.open(pr.accounts.site, a)
		switch {
		case err != nil:
			return err
		case a.Handle == "":
			pr.accounts.nameless = &one
		default:
			pr.accounts.byHandle[a.Handle] = one
		}
	}
	pr.book = newBook(pr.serves)
	pr.commands = pr.newCommands(pr.accounts, pr.book)
	pr.book.scope = func(r bridge.SubscriptionRecord) (bridge.Scope, bool) { return pr.commands.places.look().scope(r) }
	pr.book.absent = func(r bridge.SubscriptionRecord) bool { return pr.commands.places.look().absent(r) }
	pr.commands.places.changed = pr.book.recheck
	var err error
	if pr.doors, err = pr.wiring.doors(); err != nil {
		return err
	}
	pr.health.tell, pr.health.others = pr.tell, pr.elsewhere
	pr.health.expect("nats", "")
	for _, d := range pr.doors {
		if d.run != nil && (pr.has("deliver") || pr.has("receive")) {
			pr.health.expect(d.scheme, "")
		}
	}
	pr.commands.house.doors = pr.doors
	pr.health.subscriptions(fileRecords(pr.cfg))
	if pr.listener == nil {
		return nil
	}
	return pr.openWeb()
}

// openWeb makes the web server, and the token that signs in to its console.
func (pr *process) openWeb() error {
	remote := reachable(pr.listener, pr.cfg.HTTP.PublicURL)
	token, err := consoleToken(pr.cfg.Runtime.ConsoleToken.Reveal(), pr.cfg.Runtime.DataDir)
	switch {
	case err != nil && remote:
		return err
	case err != nil: // with the store elsewhere, no folder is needed; on this machine, no token is
		pr.log.Debug("no token for the console was stored", "err", err)
	case remote && pr.cfg.Runtime.ConsoleToken.IsZero():
		pr.log.Info("the console asks who opens it for a token", "file", filepath.Join(pr.cfg.Runtime.DataDir, tokenFile))
	}
	pr.web, err = web.New(web.Options{
		Conditions: pr.health.all, Lanes: pr.health.allLanes, Tail: pr.tailForWeb, Version: pr.version, Hint: pr.hint,
		Hosts: publicHosts(pr.cfg.HTTP.PublicURL), MediaHosts: []string{pr.cfg.ImagineAnything.BaseURL}, Log: pr.log.With("component", "web"),
		Metrics: pr.seen.metrics.Handler(), Remote: remote, HTTPS: strings.HasPrefix(pr.cfg.HTTP.PublicURL, "https://"), Token: token, Operator: pr.operator(),
	})
	return err
}

// publicHosts is the Host by which the outside world reaches the web server.
func publicHosts(publicURL string) []string {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	return []string{u.Hostname()}
}

// tell passes a change of state on to everybody who listens on NATS.
func (pr *process) tell(c web.Condition) {
	level := slog.LevelInfo
	switch c.State {
	case web.StateDegraded:
		level = slog.LevelWarn
	case web.StateDown:
		level = slog.LevelError
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	pr.log.Log(ctx, level, "state changed", "component", c.Component, "agent", c.Agent, "state", c.State, "reason", c.Reason, "next", c.Next)
	state := bus.Condition(c.State)
	if c.State == web.StateStarting {
		return
	}
	err := pr.bus.Status(ctx, bus.Status{Component: c.Component, Agent: c.Agent, State: state, Reason: c.Reason, Next: c.Next, Since: c.Since})
	if err != nil {
		pr.log.Debug("status not published", "err", err)
	}
}

// run works until ctx ends, then hands everything back: receiving stops first,
// then polling, then what is in flight, then the store.
func (pr *process) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, pr.health.end)()
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return pr.bus.Run(running) })
	group.Go(func() error { return pr.followBook(running) })
	group.Go(func() error { return pr.followAgents(running) })
	if pr.slackSink != nil {
		group.Go(func() error { return pr.slackSink.Follow(running) })
	}
	group.Go(func() error { return pr.name(running) })
	group.Go(func() error { return pr.commands.places.follow(running, pr.bus.Workspaces()) })
	group.Go(func() error { return pr.commands.places.learn(running, pr.book.turned, pr.doors, pr.log) })
	group.Go(func() error { return pr.bus.Tell(running, agentsTopic, func() any { return pr.agentsHere() }) })
	if pr.has("poll") {
		pr.expectAgents()
		group.Go(func() error { return pr.poll(running) })
		if pr.cfg.HTTP.PublicURL != "" {
			group.Go(func() error { return pr.keepHooks(running) })
		}
	}
	if pr.has("deliver") {
		group.Go(func() error { return pr.deliver(running) })
		group.Go(func() error { return pr.purge(running) })
		group.Go(func() error { return pr.watchLanes(running) })
	}
	if pr.has("deliver") || pr.has("receive") {
		group.Go(func() error { return pr.hear(running) })
	}
	if pr.web != nil {
		group.Go(func() error { return pr.web.Run(running) })
		group.Go(func() error { return serve(running, pr.listener, pr.handler(running)) })
	}
	if pr.has("receive") {
		group.Go(func() error { return pr.serveCommands(running) })
	}
	if pr.reread != nil {
		group.Go(func() error { return pr.keepConfigured(running) })
	}
	group.Go(func() error { return pr.announce(running) })
	err := group.Wait()
	if ctx.Err() != nil {
		err = nil
	}
	pr.drain(ctx)
	return errors.Join(err, pr.close(ctx))
}

// handler answers the bridge's own pages, and the doors of Discord and Slack
// where this process receives.
func (pr *process) handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pr.web.Handler())
	mux.Handle(hookPath, pr.hookHandler())
	mux.Handle("GET "+discord.InstallPath, pr.discordSink.Install())
	if pr.has("receive") && pr.discordSink != nil && pr.cfg.Discord.PublicKey != "" {
		mux.Handle("/discord/interactions", new(strangers).guard(pr.discordSink.Door(ctx)))
	}
	if pr.has("receive") && pr.slackSink != nil {
		known := new(strangers)
		for _, path := range pr.slackPages() {
			mux.Handle(path, pr.slackSink.Handler())
		}
		for _, path := range pr.slackSigned() {
			mux.Handle(path, known.guard(pr.slackSink.Handler()))
		}
	}
	return bounded(mux, maxBody, readTime)
}

// drain lets the doors finish what waits in them.
func (pr *process) drain(ctx context.Context) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if pr.discordSink != nil {
		pr.discordSink.Drain()
	}
	for _, d := range pr.doors {
		if waits, ok := d.sink.(interface {
			Drain(ctx context.Context) error
		}); ok {
			if err := waits.Drain(ending); err != nil {
				pr.log.WarnContext(ctx, "messages left waiting", "component", d.scheme, "err", err)
			}
		}
	}
}

func (pr *process) close(ctx context.Context) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err := pr.bus.Close(ending)
	if err := pr.seen.close(ending); err != nil { // traces are worth no failure
		pr.log.DebugContext(ctx, "traces left behind", "err", err)
	}
	if err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// announce says when everything came up, and keeps count of the processes.
func (pr *process) announce(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	said := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !said && pr.health.ready() {
			said = true
			log := pr.log
			if pr.listener != nil {
				log = log.With("console", "http://"+pr.listener.Addr().String()+"/console/")
			}
			log.Info("ready", "agents", len(pr.now().Agents), "subscriptions", len(pr.now().Subscriptions), "after", time.Since(pr.began).Round(time.Millisecond))
			tick.Reset(5 * time.Second)
			pr.invite(ctx)
		}
		info, err := pr.bus.Info(ctx)
		if ctx.Err() != nil {
			return nil
		}
		pr.health.store(err)
		pr.health.overdue()
		if err == nil {
			pr.health.setMembers(info.Members)
		}
	}
}

// tailForWeb feeds the console page with what the stream stores.
func (pr *process) tailForWeb(ctx context.Context, since time.Time, fn func(e events.Event, stored time.Time)) error {
	return pr.bus.Tail(ctx, bus.Query{Since: since}, func(e events.Event, at bus.Stored) {
		if at.Err == nil {
			fn(e, at.At)
		}
	})
}
