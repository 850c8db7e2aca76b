package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// canaries are secrets by name, each as the text that must not be seen.
type canaries struct {
	mu    sync.Mutex
	known map[string]string
	hits  []string
	swept map[string]int // bytes looked through, by place
}

func (c *canaries) add(name, secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if secret != "" {
		c.known[name] = secret
	}
}

// sweep looks for every secret in the text, also encoded, and for the second
// half of each: a text may have been cut.
func (c *canaries) sweep(place string, text []byte, allowed ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.swept[place] += len(text)
	for name, secret := range c.known {
		if slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(name, a) }) {
			continue
		}
		for _, form := range forms(secret) {
			at := bytes.Index(text, []byte(form))
			if at < 0 {
				continue
			}
			c.hits = append(c.hits, fmt.Sprintf("%s in %s after %q", name, place, text[max(0, at-80):at]))
			break
		}
	}
}

// forms are the ways a secret may stand in a text.
func forms(secret string) []string {
	half := secret[len(secret)/2:]
	out := []string{secret, half, url.QueryEscape(secret), hex.EncodeToString([]byte(half)), fmt.Sprintf("%X", half)}
	for shift := range 3 { // as a part of something in Base64
		coded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + half))
		coded = strings.TrimRight(coded, "=")
		coded = coded[4 : len(coded)-2]
		out = append(out, coded, strings.NewReplacer("+", "-", "/", "_").Replace(coded))
	}
	return out
}

// spy stands before a service, notes what it is sent, and at times answers in
// its place as broken proxies do: with a page that shows the whole request.
type spy struct {
	url     string
	trouble atomic.Bool // now and then
	dead    atomic.Bool // the credential is refused, by an answer that quotes it
	mu      sync.Mutex
	n       int
	hits    map[string]int
	seen    bytes.Buffer // requests
	urls    bytes.Buffer // their addresses alone
	answers func(path string, body []byte)
}

func newSpy(t *testing.T, to string) *spy {
	t.Helper()
	target, err := url.Parse(to)
	require.NoError(t, err)
	s := &spy{hits: map[string]int{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host}) },
		ModifyResponse: func(r *http.Response) error {
			if s.answers == nil {
				return nil
			}
			body, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			s.answers(r.Request.URL.Path, body)
			return err
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { hangUp(w) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		dump, _ := httputil.DumpRequest(r, true)
		if !s.instead(w, r, dump) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL + target.Path
	return s
}

// instead answers in the service's place, if it does.
func (s *spy) instead(w http.ResponseWriter, r *http.Request, dump []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Write(dump)
	s.urls.WriteString(r.URL.String() + "\n")
	quoted := strconv.Quote(string(dump))
	if s.dead.Load() {
		s.hits["dead"]++
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.URL.Path, "/api/chat.") || strings.HasPrefix(r.URL.Path, "/api/auth.") {
			_, _ = fmt.Fprintf(w, `{"ok":false,"error":"invalid_auth","needed":%[1]s,"detail":%[1]s}`, quoted)
			return true
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"message":%[1]s,"code":0,"error":%[1]s,"error_description":%[1]s}`, quoted)
		return true
	}
	if !s.trouble.Load() {
		return false
	}
	s.n++
	switch s.n % 6 {
	case 2:
		s.hits["page"]++
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("X-Request", strings.ReplaceAll(strings.Trim(quoted, `"`), `\r\n`, " "))
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprintf(w, "<html><pre>%s</pre></html>", dump)
	case 4:
		s.hits["cut"]++
		hangUp(w)
	default:
		return false
	}
	return true
}

