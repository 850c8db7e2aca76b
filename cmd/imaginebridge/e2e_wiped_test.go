package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever part of the store is wiped while the others are kept: nothing that was
// sent is sent again, and what happens from then on arrives.
func TestF18_AWipedStreamFloodsNothing(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"IA_EVENTS", "IA_DELIVERY", "IA_AUDIT", "KV_IA_RECEIPTS", "KV_IA_CONFIG", "KV_IA_SHARDS", "KV_IA_MEMBERS", "KV_IA_LEDGER"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, lenient)
			w.sandbox.AddNotifications(w.agent.Handle, 300, time.Minute)
			w.configure(w.everywhere())
			run := w.start()
			w.ready()
			for i := range 5 {
				w.mention(i + 1)
			}
			w.eventually("all at Discord", 40*time.Second, func() bool { return len(w.atDiscord()) == 5 })
			w.eventually("all at Slack", 40*time.Second, func() bool { return len(w.atSlack()) == 5 })
			w.eventually("all at the webhook", 20*time.Second, func() bool { return len(w.hook.seen()) == 5 })
			run.stop()
			folder := filepath.Join(w.dir, "data", "nats", "jetstream", "$G", "streams", stream)
			require.DirExists(t, folder)
			require.NoError(t, os.RemoveAll(folder))
			run = w.start()
			w.ready()
			for i := range 3 {
				w.mention(i + 6)
			}
			w.eventually("the new at Discord", 40*time.Second, func() bool { return len(w.atDiscord()) >= 8 })
			w.eventually("the new at Slack", 40*time.Second, func() bool { return len(w.atSlack()) >= 8 })
			w.eventually("the new at the webhook", 20*time.Second, func() bool { return len(w.hook.seen()) >= 8 })
			run.stop()
			require.Equal(t, wanted(8), w.atDiscord())
			require.Equal(t, wanted(8), w.atSlack())
			require.Len(t, w.hook.seen(), 8)
			told := run.logs.String()
			if stream == "KV_IA_SHARDS" || stream == "KV_IA_MEMBERS" {
				require.NotContains(t, told, "was missing", "who is alive comes back by itself")
			} else {
				require.Contains(t, told, "a stream was missing and is made anew")
				require.Contains(t, told, "stream="+stream)
			}
		})
	}
}
