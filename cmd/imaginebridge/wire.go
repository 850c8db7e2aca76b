package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/seal"
	"github.com/imaginebridge/imaginebridge/sinks/console"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
	"github.com/imaginebridge/imaginebridge/sinks/webhook"
)

// door is one way out: a sink under its destination scheme, and what keeps it
// connected where it needs that.
type door struct {
	scheme string
	sink   bridge.Sink
	run    func(ctx context.Context) error // held by one process; nil where nothing is to be held
}

// wiring builds the rooms of one process from its configuration.
type wiring struct {
	cfg     config.Config                 // as it was at the start
	live    atomic.Pointer[config.Config] // as it is now; nil while that is the same
	log     *slog.Logger
	out     io.Writer
	version string
	keys    *seal.Ring
	bus     *bus.Bus
	health  *health
	workers *workers
	seen    *observed // nil: nobody watches

	commands    *commands // nil where nothing is to be done from chat
	discordSink *discord.Sink
	slackSink   *slack.Apps
	colour      bool
}

// now is the configuration of this moment.
func (w *wiring) now() config.Config {
	if live := w.live.Load(); live != nil {
		return *live
	}
	return w.cfg
}

// openBus opens the store: embedded under the data folder, or elsewhere. Its secrets
// are sealed with the ring.
func openBus(ctx context.Context, cfg config.Config, ring *seal.Ring, log *slog.Logger) (*bus.Bus, error) {
	return bus.Open(ctx, busOptions(cfg, ring, log))
}

func busOptions(cfg config.Config, ring *seal.Ring, log *slog.Logger) bus.Options {
	return bus.Options{
		Seal: ring, KeySource: keySource(cfg), Version: versionText(),
		URL: cfg.NATS.URL, Creds: cfg.NATS.Creds, DataDir: cfg.Runtime.DataDir, Listen: cfg.NATS.Listen,
		Store: int64(cfg.NATS.Store), Sync: cfg.NATS.Sync.String(), Keep: cfg.NATS.Keep.Std(),
		Name: "imaginebridge", Log: log.With("component", "nats"),
	}
}

// doors makes the sinks that the configuration has credentials or a use for.
func (w *wiring) doors() ([]door, error) {
	out := []door{{scheme: "console", sink: console.New(console.Options{Out: w.out, Color: w.colour})}}
	hooks, err := webhook.New(webhook.Options{
		Secrets: w.signingSecrets, AllowPrivate: w.cfg.Webhooks.AllowPrivate, Version: w.version, Through: w.seen.through("webhook"),
		Log: w.log.With("component", "webhook"),
	})
	if err != nil {
		return nil, err
	}
	out = append(out, door{scheme: "webhook", sink: hooks})
	if !w.cfg.Discord.BotToken.IsZero() {
		d, err := w.discord()
		if err != nil {
			return nil, err
		}
		w.discordSink = d
		out = append(out, door{"discord", d, d.Run})
	}
	if !w.cfg.Slack.BotToken.IsZero() || w.cfg.Slack.Installable() {
		s, err := w.slackApps()
		if err != nil {
			return nil, err
		}
		w.slackSink = s
		out = append(out, door{"slack", s, w.hearing(s)})
	}
	return out, nil
}

func (w *wiring) discord() (*discord.Sink, error) {
	o := discord.Options{
		Token: w.cfg.Discord.BotToken.Reveal, APIURL: w.cfg.Discord.APIURL, ApplicationID: w.cfg.Discord.ApplicationID,
		Version: w.version, MessageContent: w.cfg.Discord.MessageContent, Shares: w.members,
		Log: w.log.With("component", "discord"), PublicKey: w.cfg.Discord.PublicKey,
		Report: func(s discord.Status) { w.health.discord(s) },
		Watch: func(c discord.Change) {
			if c.Kind != discord.Removed { // who is gone need not be asked whether it is back
				w.workers.resume("discord", c.Channel)
			}
		},

		HTTPClient: w.seen.client("discord"), Trace: w.seen.tracer(), Acked: w.seen.acked("discord"),
	}
	if c := w.commands; c != nil {
		o.Commands, o.Complete, o.Actions, o.Notes = c, c.complete, actionsOf(w.cfg), w.bus
		o.Workspaces = w.bus.Workspaces()
		o.Subscriptions = func(guild string) []string { return c.places.names(command.Discord, guild) }
		o.Agents = func(guild string) []string { return c.places.agents(command.Discord, guild) }
		o.Settled = func() bool { return w.filed(c.house.book) && c.places.settled(command.Discord) }
		o.Refused = c.refused
		o.Usual = func(channel string) string { return c.places.usual(command.Discord, channel) }
	}
	return discord.New(o)
}

