package command_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// english is what people hear whose language nobody knows.
var english language.Speaker

// in speaks the language of who asks.
func (w *world) in() language.Speaker { return language.Match(w.locale) }

func inGerman(t *testing.T, change ...func(*command.RunnerOptions)) *world {
	t.Helper()
	w := newWorld(t, change...)
	w.locale = "de"
	return w
}

func TestFailuresInGerman(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, b := range badInputs() {
		synctest.Test(t, func(t *testing.T) {
			fmt.Fprintf(&out, "%s: %s\n", b.id, steady(sentence(b.make(inGerman(t)))))
		})
	}
	golden.Equal(t, "testdata/german/sentences.golden", []byte(out.String()))
}

func TestAnswersInGerman(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	rows := drives()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		synctest.Test(t, func(t *testing.T) {
			w, row := inGerman(t), rows[name]
			values := row.set(w)
			s := spec(t, name)
			maps.DeleteFunc(values, func(arg string, _ any) bool { return !hasArg(s.Args, arg) })
			q := w.request(name, values)
			q.Files = row.files
			a := w.runner.Do(t.Context(), q)
			require.True(t, a.OK, "%s: %v %s", name, a.Problem, a.Question)
			require.Equal(t, s.Private, a.Private)
			fmt.Fprintf(&out, "# %s\n%s\n", name, steady(show(a)))
		})
	}
	golden.Equal(t, "testdata/german/replies.golden", []byte(out.String()))
}

func TestQuestionsAndHelpInGerman(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	w := inGerman(t)
	for _, s := range command.Table() {
		if !s.Confirm {
			continue
		}
		q := w.request(s.Name(), map[string]any{})
		for _, arg := range s.Args {
			if arg.Required {
				q.Values[arg.Name] = "x1"
			}
			if arg.Name == s.Of {
				q.Values[arg.Name] = w.me
			}
		}
		q.Confirmed = false
		a := w.runner.Do(t.Context(), q)
		require.True(t, a.NeedsConfirm, "%s: %v", s.Name(), a.Problem)
		require.NotEqual(t, s.Question, a.Question)
		fmt.Fprintf(&out, "%s: %s\n", s.Name(), a.Question)
	}
	out.WriteString("\n" + command.Help(w.in(), "generate") + "\n" + command.HelpVerb(w.in(), spec(t, "post create")) + "\n" + command.HelpVerb(w.in(), spec(t, "service connect")))
	golden.Equal(t, "testdata/german/help.golden", []byte(out.String()))
}

// TestAGenerationsLifeInGerman: what runs, ends well and fails, as its card is edited.
func TestAGenerationsLifeInGerman(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inGerman(t)
		connect("OPENAI")(w)
		var out strings.Builder
		for _, prompt := range []string{"a ring of Saturn", "sandbox:fail ring"} {
			fmt.Fprintf(&out, "%s\n", steady(show(w.try("generate image", map[string]any{"prompt": prompt, "provider": "OPENAI"}))))
			w.box.Clock().Advance(2 * time.Second)
			fmt.Fprintf(&out, "%s\n", steady(show(w.try("generate pending", nil))))
			w.box.Clock().Advance(time.Minute)
			fmt.Fprintf(&out, "%s\n", steady(show(w.try("generate history", map[string]any{"limit": "1"}))))
		}
		golden.Equal(t, "testdata/german/generation.golden", []byte(out.String()))
	})
}

// TestTheLanguageIsOfTheOneWhoAsks: words for machines stay, and who reads
// French, of which there is no catalogue, reads English.
func TestTheLanguageIsOfTheOneWhoAsks(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{"de": "Ich finde diesen Beitrag nicht.", "de-AT": "Ich finde diesen Beitrag nicht.", "fr": "I can't find that post.", "": "I can't find that post."} {
		w := newWorld(t)
		w.locale = locale
		p := w.try("post show", map[string]any{"post": "cmnosuchpost"}).Problem
		require.Equal(t, "not_found", p.Status)
		require.Equal(t, "post", p.Field)
		require.Contains(t, p.Message, want)
	}
}

// TestACommandLeftBehindEndsInItsLanguage: the record holds whose it is.
func TestACommandLeftBehindEndsInItsLanguage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inGerman(t)
		w.box.Inject(sandbox.Rule{Fault: sandbox.FaultStatus, Method: "POST", Path: "/api/posts"})
		q := w.request("post create", map[string]any{"text": "hi"})
		q.ID = "one"
		require.NoError(t, w.runner.Accept(t.Context(), q))
		var told []command.Answer
		require.NoError(t, w.another("two").Recover(t.Context(), func(_ command.Request, a command.Answer) { told = append(told, a) }))
		require.Len(t, told, 1)
		require.Equal(t, "Ich kann nicht sagen, ob das gepostet wurde.", told[0].Problem.Message)
	})
}
