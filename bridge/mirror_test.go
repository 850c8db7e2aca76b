package bridge_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// T5: words that come back as they went are another program's; people's short
// words may meet once.
func TestT5_WordsThatComeBackAreNotSentOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const long = "I am away until Monday, 9:00."
		var m bridge.Mirror
		require.False(t, m.Returns("C1", long), "nobody was shown it")
		m.Show("C1", long)
		require.True(t, m.Returns("C1", long))
		require.True(t, m.Returns("C1", "I AM  away\nuntil Monday, 9\\:00."), "as a client would show it")
		require.False(t, m.Returns("C2", long), "another thread")
		require.False(t, m.Returns("C1", long+" Bye."))
		time.Sleep(time.Minute)
		require.True(t, m.Returns("C1", long))
		time.Sleep(time.Nanosecond)
		require.False(t, m.Returns("C1", long), "a minute later they may be said")

		m.Show("C1", "thanks")
		require.False(t, m.Returns("C1", "Thanks"))
		m.Show("C1", "thanks")
		require.True(t, m.Returns("C1", "Thanks"), "and again is a loop")
		m.Show("C1", " ")
		require.False(t, m.Returns("C1", ""))
		for n := range 20_000 {
			m.Show("C3", fmt.Sprintf("some words, number %d", n))
		}
		require.True(t, m.Returns("C3", "some words, number 19999"), "however many there are")
	})
}
