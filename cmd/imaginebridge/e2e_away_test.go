package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/load"
)

// F6: the NATS server that the program uses is ended and killed in turn, twice at
// S, ten times and for five seconds each at M.
func TestF6_TheServerIsEndedAndKilledUnderLoad(t *testing.T) {
	t.Parallel()
	c, n := newCrowdOnNATS(t)
	run := c.start()
	c.ready()
	flown := c.flow()
	for i := range load.Pick(t, 2, 10) {
		c.goesOn("events before it goes")
		began, before := time.Now(), n.dials.Load()
		n.end(i%2 == 1)
		c.eventually("the program looks for it", 20*time.Second, func() bool { return n.dials.Load() > before })
		c.pause(load.Pick(t, 0, 5*time.Second))
		n.requireRarelyDialed(t, began, before)
		n.start()
	}
	require.Equal(t, load.Pick(t, 2, 10), n.ends)
	flown()
	c.settle()
	run.stop()
}

// F7: the server is away for a moment, at M for ten minutes. The program says so
// (P7) and goes on by itself. Without NATS it leaves Discord's gateway, so that what
// is said of commands is seen in bridge/bus.
func TestF7_TheServerIsAwayUnderLoad(t *testing.T) {
	t.Parallel()
	c, n := newCrowdOnNATS(t)
	run := c.start()
	c.ready()
	flown := c.flow()
	c.goesOn("events before it goes")
	began, before := time.Now(), n.dials.Load()
	n.end(true)
	c.eventually("it is named", 30*time.Second, func() bool {
		state, reason := c.condition("nats", "")
		return state == "down" && strings.Contains(reason, "does not answer")
	})
	c.eventually("the program looks for it", 20*time.Second, func() bool { return n.dials.Load() > before })
	c.pause(load.Pick(t, 0, 10*time.Minute))
	n.requireRarelyDialed(t, began, before)
	n.start()
	flown()
	c.settle()
	c.ready()
	run.stop()
}

// newCrowdOnNATS is a crowd whose program uses a NATS server beside it.
func newCrowdOnNATS(t *testing.T) (*crowd, *natsChild) {
	t.Helper()
	c, n := newCrowd(t), newNATSChild(t)
	c.natsURL = n.url
	c.configure(c.lanes())
	return c, n
}

// requireRarelyDialed holds the program to less than twenty dials a minute on each of
// its connections, beyond those of the first seconds.
func (n *natsChild) requireRarelyDialed(t *testing.T, since time.Time, before int32) {
	t.Helper()
	const connections = 2
	require.LessOrEqual(t, float64(n.dials.Load()-before), connections*(6+20*time.Since(since).Minutes()), "it dials without a pause")
}

// pause lets time go by at loads that have it.
func (w *world) pause(d time.Duration) {
	w.t.Helper()
	select {
	case <-w.t.Context().Done():
	case <-time.After(d):
	}
}
