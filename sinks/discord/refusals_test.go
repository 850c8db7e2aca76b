package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
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
	st, d := talkative(t, fakediscord.Options{Limits: map[string]fakediscord.Limit{}}, false)
	st.fake.Member(st.guild, "boss", 1<<5)
	var now *command.Problem
	d.refuse = func(q command.Request) *command.Problem {
		if q.Group+" "+q.Verb == "post likes" {
			return now
		}
		return nil
	}
	var out strings.Builder
	for _, tc := range refusals {
		now = tc.Problem
		r := st.settled(st.fake.Slash("boss", st.channel, "/ia post likes post:p1"))
		require.NotZero(t, r.Message.Flags&flagPrivate, tc.ID)
		fmt.Fprintf(&out, "%s: %s", tc.ID, r.Message.Content)
		var labels []string
		for _, row := range r.Message.Components {
			for _, b := range row.Components {
				labels = append(labels, b.Label)
				fmt.Fprintf(&out, " ‹%s›", b.Label)
			}
		}
		out.WriteString("\n")
		require.Len(t, labels, len(tc.Problem.Buttons), tc.ID)
		for _, b := range tc.Problem.Buttons {
			if b.URL != "" {
				continue
			}
			r = st.settled(st.fake.Slash("boss", st.channel, "/ia post likes post:p1")) // what a button does may take the refusal's place
			before := len(d.calls())
			in, err := st.fake.Click("boss", st.channel, r.Message.ID, b.Label)
			require.NoError(t, err)
			if b.Args[command.Form] != "" {
				require.NotEmpty(t, st.form(in, err).Title, "%s: %s", tc.ID, b.Label)
				continue
			}
			st.eventually(tc.ID+": "+b.Label, func() bool { return len(d.calls()) > before })
			require.True(t, strings.HasPrefix(d.calls()[before], b.Command), "%s: %s does %s", tc.ID, b.Label, d.calls()[before])
		}
	}
	golden.Equal(t, "testdata/refusals.golden", []byte(out.String()))
	st.faultless()
}

// B37: what is agreed to is called by its name, and the press is the yes.
func TestB37_TheYesIsIUnderstand(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		if q.Confirmed {
			return ok("Subscribed: dms.")
		}
		return command.Answer{NeedsConfirm: true, Question: "#general can be read by 214 people.", Agree: "I understand", Private: true}
	}
	st.fake.Member(st.guild, "boss", 1<<5)
	r := st.settled(st.fake.Slash("boss", st.channel, "/ia subscribe add preset:dms"))
	require.Equal(t, "#general can be read by 214 people.", strings.ReplaceAll(r.Message.Content, "\\", ""))
	in, err := st.fake.Click("boss", st.channel, r.Message.ID, "I understand")
	st.becomes("Subscribed: dms.", in, err)
	require.True(t, d.last().Confirmed)
	st.faultless()
}

// B37: how many read a channel is told where everybody of the server may.
func TestB37_WhoReadsAChannel(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	st.fake.Member(st.guild, "ada", 0)
	name, people := st.sink.Readers(t.Context(), st.channel)
	require.Equal(t, "#alerts", name)
	require.Zero(t, people, "it is for some of them, nobody counts whom")
	st.fake.ShowToEveryone(st.channel)
	_, people = st.sink.Readers(t.Context(), st.channel)
	require.Equal(t, 3, people, "the owner, ada and the bot")
	name, people = st.sink.Readers(t.Context(), "1200000000000000009")
	require.Empty(t, name)
	require.Zero(t, people)
}