func (w *wiring) slackOptions() slack.Options {
	o := slack.Options{
		BotToken: w.cfg.Slack.BotToken.Reveal, AppToken: w.cfg.Slack.AppToken.Reveal, APIURL: w.cfg.Slack.APIURL,
		Version: w.version, Log: w.log.With("component", "slack"),
		Link:    func(err error) { w.health.slack(err) },
		Changed: func(c slack.Change) { w.workers.resume("slack", c.Channel) },

		SigningSecret: w.cfg.Slack.SigningSecret.Reveal,

		HTTPClient: w.seen.client("slack"), Trace: w.seen.tracer(), Acked: w.seen.acked("slack"), Count: w.seen.slackCount(),
	}
	if c := w.commands; c != nil {
		o.Commands, o.Accept, o.Complete, o.Actions, o.Notes = c.Do, c.Accept, c.completer.Complete, actionsOf(w.cfg), w.bus
		o.Subscriptions = func(team string) []string { return c.places.names(command.Slack, team) }
		o.Agents = func(team string) []string { return c.places.agents(command.Slack, team) }
		o.Manages = func(team, user string) bool {
			r, _ := c.places.record(command.Slack, team)
			return user != "" && r.Installer.ID == user
		}
		o.Follow, o.Refused = c.jobs.follow, c.refused
	}
	return o
}

// hearSlack keeps Slack's sockets, and once reads what was written while nobody
// listened.
func hearSlack(ctx context.Context, s *slack.Apps) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Run(ctx) })
	group.Go(func() error { return s.CatchUp(ctx) })
	return group.Wait()
}

// members is how many processes share a token's limits now.
func (w *wiring) members() int {
	if w.bus == nil {
		return 1
	}
	return max(1, w.health.members())
}

// signingSecrets returns the secrets that sign a subscription's webhooks: those
// configured, else one derived from the key, which every process makes alike.
func (w *wiring) signingSecrets(subscription string) []string {
	for _, s := range w.now().Subscriptions {
		if s.Name != subscription {
			continue
		}
		if keys := strings.Fields(s.Secret.Reveal()); len(keys) > 0 {
			return keys
		}
		return w.derivedSecrets(subscription)
	}
	if !w.commands.house.book.knows(subscription) {
		return nil
	}
	return w.derivedSecrets(subscription)
}

// reporter notes outcomes for those who watch: on NATS, on the console page and in
// the metrics.
type reporter struct {
	bus    *bus.Bus
	health *health
	seen   *observed
}

// Report implements bridge.Reporter.
func (r reporter) Report(ctx context.Context, o bridge.Outcome) {
	r.health.outcome(o)
	r.seen.outcome(o)
	r.bus.Report(ctx, o)
}

// workers are the lanes that this process delivers.
type workers struct {
	circuits bridge.Circuits // of the places they send to

	mu   sync.Mutex
	live map[string]liveWorker
}

type liveWorker struct {
	to     bridge.Destination
	worker *bridge.Worker
}

func (w *workers) add(s bridge.Subscription, worker *bridge.Worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.live == nil {
		w.live = map[string]liveWorker{}
	}
	w.live[s.Name] = liveWorker{s.To, worker}
}

func (w *workers) remove(s bridge.Subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.live, s.Name)
}

// again makes lanes to one place ask it now, those that are suspended and those
// that begin.
func (w *workers) again(to bridge.Destination) {
	w.circuits.Close(to)
	w.resume(to.Scheme, to.Place)
}

// resume makes suspended lanes look again after something changed at their
// platform: in one channel, or anywhere where none is named.
func (w *workers) resume(scheme, channel string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.live {
		if l.to.Scheme == scheme && (channel == "" || l.to.Place == channel) {
			l.worker.Resume()
		}
	}
}
