package command_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// city is what two workspaces and their agents are to the table: the store of
// workspaces, invites and accounts in memory.
type city struct {
	*house

	one      sync.Mutex
	records  map[string]bridge.WorkspaceRecord
	invites  map[string]bridge.Invite
	secrets  map[string]string // of agents added from chat, by handle
	file     command.Lists
	operated map[string][]string // by workspace
	audit    []command.Entry
	run      *command.Runner
	n        int
}

// credentials of the agents at ImagineAnything, by client id.
var credentials = map[string]struct{ handle, secret string }{
	"id-luna": {"luna", "secret-luna"}, "id-nova": {"nova", "secret-nova"}, "id-zeta": {"zeta", "secret-zeta"},
}

func newCity(change ...func(*city, *command.RunnerOptions)) *city {
	c := &city{
		house: &house{lanes: map[string]bridge.Record{}}, records: map[string]bridge.WorkspaceRecord{}, invites: map[string]bridge.Invite{},
		secrets: map[string]string{}, operated: map[string][]string{},
	}
	h := c.parts()
	h.Workspaces, h.Invites, h.Accounts, h.Listed, h.Dead = c, c, c, func() command.Lists { return c.file }, &graveyard{}
	h.Reach, h.Operated = c.reach, func(_, workspace string) []string { return c.operated[workspace] }
	h.Audits = func(_ context.Context, since time.Time, fn func(command.Entry) bool) error {
		for _, e := range c.entries() {
			if !e.At.Before(since) && !fn(e) {
				break
			}
		}
		return nil
	}
	o := command.RunnerOptions{
		Agents: func() map[string]*imagine.Client {
			return map[string]*imagine.Client{"luna": {}, "nova": {}, "zeta": {}}
		},
		Reach: func(p command.Principal) []string { return c.reach(p.Platform, p.Workspace) },
		Access: func(p command.Principal, agent string) command.Lists {
			r, _ := c.Get(context.Background(), p.Platform, p.Workspace)
			return c.file.With(r.ListsOf(agent))
		},
		House: h, Records: &ledger{}, Owner: "one",
		Audit: func(_ context.Context, e command.Entry) {
			c.one.Lock()
			defer c.one.Unlock()
			c.audit = append(c.audit, e)
		},
	}
	for _, f := range change {
		f(c, &o)
	}
	c.run = command.NewRunner(o)
	return c
}

func (c *city) entries() []command.Entry {
	c.one.Lock()
	defer c.one.Unlock()
	return slices.Clone(c.audit)
}

