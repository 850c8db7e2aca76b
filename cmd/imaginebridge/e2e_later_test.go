package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// outcomes are the audit's words for a command, in order.
type outcomes struct {
	auditTrail
}

func (w *world) audit() *outcomes {
	w.t.Helper()
	o := &outcomes{}
	nc := w.connect()
	_, err := nc.Subscribe("ia.audit.>", o.hear)
	require.NoError(w.t, err)
	require.NoError(w.t, nc.Flush())
	return o
}

func (o *outcomes) has(agent, name, outcome, door string) bool {
	for _, h := range o.of(agent) {
		if h.Group+" "+h.Verb == name && h.Outcome == outcome && h.Door == door {
			return true
		}
	}
	return false
}

// ask sends a command over NATS and reads its answer.
func (w *world) ask(nc *nats.Conn, agent, name, arguments string) (answer struct {
	OK        bool
	Text      string
	Result    json.RawMessage
	Scheduled *command.Planned
	Error     *doProblem
},
) {
	group, verb, _ := strings.Cut(name, " ")
	reply, err := nc.Request("ia.cmd."+agent+"."+group+"."+verb, []byte(arguments), answerWait)
	if err == nil {
		err = json.Unmarshal(reply.Data, &answer)
	}
	if err != nil {
		w.t.Log(err)
	}
	return answer
}

// TestF36_AScheduledPostOutlivesTheProgram orders from Discord, kills the program
// before the time has come, and finds the post made once by the next one, told
// where it was ordered, and audited.
func TestF36_AScheduledPostOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	ann := w.discord.User("ann")
	w.configure("access: {write: [\"discord:user:" + ann + "\"], zone: Europe/Berlin}\n" + w.everywhere())
	run := w.start()
	w.ready()
	heard := w.audit()
	var shown string
	w.eventually("Discord takes the order", 20*time.Second, func() bool {
		i, err := w.discord.Slash("ann", w.channel, "/ia post create text:much-later at:in 6s")
		if err != nil {
			return false
		}
		r, err := i.Settled(t.Context())
		if err != nil || r.Message == nil {
			return false
		}
		shown = r.Message.Content
		return strings.Contains(w.discord.Screen(w.channel)+shown, "Will be posted")
	})
	w.eventually("the order is in the audit", 10*time.Second, func() bool { return heard.has(w.agent.Handle, "post create", "scheduled", command.Discord) })
	require.False(t, w.posted("much-later"))
	require.NoError(t, run.Process.Signal(syscall.SIGKILL))
	require.Error(t, <-run.done)

	w.start()
	w.ready()
	w.eventually("the post is made", 30*time.Second, func() bool { return w.posted("much-later") })
	w.eventually("it is in the audit", 10*time.Second, func() bool { // as it is stored: it may be done before the program is ready
		stored := &outcomes{}
		w.read("IA_AUDIT", "ia.audit.>", func(m jetstream.Msg) { stored.hear(&nats.Msg{Subject: m.Subject(), Data: m.Data()}) })
		return stored.has(w.agent.Handle, "post create", "done", command.Discord)
	})
	w.eventually("it is told where it was ordered", 10*time.Second, func() bool {
		return strings.Contains(w.discord.Screen(w.channel), "Posted as")
	})
	n := 0
	for _, p := range w.sandbox.State().Posts {
		if p.Content == "much-later" {
			n++
		}
	}
	require.Equal(t, 1, n)
	require.Empty(t, w.sandbox.Violations())
}

