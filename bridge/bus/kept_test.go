package bus

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHowLongThingsAreKept: what is kept has an end in time, and in room.
func TestHowLongThingsAreKept(t *testing.T) {
	t.Parallel()
	b := open(t)
	want := map[string]int{streamDelivery: 90, streamAudit: 30, "KV_" + bucketReceipts: 30, "KV_" + bucketLedger: 30}
	var room int64
	for _, asset := range b.opts.assets() {
		s, err := b.js.Stream(t.Context(), asset.Name)
		require.NoError(t, err)
		have := s.CachedInfo().Config
		require.Positive(t, have.MaxBytes, asset.Name)
		room += have.MaxBytes
		if days, is := want[asset.Name]; is {
			require.EqualValues(t, days, have.MaxAge/day, asset.Name)
		}
	}
	require.LessOrEqual(t, room, b.opts.Store, "together no more than nats.store")
}
