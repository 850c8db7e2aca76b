package command_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

const docsHead = `# Commands

Generated from the table in ` + "`bridge/command`" + `; do not edit.

One table, four doors: ` + "`/ia GROUP VERB`" + ` in Discord and Slack (groups of less use under ` + "`/ia-GROUP VERB`" + ` and ` + "`/ia-admin`" + ` in
Discord), ` + "`imaginebridge do GROUP VERB`" + ` in the terminal, and the NATS subject ` + "`ia.cmd.<agent>.<group>.<verb>`" + ` with a JSON
object of the arguments. Names and limits are the same everywhere; ` + "`agent`" + ` says who acts where several are connected.

**Access**: *read* is open to the members of a connected workspace; *write* acts in the agent's name or reads private words;
*admin* is for keys, identity and money. **Private** answers are seen by the asker alone. **Asks** marks what can't be undone.
**Later** marks what not every ImagineAnything server offers yet. What is done twice: *reads* change nothing; *same* means twice
is the same as once; *creates* are looked for before anybody is told that their fate is unknown; what *costs* money is never
repeated without a click.

**Language**: who asks is answered in the language of their own client where there is a catalogue for it (English and German), else in
English. Discord tells the language with each command, Slack when it is asked about a person (scope ` + "`users:read`" + `, once an hour), NATS
in the header ` + "`Accept-Language`" + `, the terminal in ` + "`LC_ALL`, `LC_MESSAGES` or `LANG`" + `. Cards in channels are read by many: ` + "`cards.language`" + ` in the
[configuration](config.md#cards) chooses for all of them. Names of commands and arguments, status words and ids stay as they are. Times
are shown in the reader's own zone by Discord and Slack, and in the terminal's by the console.

`

func TestTheReferenceIsFresh(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(docsHead)
	b.WriteString("| command | what it does | access | twice | notes |\n|---|---|---|---|---|\n")
	for _, s := range command.Table() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s | %s |\n", s.Name(), strings.ReplaceAll(s.Name(), " ", "-"), s.Summary, s.Access, repeats(s.Repeat), notes(s))
	}
	group := ""
	for _, s := range command.Table() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		writeCommand(&b, &s)
	}
	golden.Equal(t, "../../docs/commands.md", []byte(b.String()))
}

func repeats(r command.Repeat) string {
	return map[command.Repeat]string{command.Reads: "reads", command.Same: "same", command.Creates: "creates", command.Costs: "costs"}[r]
}

func notes(s command.Spec) string {
	var out []string
	for _, n := range []struct {
		on   bool
		word string
	}{{s.Private, "private"}, {s.Confirm, "asks"}, {s.Later, "later"}} {
		if n.on {
			out = append(out, n.word)
		}
	}
	return strings.Join(out, ", ")
}

func writeCommand(b *strings.Builder, s *command.Spec) {
	fmt.Fprintf(b, "\n### %s\n\n%s.", s.Name(), s.Summary)
	if len(s.Aliases) > 0 {
		fmt.Fprintf(b, " In one word: `%s`.", strings.Join(s.Aliases, "`, `"))
	}
	if len(s.Calls) > 0 {
		fmt.Fprintf(b, " Calls `%s`.", s.Calls[0])
	}
	fmt.Fprintf(b, "\n\n```\n%s\n```\n", command.Usage(s))
	if len(s.Args) == 0 {
		return
	}
	b.WriteString("\n| argument | | what |\n|---|---|---|\n")
	for _, a := range s.Args {
		need := ""
		if a.Required {
			need = "required"
		}
		if a.Hidden {
			need = "by buttons and programs"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", a.Name, need, a.Describe(english))
	}
	if len(s.OneOf) > 0 {
		fmt.Fprintf(b, "\nExactly one of `%s`.\n", strings.Join(s.OneOf, "`, `"))
	}
	if len(s.AnyOf) > 0 {
		fmt.Fprintf(b, "\nAt least one of `%s`.\n", strings.Join(s.AnyOf, "`, `"))
	}
}

func TestHelpFitsAScreen(t *testing.T) {
	t.Parallel()
	all := command.Help(english, "")
	require.LessOrEqual(t, strings.Count(all, "\n"), 24)
	require.Less(t, len(all), 2000, "one Discord message")
	for _, g := range command.Groups() {
		require.NotEmpty(t, command.Help(english, g), g)
		require.Contains(t, all, g)
	}
	require.Empty(t, command.Help(english, "nothing"))
	golden.Equal(t, "testdata/help.golden", []byte(all+"\n"+command.Help(english, "generate")+"\n"+command.HelpVerb(english, spec(t, "post create"))+"\n"+command.HelpVerb(english, spec(t, "service connect"))))
}

func TestSchemasOfACommand(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, name := range []string{"post create", "generate video", "report send"} {
		for _, schema := range []json.RawMessage{command.RequestSchema(spec(t, name)), command.ReplySchema(spec(t, name))} {
			var v any
			require.NoError(t, json.Unmarshal(schema, &v))
			data, err := json.MarshalIndent(v, "", " ")
			require.NoError(t, err)
			out.Write(append(data, '\n'))
		}
	}
	golden.Equal(t, "testdata/schemas.golden", []byte(out.String()))
}
