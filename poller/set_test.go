package poller_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

// Agents and plan change while the poller runs: nothing is lost or sent twice, and
// whoever is watched as before does not notice.
func TestAgentsAndPlanChangeWhileItRuns(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		first, second := poller.Agent{Handle: w.handle, API: w.api}, poller.Agent{Handle: w.Agents()[1].Handle, API: w.as(1)}
		p, stop := w.poll(nil)
		pass(time.Minute)
		for i := range 40 {
			agents := []poller.Agent{first}
			if i%4 < 2 {
				agents = append(agents, second)
			}
			plan := poller.Plan{Ceiling: 20 * time.Second, Feed: i%3 == 0}
			if i%8 > 5 {
				agents[0].Watch = []string{"#orbit"}
			}
			require.NoError(t, p.Set(agents, plan))
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + first.Handle})
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + second.Handle})
			pass(7 * time.Second)
		}
		require.NoError(t, p.Set([]poller.Agent{first, second}, poller.Plan{}))
		pass(2 * time.Minute)
		want := w.happened(sandbox.HappenedNotification)
		w.handle = second.Handle
		want = append(want, w.happened(sandbox.HappenedNotification)...)
		requireAlike(t, want, w.journal.told("ntf_"))
		require.Empty(t, w.journal.refused)
		require.Len(t, p.Statuses(), 2)
		sources := p.Sources()
		require.Len(t, sources, 2)
		for handle, all := range sources {
			require.NotEmpty(t, all, handle)
			for _, one := range all {
				require.WithinDuration(t, time.Now(), one.Last, 2*time.Minute, "%s of %s", one.Source, handle)
				require.Zero(t, one.Failures)
				require.Empty(t, one.Problem)
			}
		}
		require.Error(t, p.Set([]poller.Agent{first, first}, poller.Plan{}), "nothing changes on an error")
		require.Len(t, p.Statuses(), 2)
		stop()
	})
}

// A hint brings a look at once, at all that is always watched.
func TestAHintBringsALookAtOnce(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		p, stop := w.poll(nil)
		pass(10 * time.Minute) // drifted to the ceiling
		w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
		w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: "word"})
		p.Hint(w.handle)
		p.Hint("somebody_else")
		pass(500 * time.Millisecond)
		require.Len(t, w.journal.told("ntf_"), 1)
		require.Len(t, w.journal.told("msg_"), 1)
		stop()
	})
}
