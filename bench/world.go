package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// world is everything outside one bridge: the API with its people, both
// platforms, a webhook receiver, and the folder that the bridge works in.
type world struct {
	dir     string
	sandbox *sandbox.Sandbox
	api     *httptest.Server
	agent   sandbox.Credentials
	agents  []sandbox.Credentials // all that are watched, agent the first of them
	discord *fakediscord.Server
	channel string // at Discord
	slack   *fakeslack.Server
	team    *fakeslack.Workspace
	alerts  string // at Slack
	hook    *receiver
	nats    string // address of the embedded server
	web     string
	signed  bool     // the platforms call the bridge by signed HTTP, in place of its sockets
	writers []string // people who may act in the agent's name
	often   bool     // the bridge looks every two seconds, in place of ten
	beside  string   // another channel at Discord, where a section wants one
	other   *receiver
	spread  int      // destinations, where a section wants many
	shares  []string // channels of those that are some
}

// newWorld makes a world in its first state. A lenient one hardly limits calls
// and messages, for what starts the program often or sends more than a chat takes.
func newWorld(ctx context.Context, dir string, lenient bool) (w *world, err error) {
	return newWorldOf(ctx, dir, lenient, 1)
}

// newWorldOf is newWorld with many agents that are watched.
func newWorldOf(ctx context.Context, dir string, lenient bool, agents int) (w *world, err error) {
	w = &world{dir: dir, hook: newReceiver()}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return w, err
	}
	var o sandbox.Options
	for n := range agents {
		if agents > 1 {
			id := fmt.Sprintf("watched_%03d", n)
			o.Agents = append(o.Agents, sandbox.Credentials{Handle: id, ClientID: "client_" + id, ClientSecret: "secret-of-" + id})
		}
	}
	if w.sandbox, err = sandbox.New(o); err != nil {
		return w, err
	}
	w.api = httptest.NewServer(w.sandbox)
	w.sandbox.SetBaseURL(w.api.URL)
	w.agents = w.sandbox.Agents()[:agents]
	w.agent = w.agents[0]
	discord, slack := fakediscord.Options{IdentifyEvery: -1}, fakeslack.Options{}
	if lenient {
		w.sandbox.SetLimit(sandbox.ClassAuth, 1000)
		w.sandbox.SetLimit(sandbox.ClassRead, 10_000)
		discord.Limits = map[string]fakediscord.Limit{"GET /gateway/bot": {}, "POST /channels/{channel_id}/messages": {}}
		slack.Limits.Off = true
	}
	if w.discord, err = fakediscord.New(discord); err != nil { //nolint:contextcheck // it lives until close
		return w, err
	}
	w.channel = w.discord.Channel(w.discord.Guild("Lab"), "agents")
	if w.slack, err = fakeslack.New(slack); err != nil {
		return w, err
	}
	w.team = w.slack.AddWorkspace("acme", "chat:write", "channels:history", "channels:read")
	w.alerts = w.team.AddChannel("alerts")
	if w.nats, w.web, err = freeAddresses(ctx); err != nil {
		return w, err
	}
	return w, nil
}

func (w *world) close() {
	w.hook.server.Close()
	if w.other != nil {
		w.other.server.Close()
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
}

// Lines of the configuration: one subscription for each kind of destination, or
// a webhook or a channel of Discord alone that begins with the oldest event, or two
// webhooks and two channels.
const (
	everywhere = "everywhere"
	hookOnly   = "hook"
	chatOnly   = "chat"
	twoEach    = "two"
	spreadOut  = "spread"
	manyHooks  = "many"
)

func (w *world) subscriptions(which string) string {
	const events = `["notification.*", "message.received", "generation.*"]`
	if which == hookOnly {
		return fmt.Sprintf("subscriptions: [{name: h, events: %s, to: \"webhook:%s\", start: all}]\n", events, w.hook.url())
	}
	switch which {
	case spreadOut:
		return w.spreadOut(events)
	case manyHooks:
		return w.manyHooks()
	}
	if which == twoEach {
		return fmt.Sprintf(`subscriptions:
  - {name: d, events: %[1]s, to: "discord:%[2]s"}
  - {name: h, events: %[1]s, to: "webhook:%[3]s"}
  - {name: x, events: %[1]s, to: "discord:%[4]s"}
  - {name: y, events: %[1]s, to: "webhook:%[5]s"}
`, events, w.channel, w.hook.url(), w.beside, w.other.url())
	}
	if which == chatOnly {
		return fmt.Sprintf("subscriptions: [{name: d, events: %s, to: \"discord:%s\", start: all}]\n", events, w.channel)
	}
	return fmt.Sprintf(`subscriptions:
  - {name: d, events: %[1]s, to: "discord:%[2]s"}
  - {name: s, events: %[1]s, to: "slack:%[3]s"}
  - {name: h, events: %[1]s, to: "webhook:%[4]s"}
`, events, w.channel, w.alerts, w.hook.url())
}

// chatEvery says that every so many of the destinations which share the agents is a
// channel of Discord: what they get together has to stay below the 50 requests a
// second of a bot.
const chatEvery = 4

// chats reports whether what happens to the n-th agent goes to a channel.
func (w *world) chats(n int) bool { return n%(w.spread-1)%chatEvery == 0 }

// spreadOut is a webhook for everything, and channels and webhooks that share the
// agents.
func (w *world) spreadOut(events string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "subscriptions:\n  - {name: all, events: %s, to: \"webhook:%s\"}\n", events, w.hook.url())
	w.other = newReceiver()
	guild := w.discord.Guild("Load")
	for n := range w.spread - 1 {
		var share []string
		for i := n; i < len(w.agents); i += w.spread - 1 {
			share = append(share, w.agents[i].Handle)
		}
		to := "webhook:" + w.other.url()
		if w.chats(n) {
			channel := w.channel
			if n > 0 {
				channel = w.discord.Channel(guild, fmt.Sprintf("agents-%d", n))
				w.shares = append(w.shares, channel)
			}
			to = "discord:" + channel
		}
		fmt.Fprintf(&out, "  - {name: share-%d, agents: [%s], events: %s, to: %q}\n", n, strings.Join(share, ", "), events, to)
	}
	return out.String()
}