// Every secret is a text of its own. With all kinds of trouble and at debug
// level, none is found anywhere but in its own file and on the way to its own
// service.
func TestF46_CanarySweep(t *testing.T) {
	t.Parallel()
	const discordToken = "MTEwMDAwMDAwMDAwMDAwMDA0Mg.Gcanry.discord-bot-token-canary-5ab1e7"
	c := &canaries{known: map[string]string{}, swept: map[string]int{}}
	w := newWorld(t, lenient, func(o *options) {
		o.discord.Token = discordToken
		o.slack.SigningSecret = "slack-signing-secret-canary-0d15ea5e"
		o.slack.ClientSecret = "slack-client-secret-canary-decea5ed"
		o.sandbox.Agents = []sandbox.Credentials{{Handle: "orbit_bot", ClientID: "ia_orbit", ClientSecret: "imagineanything-client-secret-canary-ca5cade5"}}
	})
	hookKeys := []string{
		"whsec_" + base64.StdEncoding.EncodeToString([]byte("webhook-key-one-canary-0123456789")),
		"whsec_" + base64.StdEncoding.EncodeToString([]byte("webhook-key-two-canary-9876543210")),
	}
	c.add("api: client secret", w.agent.ClientSecret)
	c.add("discord: bot token", discordToken)
	c.add("slack: bot token", w.team.BotToken())
	c.add("slack: app token", w.slack.AppToken())
	c.add("slack: signing secret", w.slack.SigningSecret())
	c.add("slack: client secret", "slack-client-secret-canary-decea5ed")
	c.add("key", "imaginebridge-key-canary-badcab1e0ff1ce")
	c.add("hook: key one", hookKeys[0])
	c.add("hook: key two", hookKeys[1])
	c.add("hook: path", "hook-f1a5c07e")

	api, discord, slack, hook := newSpy(t, w.api.URL), newSpy(t, w.discord.URL()), newSpy(t, w.slack.URL()), newSpy(t, w.hook.url)
	spies := map[string]*spy{"api": api, "discord": discord, "slack": slack, "hook": hook}
	api.answers = func(path string, body []byte) {
		var tokens map[string]any
		if strings.HasPrefix(path, "/api/auth/") && json.Unmarshal(body, &tokens) == nil {
			for _, name := range []string{"access_token", "refresh_token"} {
				text, _ := tokens[name].(string)
				c.add("api: "+name+" "+strconv.Itoa(len(c.known)), text)
			}
		}
	}
	path := filepath.Join(w.dir, "canary.yaml")
	events := `["notification.*", "message.received", "generation.*"]`
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `imagineanything: {base_url: %[1]s}
agents: [{handle: orbit_bot, client_id: ia_orbit, client_secret: "${SECRET}"}]
poll: {notifications: 2s, messages: 2s, generations: 2s, ceiling: 2s}
nats: {listen: %[2]s, store: 64MiB}
http: {listen: %[3]s, public_url: "http://%[3]s"}
discord: {bot_token: "${file:%[4]s}", api_url: %[5]s}
slack: {bot_token: "${file:%[6]s}", app_token: "%[7]s", signing_secret: "%[8]s", client_id: "1.2", client_secret: slack-client-secret-canary-decea5ed, api_url: %[9]s}
webhooks: {allow_private: true}
subscriptions:
  - {name: d, events: %[10]s, to: "discord:%[11]s"}
  - {name: s, events: %[10]s, to: "slack:%[12]s"}
  - {name: h, events: %[10]s, to: "webhook:%[13]s/hook-f1a5c07e", secret: "%[14]s %[15]s"}
  - {name: refused, events: %[10]s, to: "webhook:http://127.0.0.1:1/in?token=hook-f1a5c07e"}
  - {name: c, events: %[10]s, to: "console"}
`, api.url, w.nats, w.web, w.secret("discord", discordToken), discord.url, w.secret("slack", w.team.BotToken()), w.slack.AppToken(), w.slack.SigningSecret(),
		slack.url, events, w.channel, w.alerts, hook.url, hookKeys[0], hookKeys[1]), 0o600))
	w.extra = []string{"SECRET=" + w.agent.ClientSecret, "IMAGINEBRIDGE_KEY=imaginebridge-key-canary-badcab1e0ff1ce"}
	run := w.start("run", "--config", path)
	w.ready()
	for _, file := range []string{bus.AdminFile, bus.SubscriberFile} {
		cred, err := bus.ReadCredentials(filepath.Join(w.dir, "data/nats", file))
		require.NoError(t, err)
		c.add("nats: "+file, cred.Password)
	}
	wire := w.overhear()
	refused := w.discord.Inject(fakediscord.Rule{
		Effect: fakediscord.BadForm("content", "BASE_TYPE_BAD", "Not this one."), Route: "POST /channels/{channel_id}/messages",
		Match: func(r fakediscord.Request) bool { return strings.Contains(string(r.Body), numbered(3)) },
	})
	for _, s := range spies {
		s.trouble.Store(true)
	}
	for i := range 6 {
		w.mention(i + 1)
		w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.agent.Handle, Content: fmt.Sprint("word-", i)})
	}
	w.act(sandbox.Action{As: w.agent.Handle, Do: "generate", Prompt: "a ring station"})
	w.sandbox.EndTokens(w.agent.Handle, false)
	for name, s := range spies {
		w.eventually("enough trouble with "+name, 45*time.Second, func() bool { return s.met("page", "cut") })
		s.trouble.Store(false)
	}
	w.eventually("all at the webhook", 45*time.Second, func() bool { return len(w.hook.seen()) >= 14 })
	w.eventually("a dead letter", 45*time.Second, func() bool { return refused.Hits() >= 2 })
	for _, name := range []string{"discord", "slack", "hook", "api"} {
		spies[name].dead.Store(true) // first: who is refused once asks again only a minute later
		if name == "api" {
			w.sandbox.EndTokens(w.agent.Handle, true)
		} else {
			w.mention(7)
		}
		w.eventually("refused credentials by "+name, 45*time.Second, func() bool { return spies[name].met("dead") })
	}

	for _, command := range [][]string{{"check"}, {"subscriptions"}, {"tail", "--json", "--since", "1h"}} {
		out, errs, _ := w.brief(append(command, "--config", path)...)
		c.sweep("output of "+command[0], []byte(out+errs))
	}
	for _, page := range []string{
		"/console/", "/console/overview", "/console/agents", "/console/subscriptions", "/console/subscription?id=h", "/console/stream", "/console/stream?since=1h",
		"/console/dead", "/console/workspaces", "/console/audit", "/console/preview?subscription=h", "/metrics", "/healthz", "/readyz", "/console/events", "/nothing",
	} {
		c.sweep("page "+page, w.page(page))
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", run.Process.Pid))
	require.NoError(t, err)
	c.sweep("process arguments", line)
	w.sweepStreams(c)
	require.NotZero(t, c.swept["stream KV_IA_RECEIPTS"])
	c.sweep("nats traffic", wire())
	require.NoError(t, run.Process.Signal(syscall.SIGQUIT))
	_ = run.wait()
	require.Contains(t, w.logs.String(), "goroutine ", "the dump")
	c.sweep("logs and goroutine dump", []byte(w.logs.String()))
	w.sweepFiles(c)
	for name, s := range spies {
		s.mu.Lock()
		c.sweep("requests to "+name, s.seen.Bytes(), name+":")
		c.sweep("addresses of requests to "+name, s.urls.Bytes(), "hook: path")
		t.Log(name, s.hits)
		s.mu.Unlock()
	}
	c.sweep("what people see at Discord", []byte(w.discord.Screen(w.channel)))
	c.sweep("what people see at Slack", []byte(w.slack.Screen(w.alerts)))
	journal, err := json.Marshal(w.sandbox.Journal())
	require.NoError(t, err)
	c.sweep("what the sandbox heard", journal)
	for _, place := range slices.Sorted(maps.Keys(c.swept)) {
		t.Logf("%8d bytes of %s", c.swept[place], place)
		require.NotZero(t, c.swept[place], place)
	}
	require.Greater(t, len(c.known), 14, "tokens too")
	slices.Sort(c.hits)
	require.Empty(t, strings.Join(c.hits, "\n"))
}

