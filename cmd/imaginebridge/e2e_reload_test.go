package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// hup asks a running program to read its configuration again.
func (c *child) hup() {
	c.t.Helper()
	require.NoError(c.t, c.Process.Signal(syscall.SIGHUP))
}

// condition is what /readyz says of a component, and of an agent of it.
func (w *world) condition(component, agent string) (state, reason string) {
	r, err := http.Get("http://" + w.web + "/readyz") //nolint:forbidigo // a test on loopback
	if err != nil {
		return "", ""
	}
	defer r.Body.Close()
	var body struct {
		Components []struct{ Component, Agent, State, Reason string }
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		return "", ""
	}
	for _, c := range body.Components {
		if c.Component == component && c.Agent == agent {
			return c.State, c.Reason
		}
	}
	return "", ""
}

// An agent that is written into the file is watched from then on, one that is
// taken out not any more, and nothing old is sent of either.
func TestAgentsComeAndGoWithTheFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	first, second := w.sandbox.Agents()[0], w.sandbox.Agents()[1]
	w.configure(w.everywhere())
	run := w.start()
	w.ready()
	w.mentionOf(second.Handle, 100) // nobody watches yet
	w.watched = []sandbox.Credentials{first, second}
	w.configure(w.everywhere())
	run.hup()
	w.eventually("the second agent's baseline", 20*time.Second, func() bool {
		state, _ := w.condition("poller", second.Handle)
		return state == "ok"
	})
	w.mentionOf(second.Handle, 1)
	w.eventually("the first at Discord", 30*time.Second, func() bool { return len(w.atDiscord()) == 1 })
	w.mentionOf(first.Handle, 2)
	w.eventually("both at Discord", 30*time.Second, func() bool { return len(w.atDiscord()) == 2 })
	require.Equal(t, wanted(2), w.atDiscord())

	w.watched = []sandbox.Credentials{second}
	w.configure(w.everywhere()) // no signal: the file's time tells
	w.eventually("the first agent gone", 20*time.Second, func() bool {
		state, _ := w.condition("poller", first.Handle)
		return state == ""
	})
	w.mentionOf(first.Handle, 101) // nobody watches any more
	w.mentionOf(second.Handle, 3)
	w.eventually("the second agent's goes on", 30*time.Second, func() bool { return len(w.atDiscord()) == 3 })
	require.Equal(t, wanted(3), w.atDiscord())

	w.watched = []sandbox.Credentials{first, second}
	w.configure(w.everywhere())
	run.hup()
	w.eventually("what the first missed", 30*time.Second, func() bool { return slices.Contains(w.atDiscord(), numbered(101)) })
	run.stop()
	require.Len(t, w.atDiscord(), 4)
	require.NotContains(t, w.atDiscord(), numbered(100))
	require.Empty(t, w.sandbox.Violations())
}

// A secret that was rotated is used as soon as its file holds it.
func TestF62_ARotatedSecretIsTakenFromItsFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configure(w.everywhere())
	run := w.start()
	w.ready()
	rotated := w.sandbox.RotateSecret(w.agent.Handle)
	w.sandbox.EndTokens(w.agent.Handle, true)
	w.mention(1)
	w.eventually("the refusal", 30*time.Second, func() bool {
		state, reason := w.condition("poller", w.agent.Handle)
		return state == "down" && strings.Contains(reason, "invalid_client")
	})
	w.secret(w.agent.Handle, rotated.ClientSecret)
	w.eventually("the mention", 30*time.Second, func() bool { return len(w.atDiscord()) == 1 })
	w.eventually("health", 20*time.Second, func() bool {
		state, _ := w.condition("poller", w.agent.Handle)
		return state == "ok"
	})
	run.stop()
	require.NotContains(t, w.logs.String(), rotated.ClientSecret)
}