func (c *city) reach(platform, workspace string) []string {
	r, _ := c.Get(context.Background(), platform, workspace)
	out := slices.Clone(c.operated[workspace])
	for _, a := range r.Agents {
		out = append(out, a.Handle)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *city) List(ctx context.Context) ([]bridge.WorkspaceRecord, error) {
	c.one.Lock()
	defer c.one.Unlock()
	return slices.SortedFunc(maps.Values(c.records), func(a, b bridge.WorkspaceRecord) int { return strings.Compare(a.ID, b.ID) }), ctx.Err()
}

func (c *city) Get(_ context.Context, platform, id string) (bridge.WorkspaceRecord, error) {
	c.one.Lock()
	defer c.one.Unlock()
	if r, ok := c.records[platform+id]; ok {
		return r, nil
	}
	return bridge.WorkspaceRecord{Platform: platform, ID: id}, nil
}

func (c *city) Change(ctx context.Context, platform, id string, change func(*bridge.WorkspaceRecord) (bool, error)) (bridge.WorkspaceRecord, error) {
	r, _ := c.Get(ctx, platform, id)
	if wanted, err := change(&r); err != nil || !wanted {
		return r, err
	}
	c.one.Lock()
	defer c.one.Unlock()
	c.records[platform+id] = r
	return r, nil
}

func (c *city) Put(_ context.Context, code string, v bridge.Invite) error {
	c.one.Lock()
	defer c.one.Unlock()
	c.invites[code] = v
	return nil
}

func (c *city) Take(_ context.Context, code string, by bridge.Person, in string) (bridge.Invite, bool, error) {
	c.one.Lock()
	defer c.one.Unlock()
	v, ok := c.invites[code]
	if !ok || !v.Used.IsZero() || !time.Now().Before(v.Until) {
		return bridge.Invite{}, false, nil
	}
	v.Used, v.UsedBy, v.UsedIn = time.Now(), by, in
	c.invites[code] = v
	return v, true, nil
}

func (c *city) Try(_ context.Context, _ command.Principal, id, secret string) (string, error) {
	if k := credentials[id]; k.secret != "" && k.secret == secret {
		return k.handle, nil
	}
	return "", &imagine.Error{Op: "sign in", Status: 401}
}

func (c *city) Keep(_ context.Context, _ command.Principal, r imagine.Registration) error {
	c.one.Lock()
	defer c.one.Unlock()
	c.secrets[r.Handle] = r.ClientSecret.Reveal()
	return nil
}

func (c *city) Hold(_ context.Context, handle string) (bool, error) {
	c.one.Lock()
	defer c.one.Unlock()
	return c.secrets[handle] != "" || slices.Contains(slices.Concat(slices.Collect(maps.Values(c.operated))...), handle), nil
}

func (c *city) Release(_ context.Context, handle string) (bool, error) {
	c.one.Lock()
	defer c.one.Unlock()
	for _, r := range c.records {
		if _, has := r.Connection(handle); has {
			return false, nil
		}
	}
	had := c.secrets[handle] != ""
	delete(c.secrets, handle)
	return had, nil
}

// says has somebody do a command in their workspace, and yes where they are asked.
func (c *city) says(t *testing.T, p command.Principal, name string, values map[string]any, yes ...bool) command.Answer {
	t.Helper()
	c.n++
	group, verb, _ := strings.Cut(name, " ")
	return c.run.Do(t.Context(), command.Request{
		ID: fmt.Sprintf("q%d", c.n), Principal: p, Group: group, Verb: verb, Values: values, Confirmed: len(yes) > 0, Door: p.Platform, Place: "C1",
	})
}

func boss(workspace string) command.Principal {
	return command.Principal{Platform: command.Discord, Workspace: workspace, User: "100" + workspace, Name: "boss", Manages: true}
}

func member(workspace string, roles ...string) command.Principal {
	return command.Principal{Platform: command.Discord, Workspace: workspace, User: "200" + workspace, Name: "member", Roles: roles}
}

// code is what an invite shows.
func code(t *testing.T, a command.Answer) string {
	t.Helper()
	require.True(t, a.OK, "%v", a.Problem)
	made, ok := a.Reply.Data.(command.Invited)
	require.True(t, ok)
	return made.Code
}

func TestAnAgentIsConnectedByItsSecretAlone(t *testing.T) {
	t.Parallel()
	c := newCity()
	with := func(id, secret string) map[string]any {
		return map[string]any{"client_id": id, "client_secret": secret}
	}
	a := c.says(t, boss("1"), "connect agent", with("id-luna", "guess"))
	require.Equal(t, "wrong_credentials", a.Problem.Status)
	require.Empty(t, c.secrets)
	require.Empty(t, c.reach(command.Discord, "1"))
	a = c.says(t, boss("1"), "connect agent", map[string]any{"client_id": "id-luna", "client_secret": "secret-luna", "handle": "@nova"})
	require.Equal(t, "another_agent", a.Problem.Status)
	require.Equal(t, "forbidden", c.says(t, member("1"), "connect agent", with("id-luna", "secret-luna")).Problem.Status)

	a = c.says(t, boss("1"), "connect agent", with("id-luna", " secret-luna "))
	require.True(t, a.OK, "%v", a.Problem)
	require.True(t, a.Private)
	require.NotContains(t, fmt.Sprint(a), "secret-luna")
	require.Equal(t, []string{"luna"}, c.reach(command.Discord, "1"))
	r, err := c.Get(t.Context(), command.Discord, "1")
	require.NoError(t, err)
	require.Equal(t, bridge.BySecret, r.Agents[0].How)
	require.Equal(t, "1001", r.Agents[0].By.ID)
	for _, e := range c.entries() {
		require.NotContains(t, fmt.Sprint(e), "secret")
		require.NotContains(t, fmt.Sprint(e), "guess")
	}
	last := c.entries()[len(c.entries())-1]
	require.Equal(t, []string{"luna", "connect", "agent", "done"}, []string{last.Agent, last.Group, last.Verb, last.Outcome}, "the grant is audited")
	require.True(t, c.says(t, boss("1"), "connect agent", with("id-luna", "secret-luna")).OK, "twice is the same as once")
	require.Len(t, c.records[command.Discord+"1"].Agents, 1)
}

// T17: a code is made by who administers the agent, works once and for a day, and
// whom it let in lets nobody else in.
func TestT17_AnInviteConnectsOneWorkspaceOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCity()
		require.True(t, c.says(t, boss("1"), "connect agent", map[string]any{"client_id": "id-luna", "client_secret": "secret-luna"}).OK)
		require.Equal(t, "forbidden", c.says(t, member("1"), "connect invite", nil).Problem.Status, "a member administers nothing")
		absent := c.says(t, boss("2"), "connect invite", map[string]any{"handle": "nobody"})
		theirs := c.says(t, boss("2"), "connect invite", map[string]any{"handle": "luna"})
		require.Equal(t, strings.ReplaceAll(absent.Problem.Error(), "nobody", "luna"), theirs.Problem.Error())

		a := c.says(t, boss("1"), "connect invite", nil)
		key := code(t, a)
		require.GreaterOrEqual(t, len(key), 26, "130 bits in Base32")
		require.NotContains(t, a.Reply.Text, key, "the ledger keeps the text")
		redeem := func(p command.Principal, code string) command.Answer {
			return c.says(t, p, "connect redeem", map[string]any{"code": code})
		}
		wrong := redeem(boss("2"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ").Problem
		require.Equal(t, "invalid_code", wrong.Status)
		require.Equal(t, "forbidden", redeem(member("2"), key).Problem.Status)
		require.True(t, redeem(boss("2"), strings.ToLower(key[:13])+" "+key[13:]).OK)
		require.Equal(t, []string{"luna"}, c.reach(command.Discord, "2"))
		require.Equal(t, wrong.Error(), redeem(boss("3"), key).Problem.Error(), "a used code reads like none")
		require.Equal(t, "invited", c.says(t, boss("2"), "connect invite", nil).Problem.Status)

		old := code(t, c.says(t, boss("1"), "connect invite", nil))
		time.Sleep(bridge.InviteLife)
		require.Equal(t, wrong.Error(), redeem(boss("3"), old).Problem.Error(), "an old code reads like none")

		operator := command.Principal{Platform: command.NATS}
		made := c.run.Do(t.Context(), command.Request{Principal: operator, Agent: "zeta", Group: "connect", Verb: "invite", Door: command.NATS, Place: "ia.cmd.zeta.connect.invite"})
		require.Equal(t, "invalid_code", redeem(boss("3"), code(t, made)).Problem.Status, "of an agent that nobody keeps any more")
		require.Empty(t, c.reach(command.Discord, "3"))
	})
}

