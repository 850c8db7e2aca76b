package command_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// desk is somebody who types commands about subscriptions.
type desk struct {
	t     *testing.T
	house *house
	run   *command.Runner
	n     int
	zone  string          // of who types
	text  strings.Builder // all that was said, for a golden file
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, house: &house{lanes: map[string]bridge.Record{}}}
	d.run = command.NewRunner(command.RunnerOptions{
		Agents: func() map[string]*imagine.Client {
			return map[string]*imagine.Client{"nova": {}, "orbit": {}, "alien": {}}
		},
		Reach: func(command.Principal) []string { return []string{"nova", "orbit"} },
		House: d.house.parts(), Records: &ledger{}, Owner: "one",
		Access: func(command.Principal, string) command.Lists {
			return command.Lists{Write: []string{"discord:user:writer"}, Admin: []string{"discord:user:admin"}}
		},
	})
	return d
}

func someone(user string) command.Principal {
	return command.Principal{Platform: command.Discord, Workspace: "G1", User: user, Name: user}
}

// says has somebody do a command in the channel C1.
func (d *desk) says(user, verb string, values map[string]any, confirmed ...bool) command.Answer {
	d.t.Helper()
	return d.asks(someone(user), verb, values, len(confirmed) > 0)
}

func (d *desk) asks(p command.Principal, verb string, values map[string]any, confirmed bool) command.Answer {
	d.t.Helper()
	d.n++
	q := command.Request{
		ID: fmt.Sprintf("q%d", d.n), Principal: p, Group: "subscribe", Verb: verb, Values: values, Confirmed: confirmed, Door: p.Platform, Place: "C1", Zone: d.zone,
	}
	a := d.run.Do(d.t.Context(), q)
	fmt.Fprintf(&d.text, "# %s: %s %v\n%s\n", p.User+p.Platform[:1], verb, values, show(a))
	return a
}

func (d *desk) sealed(name string) {
	d.t.Helper()
	golden.Equal(d.t, "testdata/subscribe/"+name+".golden", []byte(d.text.String()))
}

func values(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

func TestSubscribingAndSteering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		a := d.says("writer", "add", nil)
		require.True(t, a.OK, a.Problem)
		require.Equal(t, []string{"nova", "orbit"}, d.house.list[0].Agents, "never all: an agent that comes later is not theirs")
		require.Equal(t, "discord:C1", d.house.list[0].To)
		require.Equal(t, "G1", d.house.list[0].Workspace)
		require.False(t, bridge.HoldsDMs(d.house.list[0].Events))
		d.says("writer", "add", values("events", "notification.like", "filter", "data.actor.verified", "digest", "1h", "quiet", "22:00-07:00 Europe/Berlin", "name", "likes", "agents", "nova"))
		d.says("writer", "list", nil)
		d.house.lanes[d.house.list[1].ID] = bridge.Record{State: bridge.Suspended, Reason: "The channel is gone."}
		d.says("writer", "show", values("subscription", "likes"))
		d.says("writer", "pause", values("subscription", "likes", "until", "2h"))
		require.NotNil(t, d.house.list[1].Paused)
		d.says("writer", "resume", values("subscription", "LIKES"))
		require.Nil(t, d.house.list[1].Paused)
		d.says("writer", "replay", values("subscription", "likes", "since", "2h"))
		require.Equal(t, 1, d.house.list[1].Rerun.Number)
		d.says("writer", "edit", values("subscription", "likes", "filter", "off", "digest", "09:00", "quiet", "off", "cap", 5))
		require.Empty(t, d.house.list[1].Filter)
		require.Equal(t, "09:00", d.house.list[1].DigestAt)
		d.says("writer", "test", values("subscription", "likes"))
		require.Len(t, d.house.sent, 1)
		d.says("writer", "remove", values("subscription", "likes"))
		require.Len(t, d.house.list, 2, "it asks first")
		d.says("writer", "remove", values("subscription", "likes"), true)
		require.Len(t, d.house.list, 1)
		d.sealed("steering")
	})
}

