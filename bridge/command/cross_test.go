package command_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// twoTowns makes a world where the workspace G1 has the acting agent and G2 another.
func twoTowns(t *testing.T) *world {
	t.Helper()
	return newWorld(t, func(o *command.RunnerOptions) {
		o.Reach = func(p command.Principal) []string {
			return map[string][]string{"G1": {"orbit_bot"}, "G2": {"lumen_lab"}}[p.Workspace]
		}
		o.House = newCity().parts()
	})
}

// pressed are the requests that an answer's buttons make, as doors make them.
func pressed(a command.Answer) []command.Request {
	var all []bridge.Action
	for _, m := range a.Reply.Messages {
		all = append(all, m.Actions...)
	}
	if a.Reply.Undo != nil {
		all = append(all, *a.Reply.Undo)
	}
	if a.Problem != nil {
		all = append(all, a.Problem.Buttons...)
	}
	if a.Reply.More != nil {
		all = append(all, bridge.Action{Command: a.Group + " " + a.Verb, Args: a.Reply.More})
	}
	var out []command.Request
	for _, b := range all {
		if b.Command == "" {
			continue
		}
		group, verb, _ := strings.Cut(b.Command, " ")
		q := command.Request{Group: group, Verb: verb, Values: map[string]any{}, Button: true, Door: command.Discord, Place: "D1", Agent: b.Args["agent"]}
		for name, v := range b.Args {
			if name != command.Form {
				q.Values[name] = v
			}
		}
		out = append(out, q)
	}
	return out
}

// F54, T2, T3: every button that a card of one workspace carries is pressed by an
// administrator of another. Each is refused in the words for an agent that does not
// exist, is in the audit, and calls nothing.
func TestF54_NoButtonOfOneWorkspaceWorksInAnother(t *testing.T) {
	t.Parallel()
	rows, tried, presses := drives(), map[string]int{}, 0
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		synctest.Test(t, func(t *testing.T) {
			w, row := twoTowns(t), rows[name]
			values := row.set(w)
			s := spec(t, name)
			maps.DeleteFunc(values, func(arg string, _ any) bool { return !hasArg(s.Args, arg) })
			q := w.request(name, values)
			q.Files = row.files
			a := w.runner.Do(t.Context(), q)
			require.True(t, a.OK, "%s: %v", name, a.Problem)
			for _, press := range pressed(a) {
				press.Principal = manager()
				press.Principal.Workspace = "G2"
				require.Equal(t, "orbit_bot", press.Agent, "%s binds %s %s to its agent", name, press.Group, press.Verb)
				from := len(w.box.Journal())
				refused := w.runner.Do(t.Context(), press)
				require.NotNil(t, refused.Problem, "%s: %s %s", name, press.Group, press.Verb)
				require.Equal(t, 404, refused.Problem.Code)
				require.Len(t, w.box.Journal(), from)
				e := w.entries[len(w.entries)-1]
				require.Equal(t, []string{"refused", "G2", press.Group, press.Verb}, []string{e.Outcome, e.Principal.Workspace, e.Group, e.Verb})
				press.Agent, press.Values = "no_such_agent", maps.Clone(press.Values)
				press.Values["agent"] = "no_such_agent"
				absent := w.runner.Do(t.Context(), press)
				require.Equal(t, strings.ReplaceAll(absent.Problem.Error(), "no_such_agent", "X"), strings.ReplaceAll(refused.Problem.Error(), "orbit_bot", "X"))
				require.Equal(t, absent.Problem.Status, refused.Problem.Status)
				tried[press.Group+" "+press.Verb]++
				presses++
			}
		})
	}
	require.Greater(t, len(tried), 20, "%v", tried)
	require.GreaterOrEqual(t, presses, 50)
}

