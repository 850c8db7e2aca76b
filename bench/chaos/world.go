package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// world is everything outside the bridge, with a line that can be cut between it
// and each part.
type world struct {
	plan    plan
	sandbox *sandbox.Sandbox
	api     *httptest.Server
	agents  []sandbox.Credentials
	discord *fakediscord.Server
	slack   *fakeslack.Server
	team    *fakeslack.Workspace
	hooks   []*receiver
	nats    *natsChild
	bridge  *bridge
	lines   map[string]*line
	places  []place
	asker   struct{ discord, slack, guild string }

	mu       sync.Mutex // guards all below
	facts    []fact
	commands []*asked
	notes    []note // what was done to the bridge, for paths
	counts   map[string]int
}

// note is one thing done to the bridge.
type note struct {
	at   time.Time
	what string
}

// place is one destination and what belongs there.
type place struct {
	name   string // of the subscription, too
	to     string
	agents []string
	hook   *receiver // of webhooks
	strict bool      // of webhooks: order is promised
}

const (
	lineAPI     = "API"
	lineNATS    = "NATS"
	lineDiscord = "Discord"
	lineSlack   = "Slack"
)

// newWorld makes a world in its first state. The calls with which a program begins
// are not limited, since hundreds of programs begin; messages are.
func newWorld(ctx context.Context, p plan) (w *world, err error) {
	w = &world{plan: p, lines: map[string]*line{}, counts: map[string]int{}}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.sandbox, err = sandbox.New(sandbox.Options{Seed: p.seed, JobScale: 0.2}); err != nil {
		return w, err
	}
	w.api = httptest.NewServer(w.sandbox)
	w.agents = w.sandbox.Agents()[:3]
	w.sandbox.SetLimit(sandbox.ClassAuth, 1000)
	w.sandbox.SetLimit(sandbox.ClassRead, 1000)
	w.discord, err = fakediscord.New(fakediscord.Options{IdentifyEvery: -1, Limits: map[string]fakediscord.Limit{ //nolint:contextcheck // it lives until close
		"GET /gateway/bot": {}, "GET /applications/{application_id}/commands": {}, "PUT /applications/{application_id}/commands": {},
	}})
	if err != nil {
		return w, err
	}
	if w.slack, err = fakeslack.New(fakeslack.Options{}); err != nil {
		return w, err
	}
	w.team = w.slack.AddWorkspace("acme", "chat:write", "commands", "channels:history", "channels:read")
	for name, to := range map[string]string{
		lineAPI: w.api.Listener.Addr().String(), lineNATS: "", lineDiscord: hostOf(w.discord.URL()), lineSlack: hostOf(w.slack.URL()),
	} {
		if w.lines[name], err = newLine(ctx, name, to); err != nil {
			return w, err
		}
	}
	w.sandbox.SetBaseURL("http://" + w.lines[lineAPI].address())
	w.nats = &natsChild{dir: filepath.Join(p.dir, "nats"), line: w.lines[lineNATS]}
	w.furnish()
	w.bridge = &bridge{world: w}
	return w, w.configure()
}

func hostOf(address string) string {
	_, host, _ := strings.Cut(address, "://")
	host, _, _ = strings.Cut(host, "/")
	return host
}

// furnish makes three destinations of each kind: one for all agents, one for the
// first two, one for the third alone.
func (w *world) furnish() {
	guild := w.discord.Guild("Lab")
	var all []string
	for _, a := range w.agents {
		all = append(all, a.Handle)
	}
	shares := [][]string{all, all[:2], all[2:]}
	for n, agents := range shares {
		hook := newReceiver()
		w.hooks = append(w.hooks, hook)
		w.places = append(w.places,
			place{name: fmt.Sprint("discord", n), to: "discord:" + w.discord.Channel(guild, fmt.Sprint("agents-", n)), agents: agents},
			place{name: fmt.Sprint("slack", n), to: "slack:" + w.team.AddChannel(fmt.Sprint("alerts-", n)), agents: agents},
			place{name: fmt.Sprint("webhook", n), to: "webhook:" + hook.url(), agents: agents, hook: hook, strict: n < 2})
	}
	w.asker.guild = guild
	w.asker.discord, w.asker.slack = w.discord.User("ann"), w.team.AddUser("bob")
}

