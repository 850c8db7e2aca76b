package command_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// crews are Slack's user groups, and what it tells of them.
type crews struct {
	of    map[string][]string // persons by group
	bad   *command.Problem
	asked [][]string
}

func (c *crews) groups(_ context.Context, p command.Principal, ids []string) ([]string, error) {
	c.asked = append(c.asked, slices.Clone(ids))
	if c.bad != nil {
		return nil, c.bad
	}
	var in []string
	for id, members := range c.of { // also groups that nobody asked about
		if slices.Contains(members, p.User) {
			in = append(in, id)
		}
	}
	return in, nil
}

// atSlack is a city with the workspace T1, where luna is and installer manages.
func atSlack(c *crews) *city {
	town := newCity(func(_ *city, o *command.RunnerOptions) { o.Groups = c.groups })
	town.operated["T1"], town.operated["T2"] = []string{"luna"}, []string{"luna"}
	return town
}

func person(team, user string) command.Principal {
	return command.Principal{Platform: command.Slack, Workspace: team, User: user, Name: user}
}

func installer(team string) command.Principal {
	p := person(team, "U0OWNER")
	p.Manages = true
	return p
}

var (
	unseen  = &command.Problem{Code: 403, Status: command.GroupsUnseen, Message: "The bridge may not see who is in the user groups that are listed here.", Hint: "Add usergroups:read."}
	unknown = &command.Problem{Code: 503, Status: command.GroupsUnknown, Message: "Slack does not tell now who is in the user groups that are listed here.", Hint: "Send it again in a minute."}
)

func TestAUserGroupsMembersMayDoWhatItMay(t *testing.T) {
	t.Parallel()
	slack := &crews{of: map[string][]string{"S0EDITORS": {"U0ANN"}, "S0OTHERS": {"U0BOB"}}}
	c := atSlack(slack)
	refusal := func(p command.Principal) string {
		a := c.run.Check(t.Context(), command.Request{Principal: p, Agent: "luna", Group: "post", Verb: "create", Values: map[string]any{"text": "x"}, Door: command.Slack})
		if a == nil {
			return ""
		}
		return a.Status
	}
	require.Equal(t, "forbidden", refusal(person("T1", "U0ANN")))
	require.Empty(t, slack.asked, "no list names a group")
	for _, who := range []string{"<!subteam^S0EDITORS|@editors>", "<!subteam^S0EDITORS>", "slack:group:S0EDITORS"} {
		a := c.says(t, installer("T1"), "access allow", map[string]any{"may": "write", "who": who})
		require.True(t, a.OK, "%s: %v", who, a.Problem)
	}
	require.Equal(t, bridge.AccessLists{Write: []string{"slack:group:S0EDITORS", "slack:managers"}}, c.records["slackT1"].Access[bridge.EveryAgent])

	require.Empty(t, refusal(person("T1", "U0ANN")))
	require.Equal(t, "forbidden", refusal(person("T1", "U0BOB")), "another group's member")
	require.Equal(t, []string{"S0EDITORS"}, slack.asked[len(slack.asked)-1], "asked about those that are listed")
	require.Equal(t, "forbidden", refusal(person("T2", "U0ANN")), "another workspace lists nobody")
	forged := person("T1", "U0BOB")
	forged.Roles = []string{"S0EDITORS"}
	require.Equal(t, "forbidden", refusal(forged), "what a request says of groups proves nothing")
	away := person("", "U0ANN")
	require.Equal(t, "unknown_agent", refusal(away), "in no workspace nobody is anybody")

	for _, who := range []string{"<!here>", "<!subteam^U0ANN>", "slack:group:", "slack:group:X1", "SALES", "discord:role:7"} {
		a := c.says(t, installer("T1"), "access allow", map[string]any{"may": "write", "who": who})
		require.NotNil(t, a.Problem, who)
		require.Contains(t, a.Problem.Error(), "Mention a person or a user group with @", who)
	}
	a := c.says(t, installer("T1"), "access remove", map[string]any{"may": "write", "who": "<!subteam^S0EDITORS|@editors>"})
	require.True(t, a.OK)
	require.Equal(t, "forbidden", refusal(person("T1", "U0ANN")))
}

