package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// rivals is a world with two servers at Discord: ann's, which reaches luna by the
// file and zeta from chat, and bob's, which reaches nova.
type rivals struct {
	*matrix
	other, there string // bob's server and his channel
}

func newRivals(t *testing.T) *rivals {
	t.Helper()
	m := newChat(t, sandbox.Options{Seed: 1, TokenTTL: 1000 * time.Hour}, "luna", "nova", "zeta", helper)
	r := &rivals{matrix: m, other: m.discord.Guild("Rivals")}
	m.discord.Member(r.other, "bob", 1<<5)
	r.there = m.discord.Channel(r.other, "talk")
	var agents []string
	for _, a := range m.sandbox.Agents()[:2] {
		agents = append(agents, fmt.Sprintf(`{handle: %s, client_id: %s, client_secret: "${file:%s}"}`, a.Handle, a.ClientID, m.secret(a.Handle, a.ClientSecret)))
	}
	text := fmt.Sprintf(`imagineanything: {base_url: %s}
agents: [%s]
poll: {notifications: 2s, messages: 2s, generations: 2s, ceiling: 2s}
nats: {listen: "%s", store: 64MiB}
http: {listen: "%s"}
webhooks: {allow_private: true}
discord: {bot_token: "%s", api_url: %s}
subscriptions:
  - {name: mine, agents: [luna], events: ["notification.*"], to: "discord:%s"}
  - {name: theirs, agents: [nova], events: ["notification.*"], to: "discord:%s"}
  - {name: all, agents: ["*"], events: ["notification.*"], to: "webhook:%s", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}
`, m.api.URL, strings.Join(agents, ", "), m.nats, m.web, fakediscord.DefaultToken, m.discordURL, m.channel, r.there, m.hookURL)
	require.NoError(t, os.WriteFile(m.file(), []byte(text), 0o600))
	m.running = m.start()
	m.ready()
	m.nc = m.connect()
	_, err := m.nc.Subscribe("ia.audit.>", m.trail.hear)
	require.NoError(t, err)
	require.NoError(t, m.nc.Flush())
	for who, in := range map[string]string{"ann": m.hall, "bob": r.there} {
		m.eventually(who+" is answered", 30*time.Second, func() bool {
			i, err := m.discord.Slash(who, in, "/ia notify count agent:"+map[string]string{"ann": "luna", "bob": "nova"}[who])
			if err != nil {
				return false
			}
			s, err := i.Settled(t.Context())
			return err == nil && s.Message != nil && !strings.Contains(s.Message.Content, "No agent")
		})
	}
	return r
}

// answered is what somebody is shown after they did something. What came too late to
// be heard, as it may on a busy machine, is done again: so do people.
func (r *rivals) answered(what string, do func() (*fakediscord.Interaction, error)) (*fakediscord.Interaction, fakediscord.Response) {
	r.t.Helper()
	for range 10 {
		in, err := do()
		require.NoError(r.t, err, what)
		if shown, err := in.Settled(r.t.Context()); err == nil && (shown.Message != nil || shown.Modal != nil) {
			return in, shown
		}
	}
	require.Fail(r.t, "not answered", what)
	return nil, fakediscord.Response{}
}

// says has somebody type a line, and gives what they are shown.
func (r *rivals) says(who, channel, line string, form map[string]string) fakediscord.Response {
	r.t.Helper()
	in, shown := r.answered(line, func() (*fakediscord.Interaction, error) { return r.discord.Slash(who, channel, line) })
	if shown.Modal != nil && form != nil {
		_, shown = r.answered(line, func() (*fakediscord.Interaction, error) { return r.discord.Submit(in, form) })
	}
	return shown
}

// refusals are what the audit has of bob's refusals.
func (r *rivals) refusals() int {
	return len(r.trail.those(func(h heard) bool { return h.Outcome == "refused" && h.Principal.Workspace == r.other }))
}

// touched counts what was done as ann's agents.
func (r *rivals) touched() int {
	n := 0
	for _, e := range r.sandbox.Journal() {
		if (e.Agent == "luna" || e.Agent == "zeta") && (e.Class == sandbox.ClassWrite || e.Class == sandbox.ClassUpload) {
			n++
		}
	}
	return n
}