// manyHooks are as many subscriptions to direct messages, from the oldest on.
func (w *world) manyHooks() string {
	var out strings.Builder
	out.WriteString("subscriptions:\n")
	for n := range w.spread {
		fmt.Fprintf(&out, "  - {name: lane-%d, events: [message.received], to: \"webhook:%s/%d\", start: all}\n", n, w.hook.url(), n)
	}
	return out.String()
}

func (w *world) file() string { return filepath.Join(w.dir, "imaginebridge.yaml") }

// configure writes the configuration: defaults everywhere but for addresses.
func (w *world) configure(which string) error {
	var agents []string
	for _, a := range w.agents {
		secret := filepath.Join(w.dir, a.Handle+".secret")
		if err := os.WriteFile(secret, []byte(a.ClientSecret), 0o600); err != nil {
			return err
		}
		agents = append(agents, fmt.Sprintf(`{handle: %s, client_id: %s, client_secret: "${file:%s}"}`, a.Handle, a.ClientID, secret))
	}
	atDiscord, atSlack := "", "app_token: "+w.slack.AppToken()
	if w.signed {
		atDiscord, atSlack = ", public_key: "+w.discord.PublicKey(), "signing_secret: "+w.slack.SigningSecret()
	}
	text := fmt.Sprintf(`imagineanything: {base_url: %s}
agents: [%s]
nats: {listen: %s}
http: {listen: %s}
discord: {bot_token: "%s", api_url: %s%s}
slack: {bot_token: %s, api_url: %s, %s}
webhooks: {allow_private: true}
`, w.api.URL, strings.Join(agents, ", "), w.nats, w.web,
		fakediscord.DefaultToken, w.discord.URL(), atDiscord, w.team.BotToken(), w.slack.URL(), atSlack)
	if w.often {
		text += "poll: {notifications: 2s, messages: 2s, ceiling: 2s}\n"
	}
	return os.WriteFile(w.file(), []byte(text+w.writersLine()+w.subscriptions(which)), 0o600)
}

// violations counts what a well-made client would not have sent to anybody.
func (w *world) violations() int {
	return len(w.sandbox.Violations()) + len(w.discord.Faults()) + len(w.slack.Faults("ratelimited"))
}

// mark is the text by which one happening is found again everywhere.
var mark = regexp.MustCompile(`mark-\d{6}`)

func markOf(n int) string { return fmt.Sprintf("mark-%06d", n) }

// atDiscord tells when each mark became visible in a channel or a thread of it.
func (w *world) atDiscord() (arrivals, error) {
	a := newArrivals()
	var places []string
	for _, channel := range append([]string{w.channel}, w.shares...) {
		places = append(append(places, w.discord.Threads(channel)...), channel)
	}
	for _, place := range places {
		for _, m := range w.discord.Messages(place) {
			at, err := time.Parse(time.RFC3339Nano, m.Timestamp)
			if err != nil {
				return a, err
			}
			b, err := json.Marshal(m)
			if err != nil {
				return a, err
			}
			a.note(b, at)
		}
	}
	return a, nil
}

// atSlack likewise.
func (w *world) atSlack() arrivals {
	a := newArrivals()
	for _, m := range w.slack.Messages(w.alerts) {
		a.note(m.Blocks, m.At)
	}
	return a
}

// arrivals are the marks that were seen in one place.
type arrivals struct {
	first map[string]time.Time
	again int // marks seen more than once
}

func newArrivals() arrivals { return arrivals{first: map[string]time.Time{}} }

func (a *arrivals) note(text []byte, at time.Time) {
	m := string(mark.Find(text))
	if m == "" {
		return
	}
	if _, known := a.first[m]; known {
		a.again++
		return
	}
	a.first[m] = at
}

// receiver takes webhooks and notes when each came.
type receiver struct {
	server *httptest.Server
	stuck  atomic.Bool // it takes nothing and answers 503

	mu          sync.Mutex
	seen        arrivals
	first, last time.Time
	count       int
}

func newReceiver() *receiver {
	r := &receiver{seen: newArrivals()}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if r.stuck.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if err == nil {
			r.take(body, time.Now())
		}
	}))
	return r
}

func (r *receiver) url() string { return r.server.URL + "/in" }

// take notes what came by webhook or by NATS.
func (r *receiver) take(body []byte, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count++; r.first.IsZero() {
		r.first = at
	}
	r.last = at
	r.seen.note(body, at)
}

func (r *receiver) arrivals() arrivals {
	r.mu.Lock()
	defer r.mu.Unlock()
	return arrivals{first: maps.Clone(r.seen.first), again: r.seen.again}
}

// distinct is how many marks came.
func (r *receiver) distinct() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen.first)
}

// progress tells how many came, and when the first and the last one did.
func (r *receiver) progress() (count int, first, last time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count, r.first, r.last
}

// freeAddresses are two addresses of this machine that nobody listened on just
// now.
func freeAddresses(ctx context.Context) (a, b string, err error) {
	var lc net.ListenConfig
	one, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer one.Close()
	two, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer two.Close()
	return one.Addr().String(), two.Addr().String(), nil
}
