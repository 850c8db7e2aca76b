package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == natsWord {
		os.Exit(serveNATS(os.Args[2]))
	}
	dir, err := os.MkdirTemp("", "imaginebridge")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "imaginebridge")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	// These tests wait for the program far more than they work.
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// world is everything outside the program: the API with its people, both
// platforms, a webhook receiver, and a data folder that outlives the program.
type world struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	api     *httptest.Server
	agent   sandbox.Credentials
	watched []sandbox.Credentials // the agent, and others where a test adds them
	discord *fakediscord.Server
	channel string // at Discord
	slack   *fakeslack.Server
	team    *fakeslack.Workspace
	alerts  string // at Slack
	hook    *hook
	dir     string
	nats    string // address of the embedded server
	web     string
	logs    lockedBuffer
	// The ways out, where a gate may stand before them.
	discordURL, slackURL, hookURL string
	natsURL                       string   // of an external server; "" for the embedded one
	store                         string   // what the streams may fill; "" is 64MiB
	extra                         []string // added to the program's environment
}

// options are what a test may want otherwise in its world.
type options struct {
	discord fakediscord.Options
	slack   fakeslack.Options
	sandbox sandbox.Options
}

// newWorld makes a world in its first state, with the platforms' own limits.
func newWorld(t *testing.T, change ...func(*options)) *world {
	t.Helper()
	o := options{
		discord: fakediscord.Options{IdentifyEvery: -1},
		slack:   fakeslack.Options{Limits: fakeslack.Limits{PostBurst: 3}},
	}
	for _, c := range change {
		c(&o)
	}
	w := &world{t: t, dir: t.TempDir(), hook: newHook(t), nats: freeAddress(t), web: freeAddress(t)}
	var err error
	w.sandbox, err = sandbox.New(o.sandbox)
	require.NoError(t, err)
	w.api = httptest.NewServer(w.sandbox)
	t.Cleanup(w.api.Close)
	w.sandbox.SetBaseURL(w.api.URL)
	w.agent = w.sandbox.Agents()[0]
	w.watched = []sandbox.Credentials{w.agent}
	w.discord, err = fakediscord.New(o.discord)
	require.NoError(t, err)
	t.Cleanup(w.discord.Close)
	w.channel = w.discord.Channel(w.discord.Guild("Lab"), "agents")
	w.slack, err = fakeslack.New(o.slack)
	require.NoError(t, err)
	t.Cleanup(w.slack.Close)
	w.team = w.slack.AddWorkspace("acme", "chat:write", "channels:history", "channels:read")
	w.alerts = w.team.AddChannel("alerts")
	w.discordURL, w.slackURL, w.hookURL = w.discord.URL(), w.slack.URL(), w.hook.url
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.logs.String())
		}
	})
	return w
}

// lenient lifts limits of Discord and Slack, for tests that kill the program: it
// can't know what the one before it spent.
func lenient(o *options) {
	o.discord.GlobalPerSecond = 10_000
	o.discord.Limits = map[string]fakediscord.Limit{
		"GET /gateway/bot": {}, "POST /channels/{channel_id}/messages": {},
		"GET /applications/{application_id}/commands": {}, "PUT /applications/{application_id}/commands": {},
	}
	o.slack.Limits = fakeslack.Limits{Off: true}
}

// configure writes the configuration file with the given lines added.
func (w *world) configure(more string) {
	w.t.Helper()
	nats := "listen: " + w.nats
	if w.natsURL != "" {
		nats = "url: " + w.natsURL
	}
	var agents []string
	for _, a := range w.watched {
		agents = append(agents, fmt.Sprintf(`{handle: %s, client_id: %s, client_secret: "${file:%s}"}`, a.Handle, a.ClientID, w.secret(a.Handle, a.ClientSecret)))
	}
	text := fmt.Sprintf(`imagineanything: {base_url: %s}
agents: [%s]
poll: {notifications: 2s, messages: 2s, generations: 2s, ceiling: 2s}
nats: {%s, store: %s}
http: {listen: %s}
discord: {bot_token: "%s", api_url: %s}
slack: {bot_token: %s, api_url: %s}
webhooks: {allow_private: true}
`, w.api.URL, strings.Join(agents, ", "), nats, cmp.Or(w.store, "64MiB"), w.web, fakediscord.DefaultToken, w.discordURL, w.team.BotToken(), w.slackURL)
	require.NoError(w.t, os.WriteFile(w.file(), []byte(text+more), 0o600))
}

