package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// nowhere takes no connection: a fake that closed gives its port to the next one.
const nowhere = "http://127.0.0.1:1"

// outside is all that a check looks at, on sockets of this machine, and what the
// configuration says of it. A new one is well, but for the intents that portal
// does not switch on.
type outside struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	api     *httptest.Server
	discord *fakediscord.Server
	guild   string
	slack   *fakeslack.Server
	team    *fakeslack.Workspace
	dir     string

	agents                                       []sandbox.Credentials
	baseURL, discordToken, applicationID, intent string
	botToken, appToken                           string
	discordURL, slackURL                         string
	nats                                         string // the file's nats section
	events                                       string
	channels                                     []string // destinations, discord:… and slack:…
	places                                       []string // ids that golden files call by their number
}

func newOutside(t *testing.T, portal fakediscord.Options) *outside {
	t.Helper()
	o := &outside{
		t: t, dir: t.TempDir(), applicationID: fakediscord.DefaultApplicationID, discordToken: fakediscord.DefaultToken, intent: "true",
		nats: "{listen: 127.0.0.1:0, store: 64MiB}", events: `["notification.*", "generation.*"]`,
	}
	var err error
	o.sandbox, err = sandbox.New(sandbox.Options{})
	require.NoError(t, err)
	o.api = httptest.NewServer(o.sandbox)
	t.Cleanup(o.api.Close)
	o.sandbox.SetBaseURL(o.api.URL)
	o.baseURL, o.agents = o.api.URL, o.sandbox.Agents()[:2]
	o.discord, err = fakediscord.New(portal)
	require.NoError(t, err)
	t.Cleanup(o.discord.Close)
	o.guild = o.discord.Guild("Lab")
	o.slack, err = fakeslack.New(fakeslack.Options{})
	require.NoError(t, err)
	t.Cleanup(o.slack.Close)
	o.team = o.slack.AddWorkspace("acme", "chat:write", "chat:write.public", "commands", "links:read", "links:write", "app_mentions:read", "files:read", "reactions:write", "users:read", "channels:history", "groups:history", "im:history", "channels:read", "groups:read", "metadata.message:read", "usergroups:read")
	o.discordURL, o.slackURL = o.discord.URL(), o.slack.URL()
	o.botToken, o.appToken = o.team.BotToken(), o.slack.AppToken()
	o.to("discord", o.discord.Channel(o.guild, "agents"))
	o.to("slack", o.team.AddChannel("alerts"))
	return o
}

// to adds a destination.
func (o *outside) to(scheme, place string) {
	o.channels = append(o.channels, scheme+":"+place)
	o.places = append(o.places, place)
}