// The password of a NATS server elsewhere may stand in its address. It is not told
// while all is well, when the server goes, nor when it refuses.
func TestF46_PasswordInTheAddressOfNATS(t *testing.T) {
	t.Parallel()
	const password = "nats-password-canary-b0a710ad"
	c := &canaries{known: map[string]string{}, swept: map[string]int{}}
	c.add("nats: password", password)
	w := newWorld(t, lenient)
	login := func(o *server.Options) { o.Username, o.Password = "bridge", password }
	s := natsServer(t, login)
	at := s.Addr().String()
	w.natsURL = "nats://bridge:" + password + "@" + at
	w.configure(w.toward("d", "discord:"+w.channel))
	run := w.start()
	w.ready()
	w.mention(1)
	w.eventually("the message", 20*time.Second, func() bool { return len(w.atDiscord()) == 1 })
	w.sweepStreams(c)
	s.Shutdown()
	s.WaitForShutdown()
	w.eventually("the loss is told", 20*time.Second, func() bool { return strings.Contains(w.logs.String(), "nats connection lost") })
	for _, page := range []string{"/console/", "/metrics", "/readyz"} {
		c.sweep("page "+page, w.page(page))
	}
	for _, command := range []string{"check", "tail"} {
		out, errs, _ := w.output(command, "--config", w.file())
		c.sweep("output of "+command, []byte(out+errs))
	}
	_, port, err := net.SplitHostPort(at)
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	natsServer(t, login, func(o *server.Options) { o.Port, o.Password = number, "another" })
	w.eventually("the refusal is told", 20*time.Second, func() bool { return strings.Contains(w.logs.String(), "uthorization") })
	out, errs, code := w.output("run", "--config", w.file())
	require.NotZero(t, code)
	c.sweep("refused start", []byte(out+errs))
	run.kill()
	c.sweep("logs", []byte(w.logs.String()))
	require.Empty(t, strings.Join(c.hits, "\n"))
}

