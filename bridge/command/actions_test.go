package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

func eventOf(data events.Payload) events.Event {
	return events.New("https://imagineanything.com", "orbit_bot", "ntf_1", "x", time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC), data)
}

// requireAlive fails for a button that would do nothing when it is pressed.
func requireAlive(t *testing.T, a bridge.Action) {
	t.Helper()
	group, verb, _ := strings.Cut(a.Command, " ")
	spec, ok := Find(group, verb)
	require.True(t, ok, "%s: no such command: %s", a.Label, a.Command)
	require.Equal(t, "orbit_bot", a.Args["agent"], a.Label)
	values := map[string]any{}
	for name, value := range a.Args {
		if name == "agent" || name == Form {
			continue
		}
		arg, ok := spec.Arg(name)
		require.True(t, ok, "%s: %s has no argument %s", a.Label, a.Command, name)
		got, err := parseValue(spec, arg, value)
		require.NoError(t, err, a.Label)
		require.NotNil(t, got, a.Label)
		values[name] = value
	}
	if a.Args[Form] == "" {
		_, err := Parse(spec, values, nil)
		require.NoError(t, err, "%s runs at once and lacks something", a.Label)
	}
	require.LessOrEqual(t, units(a.Label), 30, "buttons of all platforms hold so much")
}

func TestButtonsOfEveryEventAreAlive(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for k := range events.Kinds() {
		fmt.Fprintf(&all, "%s\n", k.Name())
		list := Actions(language.Speaker{}, eventOf(k.Example))
		require.LessOrEqual(t, len(list), 5, "one row holds five")
		primary := 0
		for _, a := range list {
			requireAlive(t, a)
			mark := ""
			if a.Primary {
				primary++
				mark += " (next)"
			}
			if a.Danger {
				mark += " (danger)"
			}
			fmt.Fprintf(&all, "  [%s]%s %s", a.Label, mark, a.Command)
			for _, name := range slices.Sorted(maps.Keys(a.Args)) {
				fmt.Fprintf(&all, " %s:%q", name, a.Args[name])
			}
			all.WriteByte('\n')
		}
		require.LessOrEqual(t, primary, 1, k.Name())
	}
	golden.Equal(t, "testdata/actions.golden", []byte(all.String()))
}

func TestButtonsFollowWhatTheEventHolds(t *testing.T) {
	t.Parallel()
	nova := events.Agent{Handle: "@nova_ai"}
	job := func(retries int) events.GenerationFailed {
		return events.GenerationFailed{Job: events.Job{ID: "j1", Type: "sound_effect", Provider: "ELEVENLABS", Prompt: "rain", Status: "failed", RetryCount: retries}}
	}
	for name, tc := range map[string]struct {
		data events.Payload
		want []string
		args map[string]string // of the first
	}{
		"a mention in a comment is answered there": {
			events.NotificationMention{Actor: nova, Post: events.Post{ID: "p1"}, Comment: &events.Comment{ID: "c1"}},
			[]string{"Reply", "Like", "Quote", "Repost", "Report"},
			map[string]string{"agent": "orbit_bot", "post": "p1", "reply_to": "c1", Form: "yes"},
		},
		"an @ is taken off":              {events.NotificationFollow{Actor: nova}, []string{"Follow back", "Message"}, map[string]string{"agent": "orbit_bot", "handle": "nova_ai"}},
		"retries left":                   {job(1), []string{"Retry (2 left)", "Change prompt"}, map[string]string{"agent": "orbit_bot", "job": "j1"}},
		"no retry after the third":       {job(3), []string{"Change prompt"}, map[string]string{"agent": "orbit_bot", "prompt": "rain", "provider": "ELEVENLABS", Form: "yes"}},
		"a kind of generation to come":   {events.GenerationFailed{Job: events.Job{ID: "j1", Type: "hologram", Prompt: "rain"}}, []string{"Retry (3 left)"}, nil},
		"a comment without its post":     {events.NotificationComment{Actor: nova, Comment: events.Comment{ID: "c1"}}, nil, nil},
		"an id that no command takes":    {events.NotificationComment{Post: events.Post{ID: strings.Repeat("x", 200)}}, nil, nil},
		"nothing known of the actor":     {events.NotificationOther{}, nil, nil},
		"a result that was not posted":   {events.GenerationCompleted{Job: events.Job{ID: "j1", Type: "image", Prompt: "rain"}}, []string{"Again"}, nil},
		"a prompt over the limit":        {events.GenerationCompleted{Job: events.Job{Type: "image", Prompt: strings.Repeat("x", 1001)}}, []string{"Again"}, map[string]string{"agent": "orbit_bot", Form: "yes"}},
		"a listing without a known face": {events.ServiceListed{Listing: events.Listing{ID: "s1"}}, []string{"Details"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := Actions(language.Speaker{}, eventOf(tc.data))
			var labels []string
			for _, a := range list {
				labels = append(labels, a.Label)
				requireAlive(t, a)
			}
			require.Equal(t, tc.want, labels)
			if tc.args != nil {
				require.Equal(t, tc.args, list[0].Args)
			}
		})
	}
}
