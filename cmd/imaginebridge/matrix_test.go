package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// column is a door with the agent that acts through it. Each has its own, so
// that what arrives at the API can be told apart while all of them run.
type column struct {
	name, door, agent string
	signed            bool // the platforms call the program, by signed HTTP
	send              func(*matrix, *square) (look func() string, err error)
}

func columns() []column {
	return []column{
		{"discord", command.Discord, "orbit_discord", false, (*matrix).throughDiscord},
		{"discord http", command.Discord, "orbit_discord_http", true, (*matrix).throughDiscord},
		{"slack", command.Slack, "orbit_slack", false, (*matrix).throughSlack},
		{"slack http", command.Slack, "orbit_slack_http", true, (*matrix).throughSlack},
		{"nats", command.NATS, "orbit_nats", false, (*matrix).throughNATS},
		{"terminal", command.Terminal, "orbit_terminal", false, (*matrix).throughTerminal},
	}
}

// square is one command through one door.
type square struct {
	*bench
	column
	spec  *command.Spec
	args  arguments
	file  *upload
	wait  time.Duration // for the audit
	forms []string      // as they were shown
	room  string        // the channel it is typed into, "" for the usual one
}

// matrix is the world of the test, with what is heard of the audit.
type matrix struct {
	*world
	nc    *nats.Conn
	ann   string // at Slack
	guild string // at Discord
	hall  string // a channel there besides
	trail auditTrail

	signed  bool   // the platforms call the program, by signed HTTP
	events  string // that are relayed, as a list; "" for direct messages to the agent
	running *child
}

// auditTrail keeps audit entries as they come.
type auditTrail struct {
	mu      sync.Mutex
	entries []heard
}

type heard struct {
	command.Entry
	subject string
	raw     string
}

func (t *auditTrail) hear(m *nats.Msg) {
	h := heard{subject: m.Subject, raw: string(m.Data)}
	if json.Unmarshal(m.Data, &h.Entry) != nil {
		h.Outcome = "unreadable"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = append(t.entries, h)
}

// of lists the entries about one agent, from the nth.
func (t *auditTrail) of(agent string) []heard {
	return t.those(func(h heard) bool { return h.Agent == agent })
}

func (t *auditTrail) those(wanted func(heard) bool) []heard {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(t.entries), func(h heard) bool { return !wanted(h) })
}

// TestMatrixOfCommandsAndDoors sends every command of the table through every
// door of running programs: one holds sockets to the platforms, the other is
// called by them. The limits of the API and of both platforms are lifted: a day's
// worth of commands goes through in a minute.
func TestMatrixOfCommandsAndDoors(t *testing.T) {
	t.Parallel()
	worlds := map[bool]*matrix{false: newMatrix(t, false), true: newMatrix(t, true)}
	table, all := command.Table(), rows()
	require.Len(t, all, len(table), "a row drives a command that is not there")
	results := &board{cells: map[string]string{}}
	t.Run("cells", func(t *testing.T) {
		for _, c := range columns() {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				m := worlds[c.signed]
				me, other := m.client(t, c.agent), m.client(t, helper)
				for i := range table {
					t.Run(table[i].Name(), func(t *testing.T) {
						r, ok := all[table[i].Name()]
						require.True(t, ok, "no row drives this command")
						m.check(&square{bench: &bench{T: t, box: m.sandbox, me: me, other: other, handle: c.agent}, column: c, spec: &table[i]}, r, results)
					})
				}
			})
		}
	})
	t.Log("\n" + results.table(table))
	for signed, m := range worlds {
		require.Empty(t, m.discord.Faults())
		require.Empty(t, m.slack.Faults())
		require.Empty(t, m.sandbox.Violations())
		m.cameBy(signed)
	}
}