func TestTheLastWorkspaceThatLetsAnAgentGoErasesItsSecret(t *testing.T) {
	t.Parallel()
	c := newCity()
	luna := map[string]any{"client_id": "id-luna", "client_secret": "secret-luna"}
	require.True(t, c.says(t, boss("1"), "connect agent", luna).OK)
	require.True(t, c.says(t, boss("2"), "connect agent", luna).OK)
	require.True(t, c.says(t, boss("1"), "access allow", map[string]any{"may": "write", "who": "<@&50005>", "handle": "luna"}).OK)
	remove := func(workspace string) command.Answer {
		return c.says(t, boss(workspace), "connect remove", map[string]any{"handle": "luna"}, true)
	}
	a := c.says(t, boss("1"), "connect remove", map[string]any{"handle": "luna"})
	require.True(t, a.NeedsConfirm)
	a = remove("1")
	require.True(t, a.OK, "%v", a.Problem)
	require.Equal(t, "secret-luna", c.secrets["luna"], "another workspace has it")
	require.Empty(t, c.records[command.Discord+"1"].Access, "its lists go with it")
	require.Equal(t, "no_agent", c.says(t, boss("1"), "subscribe preview", map[string]any{"since": "1h", "preset": "all"}).Problem.Status)
	a = remove("2")
	require.Contains(t, a.Reply.Text, "erased")
	require.Empty(t, c.secrets)
	require.Equal(t, "unknown_agent", remove("2").Problem.Status)

	c.operated["3"] = []string{"nova"}
	require.Equal(t, "from_the_file", c.says(t, boss("3"), "connect remove", map[string]any{"handle": "nova"}, true).Problem.Status)
}

