package discord

import (
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
