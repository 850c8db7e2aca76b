package slack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

func TestF28_AnOutageIsCaughtUpWithinSlacksLimits(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{fake: fakeslack.Options{}}, func(w *world) {
		sinktest.Outage(w.T, w.sink, bridge.Destination{Scheme: "slack", Place: w.channel})
		require.Empty(w, w.fake.Faults())
	})
}
