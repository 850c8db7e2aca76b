package slack

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// forgedPresses are values that no card of ours carries (F52).
func forgedPresses() []press {
	var out []press
	for _, verb := range []string{"post.like", "post.delete", "dm.send", "service.disconnect", "connect.remove", "access.allow", "dead.drop", "subscribe.remove"} {
		id := idPrefix + verb
		out = append(
			out,
			press{action: id, value: "luna:post=p1"}, press{action: id, value: "luna:post=p1&handle=luna&%21=yes"}, press{action: id, value: "LUNA:post=p1"},
			press{action: id, value: "%6Cuna:post=p1"}, press{action: id + "x", value: "nova:post=p1"}, press{action: id, value: "luna:pos%"},
			press{action: idMore, value: verb + ":luna:post=p1"},
		)
	}
	return append(
		out,
		press{action: idPrefix + "post.like", value: "~" + strings.Repeat("a", 22)}, press{action: idMore, value: "post.like:~" + strings.Repeat("a", 22)},
		press{action: idPrefix + "post.like", value: "~../../../../secret"}, press{action: idPrefix, value: "luna:"},
		press{action: idPrefix + "post.like", value: ":post=p1&agent=luna"}, press{action: idPrefix + "connect.remove", value: "nova:handle=luna&%21=yes"},
	)
}

// F52, F54, T2, T3: what a workspace has can't be used, seen or guessed from another
// one: by no command, no button, no form and no forged value.
func TestF54_AnotherWorkspaceReachesNothing(t *testing.T) {
	t.Parallel()
	r := newRivals(t)
	buttons, forms := r.recorded(visitor{team: r.home, id: r.home.Owner})
	require.Greater(t, len(buttons), 20)
	require.Greater(t, len(forms), 40)
	require.Contains(t, buttons, press{action: idPrefix + "post.like", value: "luna:post=p1"})
	require.True(t, slices.ContainsFunc(buttons, func(p press) bool { return strings.HasPrefix(p.value, "~") }))
	traffic := func() (n int) {
		for _, q := range r.fake.Requests() {
			if q.Workspace == r.home.ID && (strings.HasPrefix(q.Method, "chat.") || strings.HasPrefix(q.Method, "views.")) {
				n++
			}
		}
		return n
	}
	calls, said := len(r.box.Journal()), traffic()

	var all []deed
	try := func(what string, ask func(who visitor, agent string)) {
		d := deed{what: what, absent: r.guest(), theirs: r.guest()}
		for who, agent := range map[visitor]string{d.absent: absent, d.theirs: theirs} {
			ask(who, agent)
			if f, open := r.opened(who); open {
				r.sends(who, f, "")
			}
		}
		all = append(all, d)
	}
	for _, spec := range command.Table() {
		try(spec.Name(), func(who visitor, agent string) { r.types(who, typedLine(&spec, agent)) })
	}
	for _, p := range append(buttons, forgedPresses()...) {
		try(p.action+" "+p.value, func(who visitor, agent string) {
			value := strings.ReplaceAll(p.value, theirs, agent)
			if at := strings.Index(value, "~"); at >= 0 && agent == absent {
				value = value[:at+1] + strings.Repeat("A", 22)
			}
			r.presses(who, press{action: p.action, value: value})
		})
	}
	for _, f := range forms {
		all = append(all, r.foreign(f)...)
	}
	r.work.Wait()
	for _, d := range all {
		require.NotEmpty(t, r.shown(d.theirs), d.what)
		require.Equal(t, named(r.shown(d.absent)), named(r.shown(d.theirs)), d.what)
		heard := r.heard(d.theirs)
		require.Len(t, heard, 1, d.what)
		require.Contains(t, []string{"refused unknown_agent", "refused old_button", "refused unknown_button", "refused old_form"}, heard[0], d.what)
		require.Equal(t, r.heard(d.absent), heard, d.what)
	}
	require.Len(t, r.box.Journal(), calls, "nothing was asked for at ImagineAnything")
	require.Equal(t, said, traffic(), "nothing was said in the other workspace")
	require.NotContains(t, r.completed, theirs)
	for _, e := range r.audit {
		if e.Principal.Workspace == r.other.ID {
			require.Contains(t, []string{"", r.places[r.other.ID]}, e.Place, "a form's own words don't say where it was sent")
		}
	}
	require.NotContains(t, r.fake.Screen(r.places[r.other.ID]), "Hello")

	own := r.guest()
	r.types(own, "notify count agent:"+ours)
	require.Equal(t, []string{"done "}, r.heard(own), "one's own is there")
	r.clean()
}

// deed is something done twice: about an agent of another workspace, and about one that
// nobody has.
type deed struct {
	what           string
	absent, theirs visitor
}

// typedLine is a command as somebody types it about an agent, with something for what
// it must have. What can't be typed is left to the form.
func typedLine(spec *command.Spec, agent string) string {
	var line strings.Builder
	line.WriteString(spec.Name())
	for _, a := range spec.Args {
		value, wanted := sample(spec, a)
		switch text, ok := value["value"].(string); {
		case !wanted || !ok || a.Secret || a.Hidden:
		case a.Name == spec.Of:
			line.WriteString(" " + a.Name + ":" + agent)
		default:
			line.WriteString(" " + a.Name + ":" + text)
		}
	}
	return line.String() + " agent:" + agent
}

// named is what was said about an agent, whichever it is.
func named(text string) string {
	for _, name := range []string{theirs, absent, strings.ReplaceAll(absent, "_", `\_`)} {
		text = strings.ReplaceAll(text, name, "X")
	}
	return text
}

// foreign has people of the second workspace send a form of the first, with what it
// carries and with the agent chosen.
func (r *rivals) foreign(f sheet) []deed {
	r.Helper()
	r.completesNothing(f)
	send := func(f sheet, chosen string) visitor {
		who := r.guest()
		r.types(who, "post create")
		r.sends(who, f, chosen)
		return who
	}
	nobodys := sheet{f.callback, strings.ReplaceAll(f.meta, `"agent":"`+theirs, `"agent":"`+absent)}
	return []deed{
		{"the form of " + f.callback, send(nobodys, ""), send(f, "")},
		{"an agent chosen in " + f.callback, send(f, absent), send(f, theirs)},
	}
}

// completesNothing types into each field of a form of the first workspace.
func (r *rivals) completesNothing(f sheet) {
	r.Helper()
	spec, _ := bound{Command: strings.TrimPrefix(f.callback, idPrefix)}.spec()
	for _, block := range append([]string{agentArg}, argNames(spec)...) {
		out := r.happens(inbound{
			kind: query, who: person{id: r.other.Owner}, at: scene{team: r.other.ID}, press: press{action: idPick + block, block: block, value: ""},
			view: view{Callback: f.callback, Meta: f.meta, Type: "modal"},
		})
		raw, err := json.Marshal(out.body)
		require.NoError(r, err)
		require.NotContains(r, string(raw), theirs, f.callback)
	}
}

func argNames(spec *command.Spec) (out []string) {
	for _, a := range spec.Args {
		out = append(out, a.Name)
	}
	return out
}
