package slack

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// Every refusal that bridge/command can word (B31 to B47) is drawn whole, and each
// of its buttons does what it says: a form opens, or a command runs.
func TestEveryButtonOfARefusalWorks(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../bridge/command/testdata/refusals.json")
	require.NoError(t, err)
	var refusals []struct {
		ID      string
		Problem *command.Problem
	}
	require.NoError(t, json.Unmarshal(data, &refusals))
	asked := make(chan *command.Problem, 1)
	d := openDoor(t, "http", func(q command.Request) command.Answer {
		if q.Group+" "+q.Verb == "stats overview" {
			return command.Answer{Problem: <-asked, Private: true}
		}
		return fine(q)
	}, nil)
	var out strings.Builder
	type seen struct{ channel, ts string }
	refuse := func(id string, p *command.Problem) seen {
		channel := d.team.AddChannel(strings.ReplaceAll(strings.ToLower(id), " ", "-"))
		asked <- p
		_, err := d.fake.Slash(d.ann, channel, "/ia stats overview")
		require.NoError(t, err)
		m := d.seen(channel, 0)
		require.Equal(t, d.ann, m.Ephemeral, id)
		return seen{channel, m.TS}
	}
	for _, tc := range refusals {
		out.WriteString(d.fake.Screen(refuse(tc.ID, tc.Problem).channel))
		for _, b := range tc.Problem.Buttons {
			if b.URL != "" {
				continue
			}
			at := refuse(tc.ID+" "+b.Label, tc.Problem) // what a button does may take the refusal's place
			before := len(d.hands.effects())
			_, err := d.fake.Click(d.ann, at.channel, at.ts, b.Label)
			require.NoError(t, err, "%s: %s", tc.ID, b.Label)
			if b.Args[command.Form] != "" {
				d.until(func() bool { return d.fake.Form(d.ann) != "" })
				_, err = d.fake.CloseForm(d.ann, true)
				require.NoError(t, err)
				continue
			}
			d.until(func() bool { return len(d.hands.effects()) > before })
			q := d.hands.effects()[before]
			require.Equal(t, b.Command, q.Group+" "+q.Verb, "%s: %s", tc.ID, b.Label)
		}
	}
	golden.Equal(t, "testdata/refusals.golden", []byte(out.String()))
	d.clean()
}