// F54: subscriptions, dead letters and connections of one workspace, named from
// another by every command that names one, read like none.
func TestF54_WhatOneWorkspaceKeepsReadsLikeNothingInAnother(t *testing.T) {
	t.Parallel()
	c := newCity()
	c.operated["G1"], c.operated["G2"] = []string{"luna"}, []string{"nova"}
	add := c.says(t, boss("G1"), "subscribe add", map[string]any{"preset": "public", "name": "mine"})
	require.True(t, add.OK, "%v", add.Problem)
	id := add.Reply.Data.(command.SubscriptionView).ID
	require.True(t, c.says(t, boss("G2"), "subscribe add", map[string]any{"preset": "public", "name": "theirs", "to": "D1"}).OK)

	tried := 0
	for _, s := range command.Table() {
		arg, names := s.Arg("subscription")
		if s.House == nil || !names {
			continue
		}
		ask := func(p command.Principal, named string) command.Answer {
			values := map[string]any{arg.Name: named}
			for _, a := range s.Args {
				switch {
				case a.Name == arg.Name || !a.Required:
				case a.Name == "since":
					values[a.Name] = "1h"
				case a.Name == "id":
					values[a.Name] = "all"
				default:
					values[a.Name] = "x1"
				}
			}
			if s.Verb == "edit" {
				values["cap"] = 5
			}
			return c.says(t, p, s.Name(), values, true)
		}
		for _, named := range []string{id, "mine"} {
			tried++
			got, absent := ask(boss("G2"), named), ask(boss("G2"), "absent")
			require.NotNil(t, got.Problem, "%s %s", s.Name(), named)
			require.Equal(t, 404, got.Problem.Code, "%s: %v", s.Name(), got.Problem)
			require.Equal(t, strings.ReplaceAll(absent.Problem.Error(), `"absent"`, "X"), strings.ReplaceAll(got.Problem.Error(), fmt.Sprintf("%q", named), "X"), s.Name())
			require.Equal(t, "refused", c.entries()[len(c.entries())-1].Outcome)
		}
	}
	require.Greater(t, tried, 15)
	list := c.says(t, boss("G2"), "subscribe list", nil).Reply.Data.(command.SubscriptionList)
	require.Len(t, list.Items, 1)
	connected := c.says(t, boss("G2"), "connect list", nil).Reply
	require.NotContains(t, fmt.Sprint(connected), "luna")
	for _, agents := range []string{"luna", "*,luna"} {
		require.Equal(t, 404, c.says(t, boss("G2"), "subscribe add", map[string]any{"preset": "public", "agents": agents, "to": "D1"}).Problem.Code)
	}
	elsewhere := c.says(t, boss("G2"), "subscribe add", map[string]any{"preset": "public", "to": "C1"})
	absent := c.says(t, boss("G2"), "subscribe add", map[string]any{"preset": "public", "to": "X9"})
	require.Equal(t, "to", elsewhere.Problem.Field)
	require.Equal(t, absent.Problem.Error(), elsewhere.Problem.Error(), "a channel of another workspace is none")
}

func status(a command.Answer) string {
	if a.Problem == nil {
		return ""
	}
	return a.Problem.Status
}

// T1: administrators, members and strangers run the same script, with different
// outcomes; who may not is told so, or nothing at all.
func TestT1_AdminMemberAndStrangerRunTheSameScript(t *testing.T) {
	t.Parallel()
	people := []command.Principal{boss("G1"), member("G1"), boss("G2")}
	for name, tc := range map[string]struct {
		values map[string]any
		want   [3]string // how it ends for each of them
	}{
		"connect list":     {nil, [3]string{"", "", ""}},
		"access show":      {map[string]any{"handle": "luna"}, [3]string{"", "", "unknown_agent"}},
		"access allow":     {map[string]any{"handle": "luna", "may": "write", "who": "discord:user:7"}, [3]string{"", "forbidden", "unknown_agent"}},
		"access remove":    {map[string]any{"handle": "luna", "may": "write", "who": "discord:user:7"}, [3]string{"", "forbidden", "unknown_agent"}},
		"access audit":     {map[string]any{"handle": "luna"}, [3]string{"", "forbidden", "unknown_agent"}},
		"connect invite":   {map[string]any{"handle": "luna"}, [3]string{"", "forbidden", "unknown_agent"}},
		"connect remove":   {map[string]any{"handle": "luna"}, [3]string{"from_the_file", "forbidden", "unknown_agent"}},
		"subscribe add":    {map[string]any{"agents": "luna", "preset": "public", "to": "C1"}, [3]string{"", "forbidden", "unknown_agent"}},
		"subscribe show":   {map[string]any{"subscription": "team"}, [3]string{"", "", "no_subscription"}},
		"subscribe pause":  {map[string]any{"subscription": "team"}, [3]string{"", "forbidden", "no_subscription"}},
		"subscribe replay": {map[string]any{"subscription": "team", "since": "1h"}, [3]string{"", "forbidden", "no_subscription"}},
		"subscribe test":   {map[string]any{"subscription": "team"}, [3]string{"", "forbidden", "no_subscription"}},
		"dead list":        {map[string]any{"subscription": "team"}, [3]string{"", "forbidden", "no_subscription"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, who := range people {
				c := newCity()
				c.operated["G1"], c.operated["G2"] = []string{"luna"}, []string{"nova"}
				require.True(t, c.says(t, boss("G1"), "subscribe add", map[string]any{"preset": "public", "name": "team"}).OK)
				if name == "access remove" {
					require.True(t, c.says(t, boss("G1"), "access allow", tc.values).OK)
				}
				a := c.says(t, who, name, tc.values, true)
				require.Equal(t, tc.want[i], status(a), "%s of %s: %v", who.Name, who.Workspace, a.Problem)
				e := c.entries()[len(c.entries())-1]
				require.Equal(t, who.User, e.Principal.User)
				require.Equal(t, tc.want[i], e.Status)
			}
		})
	}
}
