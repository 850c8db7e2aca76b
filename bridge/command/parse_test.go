package command_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

func spec(tb testing.TB, name string) *command.Spec {
	tb.Helper()
	group, verb, _ := strings.Cut(name, " ")
	s, ok := command.Find(group, verb)
	require.True(tb, ok, name)
	return s
}

func TestParseTypesWhatDoorsSend(t *testing.T) {
	t.Parallel()
	a, err := command.Parse(spec(t, "agent list"), map[string]any{"type": "creative", "verified": "YES", "limit": "7", "search": "  orbit "}, nil)
	require.NoError(t, err)
	require.Equal(t, "CREATIVE", a.Text("type"))
	require.True(t, a.On("verified"))
	require.Equal(t, 7, a.Int("limit"))
	require.Equal(t, "orbit", a.Text("search"))

	a, err = command.Parse(spec(t, "agent list"), map[string]any{"verified": false, "limit": json.Number("8"), "search": nil}, nil)
	require.NoError(t, err)
	require.True(t, a.Has("verified"))
	require.False(t, a.On("verified"))
	require.Equal(t, 8, a.Int("limit"))
	require.False(t, a.Has("search"))

	a, err = command.Parse(spec(t, "agent list"), nil, nil)
	require.NoError(t, err)
	require.Equal(t, 10, a.Int("limit"), "the default")

	a, err = command.Parse(spec(t, "notify mark-read"), map[string]any{"notifications": "n1, n2 n3"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"n1", "n2", "n3"}, a.List("notifications"))
	a, err = command.Parse(spec(t, "notify mark-read"), map[string]any{"notifications": []any{"n1", "n2"}}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"n1", "n2"}, a.List("notifications"))

	a, err = command.Parse(spec(t, "post like"), map[string]any{"post": "https://imagineanything.com/post/cml%2Dp1?x=1"}, nil)
	require.NoError(t, err)
	require.Equal(t, "cml-p1", a.Text("post"), "a pasted address is its id")
	a, err = command.Parse(spec(t, "post like"), map[string]any{"post": float64(12345)}, nil)
	require.NoError(t, err)
	require.Equal(t, "12345", a.Text("post"), "an id that a program took for a number")

	a, err = command.Parse(spec(t, "profile edit"), map[string]any{"bio": ""}, nil)
	require.NoError(t, err)
	require.True(t, a.Has("bio"), "an empty bio empties the field")
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spec   string
		values map[string]any
		arg    string
		status string
		words  string
	}{
		"an argument left out":     {"post like", nil, "post", "required", "post is required"},
		"spaces for an argument":   {"post quote", map[string]any{"post": "p", "text": " \u200b "}, "text", "required", "text is required (1–500 characters)"},
		"one more than fits":       {"post quote", map[string]any{"post": "p", "text": strings.Repeat("y", 501)}, "text", "too_long", "That is 501 characters; a post holds 500."},
		"emojis count as two":      {"post quote", map[string]any{"post": "p", "text": strings.Repeat("😀", 251)}, "text", "too_long", "That is 502 characters; a post holds 500."},
		"no such choice":           {"search find", map[string]any{"query": "x", "type": "post"}, "type", "not_a_choice", "type is one of all, agents or posts."},
		"a number that is none":    {"feed home", map[string]any{"limit": "ten"}, "limit", "wrong_type", "limit is a whole number (1–100)."},
		"a number with a fraction": {"feed home", map[string]any{"limit": 1.5}, "limit", "wrong_type", "limit is a whole number (1–100)."},
		"a number out of range":    {"feed home", map[string]any{"limit": 101}, "limit", "out_of_range", "limit goes from 1 to 100."},
		"not a number at all":      {"feed home", map[string]any{"limit": "NaN"}, "limit", "wrong_type", "limit is a whole number (1–100)."},
		"neither on nor off":       {"service toggle", map[string]any{"provider": "OPENAI", "active": "perhaps"}, "active", "wrong_type", "active is on or off."},
		"an object for text":       {"post quote", map[string]any{"post": "p", "text": map[string]any{}}, "text", "wrong_type", "text is text (1–500 characters)."},
		"a number for text":        {"post quote", map[string]any{"post": "p", "text": 5.0}, "text", "wrong_type", "text is text (1–500 characters)."},
		"too many in a list":       {"notify mark-read", map[string]any{"notifications": strings.Repeat("n ", 101)}, "notifications", "out_of_range", "notifications holds 1–100 entries; there are 101."},
		"two of exactly one":       {"notify mark-read", map[string]any{"notifications": "n", "all": true}, "", "one_of", "Give one of notifications or all, and only one."},
		"none of exactly one":      {"report send", map[string]any{"reason": "spam"}, "", "one_of", "Give one of handle, post or comment, and only one."},
		"none of at least one":     {"profile edit", nil, "", "required", "Give at least one of name, bio, website or type."},
		"a word that is near":      {"feed home", map[string]any{"limti": 3}, "limti", "unknown_argument", `feed home has no argument "limti".`},
		"a value for one without":  {"profile show", map[string]any{"x": 1}, "x", "unknown_argument", `profile show has no argument "x".`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := command.Parse(spec(t, tc.spec), tc.values, nil)
			e, ok := errors.AsType[*command.ArgError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tc.status, e.Status)
			require.Equal(t, tc.arg, e.Arg)
			require.Equal(t, tc.words, e.Reason.String())
		})
	}
}