func TestWhatASubscriptionCantBe(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.house.list = []bridge.SubscriptionRecord{
		{ID: "team", Name: "team", To: "discord:C1", Agents: []string{"*"}, Events: []string{"*"}, Origin: bridge.FromFile, Rev: 1},
	}
	for _, v := range []map[string]any{
		values("events", "notifcation.like"),
		values("events", "notification.like", "filter", "data.actor.verfied"),
		values("preset", "public", "events", "*"),
		values("preset", "public", "digest", "5s"),
		values("preset", "public", "digest", "soon"),
		values("preset", "public", "quiet", "at night"),
		values("preset", "public", "quiet", "22:00-07:00 Mars"),
		values("preset", "public", "agents", "alien"),
		values("preset", "public", "to", "D1"),
		values("preset", "public", "to", "C9"),
		values("preset", "public", "to", "webhook:https://x.example/in"),
		values("preset", "public", "start", "yesterday"),
		values("preset", "public", "name", "team"),
		values("preset", "public", "name", "two words"),
	} {
		a := d.says("writer", "add", v)
		require.NotNil(t, a.Problem, "%v", v)
		require.Len(t, d.house.list, 1)
	}
	for _, verb := range []string{"edit", "remove"} {
		a := d.says("writer", verb, values("subscription", "team", "digest", "1h"), true)
		require.NotNil(t, a.Problem)
	}
	require.NotNil(t, d.says("writer", "pause", values("until", "yesterday")).Problem)
	require.NotNil(t, d.says("writer", "replay", values("since", "tomorrow")).Problem)
	require.NotNil(t, d.says("reader", "pause", nil).Problem, "reading is not steering")
	require.True(t, d.says("writer", "pause", nil).OK, "also one from the file")
	d.sealed("refused")
}

// TestB37_DirectMessagesNeedAnAdministratorsYes: a channel is read by all who are in it.
func TestB37_DirectMessagesNeedAnAdministratorsYes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, preset := range []string{"quiet", "dms", "all"} {
		require.Equal(t, 403, d.says("writer", "add", values("preset", preset)).Problem.Code)
	}
	require.True(t, d.says("admin", "add", nil).NeedsConfirm, "its usual choice holds direct messages")
	require.True(t, d.says("admin", "add", values("to", "C2")).NeedsConfirm)
	require.True(t, d.says("admin", "add", values("to", "C3")).NeedsConfirm)
	require.Empty(t, d.house.list)
	require.True(t, d.says("admin", "add", nil, true).OK)
	require.True(t, bridge.HoldsDMs(d.house.list[0].Events))
	require.True(t, d.says("writer", "edit", values("digest", "1h")).OK, "what was agreed on needs no second yes")
	require.Equal(t, 403, d.says("writer", "edit", values("to", "C2")).Problem.Code, "another channel is another audience")
	terminal := command.Principal{Platform: command.Terminal}
	require.True(t, d.asks(terminal, "add", values("preset", "dms", "to", "discord:C3"), false).NeedsConfirm)
	require.True(t, d.asks(terminal, "add", values("preset", "dms", "to", "webhook:https://x.example/in"), false).OK, "no channel")
	d.sealed("B37_direct_messages")
}

