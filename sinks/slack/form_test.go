package slack

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// S11, S17: every command has a form that Slack takes.
func TestS11_EveryCommandHasAForm(t *testing.T) {
	t.Parallel()
	for _, spec := range command.Table() {
		values := map[string]string{}
		for _, a := range spec.Args {
			values[a.Name] = strings.Repeat("ü<&", 900)
		}
		for name, f := range map[string]formOf{
			"empty":  {spec: &spec, agents: []string{"a", "b"}, files: true},
			"filled": {spec: &spec, agent: "a", agents: []string{"a"}, values: values, meta: "{}"},
		} {
			raw, err := json.Marshal(f.view())
			require.NoError(t, err)
			require.Empty(t, fakeslack.ValidateView(raw), "%s, %s", spec.Name(), name)
			for field := range values { // L18
				require.NotContains(t, string(raw), `"blocks":null`, field)
			}
		}
	}
}

// S11: what lacks an argument opens its form, filled with what was given.
func TestS11_MissingArgumentsOpenTheForm(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, fine, nil)
		d.slash("/ia post comment p1")
		d.until(func() bool { return d.fake.Form(d.ann) != "" })
		golden.Equal(t, "testdata/form comment.golden", []byte(d.fake.Form(d.ann)))
		require.Empty(t, d.hands.effects())
		d.clean()
	})
}

// S13: text that is too long by the API's way of counting is said under its input.
func TestS13_TooLongTextStaysInTheForm(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, fine, nil)
		d.slash("/ia post")
		d.until(func() bool { return d.fake.Form(d.ann) != "" })
		r, err := d.fake.SubmitForm(d.ann, map[string][]string{"text": {strings.Repeat("🙂", 261)}})
		require.NoError(t, err)
		require.Contains(t, r.Errors["text"], "522")
		require.Contains(t, r.Errors["text"], "500")
		require.NotEmpty(t, d.fake.Form(d.ann))
		require.Empty(t, d.hands.effects())
		d.clean()
	})
}

// S14: the form shows the work and then its end, or the channel does where it was closed.
func TestS14_AFormShowsItsEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(command.Request) command.Answer
		closed bool
		want   []string
	}{
		"done": {answer: fine, want: []string{"== Done ==", "Did post create."}},
		"refused": {answer: func(command.Request) command.Answer {
			return command.Answer{Private: true, Problem: &command.Problem{Code: 502, Message: "ImagineAnything had a problem (500). Not posted."}}
		}, want: []string{"== Not done ==", "Not posted.", "[Back]"}},
		"closed": {answer: fine, closed: true, want: []string{"Did post create."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothDoors(t, func(t *testing.T, door string) {
				free := make(chan struct{})
				d := openDoor(t, door, func(q command.Request) command.Answer {
					<-free
					return tc.answer(q)
				}, nil)
				d.slash("/ia post")
				d.until(func() bool { return d.fake.Form(d.ann) != "" })
				r, err := d.fake.SubmitForm(d.ann, map[string][]string{"text": {"Docking ring done"}})
				require.NoError(t, err)
				require.True(t, r.Acked, "before the command has ended")
				require.Contains(t, d.fake.Form(d.ann), "== Working ==")
				if tc.closed {
					_, err := d.fake.CloseForm(d.ann, true)
					require.NoError(t, err)
				}
				close(free)
				d.until(func() bool {
					all := d.fake.Form(d.ann) + d.fake.Screen(d.channel)
					return strings.Contains(all, tc.want[0])
				})
				for _, want := range tc.want {
					require.Contains(t, d.fake.Form(d.ann)+d.fake.Screen(d.channel), want)
				}
				require.Equal(t, "Docking ring done", d.hands.effects()[0].Values["text"])
				require.Equal(t, "orbit_bot", d.hands.effects()[0].Agent)
				d.clean("not_found")
			})
		})
	}
}

// The way back leads to the form with what was typed.
func TestAFormKeepsItsTextAfterAnError(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", func(command.Request) command.Answer {
		return command.Answer{Private: true, Problem: &command.Problem{Code: 502, Message: "ImagineAnything had a problem (500). Not posted."}}
	}, nil)
	d.slash("/ia post")
	d.until(func() bool { return d.fake.Form(d.ann) != "" })
	_, err := d.fake.SubmitForm(d.ann, map[string][]string{"text": {strings.TrimSpace(strings.Repeat("kept ü ", 70))}})
	require.NoError(t, err)
	d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), "[Back]") })
	_, err = d.fake.Press(d.ann, "Back")
	require.NoError(t, err)
	d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), "== Post something ==") })
	_, err = d.fake.SubmitForm(d.ann, nil)
	require.NoError(t, err)
	d.until(func() bool { return len(d.hands.effects()) == 2 })
	require.Equal(t, d.hands.effects()[0].Values, d.hands.effects()[1].Values)
	d.clean()
}

