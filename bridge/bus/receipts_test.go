package bus

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

func TestReceiptsLiveUnderAnyText(t *testing.T) {
	t.Parallel()
	b := open(t)
	keys := []string{
		"job:1", "Job:1", "", "a.b.*.>", "ä ö", strings.Repeat("k", 500), strings.Repeat("k", 501),
		"discord:1\nx", "=S00", receiptSubject("Job:1"),
	}
	for i, k := range keys {
		none, err := b.Receipt(t.Context(), k)
		require.NoError(t, err)
		require.True(t, none.IsZero(), k)
		require.NoError(t, b.Keep(t.Context(), k, bridge.Receipt{Channel: "c", Message: k, Version: i}))
	}
	for i, k := range keys {
		got, err := b.Receipt(t.Context(), k)
		require.NoError(t, err)
		require.Equal(t, bridge.Receipt{Channel: "c", Message: k, Version: i}, got)
	}
	later := bridge.Receipt{Message: "m2", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	require.NoError(t, b.Keep(t.Context(), "job:1", later))
	got, err := b.Receipt(t.Context(), "job:1")
	require.NoError(t, err)
	require.Equal(t, later, got)

	kv, err := b.js.KeyValue(t.Context(), bucketReceipts)
	require.NoError(t, err)
	e, err := kv.Get(t.Context(), "job=3A1")
	require.NoError(t, err, "the bucket reads like any other")
	require.Contains(t, string(e.Value()), "m2")
	require.NoError(t, kv.Delete(t.Context(), "job=3A1"))
	got, err = b.Receipt(t.Context(), "job:1")
	require.NoError(t, err)
	require.True(t, got.IsZero())
}