func TestAForeignSubscriptionReadsLikeNone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.house.list = []bridge.SubscriptionRecord{
		{ID: "theirs-abcdef", Name: "theirs", To: "discord:D1", Agents: []string{"alien"}, Events: []string{"*"}, Workspace: "G2", Rev: 1},
		{ID: "file", Name: "file", To: "discord:D2", Agents: []string{"*"}, Events: []string{"*"}, Origin: bridge.FromFile, Rev: 2},
		{ID: "slack", Name: "slack", To: "slack:C1", Agents: []string{"*"}, Events: []string{"*"}, Workspace: "G1", Rev: 3},
		{ID: "ours", Name: "ours", To: "discord:C1", Agents: []string{"*"}, Events: []string{"*"}, Workspace: "G1", Rev: 4},
	}
	for _, verb := range []string{"show", "pause", "resume", "test", "edit", "remove"} {
		absent := d.says("admin", verb, values("subscription", "absent", "digest", "1h"), true)
		for _, name := range []string{"theirs", "theirs-abcdef", "file", "slack"} {
			foreign := d.says("admin", verb, values("subscription", name, "digest", "1h"), true)
			require.Equal(t, strings.ReplaceAll(absent.Problem.Message, "absent", name), foreign.Problem.Message)
			require.Equal(t, absent.Problem.Hint, foreign.Problem.Hint)
		}
		if verb == "edit" || verb == "remove" {
			continue
		}
	}
	list := d.says("reader", "list", nil).Reply.Data.(command.SubscriptionList)
	require.Len(t, list.Items, 1)
	require.Len(t, d.asks(command.Principal{Platform: command.NATS}, "list", nil, false).Reply.Data.(command.SubscriptionList).Items, 4)
}

func TestPermissionForOneAgentOverNATSIsNoneForOthers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.house.list = []bridge.SubscriptionRecord{
		{ID: "all", Name: "all", To: "console", Agents: []string{"*"}, Events: []string{"*"}, Origin: bridge.FromFile, Rev: 1},
		{ID: "nova", Name: "nova", To: "console", Agents: []string{"nova"}, Events: []string{"*"}, Rev: 2},
		{ID: "both", Name: "both", To: "console", Agents: []string{"nova", "orbit"}, Events: []string{"*"}, Rev: 3},
	}
	ask := func(subject, agent, verb string, v map[string]any) command.Answer {
		t.Helper()
		return d.run.Do(t.Context(), command.Request{
			Principal: command.Principal{Platform: command.NATS}, Agent: agent, Group: "subscribe", Verb: verb, Values: v, Door: command.NATS,
			Place: "ia.cmd." + subject + ".subscribe." + verb, Confirmed: true,
		})
	}
	require.Len(t, ask("nova", "nova", "list", nil).Reply.Data.(command.SubscriptionList).Items, 1)
	require.Equal(t, 404, ask("nova", "nova", "remove", values("subscription", "both")).Problem.Code)
	require.NotNil(t, ask("nova", "nova", "add", values("preset", "public", "to", "console", "agents", "orbit")).Problem)
	require.True(t, ask("nova", "nova", "add", values("preset", "public", "to", "console", "agents", "*")).OK)
	require.Equal(t, []string{"nova"}, d.house.list[3].Agents)
	require.Len(t, ask("-", "", "list", nil).Reply.Data.(command.SubscriptionList).Items, 4)
	require.True(t, ask("-", "", "remove", values("subscription", "both")).OK)
}

func TestOneRequestMakesOneSubscription(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	q := command.Request{ID: "twice", Principal: someone("writer"), Group: "subscribe", Verb: "add", Door: command.Discord, Place: "C1"}
	runner := command.NewRunner(command.RunnerOptions{ // a ledger that forgot
		Agents: func() map[string]*imagine.Client { return map[string]*imagine.Client{"nova": {}} }, House: d.house.parts(),
		Access: func(command.Principal, string) command.Lists {
			return command.Lists{Write: []string{"discord:user:writer"}}
		},
	})
	require.True(t, runner.Do(t.Context(), q).OK)
	require.True(t, runner.Do(t.Context(), q).OK)
	require.Len(t, d.house.list, 1)
	require.True(t, d.says("writer", "add", nil).OK)
	require.Equal(t, "public-2", d.house.list[1].Name)
}

func TestAChangeOfSomebodyElseIsBuiltUpon(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.says("writer", "add", nil)
	d.house.moves = 2
	require.True(t, d.says("writer", "pause", nil).OK)
	require.NotNil(t, d.house.list[0].Paused)
	d.house.moves = 9
	require.Equal(t, "changed", d.says("writer", "resume", nil).Problem.Status)
	d.house.broke = errors.New("away")
	a := d.says("writer", "list", nil)
	require.Equal(t, "store", a.Problem.Status)
	require.NotContains(t, a.Problem.Error(), "away")
}