// F54, T2, T3: what a server has can't be used, seen or guessed from another one: by
// no command, no button and no forged value; and what happens to an agent that was
// connected from chat goes to its server alone.
func TestF54_AnotherServerReachesNothingThroughTheProgram(t *testing.T) {
	t.Parallel()
	r := newRivals(t)
	zeta := map[string]string{"client_id": "id-zeta", "client_secret": "ia_secret_of_zeta"}
	require.Contains(t, r.says("ann", r.channel, "/ia connect agent", zeta).Message.Content, "Connected:")
	r.eventually("the agent is watched", 60*time.Second, func() bool {
		state, _ := r.condition("poller", "zeta")
		return state == "ok"
	})
	r.says("ann", r.channel, "/ia subscribe add agents:* events:notification.mention name:every", nil)
	r.mentionOf("zeta", 1)
	r.mentionOf("luna", 2)
	r.mentionOf("nova", 3)
	both := func(channel string, words ...string) bool {
		screen := r.discord.Screen(channel)
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(screen, w) })
	}
	r.eventually("the cards", 60*time.Second, func() bool { return both(r.channel, numbered(1), numbered(2)) && both(r.there, numbered(3)) })
	require.NotContains(t, r.discord.Screen(r.channel), numbered(3))
	require.NotContains(t, r.discord.Screen(r.there), numbered(1))

	values := r.recorded()
	require.Greater(t, len(values), 20)
	before, refused := r.touched(), r.refusals()
	for _, id := range append(values, forged()...) {
		_, shown := r.answered(id, func() (*fakediscord.Interaction, error) { return r.discord.Forge("bob", r.there, id, nil) })
		require.NotNil(t, shown.Message, id)
		require.NotContains(t, shown.Message.Content, numbered(1)[:8], id)
		refused++
		r.eventually("the audit has "+id, 30*time.Second, func() bool { return r.refusals() >= refused })
	}
	require.Equal(t, before, r.touched(), "nothing was done at ImagineAnything")
	r.everyCommand()
	require.Equal(t, before, r.touched(), "nothing was done at ImagineAnything")

	require.Len(t, r.hook.seen(), 2, "an agent from chat is not the operator's")
	r.disconnected()
	require.Empty(t, r.discord.Faults())
	r.running.stop()
}

// recorded are all button values of ann's channel, after she looked at this and that.
func (r *rivals) recorded() []string {
	r.t.Helper()
	for _, line := range []string{
		"/ia feed home agent:luna", "/ia dm list agent:luna", "/ia notify list agent:luna", "/ia search find query:orbit agent:luna", "/ia-agent list agent:luna",
		"/ia post create text:Hello agent:luna", "/ia-media list agent:luna", "/ia generate history agent:luna", "/ia subscribe list", "/ia connect list", "/ia subscribe show subscription:every",
	} {
		r.says("ann", r.channel, line, nil)
	}
	seen := map[string]bool{}
	var walk func(list []fakediscord.Component)
	walk = func(list []fakediscord.Component) {
		for _, c := range list {
			if strings.HasPrefix(c.CustomID, "ia1:") {
				seen[c.CustomID] = true
			}
			for _, o := range c.Options {
				seen[o.Value] = seen[o.Value] || strings.HasPrefix(o.Value, "ia1:")
			}
			walk(c.Components)
			if c.Accessory != nil {
				walk([]fakediscord.Component{*c.Accessory})
			}
		}
	}
	for _, m := range r.discord.Messages(r.channel) {
		walk(m.Components)
	}
	maps.DeleteFunc(seen, func(id string, ours bool) bool {
		return !ours || !strings.Contains(id, "luna") && !strings.Contains(id, "zeta") && !strings.Contains(id, "~")
	})
	return slices.Sorted(maps.Keys(seen))
}

// forged are values that no card of ours carries (F52).
func forged() []string {
	var out []string
	for _, verb := range []string{"post.like", "post.delete", "dm.send", "service.disconnect", "connect.remove", "access.allow", "dead.drop", "subscribe.remove"} {
		out = append(out,
			"ia1:"+verb+":luna:post=p1", "ia1:y."+verb+":luna:post=p1&handle=luna", "ia1:y."+verb+":LUNA:post=p1", "ia1:"+verb+":%6Cuna:post=p1",
			"ia1:"+verb+"x:nova:post=p1", "ia1:"+verb+":luna:pos%", "ia1:"+verb+":zeta:"+strings.Repeat("x", 100-len("ia1:"+verb+":zeta:")),
		)
	}
	return append(out, "ia1:~"+strings.Repeat("a", 22), "ia1:~"+strings.Repeat("a", 22)+":post.like:luna", "ia2:post.like:luna", "ia1:")
}