// P15: whatever is wrong with the file, nothing changes, delivery goes on, and the
// report is told with line and column. A share of the load happens beside each.
func TestF45_AWrongFileChangesNothing(t *testing.T) {
	t.Parallel()
	w := newCrowdAtThree(t)
	w.configure(w.lanes())
	read, err := os.ReadFile(w.file())
	require.NoError(t, err)
	good := string(read)
	run := w.start()
	w.ready()
	secret := filepath.Join(w.dir, w.agent.Handle+".secret")
	write := func(text string) { require.NoError(t, os.WriteFile(w.file(), []byte(text), 0o600)) }
	wrong := wrongFiles(w.store)
	more := func(what string) {
		for range w.load.Each() / (10 + len(wrong)) {
			require.NoError(t, w.tick())
		}
		w.goesOn(what)
	}
	for i, tc := range []struct {
		name  string
		spoil func()
		says  string
	}{
		{"half written", func() { write(good[:len(good)/2]) }, "imaginebridge.yaml:"},
		{"tab", func() { write("agents:\n\t- {}\n") }, "imaginebridge.yaml:2:1: tabs can't indent YAML; use spaces."},
		{"unknown key", func() { write(good + "polll: {}\n") }, `polll: unknown key; did you mean "poll"?`},
		{"no unit", func() { write(strings.Replace(good, "ceiling: 2s", "ceiling: 2", 1)) }, `poll.ceiling: "2" has no unit`},
		{"unknown agent", func() { write(strings.Replace(good, "name: d,", "name: d, agents: [nobody_here],", 1)) }, `no agent "nobody_here" is configured`},
		{"gone", func() { require.NoError(t, os.Remove(w.file())) }, "no such file"},
		{"empty", func() { write("") }, "Nothing to do yet"},
		{"a folder", func() {
			require.NoError(t, os.Remove(w.file()))
			require.NoError(t, os.Mkdir(w.file(), 0o700))
		}, "is a folder"},
		{"no secret file", func() {
			require.NoError(t, os.Remove(w.file()))
			write(good)
			require.NoError(t, os.Remove(secret))
		}, "agents[0].client_secret"},
	} {
		tc.spoil()
		if i%2 == 0 {
			run.hup() // the others are noticed
		}
		w.eventually(tc.name, 20*time.Second, func() bool {
			state, reason := w.condition("configuration", "")
			return state == "degraded" && strings.Contains(reason, tc.says)
		})
		more("delivery after " + tc.name)
	}
	require.Contains(t, run.logs.String(), "configuration not applied")
	w.secret(w.agent.Handle, w.agent.ClientSecret)
	for _, tc := range wrong {
		text := strings.Replace(good, tc.take, tc.put, 1)
		require.NotEqual(t, good, text, tc.says)
		write(text)
		run.hup()
		w.eventually(tc.says, 20*time.Second, func() bool {
			state, reason := w.condition("configuration", "")
			return state == "degraded" && strings.Contains(reason, tc.says)
		})
		more("delivery after " + tc.says)
	}
	write(good)
	run.hup()
	w.eventually("all well again", 20*time.Second, func() bool {
		state, _ := w.condition("configuration", "")
		return state == "ok"
	})
	w.rush()
	w.settle()
	run.stop()
}

// wrongFiles are changes to a good file, each wrong in another way, and what is said
// of them.
func wrongFiles(store string) []struct{ take, put, says string } {
	return []struct{ take, put, says string }{
		{"poll: {", "nats: {store: 1GiB}\npoll: {", "set twice (first at line"},
		{"notifications: 2s", "notifications: 1ms", "is below the smallest interval 2s"},
		{"ceiling: 2s", "ceiling: 1s", "poll.ceiling (1s) is shorter than poll."},
		{"store: " + store, `store: "${NOPE_NOT_SET}"`, "${NOPE_NOT_SET}: this environment variable is not set"},
		{"agents: [{handle: ", "agents: [{handle: My Agent, client_id: x, client_secret: y}, {handle: ", `"My Agent" is not a handle`},
		{"name: d,", "name: d, filter: 'type ==',", "a value is missing after"},
		{"name: d,", "name: d, filter: data.actor.verfied,", `did you mean "verified"`},
		{"name: d,", "name: d, template: '{{.data.actor.handel}}',", `did you mean "handle"`},
		{"name: d,", `name: d, audience: {"*": everyone},`, "names nobody"},
		{"name: d,", "name: s,", `name "s" is taken`},
		{"name: d,", `name: d, quiet: {from: "25:00", to: "07:00"},`, `"25:00" is not a time of day`},
		{`["notification.*", `, `["notifcation.*", `, `no event is called "notifcation.*"`},
		{"secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret: hello", "a signing secret is whsec_"},
	}
}

