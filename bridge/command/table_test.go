package command_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// notCommands are the calls that no command is for, with the reason.
var notCommands = map[string]string{
	"GET /api":                    "only tells that the service is there: check does that",
	"POST /api/auth/token":        "the client signs in by itself",
	"POST /api/posts/{post}/view": "a view that nobody had",
}

// own reports a command about what the bridge itself keeps, which calls nothing.
func own(s command.Spec) bool {
	return s.House != nil || s.Name() == "post scheduled" || s.Name() == "post unschedule"
}

func TestEveryEndpointHasItsCommand(t *testing.T) {
	t.Parallel()
	covered := map[string]string{}
	for _, s := range command.Table() {
		if own(s) {
			continue
		}
		require.NotEmpty(t, s.Calls, s.Name())
		if first := s.Calls[0]; covered[first] == "" {
			covered[first] = s.Name()
		}
	}
	known := map[string]bool{}
	for _, e := range imagine.Endpoints() {
		call := e.Method + " " + e.Pattern
		known[call] = true
		if notCommands[call] == "" {
			require.NotEmpty(t, covered[call], "no command for %s", call)
		} else {
			require.Empty(t, covered[call], "%s has a command and a reason to have none", call)
		}
	}
	for _, s := range command.Table() {
		for _, call := range s.Calls {
			require.True(t, known[call], "%s calls %s, which the client does not have", s.Name(), call)
		}
	}
}

func TestLaterCommandsAreThoseOfLaterEndpoints(t *testing.T) {
	t.Parallel()
	later := map[string]bool{}
	for _, e := range imagine.Endpoints() {
		later[e.Method+" "+e.Pattern] = e.Later
	}
	for _, s := range command.Table() {
		if !own(s) {
			require.Equal(t, later[s.Calls[0]], s.Later, s.Name())
		}
	}
}

var namePattern = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// TestNamesFitThePlatforms holds the limits of Discord, which are the tightest (docs: names, descriptions, 25 options, 25 choices).
func TestNamesFitThePlatforms(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	verbs := map[string]int{}
	for _, s := range command.Table() {
		require.False(t, seen[s.Name()], "%s is there twice", s.Name())
		seen[s.Name()] = true
		verbs[s.Group]++
		require.Regexp(t, namePattern, s.Group)
		require.Regexp(t, namePattern, s.Verb)
		require.NotEmpty(t, s.Summary, s.Name())
		require.LessOrEqual(t, len(utf16.Encode([]rune(s.Summary))), 35, "%s: %s", s.Name(), s.Summary)
		require.LessOrEqual(t, len(s.Args), 25, s.Name())
		names := map[string]bool{}
		for _, a := range s.Args {
			require.False(t, names[a.Name], "%s: %s is there twice", s.Name(), a.Name)
			names[a.Name] = true
			require.NotEqual(t, command.Form, a.Name, s.Name())
			require.NotEqual(t, "agent", a.Name, s.Name())
			require.Regexp(t, namePattern, a.Name)
			require.NotEmpty(t, a.Summary, "%s %s", s.Name(), a.Name)
			require.LessOrEqual(t, utf8.RuneCountInString(a.Summary), 22, "%s: %s", s.Name(), a.Summary)
			require.LessOrEqual(t, len(a.Choices), 25)
			require.False(t, a.Max > 0 && a.Min > a.Max, "%s %s", s.Name(), a.Name)
			require.Equal(t, a.Kind == command.Attachment, len(a.Accept) > 0, "%s %s", s.Name(), a.Name)
		}
		for _, list := range [][]string{s.OneOf, s.AnyOf} {
			for _, name := range list {
				require.True(t, names[name], "%s: %s", s.Name(), name)
			}
		}
	}
	require.LessOrEqual(t, len(verbs), 25)
	for g, n := range verbs {
		require.LessOrEqual(t, n, 25, g)
	}
}