// S15: selects are completed from caches, in time, within Slack's limits.
func TestS15_SelectsAreCompleted(t *testing.T) {
	t.Parallel()
	many := make([]command.Choice, 200)
	for i := range many {
		many[i] = command.Choice{Label: strings.Repeat("long ", 30), Value: strings.Repeat("x", 100) + string(rune('0'+i%10)) + strings.Repeat("y", i/10)}
	}
	for name, tc := range map[string]struct {
		complete func(context.Context, string, command.Source, string) []command.Choice
		typed    string
		want     func(*testing.T, []fakeslack.Choice)
	}{
		"nothing": {nil, "", func(t *testing.T, got []fakeslack.Choice) { t.Helper(); require.Empty(t, got) }},
		"typed": {nil, "p77", func(t *testing.T, got []fakeslack.Choice) {
			t.Helper()
			require.Equal(t, []fakeslack.Choice{{Text: "p77", Value: "p77"}}, got)
		}},
		"known": {func(_ context.Context, agent string, from command.Source, typed string) []command.Choice {
			return []command.Choice{{Label: agent + " " + string(from) + " " + typed, Value: "p1"}}
		}, "d", func(t *testing.T, got []fakeslack.Choice) {
			t.Helper()
			require.Equal(t, "orbit_bot posts d", got[0].Text)
		}},
		"slow": {func(ctx context.Context, _ string, _ command.Source, _ string) []command.Choice {
			<-ctx.Done()
			return nil
		}, "", func(t *testing.T, got []fakeslack.Choice) { t.Helper(); require.Empty(t, got) }},
		"many": {func(context.Context, string, command.Source, string) []command.Choice { return many }, "", func(t *testing.T, got []fakeslack.Choice) {
			t.Helper()
			require.NotEmpty(t, got)
			require.LessOrEqual(t, len(got), 100)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothDoors(t, func(t *testing.T, door string) {
				d := openDoor(t, door, fine, func(o *Options) { o.Complete = tc.complete })
				d.slash("/ia like")
				d.until(func() bool { return d.fake.Form(d.ann) != "" })
				got, r, err := d.fake.Query(d.ann, "ia1:pick.post", tc.typed)
				require.NoError(t, err)
				require.True(t, r.Acked)
				require.Less(t, len(r.Body), 20<<10)
				tc.want(t, got)
				d.clean()
			})
		})
	}
}

// Agents of other workspaces are not completed for.
func TestF54_CompletionsKnowTheWorkspacesAgentsAlone(t *testing.T) {
	t.Parallel()
	asked := 0
	d := openDoor(t, "http", fine, func(o *Options) {
		o.Complete = func(context.Context, string, command.Source, string) []command.Choice { asked++; return nil }
	})
	in := inbound{kind: query, who: person{id: d.ann}, at: scene{team: d.team.ID}, press: press{action: "ia1:pick.post", block: "post"}}
	in.view.Callback, in.view.Meta = "ia1:post.like", `{"v":1,"agent":"rival_bot","back":{}}`
	require.Empty(t, d.sink.handle(t.Context(), in).body.(map[string]any)["options"])
	require.Zero(t, asked)
}

// A button with form= opens the form and keeps what it bound out of sight.
func TestAButtonOpensItsForm(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	card := d.relay(bridge.Action{Label: "Reply", Command: "post comment", Args: map[string]string{"post": "p1", "reply_to": "c9"}, Primary: true})
	_, err := d.fake.Click(d.ann, d.channel, card.Message, "Reply")
	require.NoError(t, err)
	d.until(func() bool { return d.fake.Form(d.ann) != "" })
	require.NotContains(t, d.fake.Form(d.ann), "p1")
	_, err = d.fake.SubmitForm(d.ann, map[string][]string{"text": {"Nine it is."}})
	require.NoError(t, err)
	d.until(func() bool { return len(d.hands.effects()) == 1 })
	require.Equal(t, map[string]any{"post": "p1", "reply_to": "c9", "text": "Nine it is."}, d.hands.effects()[0].Values)
	require.Equal(t, "orbit_bot", d.hands.effects()[0].Agent)
	d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), "Did post comment.") })
	d.clean()
}

// B34: a key typed in the open is not carried into a form.
func TestB34_KeysInTheOpenGoToBeRefused(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	d.slash("/ia service connect OPENAI sk-1234567890abcdefghij")
	d.until(func() bool { return len(d.hands.effects()) == 1 })
	require.True(t, d.hands.effects()[0].Open)
	require.Empty(t, d.fake.Form(d.ann))
}
