package bus

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A lane whose record was lost does not send again what it sent; one that was made
// anew under the same name begins as it says.
func TestF18_ALaneWhoseRecordWasLostBeginsAtWhatIsNew(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	made := time.Now()
	commit(t, b, "nova", "ntf_1")
	for _, start := range []string{"new", "all", "24h"} {
		spec := LaneSpec{Subscription: "team-" + start, Start: start, After: made.Add(-time.Minute)}
		l := lane(t, b, spec)
		first := idOf(t, next(t, l, 0).Data)
		require.NoError(t, b.Subscriptions().ForgetLane(t.Context(), spec.Subscription))
		l = lane(t, b, spec)
		id := "ntf_after_" + start
		commit(t, b, "nova", id)
		require.Equal(t, id, idOf(t, next(t, l, l.record.Position).Data), "nothing old")
		require.NoError(t, b.Subscriptions().ForgetLane(t.Context(), spec.Subscription))
		spec.After = spec.After.Add(time.Millisecond)
		l = lane(t, b, spec)
		require.Equal(t, first, idOf(t, next(t, l, l.record.Position).Data), "another subscription")
	}
}