// configure writes the configuration of the bridge.
func (w *world) configure() error {
	var agents, subscriptions strings.Builder
	for _, a := range w.agents {
		secret := filepath.Join(w.plan.dir, a.Handle+".secret")
		if err := os.WriteFile(secret, []byte(a.ClientSecret), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&agents, "  - {handle: %s, client_id: %s, client_secret: \"${file:%s}\"}\n", a.Handle, a.ClientID, secret)
	}
	for _, p := range w.places {
		order := ""
		if p.strict {
			order = "order: strict, "
		}
		if p.hook == nil {
			order = "fold: 10m, "
		}
		fmt.Fprintf(&subscriptions, "  - {name: %s, agents: [%s], events: [\"notification.*\", message.received, generation.completed], %sto: %q}\n",
			p.name, strings.Join(p.agents, ", "), order, p.to)
	}
	text := fmt.Sprintf(`imagineanything: {base_url: "http://%s"}
agents:
%spoll: {notifications: 2s, messages: 2s, generations: 2s, ceiling: 2s}
nats: {url: "nats://%s"}
http: {listen: off}
discord: {bot_token: "%s", api_url: "http://%s"}
slack: {bot_token: %s, app_token: %s, api_url: "http://%s"}
webhooks: {allow_private: true}
access: {write: ["discord:user:%s", "slack:user:%s"]}
subscriptions:
%s`, w.lines[lineAPI].address(), &agents, w.lines[lineNATS].address(), fakediscord.DefaultToken, w.lines[lineDiscord].address(),
		w.team.BotToken(), w.slack.AppToken(), w.lines[lineSlack].address(), w.asker.discord, w.asker.slack, &subscriptions)
	return os.WriteFile(w.file(), []byte(text), 0o600)
}

func (w *world) file() string { return filepath.Join(w.plan.dir, "imaginebridge.yaml") }

// begin starts NATS and the bridge, and waits until the bridge has looked at each
// agent for the first time: nothing that happened before is an event.
func (w *world) begin(ctx context.Context) error {
	if err := w.nats.start(); err != nil {
		return err
	}
	if err := w.bridge.start(); err != nil {
		return err
	}
	for range 300 {
		if w.watched() {
			return nil
		}
		if pause(ctx, 100*time.Millisecond); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("the bridge did not begin within 30 s; its log is %s", w.bridge.log())
}

// watched reports whether the baseline of every agent is stored: each source was
// read at least twice by then.
func (w *world) watched() bool {
	reads := map[string]int{}
	for _, e := range w.sandbox.Journal() {
		if e.Status == 200 {
			reads[e.Agent+" "+e.Path]++
		}
	}
	for _, a := range w.agents {
		if reads[a.Handle+" /api/notifications"] < 3 || reads[a.Handle+" /api/conversations"] < 3 {
			return false
		}
	}
	return true
}

func (w *world) close() {
	if w.bridge != nil {
		w.bridge.kill()
	}
	if w.nats != nil {
		w.nats.end(true)
	}
	for _, l := range w.lines {
		l.close()
	}
	if w.api != nil {
		w.api.Close()
	}
	if w.discord != nil {
		w.discord.Close()
	}
	if w.slack != nil {
		w.slack.Close()
	}
	for _, h := range w.hooks {
		h.close()
	}
}

// did notes what was done to the bridge and counts it.
func (w *world) did(kind, detail string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[kind]++
	w.notes = append(w.notes, note{time.Now(), strings.TrimSpace(kind + " " + detail)})
}
