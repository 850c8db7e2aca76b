package main

import (
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// fill makes every further write of a program to a file fail, as on a full disk,
// or lifts that again: its limit on the size of files (prlimit(2), RLIMIT_FSIZE).
func (c *child) fill(full bool) {
	c.t.Helper()
	limit := syscall.Rlimit{Cur: ^uint64(0), Max: ^uint64(0)}
	if full {
		limit.Cur = 1
	}
	_, _, no := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(c.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	require.Zero(c.t, no)
}

// A disk that takes nothing more is a named state. Pollers keep their places, and
// everything goes on by itself once there is room.
func TestF11_AFullDiskIsNamedAndHeals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configure(w.everywhere())
	run := w.start()
	w.ready()
	for i := range 3 {
		w.mention(i + 1)
	}
	w.eventually("the first at Discord", 40*time.Second, func() bool { return len(w.atDiscord()) == 3 })
	w.eventually("the first at the webhook", 20*time.Second, func() bool { return len(w.hook.seen()) == 3 })
	for round := range 2 {
		run.fill(true)
		for i := range 5 {
			w.mention(4 + 5*round + i)
		}
		w.eventually("the store's trouble named", 30*time.Second, func() bool {
			state, reason := w.condition("nats", "")
			return state == "down" && strings.Contains(reason, "disk")
		})
		run.fill(false)
		sent := 8 + 5*round
		w.eventually("all at Discord", 60*time.Second, func() bool { return len(w.atDiscord()) >= sent })
		w.eventually("all at the webhook", 60*time.Second, func() bool { return len(w.hook.seen()) >= sent })
		w.eventually("all well", 30*time.Second, func() bool {
			nats, _ := w.condition("nats", "")
			poller, _ := w.condition("poller", w.agent.Handle)
			return nats == "ok" && poller == "ok"
		})
		require.Equal(t, wanted(sent), w.atDiscord())
		require.Len(t, w.hook.seen(), sent)
	}
	run.stop()
	require.Empty(t, w.sandbox.Violations())
}