// everywhere are the subscriptions of most tests: one for each kind of sink.
func (w *world) everywhere() string {
	const events = `["notification.*", "message.received", "generation.*"]`
	return fmt.Sprintf(`subscriptions:
  - {name: d, events: %[1]s, to: "discord:%[2]s"}
  - {name: s, events: %[1]s, to: "slack:%[3]s"}
  - {name: h, events: %[1]s, to: "webhook:%[4]s", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}
`, events, w.channel, w.alerts, w.hookURL)
}

func (w *world) file() string { return filepath.Join(w.dir, "imaginebridge.yaml") }

// secret keeps a secret in a file of its own, outside of the data folder.
func (w *world) secret(name, value string) string {
	path := filepath.Join(w.dir, name+".secret")
	require.NoError(w.t, os.WriteFile(path, []byte(value+"\n"), 0o600))
	return path
}

// environment is what the program sees of ours.
func (w *world) environment(more ...string) []string {
	return append([]string{
		"IMAGINEBRIDGE_DATA_DIR=" + filepath.Join(w.dir, "data"), "IMAGINEBRIDGE_LOG=debug", "PATH=" + os.Getenv("PATH"), "HOME=" + w.dir,
	}, append(w.extra, more...)...)
}

// child is one running program.
type child struct {
	*exec.Cmd
	t     *testing.T
	done  chan error
	ended error         // how it ended, after kill
	logs  *lockedBuffer // its own; the world's hold those of all
}

// start runs the bridge in the background.
func (w *world) start(args ...string) *child {
	w.t.Helper()
	return w.startWith(nil, args...)
}

// startWith is start with something more in the environment.
func (w *world) startWith(env []string, args ...string) *child {
	w.t.Helper()
	if len(args) == 0 {
		args = []string{"run", "--config", w.file()}
	}
	return w.launch(exec.Command(binary, args...), env)
}

// launch starts the program by a command that a test made.
func (w *world) launch(cmd *exec.Cmd, env []string) *child {
	w.t.Helper()
	cmd.Env, cmd.Dir = w.environment(env...), w.dir
	c := &child{Cmd: cmd, t: w.t, done: make(chan error, 1), logs: &lockedBuffer{}}
	both := io.MultiWriter(c.logs, &w.logs)
	cmd.Stdout, cmd.Stderr = both, both
	require.NoError(w.t, cmd.Start())
	go func() { c.done <- cmd.Wait() }()
	w.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return c
}

// kill ends the program as a crash would.
func (c *child) kill() {
	_ = c.Process.Kill()
	c.ended = c.wait()
}

// wait returns how the program ended.
func (c *child) wait() error { return <-c.done }

// stop asks the program to end and expects a clean one.
func (c *child) stop() {
	c.t.Helper()
	require.NoError(c.t, c.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-c.done:
		require.NoError(c.t, err)
	case <-time.After(30 * time.Second): // ten on a quiet machine
		c.kill()
		c.t.Fatal("it did not stop in time")
	}
}

// output runs a subcommand to its end.
func (w *world) output(args ...string) (out, errs string, code int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	return w.outputOf(ctx, args...)
}

