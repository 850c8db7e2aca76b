package bus

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

// Of the notes of threads the newest stay: all of them at the limit, all but the
// oldest at one more. What else is noted counts for nothing.
func TestTheOldestThreadsLeaveBeyondTheLimit(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *Options) { o.Store = 1 << 30 }) // a share of it holds them all
	most := load.Pick(t, 500, mostThreads)
	key := func(n int) string { return fmt.Sprintf("%sDiscord.%d", bridge.ThreadNotes, n) }
	there := func(n int) bool {
		value, err := b.Note(t.Context(), key(n))
		require.NoError(t, err)
		return value != nil
	}
	for n := range most / 2 {
		first, err := b.CreateNote(t.Context(), key(n), []byte("about"))
		require.NoError(t, err)
		require.True(t, first)
	}
	for n := range 20 {
		require.NoError(t, b.PutNote(t.Context(), fmt.Sprint("discord.card.", n), []byte("about")))
		require.NoError(t, b.Keep(t.Context(), fmt.Sprint("discord:1|post:", n), bridge.Receipt{Message: "m"}))
	}
	for n := most / 2; n < most; n++ {
		require.NoError(t, b.PutNote(t.Context(), key(n), []byte("about")))
	}
	left, err := b.trimThreads(t.Context(), uint64(most))
	require.NoError(t, err)
	require.Zero(t, left, "at the limit all of them stay")
	require.True(t, there(0))

	require.NoError(t, b.PutNote(t.Context(), key(0), []byte("about")), "who is noted anew is the newest")
	require.NoError(t, b.PutNote(t.Context(), key(most), []byte("about")))
	left, err = b.trimThreads(t.Context(), uint64(most))
	require.NoError(t, err)
	require.EqualValues(t, 1, left)
	require.False(t, there(1), "the oldest left")
	for _, n := range []int{0, 2, most / 2, most} {
		require.True(t, there(n), n)
	}
	for n := range 20 {
		value, err := b.Note(t.Context(), fmt.Sprint("discord.card.", n))
		require.NoError(t, err)
		require.NotNil(t, value, "other notes stay")
		r, err := b.Receipt(t.Context(), fmt.Sprint("discord:1|post:", n))
		require.NoError(t, err)
		require.False(t, r.IsZero(), "receipts stay")
	}
	first, err := b.CreateNote(t.Context(), key(1), []byte("again"))
	require.NoError(t, err)
	require.True(t, first, "who left may come back")
}
