package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// P4: an account with a long past says nothing of it, not even when the first
// start is cut short; what happens from then on is sent.
func TestF16_FirstStartOnAFullAccountSendsNothingOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.sandbox.AddNotifications(w.agent.Handle, 5000, time.Hour)
	w.sandbox.AddConversations(w.agent.Handle, 300, 3, time.Hour)
	w.sandbox.AddJobs(w.agent.Handle, 200, time.Hour)
	w.configure(w.everywhere())
	reads := func() (n int) {
		for _, e := range w.sandbox.Journal() {
			if e.Path == "/api/notifications" {
				n++
			}
		}
		return n
	}
	run := w.start()
	w.eventually("a first look", 20*time.Second, func() bool { return reads() > 0 })
	run.kill()
	run = w.start()
	w.ready()
	before := reads()
	w.eventually("more looks", 20*time.Second, func() bool { return reads() >= before+2 })
	require.Empty(t, w.stored())
	for i := range 10 {
		w.mention(i + 1)
	}
	w.eventually("all at Slack", 40*time.Second, func() bool { return len(w.atSlack()) >= 10 })
	w.eventually("all at Discord", 20*time.Second, func() bool { return len(w.atDiscord()) >= 10 })
	w.eventually("all at the webhook", 20*time.Second, func() bool { return len(w.hook.seen()) >= 10 })
	require.Len(t, w.stored(), 10)
	require.Len(t, w.discord.Messages(w.channel), 10)
	require.Len(t, w.slack.Messages(w.alerts), 10)
	require.Equal(t, wanted(10), w.atDiscord())
	require.Equal(t, wanted(10), w.atSlack())
	require.Len(t, w.hook.seen(), 10)
	run.stop()
	require.Empty(t, w.sandbox.Violations())
}