// cameBy checks the way of everything that the platforms told.
func (m *matrix) cameBy(signed bool) {
	m.t.Helper()
	answered := slices.ContainsFunc(m.discord.Requests(), func(r fakediscord.Request) bool { return strings.HasSuffix(r.Route, "/callback") })
	require.Equal(m.t, !signed, answered, "the gateway's interactions are answered by a request, the others by the answer itself")
	door := map[bool]string{false: "socket", true: "http"}[signed]
	deliveries := m.slack.Deliveries()
	require.NotEmpty(m.t, deliveries)
	for _, d := range deliveries {
		require.Equal(m.t, door, d.Door, d.Kind)
	}
}

func newMatrix(t *testing.T, signed bool) *matrix {
	t.Helper()
	var handles []string
	at := map[string]string{}
	for _, c := range columns() {
		if c.signed == signed {
			handles, at[c.door] = append(handles, c.agent), c.agent
		}
	}
	m := newChat(t, sandbox.Options{Seed: 1, TokenTTL: 1000 * time.Hour, JobScale: 0.01}, append(handles, helper)...)
	m.sandbox.Clock().Scale(20) // films are worked on for seconds
	m.watched, m.signed = m.sandbox.Agents()[:len(handles)], signed
	m.configure("1h", at[command.Discord], at[command.Slack]) // so that what arrives at the API is what commands ask for
	m.open()
	return m
}

// newChat makes a world for people who type: ann is at both platforms, and none
// of them has limits.
func newChat(t *testing.T, o sandbox.Options, handles ...string) *matrix {
	t.Helper()
	for _, handle := range handles {
		o.Agents = append(o.Agents, sandbox.Credentials{Handle: handle, ClientID: "id-" + handle, ClientSecret: "ia_secret_of_" + handle})
	}
	m := &matrix{world: newWorld(t, func(all *options) {
		all.sandbox, all.discord.MessageContent = o, true
		all.discord.GlobalPerSecond, all.discord.Limits = -1, map[string]fakediscord.Limit{"GET /gateway/bot": {}, "POST /channels/{channel_id}/messages": {}}
		all.discord.AnswerWithin = 15 * time.Second // a busy machine's: what is said matters here
		all.slack.Limits = fakeslack.Limits{Off: true}
	})}
	for _, class := range []sandbox.Class{sandbox.ClassAuth, sandbox.ClassRead, sandbox.ClassWrite, sandbox.ClassUpload} {
		m.sandbox.SetLimit(class, 100_000)
	}
	m.guild = m.discord.Guild("Workshop")
	m.discord.Member(m.guild, "ann", 1<<5) // manages it: /ia-admin is shown to her
	m.channel, m.hall = m.discord.Channel(m.guild, "commands"), m.discord.Channel(m.guild, "hall")
	m.team = m.slack.AddWorkspace("lab", "chat:write", "commands", "channels:history", "channels:read", "files:read", "im:write")
	m.alerts, m.ann = m.team.AddChannel("commands"), m.team.AddUser("ann")
	return m
}

// open starts the program and waits until it hears both platforms.
func (m *matrix) open() {
	m.t.Helper()
	m.running = m.start()
	m.ready()
	m.nc = m.connect()
	_, err := m.nc.Subscribe("ia.audit.>", m.trail.hear)
	require.NoError(m.t, err)
	require.NoError(m.t, m.nc.Flush())
	if m.signed {
		base := "http://" + m.web
		require.NoError(m.t, m.discord.SetDoor(m.t.Context(), base+"/discord/interactions"))
		m.slack.SetDeliver(fakeslack.Deliver{EventsURL: base + "/slack/events", CommandsURL: base + "/slack/commands", InteractionsURL: base + "/slack/interactions"})
	} else {
		m.eventually("Slack's sockets are open", 20*time.Second, func() bool { return m.slack.Sockets() > 0 })
	}
	m.eventually("Discord's commands are registered", 20*time.Second, func() bool {
		i, err := m.discord.Slash("ann", m.hall, "/ia notify count")
		if err != nil {
			return false
		}
		r, err := i.Settled(m.t.Context())
		return err == nil && r.Message != nil && !strings.Contains(r.Message.Content, "No agent")
	})
}

