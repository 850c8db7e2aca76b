package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/load"
)

// F1: the program is killed at random points of its life, 25 times, at M 200 times,
// while things happen: a share of the load in each life. Nothing is lost, nothing is
// doubled, order is kept.
func TestF1_KillNineAtRandomPoints(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	c.configure(c.lanes())
	run := c.start()
	c.ready()
	kills, r := load.Pick(t, 25, 200), c.dice(1)
	for range kills {
		deadline := time.After(time.Duration(50+r.IntN(1950)) * time.Millisecond)
		for range c.load.Each() / kills {
			require.NoError(t, c.tick())
			c.pause(time.Duration(r.IntN(100)) * time.Millisecond)
		}
		<-deadline
		run.kill()
		require.Error(t, run.ended, "it was ended by the signal")
		run = c.start()
	}
	c.rush()
	c.settle()
	run.stop()
	require.Empty(t, c.slack.Faults())
}

// F44: told to end while much is under way, and when it has hardly begun, the
// program ends cleanly; a second signal ends it at once. What then starts goes on
// where the one before it was.
func TestF44_StopsUnderLoad(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	c.configure(c.lanes())
	run := c.start()
	c.ready()
	flown, r := c.flow(), c.dice(44)
	for range load.Pick(t, 2, 15) {
		c.goesOn("much is under way")
		run.stop()

		run = c.start()
		began := run.logs // its first line: from then on it hears signals
		c.eventually("it begins", 20*time.Second, func() bool { return began.String() != "" })
		c.pause(time.Duration(r.IntN(300)) * time.Millisecond)
		run.stop()

		run = c.start()
		c.goesOn("much is under way")
		before := c.hooks[0].hanging.Load()
		c.hooks[0].hangs.Store(true) // what is in hand would hold the end up for five seconds
		c.eventually("something is in hand", 30*time.Second, func() bool { return c.hooks[0].hanging.Load() > before })
		run.twice()
		c.hooks[0].hangs.Store(false)
		run = c.start()
	}
	flown()
	c.settle()
	run.stop()
}

// twice tells the program to end, and then again until it was ended by that.
func (c *child) twice() {
	c.t.Helper()
	require.NoError(c.t, c.Process.Signal(syscall.SIGTERM))
	limit := time.After(30 * time.Second)
	for {
		select {
		case err := <-c.done:
			require.ErrorContains(c.t, err, "signal: interrupt")
			return
		case <-limit:
			c.t.Fatal("it is still there")
		case <-time.After(50 * time.Millisecond):
			_ = c.Process.Signal(os.Interrupt)
		}
	}
}

// dice are random numbers of a seed that is told.
func (c *crowd) dice(stream uint64) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	c.t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, stream))
}

// F44: who is told to end while it starts has done nothing wrong, and leaves the
// store to the next one.
func TestF44_ToldToEndBeforeItHadStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(w.everywhere())
	env := func(name string) (string, bool) {
		return filepath.Join(w.dir, "data"), name == "IMAGINEBRIDGE_DATA_DIR"
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	var out, errs lockedBuffer
	require.Equal(t, exitOK, run(ctx, []string{"run", "--config", w.file()}, env, strings.NewReader(""), &out, &errs), errs.String())
	require.Contains(t, out.String()+errs.String(), "told to end before it had started")
	next := w.start()
	w.ready()
	next.stop()
}
