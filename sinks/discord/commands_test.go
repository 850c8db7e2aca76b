package discord

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// outline draws the registered commands shortly: name, size, groups and verbs.
func outline(list []appCommand) string {
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "/%s %d", c.Name, c.size())
		if c.Permissions != nil {
			fmt.Fprintf(&b, " permissions %s", *c.Permissions)
		}
		b.WriteString("\n")
		for _, o := range c.Options {
			fmt.Fprintf(&b, "  %s", o.Name)
			for _, v := range o.Options {
				if o.Type == optionGroup {
					b.WriteString(" " + v.Name)
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestEveryVerbIsReachedInsideTheLimits(t *testing.T) {
	t.Parallel()
	for _, several := range []bool{false, true} {
		list := appCommands(command.Table(), several)
		reached := map[string]bool{}
		for _, c := range list {
			require.LessOrEqual(t, c.size(), maxCommand, c.Name)
			require.LessOrEqual(t, len(c.Options), maxOptions, c.Name)
			walk(c.Options, nil, func(path []string) {
				if s := specOf(command.Table(), c.Name, path); s != nil {
					reached[s.Name()] = true
				}
			})
		}
		for _, s := range command.Table() {
			require.True(t, reached[s.Name()], "%s is no command", s.Name())
		}
	}
	golden.Equal(t, "testdata/commands.golden", []byte(outline(appCommands(command.Table(), true))))
}

func walk(options []appOption, path []string, verb func([]string)) {
	for _, o := range options {
		here := append(append([]string{}, path...), o.Name)
		switch o.Type {
		case optionVerb:
			verb(here)
		case optionGroup:
			walk(o.Options, here, verb)
		}
	}
}

func TestGroupThatDoesNotFitBecomesACommand(t *testing.T) {
	t.Parallel()
	var table []command.Spec
	for i, g := range daily() {
		for j := range 10 {
			var args []command.Arg
			for k := range 10 {
				args = append(args, command.Arg{Name: fmt.Sprintf("argument%d", k), Summary: strings.Repeat("x", 22)})
			}
			table = append(table, command.Spec{Group: g, Verb: fmt.Sprintf("verb%d-%d", i, j), Args: args})
		}
	}
	list := appCommands(table, false)
	names := []string{}
	for _, c := range list {
		require.LessOrEqual(t, c.size(), maxCommand)
		names = append(names, c.Name)
	}
	require.Contains(t, names, "ia-search")
	require.NotContains(t, names, "ia-subscribe", "the first groups stay in /ia")
}

func TestOptionsOfArguments(t *testing.T) {
	t.Parallel()
	spec := command.Spec{Group: "x", Verb: "y", Args: []command.Arg{
		{Name: "later", Choices: []string{"a", "b"}},
		{Name: "text", Required: true, Long: true, Max: 500},
		{Name: "key", Required: true, Secret: true},
		{Name: "cursor", Hidden: true},
		{Name: "post", Required: true, Complete: command.Posts},
		{Name: "files", Kind: command.Attachment, Max: 2},
		{Name: "limit", Kind: command.Integer, Min: 1, Max: 100},
		{Name: "on", Kind: command.Flag},
	}}
	var got []string
	for _, o := range verbOptions([]command.Spec{spec}, true)[0].Options {
		got = append(got, fmt.Sprintf("%s type=%d required=%v completes=%v choices=%d", o.Name, o.Type, o.Required, o.Autocomplete, len(o.Choices)))
	}
	require.Equal(t, []string{
		"post type=3 required=true completes=true choices=0",
		"later type=3 required=false completes=false choices=2",
		"text type=3 required=false completes=false choices=0",
		"file1 type=11 required=false completes=false choices=0",
		"file2 type=11 required=false completes=false choices=0",
		"limit type=4 required=false completes=false choices=0",
		"on type=5 required=false completes=false choices=0",
		"agent type=3 required=false completes=true choices=0",
	}, got, "required first; a long text may be left out, a secret is never an option")
}

func TestCommandsAreRegisteredOnce(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	want := appCommands(command.Table(), true)
	for range 2 {
		require.NoError(t, st.sink.register(t.Context(), want))
	}
	const put = "PUT /applications/{application_id}/commands"
	require.Equal(t, 1, count(st.fake, put), "the second start changes nothing")
	want[0].Description += "."
	require.NoError(t, st.sink.register(t.Context(), want))
	require.Equal(t, 2, count(st.fake, put))
	st.faultless()
}

// A program that starts knows its agents a moment later: until then it takes the
// option that names one away from nobody.
func TestCommandsWaitUntilItIsKnownWhoActs(t *testing.T) {
	t.Parallel()
	var looks atomic.Int32
	st, _ := talkative(t, fakediscord.Options{}, false, func(o *Options) {
		o.Settled = func() bool { return looks.Add(1) > 3 }
		o.Agents = func(string) []string {
			if looks.Load() > 3 {
				return []string{"luna", "my_agent"}
			}
			return nil
		}
	})
	_, err := st.fake.Slash("ada", st.channel, "/ia notify count agent:my_agent")
	require.NoError(t, err, "the first commands have the option")
	st.faultless()
}

func TestOldCommandsStayWhenNewOnesAreRefused(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	want := appCommands(command.Table(), false)
	require.NoError(t, st.sink.register(t.Context(), want))
	st.fake.Inject(fakediscord.Rule{Route: "PUT /applications/{application_id}/commands", Times: 1, Effect: fakediscord.Refuse(30034)})
	require.Error(t, st.sink.register(t.Context(), append(want, newChat("another", "new"))))
	_, err := st.fake.Slash("ada", st.channel, "/ia post like post:p1")
	require.NoError(t, err)
}

func TestForeignCommandsAreNotMistaken(t *testing.T) {
	t.Parallel()
	var have []appCommand
	require.NoError(t, json.Unmarshal([]byte(`[{"id":"1","type":1,"name":"ia","description":"x","options":[{"type":4,"name":"n","description":"d","choices":[{"name":"one","value":1}]}]}]`), &have))
	require.False(t, sameCommands(have, appCommands(nil, false)))
	require.True(t, sameCommands(appCommands(nil, false), appCommands(nil, false)))
}