// What only a start can change is named; the rest of the file applies.
func TestWhatNeedsARestartIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configure(w.everywhere())
	run := w.start()
	w.ready()
	text, err := os.ReadFile(w.file())
	require.NoError(t, err)
	changed := strings.NewReplacer("store: 64MiB", "store: 128MiB", "ceiling: 2s", "ceiling: 3s, own_posts: true").Replace(string(text))
	require.NoError(t, os.WriteFile(w.file(), []byte(changed), 0o600))
	run.hup()
	w.eventually("named", 20*time.Second, func() bool {
		state, reason := w.condition("configuration", "")
		return state == "ok" && reason == "Changed, but used from the next start on: nats.store."
	})
	w.eventually("the timeline's baseline", 20*time.Second, func() bool {
		return slices.ContainsFunc(w.sandbox.Journal(), func(e sandbox.Entry) bool { return e.Path == "/api/posts" })
	})
	require.Contains(t, run.logs.String(), `changed="poll.ceiling poll.own_posts nats.store"`)
	run.stop()
}

// F17: a file that is read again and again while things happen, now and then with
// edited subscriptions and an agent more or less, neither loses one of them, also of
// the agent that goes and comes, nor sends an old one.
func TestF17_ReadAgainAndAgainUnderLoad(t *testing.T) {
	t.Parallel()
	c := newCrowdAtThree(t)
	all := c.watched
	guest := all[len(all)-1]
	for _, a := range all {
		c.sandbox.AddNotifications(a.Handle, 50, time.Minute)
	}
	c.configure(c.lanes())
	run := c.start()
	c.ready()
	const readings = 100
	for i := range readings {
		away, lines := i/25%2 == 0, c.lanes() // who comes often spends a minute of reads on that
		c.watched = all
		if away {
			c.watched = all[:len(all)-1]
		}
		if i/10%2 == 0 {
			lines = strings.ReplaceAll(lines, `"message.received"`, `"message.received", "generation.*"`)
		}
		c.configure(lines)
		run.hup()
		for range c.load.Each() / readings {
			require.NoError(t, c.tick())
		}
		c.eventually(fmt.Sprint("reading ", i+1), 20*time.Second, func() bool {
			state, _ := c.condition("poller", guest.Handle)
			return (state == "") == away && strings.Count(run.logs.String(), "configuration applied") > i
		})
	}
	c.settle()
	run.stop()
}

// A subscription that is written into the file is served from then on, one that is
// taken out not any more.
func TestSubscriptionsComeAndGoWithTheFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	only := func(lines ...string) string { return "subscriptions:\n" + strings.Join(lines, "") }
	d := fmt.Sprintf("  - {name: d, events: [\"notification.*\"], to: \"discord:%s\"}\n", w.channel)
	s := fmt.Sprintf("  - {name: s, events: [\"notification.*\"], to: \"slack:%s\"}\n", w.alerts)
	w.configure(only(d))
	run := w.start()
	w.ready()
	w.mention(1)
	w.eventually("the first at Discord", 30*time.Second, func() bool { return len(w.atDiscord()) == 1 })
	w.configure(only(d, s))
	run.hup()
	w.eventually("the lane to Slack", 30*time.Second, func() bool {
		out, _, _ := w.output("subscriptions", "list", "--json")
		return strings.Contains(out, w.alerts)
	})
	n := 1
	w.eventually("something at Slack", 60*time.Second, func() bool {
		n++
		w.mention(n)
		return len(w.atSlack()) > 0
	})
	require.NotContains(t, w.atSlack(), numbered(1), "what came before it is not sent")
	w.configure(only(s))
	run.hup()
	w.eventually("the lane to Discord gone", 30*time.Second, func() bool { return strings.Contains(run.logs.String(), `changed=subscriptions`) })
	n++
	w.mention(n)
	last := numbered(n)
	w.eventually("the last at Slack", 60*time.Second, func() bool { return slices.Contains(w.atSlack(), last) })
	run.stop()
	require.Empty(t, w.sandbox.Violations())
}