// happened are events of one day, an hour apart.
func (d *desk) happened(t *testing.T, names ...string) {
	t.Helper()
	begin := time.Now().Add(-time.Duration(len(names)) * time.Hour)
	for i, name := range names {
		at := begin.Add(time.Duration(i) * time.Hour)
		d.house.events = append(d.house.events, events.New("https://x.example", "nova", fmt.Sprintf("ntf_%d", i+1), "p1", at, example(t, name)))
		d.house.stored = append(d.house.stored, at.Add(5*time.Second))
	}
}

func example(t *testing.T, name string) events.Payload {
	t.Helper()
	for k := range events.Kinds() {
		if k.Name() == name {
			return k.Example
		}
	}
	t.Fatal(name)
	return nil
}

func TestPreviewsOfWhatWasRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.happened(t, "notification.like", "notification.mention", "notification.like", "message.received", "notification.comment")
		d.says("writer", "preview", values("preset", "public"))
		a := d.says("writer", "preview", values("events", "notification.*", "filter", `type != "like"`))
		p := a.Reply.Data.(command.Preview)
		require.Equal(t, []int{5, 2, 2, 1}, []int{p.Looked, p.Sends, p.Filtered, p.Others})
		d.says("writer", "preview", values("events", "notification.*", "since", "90m"))
		d.says("writer", "add", values("preset", "crowd", "quiet", "00:00-23:59"))
		d.says("writer", "preview", nil)
		require.NotNil(t, d.says("writer", "preview", values("preset", "all")).Problem, "direct messages are not for writers")
		d.sealed("preview")
	})
}

func TestTheWayOfAnEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.happened(t, "notification.like", "notification.mention", "notification.mention", "notification.mention", "notification.mention")
		d.house.list = []bridge.SubscriptionRecord{{
			ID: "team", Name: "team", To: "discord:C1", Agents: []string{"nova"}, Events: []string{"notification.mention"}, Origin: bridge.FromFile, Rev: 1,
		}}
		now := time.Now()
		d.house.lanes["team"] = bridge.Record{Position: 4, State: bridge.Suspended, Reason: "The channel is gone.", Updated: now}
		d.house.outcomes = []bridge.Outcome{
			{Kind: bridge.Retried, EventID: "ntf_2", Attempt: 1, Verdict: "retry", Reason: "Discord has trouble.", At: now},
			{Kind: bridge.Delivered, EventID: "ntf_2", Attempt: 2, To: "discord:C1", Position: 2, At: now},
			{Kind: bridge.Delivered, EventID: "ntf_4", Attempt: 1, To: "discord:C1", Position: 4, At: now},
		}
		verdict := func(event string) string {
			return d.says("reader", "why", values("event", event)).Reply.Data.(command.Trace).Verdict
		}
		require.Equal(t, "not_covered", verdict("ntf_1"))
		require.Equal(t, "delivered", verdict("ntf_2"))
		require.Equal(t, "delivered", verdict("ntf_3"), "inside the next message")
		require.Equal(t, "waiting", verdict("ntf_5"))
		d.house.dead = []bridge.DeadLetter{{EventID: "ntf_3", Reason: "The message is too large.", Attempts: 2, At: now}}
		require.Equal(t, "dead", verdict("ntf_3"))
		d.house.list[0].Filter = `data.actor.handle == "nobody"`
		require.Equal(t, "filtered", verdict("ntf_5"))
		require.Equal(t, 404, d.says("reader", "why", values("event", "ntf_99")).Problem.Code)
		d.sealed("why")
	})
}

func TestTheBridgesOwnCommandsNeedABridge(t *testing.T) {
	t.Parallel()
	a := command.NewRunner(command.RunnerOptions{Agents: func() map[string]*imagine.Client { return nil }}).
		Do(t.Context(), command.Request{Principal: command.Principal{Platform: command.Terminal}, Group: "subscribe", Verb: "list", Door: command.Terminal})
	require.Equal(t, "not_here", a.Problem.Status)
}