// Where Slack does not tell who is in a group, those whom nothing else lets in hear
// why; nobody else does.
func TestGroupsThatCantBeSeenAreSaidToBe(t *testing.T) {
	t.Parallel()
	slack := &crews{of: map[string][]string{"S0EDITORS": {"U0ANN"}}, bad: unseen}
	c := atSlack(slack)
	allowed := c.says(t, installer("T1"), "access allow", map[string]any{"may": "write", "who": "<!subteam^S0EDITORS|@editors>"})
	require.True(t, allowed.OK)
	require.Contains(t, allowed.Reply.Text, "Allowed: slack:group:S0EDITORS may act. The bridge may not see who is in the user groups that are listed here. Add usergroups:read.")
	post := func(p command.Principal) command.Answer {
		return c.run.Do(t.Context(), command.Request{Principal: p, Agent: "luna", Group: "post", Verb: "create", Values: map[string]any{"text": "x", "at": "in 1h"}, Door: command.Slack, ID: "q" + p.User + p.Workspace})
	}
	require.True(t, post(installer("T1")).OK, "may anyway")
	require.Equal(t, command.GroupsUnseen, post(person("T1", "U0ANN")).Problem.Status)
	require.Equal(t, "forbidden", c.says(t, person("T1", "U0ANN"), "access allow", map[string]any{"may": "write", "who": "slack:user:U0ANN"}).Problem.Status, "no group would help")
	e := c.entries()
	require.Equal(t, []string{"refused", command.GroupsUnseen}, []string{e[len(e)-2].Outcome, e[len(e)-2].Status})
	slack.bad = unknown
	require.Equal(t, command.GroupsUnknown, post(person("T1", "U0ANN")).Problem.Status)
	slack.bad = nil
	require.True(t, post(person("T1", "U0ANN")).OK)
	require.NotContains(t, c.says(t, installer("T1"), "access allow", map[string]any{"may": "admin", "who": "slack:group:S0EDITORS"}).Reply.Text, "may not see")
}

// Who administers by a group alone does not lock themselves out while they are in it.
func TestAGroupsAdministratorsEditTheLists(t *testing.T) {
	t.Parallel()
	slack := &crews{of: map[string][]string{"S0CHIEFS": {"U0ANN"}}}
	c := atSlack(slack)
	ann := person("T1", "U0ANN")
	edit := func(p command.Principal, verb, who string) command.Answer {
		return c.says(t, p, "access "+verb, map[string]any{"may": "admin", "who": who})
	}
	require.True(t, edit(installer("T1"), "allow", "slack:group:S0CHIEFS").OK)
	require.True(t, edit(ann, "remove", "managers").OK)
	require.Equal(t, "forbidden", edit(installer("T1"), "allow", "slack:user:U0OWNER").Problem.Status)
	require.True(t, edit(ann, "allow", "slack:user:U0BOB").OK)
	require.Equal(t, "locked_out", edit(ann, "remove", "slack:group:S0CHIEFS").Problem.Status)
	slack.of["S0CHIEFS"] = nil
	require.Equal(t, "forbidden", edit(ann, "remove", "slack:user:U0BOB").Problem.Status)
}

// F55, T1: a group counts at the moment of running: between the question and the yes,
// and between ordering and running.
func TestF55_GroupsCountAtTheMomentOfRunning(t *testing.T) {
	t.Parallel()
	t.Run("between the question and the yes", func(t *testing.T) {
		t.Parallel()
		slack := &crews{of: map[string][]string{"S0CHIEFS": {"U0ANN"}}}
		c := atSlack(slack)
		c.file = command.Lists{Admin: []string{"slack:group:S0CHIEFS"}}
		c.records["slackT1"] = bridge.WorkspaceRecord{Platform: command.Slack, ID: "T1", Agents: []bridge.Connected{{Handle: "nova"}}}
		remove := map[string]any{"handle": "nova"}
		require.True(t, c.says(t, person("T1", "U0ANN"), "connect remove", remove).NeedsConfirm)
		slack.of["S0CHIEFS"] = nil
		require.Equal(t, "forbidden", c.says(t, person("T1", "U0ANN"), "connect remove", remove, true).Problem.Status)
		require.Len(t, c.records["slackT1"].Agents, 1)
	})
	for name, tc := range map[string]struct {
		then  func(*crews)
		posts bool
		looks int // at the group, after it was ordered
	}{
		"still a member":      {func(*crews) {}, true, 1},
		"not any more":        {func(c *crews) { c.of["S0EDITORS"] = nil }, false, 1},
		"slack does not tell": {func(c *crews) { c.bad = unknown }, true, 4},
		"not to be seen":      {func(c *crews) { c.bad = unseen }, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slack := &crews{of: map[string][]string{"S0EDITORS": {"U0ANN"}}}
				looks := 0
				w := newWorld(t, func(o *command.RunnerOptions) {
					o.Access = func(command.Principal, string) command.Lists {
						return command.Lists{Write: []string{"slack:group:S0EDITORS"}}
					}
					o.Groups = func(ctx context.Context, p command.Principal, ids []string) ([]string, error) {
						if looks++; looks > 3 && slack.bad == unknown {
							slack.bad = nil
						}
						return slack.groups(ctx, p, ids)
					}
				})
				q := w.request("post create", map[string]any{"text": "later", "at": "in 1h"})
				q.ID, q.Principal = "q1", person("T1", "U0ANN")
				a := w.runner.Do(t.Context(), q)
				require.NotNil(t, a.Reply.Planned, "%v", a.Problem)
				looks = 0
				tc.then(slack)
				c := minding(t, w.runner)
				time.Sleep(61 * time.Minute)
				synctest.Wait()
				told := c.told()
				require.Len(t, told, 1)
				require.Equal(t, tc.posts, told[0].OK, "%v", told[0].Problem)
				require.Equal(t, tc.looks, looks)
				c.end()
			})
		})
	}
}
