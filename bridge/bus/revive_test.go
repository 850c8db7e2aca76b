//go:build !race

package bus

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Not under the race detector: nats-server 2.15.2 writes s.jsAPIRoutedReqs in
// setJetStreamExportSubs while apiDispatch reads it without a lock.

func TestF11_JetStreamComesBackAfterItSwitchedItselfOff(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	commit(t, b, "nova", "ntf_1")
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	require.Equal(t, "ntf_1", idOf(t, next(t, l, 0).Data))
	require.NoError(t, b.host.server.ShutdownJetStream())
	commit(t, b, "nova", "ntf_2") // waits meanwhile
	require.Equal(t, []string{"ntf_1", "ntf_2"}, storedIDs(t, b))
	require.Equal(t, "ntf_2", idOf(t, next(t, l, 1).Data))
}
