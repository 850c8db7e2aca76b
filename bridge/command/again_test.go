package command_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// Two hundred commands come to two processes at once, and again four minutes later,
// when no platform and no server remembers that they came: each has one effect, and
// every repeat hears what the first one did.
func TestF33_TwoHundredCommandsThatComeAgainLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const commands = 200
		processes := []*command.Runner{w.runner, w.another("two")}
		var mu sync.Mutex
		said := map[string]map[string]int{} // by command, what was answered
		send := func(n int, r *command.Runner) {
			q := w.request("post create", map[string]any{"text": fmt.Sprintf("tide %d", n)})
			q.ID, q.Principal.User = fmt.Sprintf("i%d", n), fmt.Sprintf("U%d", n%40)
			a := r.Do(t.Context(), q)
			for a.Running { // the other has it in hand
				time.Sleep(time.Second)
				a = r.Do(t.Context(), q)
			}
			mu.Lock()
			defer mu.Unlock()
			if said[q.ID] == nil {
				said[q.ID] = map[string]int{}
			}
			if !a.OK || len(a.Reply.Messages) != 1 {
				t.Errorf("%s: %v", q.ID, a.Problem)
				return
			}
			said[q.ID][a.Reply.Text+" "+a.Reply.Messages[0].Text]++
		}
		for _, wait := range []time.Duration{0, 4 * time.Minute} {
			time.Sleep(wait)
			var all sync.WaitGroup
			for n := range commands {
				for _, r := range processes {
					all.Go(func() { send(n, r) })
				}
				time.Sleep(3 * time.Second) // a client sends thirty writes a minute
			}
			all.Wait()
		}
		require.Len(t, w.writes("POST /api/posts"), commands)
		require.Len(t, said, commands)
		for id, answers := range said {
			require.Len(t, answers, 1, id)
			for text, n := range answers {
				require.Equal(t, 4, n, text)
			}
		}
		require.Empty(t, w.box.Violations())
	})
}

// Of fifty posts each is made once, however the API hides that it was.
func TestF37_FiftyPostsWhoseAnswersLie(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		lies := lies()
		for n := range 50 {
			rule := lies[n%len(lies)]
			rule.Method, rule.Path, rule.Count = "POST", "/api/posts", 1
			lie := w.box.Inject(rule)
			q := w.request("post create", map[string]any{"text": fmt.Sprintf("only once %d", n)})
			q.ID = fmt.Sprintf("i%d", n)
			a := w.runner.Do(t.Context(), q)
			require.True(t, a.OK, "%v", a.Problem)
			require.Equal(t, command.Done, w.records.get(q.ID).State)
			require.Equal(t, 1, lie.Hits())
			require.Len(t, w.writes("POST /api/posts"), n+1)
		}
		require.Empty(t, w.box.Violations())
	})
}
