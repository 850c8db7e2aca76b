package discord

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// paths are the lines that people type for each command of the table.
func paths() map[string]string {
	out := map[string]string{}
	for _, c := range appCommands(command.Table(), false) {
		walk(c.Options, nil, func(path []string) {
			if s := specOf(command.Table(), c.Name, path); s != nil {
				out[s.Name()] = "/" + c.Name + " " + strings.Join(path, " ")
			}
		})
	}
	return out
}

// sample is a value that an argument takes.
func sample(a command.Arg) string {
	switch {
	case len(a.Choices) > 0:
		return a.Choices[0]
	case a.Kind == command.Integer, a.Kind == command.Number:
		return fmt.Sprint(max(1, a.Min))
	case a.Kind == command.Flag:
		return "true"
	case a.Max > 0 && a.Max < 4:
		return "x"
	}
	return strings.Repeat("x1", max(2, int(a.Min+1)/2))
}

// Every command of the table is carried out through both doors, from the line
// that people type to the answer that they read.
func TestEveryCommandThroughBothDoors(t *testing.T) {
	t.Parallel()
	for name, byHTTP := range map[string]bool{"gateway": false, "http": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, d := talkative(t, fakediscord.Options{}, byHTTP)
			st.fake.Member(st.guild, "boss", 1<<5)
			lines := paths()
			for _, spec := range command.Table() {
				drive(st, &spec, lines[spec.Name()])
				require.Equal(t, spec.Name(), strings.Join(strings.Fields(d.calls()[len(d.calls())-1])[:2], " "))
			}
			require.Len(t, d.calls(), len(command.Table()))
			st.faultless()
		})
	}
}

// drive types one command, fills the form it opens and says yes where it asks.
func drive(st *stand, spec *command.Spec, line string) {
	st.Helper()
	var files []fakediscord.Upload
	wanted := func(a command.Arg) bool {
		first := len(spec.AnyOf) > 0 && a.Name == spec.AnyOf[0] || len(spec.OneOf) > 0 && a.Name == spec.OneOf[0]
		return (a.Required || first) && !a.Hidden
	}
	for _, a := range spec.Args {
		if !wanted(a) || a.Long || a.Secret {
			continue
		}
		if a.Kind == command.Attachment {
			files = append(files, fakediscord.Upload{Name: "file.bin", Data: []byte("x"), ContentType: a.Accept[0]})
			line += " " + argOptions(a)[0].Name + ":file.bin"
			continue
		}
		line += " " + a.Name + ":" + sample(a)
	}
	if spec.Asks { // with nothing said the wizard asks
		line += " preset:public"
	}
	in, err := st.fake.Slash("boss", st.channel, line, files...)
	r := st.settled(in, err)
	if r.Modal != nil {
		values := map[string]string{}
		for _, c := range r.Modal.Components {
			if a, ok := spec.Arg(c.Component.CustomID); ok && (wanted(a) || a.Long) && a.Kind != command.Attachment {
				values[a.Name] = sample(a)
			}
		}
		in, err = st.fake.Submit(in, values)
		r = st.settled(in, err)
	}
	require.NotNil(st, r.Message, line)
	if slices.ContainsFunc(r.Message.Components, func(c fakediscord.Component) bool { return c.Components[0].Label == "Yes, do it" }) {
		in, err = st.fake.Click("boss", st.channel, r.Message.ID, "Yes, do it")
		st.becomes("Done: "+spec.Name()+".", in, err)
		return
	}
	require.Equal(st, "Done: "+spec.Name()+".", r.Message.Content, line)
	require.Equal(st, spec.Private, r.Message.Flags&flagPrivate != 0, line)
}