func TestRowsAreWhole(t *testing.T) {
	t.Parallel()
	for _, s := range command.Table() {
		require.NotEqual(t, s.Run == nil, s.House == nil, "%s: one of them does it", s.Name())
		require.NotNil(t, s.Result, s.Name())
		require.Equal(t, s.Confirm, s.Question != "", s.Name())
		if own(s) {
			continue
		}
		writes := !strings.HasPrefix(s.Calls[0], "GET ")
		require.Equal(t, writes, s.Repeat != command.Reads, "%s: what runs once has to be recorded", s.Name())
		if writes {
			require.NotEqual(t, command.Read, s.Access, s.Name())
			require.True(t, strings.HasPrefix(s.Failed, "Not "), s.Name())
		}
		if s.Repeat >= command.Creates {
			if s.Group == "report" {
				continue // what was reported shows nowhere
			}
			require.NotEmpty(t, s.Again, s.Name())
			require.NotNil(t, s.Where, "%s: a person in doubt needs a place to look", s.Name())
		} else {
			require.Nil(t, s.Look, s.Name())
		}
		if s.Group == "order" || s.Group == "service" || s.Group == "hook" {
			require.Equal(t, command.Admin, s.Access, s.Name())
			require.True(t, s.Private, s.Name())
		}
	}
}

// TestCreatesAreNotRepeatedBlindly compares the table's word on repetition with the client's.
func TestCreatesAreNotRepeatedBlindly(t *testing.T) {
	t.Parallel()
	harmless := []string{"profile avatar", "order onboard"} // a second execution replaces the first
	creates := map[string]bool{}
	for _, e := range imagine.Endpoints() {
		creates[e.Method+" "+e.Pattern] = e.Creates()
	}
	for _, s := range command.Table() {
		if !own(s) && creates[s.Calls[0]] && !slices.Contains(harmless, s.Name()) {
			require.GreaterOrEqual(t, s.Repeat, command.Creates, s.Name())
		}
	}
}

func TestShortWordsHideNothing(t *testing.T) {
	t.Parallel()
	owner := map[string]string{}
	for _, s := range command.Table() {
		for _, a := range s.Aliases {
			require.Empty(t, owner[a], "%s is short for two commands", a)
			owner[a] = s.Name()
		}
	}
	for _, s := range command.Table() {
		l, p := command.ParseLine(english, s.Name(), nil)
		require.Nil(t, p, s.Name())
		require.Equal(t, s.Name(), l.Group+" "+l.Verb)
		l, p = command.ParseLine(english, strings.ToUpper(s.Name())+" x", nil)
		if p == nil {
			require.Equal(t, s.Name(), l.Group+" "+l.Verb)
		}
	}
}

func TestButtonsOfTheTableLeadSomewhere(t *testing.T) {
	t.Parallel()
	api, err := imagine.New(imagine.Options{})
	require.NoError(t, err)
	for _, s := range command.Table() {
		if s.Where == nil {
			continue
		}
		a := s.Where(api, command.Args{})
		require.NotEmpty(t, a.Label, s.Name())
		if a.Command != "" {
			requireCommand(t, s.Name(), a.Command, a.Args)
		}
	}
}

// requireCommand checks that a button names a command and arguments it has.
func requireCommand(t *testing.T, where, name string, args map[string]string) {
	t.Helper()
	group, verb, _ := strings.Cut(name, " ")
	s, ok := command.Find(group, verb)
	require.True(t, ok, "%s: no command %q", where, name)
	for arg := range args {
		_, known := s.Arg(arg)
		require.True(t, known || arg == command.Form || arg == "agent", "%s: %s has no argument %s", where, name, arg)
	}
}

func TestSchemasAreOpenToAnyReader(t *testing.T) {
	t.Parallel()
	for _, s := range command.Table() {
		for _, schema := range []json.RawMessage{command.RequestSchema(&s), command.ReplySchema(&s)} {
			require.True(t, json.Valid(schema), s.Name())
			require.Contains(t, string(schema), `"$schema":"https://json-schema.org/draft/2020-12/schema"`)
			require.NotContains(t, string(schema), "internal/", "%s: paths of ours show", s.Name())
			require.LessOrEqual(t, len(schema), 16<<10, "%s: metadata has to fit a message", s.Name())
		}
	}
}

// TestDirectMessagesAreShownToWhoAsksAlone holds T15: whatever shows or names other
// people's private words answers only to the person who asked, who needs more than
// the right to read. Into a channel they come by a subscription alone.
func TestDirectMessagesAreShownToWhoAsksAlone(t *testing.T) {
	t.Parallel()
	for _, s := range command.Table() {
		if s.Group != "dm" || s.Name() == "dm unread" { // a number
			continue
		}
		require.True(t, s.Private, s.Name())
		require.GreaterOrEqual(t, s.Access, command.Write, s.Name())
	}
}