func TestAccessListsGrowAndShrinkByPeoplesWord(t *testing.T) {
	t.Parallel()
	c := newCity()
	c.operated["1"] = []string{"luna", "nova"}
	may := func(p command.Principal, verb, what, who, handle string, yes ...bool) command.Answer {
		values := map[string]any{"may": what, "who": who}
		if handle != "" {
			values["handle"] = handle
		}
		return c.says(t, p, "access "+verb, values, yes...)
	}
	writes := func(p command.Principal, agent string) bool {
		return c.run.Check(t.Context(), command.Request{Principal: p, Agent: agent, Group: "post", Verb: "create", Values: map[string]any{"text": "x"}, Door: p.Platform}) == nil
	}
	editor := member("1", "70007")
	require.False(t, writes(editor, "luna"))
	require.Equal(t, "forbidden", may(editor, "allow", "write", "<@&70007>", "").Problem.Status)
	require.True(t, may(boss("1"), "allow", "write", "<@&70007>", "luna").OK)
	require.True(t, writes(editor, "luna"))
	require.False(t, writes(editor, "nova"), "the list is luna's")
	require.True(t, writes(boss("1"), "luna"), "who manages the server stays what they are")
	require.False(t, writes(member("2", "70007"), "luna"), "a role is one of its own server")
	require.True(t, may(boss("1"), "allow", "write", "discord:user:2001", "").OK)
	require.True(t, writes(member("1"), "nova"))

	// Reading is everybody's until somebody is listed, which asks first.
	a := may(boss("1"), "allow", "read", "<@&80008>", "")
	require.True(t, a.NeedsConfirm)
	require.True(t, may(boss("1"), "allow", "read", "<@&80008>", "", true).OK)
	stranger := command.Principal{Platform: command.Discord, Workspace: "1", User: "300", Name: "stranger"}
	require.Equal(t, "forbidden", c.says(t, stranger, "access show", nil).Problem.Status)
	a = may(boss("1"), "remove", "read", "<@&80008>", "")
	require.True(t, a.NeedsConfirm, "an empty list lets everybody read")
	require.True(t, may(boss("1"), "remove", "read", "<@&80008>", "", true).OK)
	require.True(t, c.says(t, stranger, "access show", nil).OK)

	// Nobody locks themselves out.
	require.True(t, may(boss("1"), "allow", "admin", "discord:user:42", "").OK)
	require.Equal(t, "locked_out", may(boss("1"), "remove", "admin", "managers", "").Problem.Status)
	require.Equal(t, "not_listed", may(boss("1"), "remove", "admin", "discord:user:43", "").Problem.Status)
	require.True(t, may(boss("1"), "remove", "admin", "discord:user:42", "").OK)
	for _, e := range c.entries() {
		if e.Verb == "allow" && e.Outcome == "done" {
			require.NotEmpty(t, e.Targets["who"], "the audit says who was let in")
		}
	}
}