// A sweep that finds nothing proves something only if it can find.
func TestASweepFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	const secret = "the-secret-of-this-test-0123456789"
	for name, text := range map[string]string{
		"as it is":  "token=" + secret + " and more",
		"cut":       "…" + secret[12:],
		"in base64": base64.StdEncoding.EncodeToString([]byte("client:" + secret + "!")),
		"in hex":    hex.EncodeToString([]byte(secret)),
		"in an url": url.QueryEscape("a b" + secret),
	} {
		c := &canaries{known: map[string]string{}, swept: map[string]int{}}
		c.add("api: secret", secret)
		c.sweep("here", []byte("nothing to see"))
		require.Empty(t, c.hits, name)
		c.sweep("here", []byte(text), "api:")
		require.Empty(t, c.hits, name)
		c.sweep("here", []byte(text))
		require.Len(t, c.hits, 1, name)
		require.NotContains(t, c.hits[0], secret, name)
	}
}

// met reports that each kind of trouble was had.
func (s *spy) met(kinds ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(kinds, func(k string) bool { return s.hits[k] == 0 })
}

// brief runs a subcommand for three seconds at most.
func (w *world) brief(args ...string) (out, errs string, code int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Second)
	defer cancel()
	return w.outputOf(ctx, args...)
}

// page reads one page of the bridge's own web server, of an endless one what
// comes within a second.
func (w *world) page(path string) []byte {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.web+path, nil)
	require.NoError(w.t, err)
	answer, err := http.DefaultClient.Do(r) //nolint:forbidigo // a test on loopback
	require.NoError(w.t, err)
	defer answer.Body.Close()
	var head bytes.Buffer
	require.NoError(w.t, answer.Header.Write(&head))
	time.AfterFunc(time.Second, cancel)
	body, _ := io.ReadAll(answer.Body)
	return append(head.Bytes(), body...)
}

// overhear keeps everything that is published on the server from now on, and
// returns what there was.
func (w *world) overhear() func() []byte {
	w.t.Helper()
	var mu sync.Mutex
	var heard bytes.Buffer
	nc := w.connect()
	_, err := nc.Subscribe(">", func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		heard.WriteString(text(m.Subject, m.Header, m.Data))
	})
	require.NoError(w.t, err)
	require.NoError(w.t, nc.Flush())
	return func() []byte {
		mu.Lock()
		defer mu.Unlock()
		return bytes.Clone(heard.Bytes())
	}
}

// text is a message of NATS with all there is to it.
func text(subject string, header nats.Header, data []byte) string {
	var out strings.Builder
	out.WriteString(subject + "\n")
	for key, values := range header {
		out.WriteString(key + ": " + strings.Join(values, ", ") + "\n")
	}
	return out.String() + string(data) + "\n"
}

// sweepStreams looks through every message of every stream and bucket.
func (w *world) sweepStreams(c *canaries) {
	w.t.Helper()
	js, err := jetstream.New(w.connect(), jetstream.WithDefaultTimeout(time.Minute))
	require.NoError(w.t, err)
	streams := js.ListStreams(w.t.Context())
	for s := range streams.Info() {
		config, err := json.Marshal(s.Config)
		require.NoError(w.t, err)
		c.sweep("settings of streams", config)
		if s.State.Msgs > 0 {
			w.read(s.Config.Name, ">", func(m jetstream.Msg) {
				c.sweep("stream "+s.Config.Name, []byte(text(m.Subject(), m.Headers(), m.Data())))
			})
		}
	}
	require.NoError(w.t, streams.Err())
	require.NotZero(w.t, c.swept["stream IA_EVENTS"])
}

// sweepFiles looks through the data folder, but for the files that are there to
// keep a secret.
func (w *world) sweepFiles(c *canaries) {
	w.t.Helper()
	root := filepath.Join(w.dir, "data")
	require.NoError(w.t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == bus.AdminFile || d.Name() == bus.SubscriberFile {
			return err
		}
		content, err := os.ReadFile(path)
		c.sweep("files of the store", append([]byte(path+"\n"), content...))
		return err
	}))
}