// configure writes a configuration with the agents that each platform's channel
// is connected to.
func (m *matrix) configure(poll, atDiscord, atSlack string) {
	m.t.Helper()
	var agents []string
	for _, a := range m.watched {
		agents = append(agents, fmt.Sprintf(`{handle: %s, client_id: %s, client_secret: "${file:%s}"}`, a.Handle, a.ClientID, m.secret(a.Handle, a.ClientSecret)))
	}
	hears, key := "app_token: "+m.slack.AppToken(), ""
	if m.signed {
		hears, key = "signing_secret: "+m.slack.SigningSecret(), ", public_key: "+m.discord.PublicKey()
	}
	if m.events != "" {
		key += ", message_content: true"
	}
	text := fmt.Sprintf(`imagineanything: {base_url: %s}
agents: [%s]
poll: {notifications: %[3]s, messages: %[3]s, generations: %[3]s, ceiling: %[3]s}
nats: {listen: "%[4]s", store: 64MiB}
http: {listen: "%[5]s"}
webhooks: {allow_private: true}
discord: {bot_token: "%[6]s", api_url: %[7]s%[17]s}
slack: {bot_token: %[8]s, api_url: %[10]s, %[9]s}
access:
  write: ["discord:user:%[11]s", "slack:user:%[12]s"]
  admin: ["discord:user:%[11]s", "slack:user:%[12]s"]
subscriptions:
  - {name: d, agents: [%[13]s], events: %[18]s, to: "discord:%[14]s"}
  - {name: s, agents: [%[15]s], events: %[18]s, to: "slack:%[16]s"}
`, m.api.URL, strings.Join(agents, ", "), poll, m.nats, m.web, fakediscord.DefaultToken, m.discordURL, m.team.BotToken(), hears, m.slackURL,
		m.discord.User("ann"), m.ann, atDiscord, m.channel, atSlack, m.alerts, key, cmp.Or(m.events, `["message.received"]`))
	require.NoError(m.t, os.WriteFile(m.file(), []byte(text), 0o600))
}