func TestTheOperatorsListsAndAWorkspacesOwnAddUp(t *testing.T) {
	t.Parallel()
	c := newCity()
	c.operated["1"], c.file = []string{"luna"}, command.Lists{Write: []string{"discord:role:9"}, Admin: []string{"discord:user:1001"}}
	writes := func(p command.Principal) bool {
		return c.run.Check(t.Context(), command.Request{Principal: p, Agent: "luna", Group: "post", Verb: "create", Values: map[string]any{"text": "x"}, Door: p.Platform}) == nil
	}
	manager := command.Principal{Platform: command.Discord, Workspace: "1", User: "77", Manages: true}
	require.False(t, writes(manager), "the operator named who writes")
	require.True(t, c.says(t, boss("1"), "access allow", map[string]any{"may": "write", "who": "discord:user:2001"}).OK)
	require.True(t, writes(member("1")))
	require.True(t, writes(member("1", "9")), "the operator's list stays")
	require.False(t, writes(manager), "an empty list of the workspace's own widens nothing")
	require.Equal(t, "from_the_file", c.says(t, boss("1"), "access remove", map[string]any{"may": "write", "who": "discord:role:9"}).Problem.Status)
	shown := c.says(t, boss("1"), "access show", nil).Reply.Data.(command.AccessView)
	require.Equal(t, command.AccessList{File: []string{"discord:role:9"}, Every: []string{"discord:user:2001"}}, shown.Write)
	require.Equal(t, command.AccessList{Usual: "everybody"}, shown.Read)
}

// T25: a workspace reads its own part of the audit, refusals too, and no other's.
func TestT25_AWorkspaceReadsItsOwnAuditAlone(t *testing.T) {
	t.Parallel()
	c := newCity()
	c.operated["1"], c.operated["2"] = []string{"luna"}, []string{"luna"}
	c.says(t, member("1"), "dm send", map[string]any{"conversation": "c1", "text": "a private word"})
	c.says(t, boss("2"), "connect redeem", map[string]any{"code": "WRONGCODE"})
	require.Equal(t, "forbidden", c.says(t, member("1"), "access audit", nil).Problem.Status)
	list := c.says(t, boss("1"), "access audit", nil).Reply
	got := list.Data.(command.AuditList)
	require.Len(t, got.Items, 2)
	require.Equal(t, "access audit", got.Items[0].Command, "the newest first: the refused look")
	require.Equal(t, command.AuditView{
		At: got.Items[1].At, By: "discord:user:2001", Name: "member", Place: "C1", Agent: "luna", Command: "dm send", Targets: map[string]string{},
		Outcome: "refused", Status: "forbidden",
	}, got.Items[1])
	require.NotContains(t, fmt.Sprint(list), "private word")
	require.NotContains(t, fmt.Sprint(list), "redeem")
}

