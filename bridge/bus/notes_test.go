package bus

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

func TestNotesLiveUnderAnyText(t *testing.T) {
	t.Parallel()
	b := open(t)
	keys := []string{"thread:1", "Thread:1", "", "a.b.*.>", "ä ö", strings.Repeat("k", 600), "note.x"}
	for _, k := range keys {
		none, err := b.Note(t.Context(), k)
		require.NoError(t, err)
		require.Nil(t, none, k)
		require.NoError(t, b.PutNote(t.Context(), k, []byte("value of "+k)))
	}
	for _, k := range keys {
		got, err := b.Note(t.Context(), k)
		require.NoError(t, err)
		require.Equal(t, "value of "+k, string(got))
	}
	require.NoError(t, b.PutNote(t.Context(), "thread:1", []byte("other")))
	got, err := b.Note(t.Context(), "thread:1")
	require.NoError(t, err)
	require.Equal(t, "other", string(got))

	r, err := b.Receipt(t.Context(), "thread:1")
	require.NoError(t, err)
	require.True(t, r.IsZero(), "receipts and notes keep apart")
	require.NoError(t, b.Keep(t.Context(), "thread:1", bridge.Receipt{Message: "m"}))
	got, err = b.Note(t.Context(), "thread:1")
	require.NoError(t, err)
	require.Equal(t, "other", string(got))
}

func TestFirstNoteWins(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	b := second(t, a)
	var first atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			bus := a
			if i%2 == 1 {
				bus = b
			}
			mine, err := bus.CreateNote(t.Context(), "one", []byte(strconv.Itoa(i)))
			if err != nil {
				t.Error(err)
			}
			if mine {
				first.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, first.Load())

	require.NoError(t, a.DeleteNote(t.Context(), "one"))
	got, err := b.Note(t.Context(), "one")
	require.NoError(t, err)
	require.Nil(t, got)
	mine, err := b.CreateNote(t.Context(), "one", []byte("again"))
	require.NoError(t, err)
	require.True(t, mine, "a deleted note makes room")
	mine, err = a.CreateNote(t.Context(), "one", []byte("late"))
	require.NoError(t, err)
	require.False(t, mine)
	got, err = a.Note(t.Context(), "one")
	require.NoError(t, err)
	require.Equal(t, "again", string(got))
}

func TestNotesAreBounded(t *testing.T) {
	t.Parallel()
	b := open(t)
	require.NoError(t, b.PutNote(t.Context(), "k", make([]byte, 64<<10)))
	require.ErrorContains(t, b.PutNote(t.Context(), "k", make([]byte, 64<<10+1)), "65537 bytes are more than 65536")
	_, err := b.CreateNote(t.Context(), "new", make([]byte, 64<<10+1))
	require.Error(t, err)
	got, err := b.Note(t.Context(), "k")
	require.NoError(t, err)
	require.Len(t, got, 64<<10)
}
