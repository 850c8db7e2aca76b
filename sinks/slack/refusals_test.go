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

// B37: what is agreed to is called by its name, and the press is the yes; how many
// read the channel is told.
func TestB37_TheYesIsIUnderstand(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", func(q command.Request) command.Answer {
		if q.Confirmed {
			return command.Answer{OK: true, Private: true, Reply: command.Reply{Text: "Subscribed: dms."}}
		}
		return command.Answer{NeedsConfirm: true, Question: "#general can be read by 214 people.", Agree: "I understand", Private: true}
	}, nil)
	d.slash("/ia subscribe add preset:dms")
	m := d.seen(d.channel, 0)
	_, err := d.fake.Click(d.ann, d.channel, m.TS, "I understand")
	require.NoError(t, err)
	d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), "Subscribed: dms.") })
	name, people := d.sink.Readers(t.Context(), d.channel)
	require.Equal(t, "#alerts", name)
	require.Positive(t, people)
	name, _ = d.sink.Readers(t.Context(), "C0NOWHERE")
	require.Empty(t, name)
}