// A program that may speak for one agent looks after that one alone, whatever door
// it says it is.
func TestT20_PermissionForOneAgentIsNoneForOthers(t *testing.T) {
	t.Parallel()
	c := newCity()
	c.operated["1"] = []string{"luna", "nova"}
	for _, door := range []string{command.NATS, command.Terminal} {
		ask := func(subject, agent, name string, values map[string]any) command.Answer {
			group, verb, _ := strings.Cut(name, " ")
			return c.run.Do(t.Context(), command.Request{
				Principal: command.Principal{Platform: door}, Agent: agent, Group: group, Verb: verb, Values: values, Door: door, Place: "ia.cmd." + subject + "." + group + "." + verb, Confirmed: true,
			})
		}
		in := map[string]any{"workspace": "discord:1"}
		with := func(more map[string]any) map[string]any {
			out := maps.Clone(in)
			maps.Copy(out, more)
			return out
		}
		require.Equal(t, 404, ask("luna", "luna", "connect invite", map[string]any{"handle": "nova"}).Problem.Code)
		require.Equal(t, 404, ask("luna", "luna", "access allow", with(map[string]any{"handle": "nova", "may": "admin", "who": "discord:user:1"})).Problem.Code)
		require.Equal(t, 403, ask("luna", "luna", "connect agent", with(map[string]any{"client_id": "id-nova", "client_secret": "secret-nova"})).Problem.Code)
		require.Equal(t, 403, ask("luna", "luna", "connect redeem", with(map[string]any{"code": "X"})).Problem.Code)
		list := ask("luna", "luna", "connect list", in).Reply.Data.(command.ConnectionList)
		require.Len(t, list.Items, 1)
		require.Equal(t, "luna", list.Items[0].Handle)
		require.True(t, ask("luna", "luna", "access allow", with(map[string]any{"may": "admin", "who": "discord:user:1"})).OK)
		require.Contains(t, c.records[command.Discord+"1"].Access, "luna", "it is about that agent, named or not")
		require.NotContains(t, c.records[command.Discord+"1"].Access, bridge.EveryAgent)
		require.Len(t, ask("-", "", "connect list", in).Reply.Data.(command.ConnectionList).Items, 2)
	}
}

// F55, T1: what somebody ordered while they might is refused when they may not any
// more, and waits while nobody can tell.
func TestF55_RightsAreThoseOfTheMomentOfRunning(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		now   func(p command.Principal) command.Principal
		posts int
	}{
		"the role is still there": {func(p command.Principal) command.Principal { return p }, 1},
		"the role was taken away": {func(p command.Principal) command.Principal { p.Roles = nil; return p }, 0},
		"the person left":         {func(p command.Principal) command.Principal { p.Gone = true; return p }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				w := newWorld(t, func(o *command.RunnerOptions) {
					o.Access = func(command.Principal, string) command.Lists { return command.Lists{Write: []string{"discord:role:7"}} }
					o.Now = func(_ context.Context, p command.Principal) (command.Principal, bool) {
						asked++
						return tc.now(p), asked > 3
					}
				})
				q := w.request("post create", map[string]any{"text": "later", "at": "in 1h"})
				q.ID, q.Principal = "q1", command.Principal{Platform: command.Discord, Workspace: "G1", User: "U7", Roles: []string{"7"}}
				a := w.runner.Do(t.Context(), q)
				require.NotNil(t, a.Reply.Planned, "%v", a.Problem)
				c := minding(t, w.runner)
				time.Sleep(61 * time.Minute)
				synctest.Wait()
				told := c.told()
				require.Len(t, told, 1)
				require.Equal(t, tc.posts == 1, told[0].OK, "%v", told[0].Problem)
				if tc.posts == 0 {
					require.Equal(t, "forbidden", told[0].Problem.Status)
					require.Equal(t, "refused", w.entries[len(w.entries)-1].Outcome)
				}
				require.Equal(t, 4, asked, "it waits until the platform tells")
				c.end()
			})
		})
	}
	t.Run("between the question and the yes", func(t *testing.T) {
		t.Parallel()
		c := newCity()
		c.operated["1"], c.file = []string{"luna"}, command.Lists{Admin: []string{"discord:role:7"}}
		require.True(t, c.says(t, boss("9"), "connect list", nil).OK)
		c.records[command.Discord+"1"] = bridge.WorkspaceRecord{Platform: command.Discord, ID: "1", Agents: []bridge.Connected{{Handle: "luna"}}}
		remove := map[string]any{"handle": "luna"}
		require.True(t, c.says(t, member("1", "7"), "connect remove", remove).NeedsConfirm)
		require.Equal(t, "forbidden", c.says(t, member("1"), "connect remove", remove, true).Problem.Status)
		require.Len(t, c.records[command.Discord+"1"].Agents, 1)
	})
}