// client is a client of the API beside the program.
func (m *matrix) client(t *testing.T, handle string) *imagine.Client {
	t.Helper()
	i := slices.IndexFunc(m.sandbox.Agents(), func(c sandbox.Credentials) bool { return c.Handle == handle })
	k := m.sandbox.Agents()[i]
	c, err := imagine.New(imagine.Options{
		BaseURL: m.api.URL, ClientID: k.ClientID, ClientSecret: func() string { return k.ClientSecret },
		HTTPClient: &http.Client{Timeout: 10 * time.Second}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return c
}

// check drives one cell and writes what became of it on the board.
func (m *matrix) check(c *square, r row, results *board) {
	c.Helper()
	key := c.spec.Name() + " " + c.name
	c.args = maps.Clone(r.set(c.bench)) // a row is every column's, and what comes before adds to it
	if r.file != nil {
		c.file = new(r.file())
	}
	switch c.wait = answerWait; {
	case r.file != nil:
		c.wait = 4 * answerWait // the program looks every few seconds whether a film is ready
	case r.slow:
		c.wait = 8 * answerWait
	}
	if r.before != nil {
		require.NoError(c, r.before(m, c))
	}
	if err := m.drive(c); err != nil {
		results.put(key, "FAIL")
		c.Error(err)
		return
	}
	results.put(key, "ok")
	if c.spec.Name() == "profile register" && (c.door == command.Discord || c.door == command.Slack) {
		require.NoError(c, m.letGo(c)) // with two agents there, the next commands would ask which
	}
}

// drive sends the command and looks at the API, at what the person sees, and at
// the audit.
func (m *matrix) drive(c *square) error {
	from, before := len(m.sandbox.Journal()), len(m.trail.those(c.audits))
	look, err := c.send(m, c)
	if err != nil {
		return err
	}
	err = m.audited(c, before) // then it is over
	seen := look()
	switch {
	case err != nil:
		return fmt.Errorf("%w; shown: %s", err, seen)
	case strings.TrimSpace(seen) == "":
		return errors.New("nothing is shown")
	case strings.Contains(seen, goodKey):
		return errors.New("the key is shown")
	}
	return m.arrived(c, from)
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// arrived looks for the call that the command is for, and at nothing else being called.
func (m *matrix) arrived(c *square, from int) error {
	spell := func(call string) string { return placeholder.ReplaceAllString(call, "{}") }
	var got []string
	for _, e := range m.sandbox.Journal()[from:] {
		registers := e.Path == "/api/auth/register" && strings.Contains(e.Body, `"`+c.args["handle"]+`"`) // which nobody signs
		if (e.Agent == c.agent && e.Class != sandbox.ClassAuth || registers) && e.Status < 400 {
			got = append(got, spell(e.Method+" "+e.Route))
		}
	}
	if len(c.spec.Calls) > 0 && !slices.Contains(got, spell(c.spec.Calls[0])) {
		return fmt.Errorf("%s did not arrive; what did: %v", c.spec.Calls[0], got)
	}
	// Pollers look at once at what a command started, and credentials are tried.
	polled := []string{"GET /api/agents/me", "GET /api/notifications", "GET /api/conversations", "GET /api/conversations/{}/messages", "GET /api/generate/pending", "GET /api/generate/history"}
	for _, call := range got {
		if slices.Contains(polled, call) {
			continue
		}
		if !slices.ContainsFunc(c.spec.Calls, func(may string) bool { return spell(may) == call }) {
			return fmt.Errorf("%s is not among the calls of its row", call)
		}
	}
	return nil
}

// audited waits for the audit's entry, which comes after the answer.
func (m *matrix) audited(c *square, before int) error {
	var last heard
	for end := time.After(c.wait); ; {
		for _, h := range m.trail.those(c.audits)[before:] {
			if last = h; h.Outcome == "done" && h.Door == c.door && h.Group == c.spec.Group && h.Verb == c.spec.Verb {
				return clean(c, h)
			}
		}
		select {
		case <-end:
			return fmt.Errorf("the audit holds no done of it, but %s", last.raw)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// clean looks for what must not be in an audit entry: keys and what people wrote.
func clean(c *square, h heard) error {
	if want := "ia.audit." + cmp.Or(h.Agent, "-") + "." + c.spec.Group + "." + c.spec.Verb; h.subject != want {
		return fmt.Errorf("the audit tells it on %s", h.subject)
	}
	for _, a := range c.spec.Args {
		if v := c.args[a.Name]; v != "" && (a.Secret || a.Long) && strings.Contains(h.raw, v) {
			return fmt.Errorf("%s is in the audit: %s", a.Name, h.raw)
		}
	}
	return nil
}

// board is what became of each cell.
type board struct {
	mu    sync.Mutex
	cells map[string]string
}

func (b *board) put(key, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cells[key] = state
}

// table draws the board: a line for each command, a column for each door.
func (b *board) table(table []command.Spec) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out strings.Builder
	count := map[string]int{}
	fmt.Fprintf(&out, "%-28s", "command")
	for _, c := range columns() {
		fmt.Fprintf(&out, "%-14s", c.name)
	}
	for _, s := range table {
		fmt.Fprintf(&out, "\n%-28s", s.Name())
		for _, c := range columns() {
			state := b.cells[s.Name()+" "+c.name]
			count[state]++
			fmt.Fprintf(&out, "%-14s", state)
		}
	}
	fmt.Fprintf(&out, "\n\n%d of %d cells work", count["ok"], len(table)*len(columns()))
	return out.String()
}