// TestScheduledPostsOverNATSAndTheTerminal orders, lists and cancels.
func TestScheduledPostsOverNATSAndTheTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(w.everywhere())
	w.start()
	w.ready()
	nc, heard := w.connect(), w.audit()
	soon := w.ask(nc, w.agent.Handle, "post create", `{"text":"soon","at":"in 1s"}`)
	require.True(t, soon.OK, "%+v", soon.Error)
	require.NotEmpty(t, soon.Scheduled.ID)
	w.eventually("the post is made", 20*time.Second, func() bool { return w.posted("soon") })

	out, errs, code := w.output("do", "post", "create", "text=tomorrow", "at=tomorrow 9:00 Europe/Berlin", "--config", w.file())
	require.Zero(t, code, errs)
	require.Regexp(t, `Will be posted as @\S+ at \d{4}-\d\d-\d\d 09:00 CES?T\.`, out)
	require.True(t, heard.has(w.agent.Handle, "post create", "scheduled", command.Terminal))
	var plans command.Plans
	list := w.ask(nc, w.agent.Handle, "post scheduled", "")
	require.NoError(t, json.Unmarshal(list.Result, &plans))
	require.Len(t, plans.Scheduled, 1)
	require.Equal(t, "tomorrow", plans.Scheduled[0].Text)
	_, errs, code = w.output("do", "post", "unschedule", plans.Scheduled[0].ID, "--config", w.file())
	require.Zero(t, code, errs)
	list = w.ask(nc, w.agent.Handle, "post scheduled", "")
	require.JSONEq(t, `{"scheduled":[]}`, string(list.Result))
	_, errs, code = w.output("do", "post", "create", "text=x", "at=soon", "--config", w.file())
	require.Equal(t, 2, code)
	require.Contains(t, errs, `Not scheduled: "soon" is not a time.`)
}

// secretForm is how the sandbox's secrets look.
var secretForm = regexp.MustCompile(`\bia_[a-zA-Z0-9]{26,32}\b`)

// TestARegisteredAgentIsUsableAtOnceAndAfterARestart: its secret is sealed in the
// store, and nowhere else.
func TestARegisteredAgentIsUsableAtOnceAndAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(w.everywhere())
	run := w.start()
	w.ready()
	nc, heard := w.connect(), w.audit()
	made := w.ask(nc, w.agent.Handle, "profile register", `{"handle":"comet_two","name":"Comet Two"}`)
	require.True(t, made.OK, "%+v", made.Error)
	acts := func(nc *nats.Conn, text string) func() bool {
		return func() bool {
			a := w.ask(nc, "comet_two", "post create", `{"text":"`+text+`"}`)
			return a.OK && w.posted(text)
		}
	}
	w.eventually("the new agent posts", 20*time.Second, acts(nc, "hello from two"))
	w.eventually("the new agent is polled", 20*time.Second, func() bool {
		for _, e := range w.sandbox.Journal() {
			if e.Agent == "comet_two" && e.Path == "/api/notifications" {
				return true
			}
		}
		return false
	})
	require.True(t, heard.has(w.agent.Handle, "profile register", "done", command.NATS))
	run.stop()
	require.NoError(t, filepath.WalkDir(filepath.Join(w.dir, "data"), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, found := range secretForm.FindAllString(string(content), -1) {
			require.Fail(t, "a secret in the clear", "%s: %.6s…", path, found)
		}
		return nil
	}))
	require.NotRegexp(t, secretForm, w.logs.String())

	run = w.start()
	w.ready()
	nc = w.connect()
	w.eventually("the agent is there again", 20*time.Second, acts(nc, "hello again from two"))
	run.stop()

	// F66: another key opens nothing, and nothing begins with half of what there is.
	w.extra = append(w.extra, "IMAGINEBRIDGE_KEY=another-key-than-that-of-the-store")
	for _, command := range []string{"run", "check"} {
		out, errs, code := w.output(command, "--config", w.file())
		require.Equal(t, map[string]int{"run": exitUsage, "check": exitFailure}[command], code, command)
		require.Contains(t, out+errs, "IMAGINEBRIDGE_KEY, or the file key in the data folder, is not the key of this store", command)
		require.Contains(t, out+errs, "It can't open IA_CONFIG/agent.comet_two, IA_CONFIG/subscription.h.", command)
	}
	w.extra = slices.DeleteFunc(w.extra, func(v string) bool { return strings.HasPrefix(v, "IMAGINEBRIDGE_KEY=") })

	// The key changes while the bridge runs, and it goes on.
	file := filepath.Join(w.dir, "data", "key")
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	run = w.start()
	w.ready()
	out, errs, code := w.output("key", "rotate", "--config", w.file())
	require.Zero(t, code, out+errs)
	require.Contains(t, out, "2 entries were sealed anew")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(after), strings.TrimSpace(string(before)))
	nc = w.connect()
	w.eventually("the agent acts under the new key", 20*time.Second, acts(nc, "hello under the new key"))
	run.stop()
	run = w.start()
	w.ready()
	nc = w.connect()
	w.eventually("and after a start with it", 20*time.Second, acts(nc, "hello after the start"))
	run.stop()
	require.NoError(t, os.WriteFile(file, before, 0o600))
	_, errs, code = w.output("run", "--config", w.file())
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "It can't open IA_CONFIG/agent.comet_two, IA_CONFIG/subscription.h.", "the former key opens nothing any more")
}

