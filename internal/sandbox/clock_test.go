package sandbox_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c sandbox.Clock
		begin := time.Now().UTC()
		is := func(want time.Duration) {
			t.Helper()
			require.Equal(t, want, c.Now().Sub(begin))
		}
		time.Sleep(time.Second)
		is(time.Second)
		c.Advance(time.Minute)
		is(61 * time.Second)
		time.Sleep(time.Second)
		is(62 * time.Second)
		c.Freeze(true)
		time.Sleep(time.Hour)
		is(62 * time.Second)
		c.Advance(8 * time.Second)
		is(70 * time.Second)
		c.Freeze(false)
		time.Sleep(10 * time.Second)
		is(80 * time.Second)
		c.Scale(10)
		time.Sleep(2 * time.Second)
		is(100 * time.Second)
		c.Scale(0)
		time.Sleep(time.Second)
		is(101 * time.Second)
		c.Set(begin.Add(-time.Hour))
		is(-time.Hour)
		c.Advance(-time.Hour)
		is(-2 * time.Hour)
	})
}

func TestInABubbleTheClockIsTheBubbles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := open(t, sandbox.Options{})
		me := as(t, box, 0)
		time.Sleep(30 * time.Minute)
		got := me.post("/api/posts", `{"content":"x"}`)
		require.Equal(t, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), got.str("post.createdAt"))
		require.Equal(t, time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), got.header.Get("Date"))
	})
}