// outputOf runs a subcommand until it or the context ends.
func (w *world) outputOf(ctx context.Context, args ...string) (out, errs string, code int) {
	w.t.Helper()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env, cmd.Dir = w.environment("IMAGINEBRIDGE_LOG=error"), w.dir
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	_ = cmd.Run()
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// ready waits until the program says that it is.
func (w *world) ready() {
	w.t.Helper()
	w.eventually("ready", 20*time.Second, func() bool {
		r, err := http.Get("http://" + w.web + "/readyz") //nolint:forbidigo // a test on loopback
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
}

// eventually polls a condition of the world outside, which has no other signal.
// The limit is a quiet machine's; one that does other work besides gets thrice that.
func (w *world) eventually(what string, within time.Duration, cond func() bool) {
	w.t.Helper()
	require.Eventually(w.t, cond, 3*within, 50*time.Millisecond, what)
}

// act makes something happen at the API, a millisecond after what happened
// before: things of one instant have no order there.
func (w *world) act(a sandbox.Action) sandbox.Result {
	w.t.Helper()
	w.sandbox.Clock().Advance(time.Millisecond)
	r, err := w.sandbox.Act(a)
	require.NoError(w.t, err)
	return r
}

// mention makes a cast member name the agent in a post with a text of its own.
func (w *world) mention(n int) {
	w.t.Helper()
	w.mentionOf(w.agent.Handle, n)
}

func (w *world) mentionOf(handle string, n int) {
	w.t.Helper()
	w.act(sandbox.Action{As: "nova_ai", Do: "post", Content: "@" + handle + " " + numbered(n)})
}

var number = regexp.MustCompile(`number-\d{4}`)

// atDiscord returns the numbered texts visible in the channel, in order.
func (w *world) atDiscord() []string {
	var out []string
	for _, m := range w.discord.Messages(w.channel) {
		b, err := json.Marshal(m.Embeds)
		require.NoError(w.t, err)
		out = append(out, number.FindString(string(b)))
	}
	return texts(out)
}

// atSlack returns the numbered texts visible in the channel, in order.
func (w *world) atSlack() []string {
	var out []string
	for _, m := range w.slack.Messages(w.alerts) {
		out = append(out, number.FindString(string(m.Blocks)))
	}
	return texts(out)
}

func texts(in []string) []string {
	return slices.DeleteFunc(in, func(s string) bool { return s == "" })
}

func numbered(n int) string { return fmt.Sprintf("number-%04d", n) }

// wanted are the numbered texts from 1 to n.
func wanted(n int) []string {
	var out []string
	for i := range n {
		out = append(out, numbered(i+1))
	}
	return out
}

// stream reads what is stored, by the program's own tail.
func (w *world) stream() []map[string]any {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "tail", "--json", "--since", "1h", "--config", w.file())
	cmd.Env, cmd.Dir = w.environment("IMAGINEBRIDGE_LOG=error"), w.dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.StdoutPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, cmd.Start())
	// It follows until it is told to end: once it has told something, and then nothing for a while.
	lull := time.AfterFunc(30*time.Second, cancel)
	var all []map[string]any
	for scanner := bufio.NewScanner(out); scanner.Scan(); lull.Reset(3 * time.Second) {
		var e map[string]any
		require.NoError(w.t, json.Unmarshal(scanner.Bytes(), &e))
		all = append(all, e)
	}
	if err := cmd.Wait(); err != nil {
		require.Error(w.t, ctx.Err(), "tail follows until it is told to end")
	}
	return all
}

// idsOf returns the ids of events whose type ends in a name.
func idsOf(all []map[string]any, name string) []string {
	out := []string{}
	for _, e := range all {
		if strings.HasSuffix(e["type"].(string), name) {
			out = append(out, e["id"].(string))
		}
	}
	return out
}

// hook is a webhook receiver that keeps every id once, in order.
type hook struct {
	url  string
	mu   sync.Mutex
	ids  []string
	sent int // requests, repeats too

	known map[string]bool

	hangs   atomic.Bool // requests get no answer while this is so
	hanging atomic.Int32
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{known: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if h.hangs.Load() {
			h.hanging.Add(1)
			<-r.Context().Done()
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.sent++
		if id := r.Header.Get("webhook-id"); !h.known[id] {
			h.known[id] = true
			h.ids = append(h.ids, id)
		}
	}))
	t.Cleanup(server.Close)
	h.url = server.URL + "/in"
	return h
}

func (h *hook) seen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ids)
}

// freeAddress is an address of this machine that the program may listen on,
// below the ports that outgoing connections take. A UDP socket of the same number
// keeps other tests away, those of other processes too.
func freeAddress(t *testing.T) string {
	t.Helper()
	for port := 20000 + os.Getpid()%5000; port < 32000; port += 7 {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		flag, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			_ = flag.Close()
			continue
		}
		_ = l.Close()
		t.Cleanup(func() { _ = flag.Close() })
		return address
	}
	t.Fatal("no free port")
	return ""
}

// lockedBuffer is a buffer that several processes' outputs may go to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
