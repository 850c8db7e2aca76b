package discord

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// The form of a generation offers the providers of its kind, and the models of
// the provider that was given; a model of another one does not come along.
func TestFormOfAGenerationNarrowsToItsProvider(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false, func(o *Options) {
		o.Complete = func(_ context.Context, _ string, source command.Source, _ string) []Choice {
			return map[command.Source][]Choice{
				"providers/image":      {{Name: "RUNWARE · connected", Value: "RUNWARE"}, {Name: "OPENAI", Value: "OPENAI"}},
				"models/image/RUNWARE": {{Name: "Flux · RUNWARE image · default", Value: "runware:100@1"}, {Name: "Other", Value: "runware:5@1"}},
			}[source]
		}
	})
	again := func(args map[string]string) *fakediscord.Interaction {
		t.Helper()
		args["prompt"], args["form"] = "a ring", "yes"
		d.answer = func(context.Context, command.Request) command.Answer {
			a := ok("Made.")
			a.Reply.Undo = &bridge.Action{Label: "Again", Command: "generate image", Args: args}
			return a
		}
		r := st.settled(st.fake.Slash("ada", st.channel, "/ia notify count"))
		in, err := st.fake.Click("ada", st.channel, r.Message.ID, "Again")
		st.form(in, err)
		return in
	}
	fields := func(in *fakediscord.Interaction) map[string]fakediscord.Component {
		t.Helper()
		out := map[string]fakediscord.Component{}
		for _, f := range st.form(in, nil).Components {
			out[f.Label] = *f.Component
		}
		return out
	}
	started := func(in *fakediscord.Interaction, values map[string]string) string {
		t.Helper()
		was := len(d.calls())
		in, err := st.fake.Submit(in, values)
		st.settled(in, err)
		st.eventually("started", func() bool { return len(d.calls()) > was })
		return d.calls()[was]
	}

	in := again(map[string]string{"provider": "RUNWARE", "model": "runware:100@1", "post_text": "look"})
	form := fields(in)
	require.Len(t, form, 4)
	require.Len(t, form["Provider"].Options, 2)
	require.True(t, form["Provider"].Options[0].Default)
	require.Equal(t, "Flux · RUNWARE image · default", form["Model"].Options[0].Label)
	require.Equal(t, "look", form["Post text"].Value)
	require.Equal(t, "generate image prompt=a ring provider=RUNWARE post_text=look model=runware:5@1", started(in, map[string]string{"Model": "Other"}))

	in = again(map[string]string{"provider": "RUNWARE", "model": "runware:100@1"})
	require.Equal(t, "generate image prompt=a ring provider=OPENAI post_text=", started(in, map[string]string{"Provider": "OPENAI"}), "OpenAI knows no such model")

	in = again(map[string]string{"provider": "OPENAI", "model": "gpt-image-1"})
	form = fields(in)
	require.NotContains(t, form, "Model", "no list, no field")
	require.Equal(t, "generate image prompt=a fish provider=OPENAI post_text= model=gpt-image-1", started(in, map[string]string{"prompt": "a fish"}), "it stays as it was")
	st.faultless()
}