// TestParseAtTheLimit holds each text limit of the table at its edge and one above.
func TestParseAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, s := range command.Table() {
		for _, arg := range s.Args {
			if arg.Kind != command.Text || arg.Max == 0 || len(arg.Choices) > 0 {
				continue
			}
			try := func(n int) *command.ArgError {
				_, err := command.Parse(&s, map[string]any{arg.Name: strings.Repeat("x", n)}, nil)
				e, _ := errors.AsType[*command.ArgError](err)
				return e
			}
			if e := try(int(arg.Max)); e != nil {
				require.NotEqual(t, "too_long", e.Status, "%s %s", s.Name(), arg.Name)
			}
			e := try(int(arg.Max) + 1)
			require.NotNil(t, e, "%s %s", s.Name(), arg.Name)
			require.Equal(t, "too_long", e.Status, "%s %s", s.Name(), arg.Name)
			require.Equal(t, int(arg.Max), e.Limit)
		}
	}
}

func TestKeysAreKnownByTheirLooks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"sk-proj-0123456789abcdefghij":               true,
		"here: AIzaSyA0123456789abcdefghijklmnopqr":  true,
		"gsk_0123456789abcdef":                       true,
		"xoxb-123456789012-abcdefghij":               true,
		"iat_0123456789abcdef":                       true,
		"a sk-etch of the harbour":                   false,
		"sk-aterboardingisfunandwetoo":               false,
		"cmlp0b2c30002x9post00012":                   false,
		"https://imagineanything.com/post/cmlp0b2c3": false,
		"key-value stores are nice in 2026":          false,
	} {
		require.Equal(t, want, command.LooksLikeKey(text), text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("post create", `{"text":"hello","media":"a,b"}`)
	f.Add("generate music", `{"prompt":"x","seconds":1e309}`)
	f.Add("notify mark-read", `{"notifications":["a",{}],"all":"yes"}`)
	f.Add("profile edit", `{"bio":"","website":null,"type":7}`)
	f.Fuzz(func(t *testing.T, name, body string) {
		group, verb, _ := strings.Cut(name, " ")
		s, ok := command.Find(group, verb)
		if !ok {
			return
		}
		values, p := command.Decode([]byte(body))
		if p != nil {
			require.Equal(t, "invalid_json", p.Status)
			return
		}
		a, err := command.Parse(s, values, nil)
		if err != nil {
			e, ok := errors.AsType[*command.ArgError](err)
			require.True(t, ok)
			require.NotEmpty(t, e.Reason.String())
			require.NotEmpty(t, command.Explain(english, err).Message)
			return
		}
		for _, arg := range s.Args {
			if arg.Kind == command.Integer && a.Has(arg.Name) && arg.Max > 0 {
				require.LessOrEqual(t, float64(a.Int(arg.Name)), arg.Max)
			}
		}
	})
}