// TestT24_ADaysGenerationsAreCounted: one more than a person has a day asks first.
func TestT24_ADaysGenerationsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *options) { o.sandbox.RateLimitOff = true })
	ann := w.discord.User("ann")
	w.configure("access: {write: [\"discord:user:" + ann + "\"], daily_generations: 1}\n" + w.everywhere())
	w.start()
	w.ready()
	nc, heard := w.connect(), w.audit()
	require.True(t, w.ask(nc, w.agent.Handle, "service connect", `{"provider":"OPENAI","key":"`+goodKey+`"}`).OK)
	slash := func(prompt string) string {
		shown := ""
		w.eventually("Discord answers", 20*time.Second, func() bool {
			i, err := w.discord.Slash("ann", w.channel, "/ia generate image prompt:"+prompt+" provider:OPENAI")
			if err != nil {
				return false
			}
			r, err := i.Settled(t.Context())
			if err == nil && r.Message != nil {
				shown = r.Message.Content
			}
			return err == nil
		})
		return shown
	}
	slash("a-ring")
	w.eventually("the first is started", 20*time.Second, func() bool { return heard.has(w.agent.Handle, "generate image", "done", command.Discord) })
	require.Contains(t, slash("another-ring"), "You have started 1 generation as")
	require.True(t, w.ask(nc, w.agent.Handle, "generate image", `{"prompt":"a program's ring","provider":"OPENAI"}`).OK, "programs are not asked")
}

// TestT25_WhatTheTerminalDoesIsAudited: also where it goes to the API itself.
func TestT25_WhatTheTerminalDoesIsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(w.everywhere())
	file := filepath.Join(w.dir, "ring.gif")
	require.NoError(t, os.WriteFile(file, picture().data, 0o600))

	// No bridge runs: the entry is in a file of the data folder, for its owner only.
	_, errs, code := w.output("do", "post", "create", "text=alone", "--config", w.file())
	require.Zero(t, code, errs)
	path := filepath.Join(w.dir, "data", "audit.jsonl")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var entries []command.Entry
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e command.Entry
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		entries = append(entries, e)
		require.NotContains(t, lines.Text(), "alone", "no words that people wrote")
	}
	require.Len(t, entries, 1)
	require.Equal(t, "done", entries[0].Outcome)
	require.Equal(t, command.Terminal, entries[0].Door)
	require.NotEmpty(t, entries[0].Principal.Name)

	// A bridge runs: it hears of what goes to the API directly, and what goes through it.
	w.start()
	w.ready()
	heard := w.audit()
	_, errs, code = w.output("do", "media", "image", "file="+file, "--config", w.file())
	require.Zero(t, code, errs)
	_, errs, code = w.output("do", "notify", "count", "--config", w.file())
	require.Zero(t, code, errs)
	w.eventually("both are in the audit", 10*time.Second, func() bool {
		return heard.has(w.agent.Handle, "media image", "done", command.Terminal) && heard.has(w.agent.Handle, "notify count", "done", command.Terminal)
	})
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, info.Size(), after.Size(), "the file is for times without a bridge")
}

// TestB38_ADenialNamesTheRole: people know a role by its name, the list by its number.
func TestB38_ADenialNamesTheRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guild := w.discord.Guild("Workshop")
	channel := w.discord.Channel(guild, "commands")
	w.configure("access: {write: [\"discord:role:" + w.discord.Role(guild, "Agent-Team") + "\"]}\nsubscriptions:\n  - {name: d, events: [\"notification.*\"], to: \"discord:" + channel + "\"}\n")
	w.start()
	w.ready()
	shown := ""
	w.eventually("Discord answers", 20*time.Second, func() bool {
		i, err := w.discord.Slash("eve", channel, "/ia post create text:from-eve")
		if err != nil {
			return false
		}
		r, err := i.Settled(t.Context())
		if err == nil && r.Message != nil {
			shown = r.Message.Content
		}
		return strings.Contains(shown, "You can look, but not act")
	})
	require.Contains(t, shown, "Agent-Team, or an admin can run")
	require.False(t, w.posted("from-eve"))
}
