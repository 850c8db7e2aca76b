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

// F39: six people ask for sixty posts in ten seconds where the API takes thirty
// a minute. All are made, nobody waits for somebody else's flood, and whoever
// waits is told why.
func TestF39_ASpentWriteLimitIsSharedInTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const people, each = 6, 10
		var mu sync.Mutex
		var ends []int // people, in the order in which their commands ended
		var untold []string
		began := time.Now()
		var all sync.WaitGroup
		for n := range people * each {
			who := n / each // one after the other pours all of theirs out
			all.Go(func() {
				time.Sleep(time.Duration(n) * 10 * time.Second / (people * each))
				q := w.request("post create", map[string]any{"text": fmt.Sprintf("post %d", n)})
				q.ID, q.Principal.User = fmt.Sprintf("i%d", n), fmt.Sprintf("U%d", who)
				told, asked := false, time.Now()
				q.Tell = func(command.Reply) { told = true }
				a := w.runner.Do(t.Context(), q)
				mu.Lock()
				defer mu.Unlock()
				require.True(t, a.OK, "%v", a.Problem)
				ends = append(ends, who)
				if time.Since(asked) > 4*time.Second && !told {
					untold = append(untold, q.ID)
				}
			})
		}
		all.Wait()
		require.Len(t, ends, people*each)
		require.Empty(t, untold, "who waits is told why")
		require.Len(t, w.writes("POST /api/posts"), people*each)
		require.Less(t, time.Since(began), 3*time.Minute, "two minutes' worth")
		waited := ends[people*each/2:] // the others found the limit unspent
		seen := map[int]int{}
		for _, who := range waited {
			if seen[who]++; seen[who] == 6 {
				break
			}
		}
		for who := people / 2; who < people; who++ {
			require.Equal(t, 5, min(seen[who], 5), "who has five under way lets the others have theirs: %v", ends)
		}
	})
}
