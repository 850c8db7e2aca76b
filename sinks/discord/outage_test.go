package discord

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

func TestF28_AnOutageIsCaughtUpWithinDiscordsLimits(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		sinktest.Outage(st.T, st.sink, st.to())
		all, err := json.Marshal(st.fake.Messages(st.channel))
		require.NoError(st, err)
		require.NotContains(st, string(all), " more\"", "no line was left out")
		st.faultless()
	})
}