// file writes the configuration.
func (o *outside) file() string {
	o.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "imagineanything: {base_url: %s}\nnats: %s\nagents:\n", o.baseURL, o.nats)
	for _, a := range o.agents {
		fmt.Fprintf(&b, "  - {handle: %s, client_id: %s, client_secret: %s}\n", a.Handle, a.ClientID, a.ClientSecret)
	}
	fmt.Fprintf(&b, "discord: {bot_token: %q, application_id: %q, message_content: %s, api_url: %s}\n", o.discordToken, o.applicationID, o.intent, o.discordURL)
	fmt.Fprintf(&b, "slack: {bot_token: %q, app_token: %q, api_url: %s}\nsubscriptions:\n", o.botToken, o.appToken, o.slackURL)
	for i, to := range o.channels {
		fmt.Fprintf(&b, "  - {name: s%d, events: %s, to: %q}\n", i+1, o.events, to)
	}
	path := filepath.Join(o.dir, "imaginebridge.yaml")
	require.NoError(o.t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

// tidy puts names in place of what changes from run to run.
func (o *outside) tidy(out string) string {
	for i, place := range o.places {
		out = strings.ReplaceAll(out, place, fmt.Sprintf("CHANNEL%d", i+1))
	}
	for from, to := range map[string]string{o.api.Listener.Addr().String(): "API", strings.TrimPrefix(o.discordURL, "http://"): "DISCORD", strings.TrimPrefix(o.slackURL, "http://"): "SLACK", o.dir: "DIR"} {
		out = strings.ReplaceAll(out, from, to)
	}
	out = regexp.MustCompile(`nats://127\.0\.0\.1:\d{2,}`).ReplaceAllString(out, "nats://NATS")
	return regexp.MustCompile(`nats: \d+\.\d+\.\d+`).ReplaceAllString(out, "nats: VERSION")
}

// check runs the subcommand and gives what it prints, tidied. It fails the test
// where a secret shows.
func (o *outside) check(args ...string) (out string, code int) {
	o.t.Helper()
	env := func(name string) (string, bool) {
		if name == "IMAGINEBRIDGE_DATA_DIR" {
			return filepath.Join(o.dir, "data"), true
		}
		return "", false
	}
	var printed, errs bytes.Buffer
	code = run(o.t.Context(), append([]string{"check", "--config", o.file()}, args...), env, strings.NewReader(""), &printed, &errs)
	if code != exitUsage {
		require.Empty(o.t, errs.String())
	}
	out = printed.String() + errs.String()
	for _, secret := range []string{o.discordToken, o.botToken, o.appToken, o.agents[0].ClientSecret, o.agents[len(o.agents)-1].ClientSecret, "canary"} {
		if secret != "" {
			require.NotContains(o.t, out, secret)
		}
	}
	return o.tidy(out), code
}

// troubles are the findings that are not good, with their remedies, and the sum.
func troubles(out string) string {
	var kept []string
	keep := false
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, " ") {
			keep = !strings.HasPrefix(line, "✓")
		}
		if keep {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// natsWith runs a NATS server outside of the program.
func natsWith(t *testing.T, opts server.Options) string {
	t.Helper()
	opts.Host, opts.Port, opts.StoreDir, opts.NoLog, opts.NoSigs = "127.0.0.1", server.RANDOM_PORT, t.TempDir(), true, true
	s, err := server.NewServer(&opts)
	require.NoError(t, err)
	s.Start()
	require.True(t, s.ReadyForConnections(10*time.Second))
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s.Addr().String()
}

// oldNATS greets as a NATS server of a version does, and answers pings.
func oldNATS(t *testing.T, version string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	serve := func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		fmt.Fprintf(conn, "INFO {\"server_id\":\"OLD\",\"version\":%q,\"proto\":1,\"headers\":true,\"jetstream\":true,\"max_payload\":1048576}\r\n", version)
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "PING") {
				fmt.Fprint(conn, "PONG\r\n")
			}
		}
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

// allOn is a Discord application with all its intents.
func allOn() *fakediscord.Options { return &fakediscord.Options{MessageContent: true} }

func TestCheckOfWhatIsWell(t *testing.T) {
	t.Parallel()
	o := newOutside(t, *allOn())
	out, code := o.check()
	golden.Equal(t, "testdata/check/well.golden", []byte(out))
	require.Equal(t, exitOK, code)
	require.Empty(t, o.sandbox.Violations())
	require.Empty(t, o.discord.Faults())
	require.Empty(t, o.slack.Faults())
	require.Empty(t, o.discord.Messages(o.places[0]), "it sends nothing")
	require.Empty(t, o.slack.Messages(o.places[1]))
}

func TestCheckOfEverythingWrong(t *testing.T) {
	t.Parallel()
	o := newOutside(t, fakediscord.Options{})
	o.agents[0].ClientSecret = "ia_canary"
	o.agents[1].Handle = "somebody_else"
	o.sandbox.Clock().Advance(7 * time.Minute)
	o.applicationID = "123456789012345678"
	o.to("discord", o.discord.ChannelOf(o.guild, "talk", fakediscord.ChannelVoice))
	o.to("discord", "1200000000000000009")
	o.discord.SetPermissions(o.places[0], fakediscord.PermViewChannel)
	o.team.SetScopes("channels:read")
	o.slack.RevokeAppToken()
	o.slack.Kick(o.places[1])
	o.to("slack", o.team.AddChannel("old"))
	o.slack.Archive(o.places[4], true)
	o.events = `["message.received"]`
	o.nats = `{url: "nats://user:canary@` + natsWith(t, server.Options{}) + `"}`
	out, code := o.check()
	golden.Equal(t, "testdata/check/everything_wrong.golden", []byte(out))
	require.Equal(t, exitFailure, code)

	marks := regexp.MustCompile(`(?m)^[✓!✗]`).FindAllString(out, -1)
	out, code = o.check("--json")
	require.Equal(t, exitFailure, code)
	for line := range strings.Lines(out) {
		var f finding
		require.NoError(t, json.Unmarshal([]byte(line), &f))
		require.Equal(t, map[grade]string{good: "✓", warning: "!", bad: "✗"}[f.Grade], marks[0], "the same findings for programs")
		marks = marks[1:]
	}
	require.Empty(t, marks)
}

func TestCheckNamesWhatIsWrongAndWhatMendsIt(t *testing.T) {
	t.Parallel()
	const allowed = fakediscord.PermViewChannel | fakediscord.PermSendMessages | fakediscord.PermEmbedLinks | fakediscord.PermReadHistory |
		fakediscord.PermCreatePublicThreads | fakediscord.PermSendInThreads
	without := func(permission uint64) func(*outside) {
		return func(o *outside) { o.discord.SetPermissions(o.places[0], allowed&^permission) }
	}
	withNATS := func(opts server.Options, more string) func(*outside) {
		return func(o *outside) { o.nats = `{url: "nats://user:canary@` + natsWith(o.t, opts) + `"` + more + `}` }
	}
	user := func(p *server.Permissions) []*server.User {
		return []*server.User{{Username: "user", Password: "canary", Permissions: p}}
	}
	for name, tc := range map[string]struct {
		with   func(*outside)
		portal *fakediscord.Options // nil is all on
		code   int
	}{
		// ImagineAnything
		"B28 wrong client secret": {with: func(o *outside) { o.agents[0].ClientSecret = "ia_canary" }, code: 1},
		"B28 revoked":             {with: func(o *outside) { o.sandbox.RevokeSecret(o.agents[0].Handle) }, code: 1},
		"credentials of another":  {with: func(o *outside) { o.agents[0].Handle = "luna_two" }, code: 1},
		"no base URL there":       {with: func(o *outside) { o.baseURL = "http://127.0.0.1:1" }, code: 1},
		"another site":            {with: func(o *outside) { o.baseURL = o.slack.URL() }, code: 1},
		"site is down": {with: func(o *outside) {
			o.sandbox.Inject(sandbox.Rule{Fault: sandbox.FaultUnavailable, Wait: time.Minute})
		}, code: 1},
		"B30 clock behind": {with: func(o *outside) { o.sandbox.Clock().Advance(7 * time.Minute) }},
		"B30 clock ahead":  {with: func(o *outside) { o.sandbox.Clock().Advance(-5 * time.Minute) }},
		"B30 everybody's clock is another": {with: func(o *outside) {
			o.sandbox.Clock().Advance(3 * time.Hour)
			o.discord.Skew(3 * time.Hour)
		}},

		// Discord
		"discord: wrong token":             {with: func(o *outside) { o.discord.RevokeToken() }, code: 1},
		"discord: token of another form":   {with: func(o *outside) { o.discordToken = "canary.x" }, code: 2},
		"discord: intent off":              {portal: &fakediscord.Options{}, with: func(*outside) {}, code: 1},
		"discord: intent not asked for":    {portal: &fakediscord.Options{}, with: func(o *outside) { o.intent = "false" }},
		"discord: application of another":  {with: func(o *outside) { o.applicationID = "123456789012345678" }, code: 1},
		"discord: may not see":             {with: without(fakediscord.PermViewChannel), code: 1},
		"discord: may not send":            {with: without(fakediscord.PermSendMessages), code: 1},
		"discord: may not embed":           {with: without(fakediscord.PermEmbedLinks), code: 1},
		"discord: may not read history":    {with: without(fakediscord.PermReadHistory)},
		"discord: may not open threads":    {with: without(fakediscord.PermCreatePublicThreads)},
		"B54 may not send in threads":      {with: without(fakediscord.PermSendInThreads)},
		"discord: channel unknown":         {with: func(o *outside) { o.discord.DeleteChannel(o.places[0]) }, code: 1},
		"discord: channel of another kind": {with: func(o *outside) { o.to("discord", o.discord.ChannelOf(o.guild, "ideas", fakediscord.ChannelForum)) }, code: 1},
		"discord: not there":               {with: func(o *outside) { o.discordURL = nowhere }, code: 1},

		// Slack
		"B25 slack: app token as bot token": {with: func(o *outside) { o.botToken = o.appToken }, code: 2},
		"slack: user token as bot token":    {with: func(o *outside) { o.botToken = "xoxp-canary" }, code: 2},
		"slack: bot token as app token":     {with: func(o *outside) { o.appToken = o.botToken }, code: 2},
		"slack: unknown bot token":          {with: func(o *outside) { o.botToken = "xoxb-canary" }, code: 1},
		"slack: revoked":                    {with: func(o *outside) { o.team.Revoke() }, code: 1},
		"slack: app token revoked":          {with: func(o *outside) { o.slack.RevokeAppToken() }, code: 1},
		"B57 slack: no app token":           {with: func(o *outside) { o.appToken = "" }},
		"slack: may not write": {with: func(o *outside) {
			o.team.SetScopes("channels:read", "groups:read", "chat:write.public", "commands", "links:read", "links:write", "app_mentions:read", "files:read", "reactions:write", "users:read", "channels:history", "groups:history", "im:history", "metadata.message:read", "usergroups:read")
		}, code: 1},
		"slack: least scopes": {with: func(o *outside) { o.team.SetScopes("chat:write") }},
		"B53 slack: not invited": {with: func(o *outside) {
			o.team.SetScopes("chat:write", "channels:read", "groups:read", "channels:history", "groups:history", "im:history", "metadata.message:read")
			o.slack.Kick(o.places[1])
		}, code: 1},
		"slack: archived":        {with: func(o *outside) { o.slack.Archive(o.places[1], true) }, code: 1},
		"slack: channel unknown": {with: func(o *outside) { o.slack.DeleteChannel(o.places[1]) }, code: 1},
		"slack: not there":       {with: func(o *outside) { o.slackURL = nowhere }, code: 1},

		// NATS
		"nats: well elsewhere":          {with: withNATS(server.Options{JetStream: true, Users: user(nil)}, "")},
		"B58 JetStream off":             {with: withNATS(server.Options{Users: user(nil)}, ""), code: 1},
		"B58 too old":                   {with: func(o *outside) { o.nats = `{url: "nats://user:canary@` + oldNATS(o.t, "2.11.9") + `"}` }, code: 1},
		"B58 no permission":             {with: withNATS(server.Options{JetStream: true, Users: user(&server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.CREATE.>"}}})}, ""), code: 1},
		"nats: wrong password":          {with: withNATS(server.Options{Users: []*server.User{{Username: "user", Password: "x"}}}, ""), code: 1},
		"nats: too little room":         {with: withNATS(server.Options{JetStream: true, JetStreamMaxStore: 8 << 20, Users: user(nil)}, ""), code: 1},
		"nats: not there":               {with: func(o *outside) { o.nats = `{url: "nats://user:canary@127.0.0.1:1"}` }, code: 1},
		"nats: credentials file absent": {with: withNATS(server.Options{JetStream: true}, ", creds: absent.creds"), code: 1},
		"nats: port taken":              {with: func(o *outside) { o.nats = "{listen: " + o.api.Listener.Addr().String() + "}" }, code: 1},
		"nats: rare flushes":            {with: func(o *outside) { o.nats = "{listen: 127.0.0.1:0, store: 64MiB, sync: 2m}" }},
		"nats: a flush for each write":  {with: func(o *outside) { o.nats = "{listen: 127.0.0.1:0, store: 64MiB, sync: always}" }},

		// The file
		"nothing is sent anywhere":     {with: func(o *outside) { o.channels, o.discordToken = nil, "" }}, // in Discord people subscribe for themselves
		"direct messages in a channel": {with: func(o *outside) { o.events = `["message.*"]` }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t, *cmp.Or(tc.portal, allOn()))
			tc.with(o)
			out, code := o.check()
			golden.Equal(t, "testdata/check/"+strings.NewReplacer(" ", "_", ":", "", "'", "").Replace(name)+".golden", []byte(troubles(out)))
			require.Equal(t, tc.code, code)
		})
	}
}

// What it finds of a bridge at work, it finds as a guest.
func TestCheckDoesNotDisturbARunningBridge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *options) { o.discord.Limits = map[string]fakediscord.Limit{"GET /gateway/bot": {}} })
	w.configure(w.everywhere())
	bridge := w.start()
	w.ready()
	w.mention(1)
	for range 3 {
		out, errs, code := w.output("check", "--config", w.file())
		require.Equal(t, exitOK, code, "%s%s", out, errs)
		require.Contains(t, out, "embedded in the running bridge, flushed to disk: 1s.")
		require.Empty(t, errs)
	}
	w.mention(2)
	w.eventually("both messages", 20*time.Second, func() bool { return len(w.atDiscord()) == 2 && len(w.atSlack()) == 2 && len(w.hook.seen()) == 2 })
	require.Equal(t, wanted(2), w.atDiscord())
	bridge.stop()
	require.Empty(t, w.discord.Faults())
	require.NotContains(t, w.logs.String(), "level=WARN")
	require.NotContains(t, w.logs.String(), "level=ERROR")
}