// everyCommand has bob type every command of the table for ann's agent, and for one
// that nobody has: he can't tell them apart. Buttons of every kind of card are pressed
// in bridge/command; what the bridge's own commands name is named there and at Slack's
// door, where those that take files are sent too.
func (r *rivals) everyCommand() {
	r.t.Helper()
	tried := 0
	for _, spec := range command.Table() {
		line, ok := typedLine(&spec)
		if !ok {
			continue
		}
		ask := func(agent string) string {
			_, shown := r.answered(line, func() (in *fakediscord.Interaction, err error) {
				for _, head := range []string{"/ia ", "/ia-", "/ia-admin "} {
					if in, err = r.discord.Slash("bob", r.there, head+line+" agent:"+agent); err == nil {
						break
					}
					require.Regexp(r.t, "no command|no such verb", err.Error(), line)
				}
				return in, err
			})
			require.NotNil(r.t, shown.Message, "%s opens a form", line)
			return strings.ReplaceAll(strings.ReplaceAll(shown.Message.Content, agent, "X"), strings.ReplaceAll(agent, "_", `\_`), "X")
		}
		tried++
		require.Equal(r.t, ask("no_such_one"), ask("luna"), line)
	}
	require.Greater(r.t, tried, 100)
}

// typedLine is a command as somebody types it, with something for what it must have;
// false where a file is needed.
func typedLine(spec *command.Spec) (string, bool) {
	var line strings.Builder
	line.WriteString(spec.Group + " " + spec.Verb)
	for _, a := range spec.Args {
		wanted := a.Required || len(spec.AnyOf) > 0 && a.Name == spec.AnyOf[0] || len(spec.OneOf) > 0 && a.Name == spec.OneOf[0]
		switch {
		case !wanted || a.Hidden || a.Secret || a.Long:
		case a.Kind == command.Attachment:
			return "", false
		case len(a.Choices) > 0:
			line.WriteString(" " + a.Name + ":" + a.Choices[0])
		case a.Kind == command.Integer, a.Kind == command.Number:
			line.WriteString(" " + a.Name + ":" + fmt.Sprint(max(1, a.Min)))
		case a.Kind == command.Flag:
			line.WriteString(" " + a.Name + ":true")
		case a.Max > 0 && a.Max < 4:
			line.WriteString(" " + a.Name + ":x")
		default:
			line.WriteString(" " + a.Name + ":" + strings.Repeat("x1", max(2, int(a.Min+1)/2)))
		}
	}
	return line.String(), true
}

// disconnected has ann let the agent go that she connected: its events stop, it is
// polled no more, and its secret is gone.
func (r *rivals) disconnected() {
	r.t.Helper()
	asked := r.says("ann", r.channel, "/ia connect remove handle:zeta", nil)
	require.Contains(r.t, asked.Message.Content, "Disconnect this agent")
	_, err := r.discord.Click("ann", r.channel, asked.Message.ID, "Yes, do it")
	require.NoError(r.t, err)
	r.eventually("it is let go", 30*time.Second, func() bool {
		return len(r.trail.those(func(h heard) bool { return h.Group == "connect" && h.Verb == "remove" && h.Outcome == "done" })) > 0
	})
	r.eventually("it is not watched", 30*time.Second, func() bool {
		state, _ := r.condition("poller", "zeta")
		return state == ""
	})
	stored, err := r.nc.Request("$JS.API.STREAM.MSG.GET.KV_IA_CONFIG", []byte(`{"last_by_subj":"$KV.IA_CONFIG.agent.zeta"}`), 20*time.Second)
	require.NoError(r.t, err)
	require.NotContains(r.t, string(stored.Data), `"error"`)
	r.mentionOf("zeta", 7)
	r.mentionOf("luna", 8)
	r.eventually("the other's card", 60*time.Second, func() bool { return strings.Contains(r.discord.Screen(r.channel), numbered(8)) })
	require.NotContains(r.t, r.discord.Screen(r.channel), numbered(7))
}
