package bus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

// TestF69_ServerThatDropsASlowConsumer: nothing of what the server says is taken for
// a while, so that it ends the connection.
func TestF69_ServerThatDropsASlowConsumer(t *testing.T) {
	t.Parallel()
	i := newInn(t, &server.Options{WriteDeadline: time.Second})
	b := open(t, func(o *Options) { o.URL, o.Store = "nats://"+i.address, 1<<30 })
	run(t, b)
	c := startCrowd(t, b)
	text := strings.Repeat("tide ", 40_000)
	other, err := Open(t.Context(), Options{URL: "nats://" + *i.behind.Load(), Guest: true}) // not by the door
	require.NoError(t, err)
	t.Cleanup(func() { closeBus(t, other) })
	flood := 0
	for range load.Pick(t, 1, 20) {
		c.goesOn(t)
		for before := i.server.NumSlowConsumers(); i.server.NumSlowConsumers() == before; i.line.held.Store(false) {
			require.Less(t, flood, load.Pick(t, 1, 20)+5, "the server minds nothing")
			if flood > 0 {
				c.goesOn(t) // it may be that our process noticed first, and left
			}
			i.line.held.Store(true)
			flood++
			_, rev, err := other.Load(t.Context(), "flood", "s")
			require.NoError(t, err)
			var long []events.Event
			for m := range 60 { // some megabytes more than lie on the way at most
				long = append(long, events.New("https://imagineanything.com", "flood", fmt.Sprintf("flood_%d_%d", flood, m), "post_1", time.Now(), events.NotificationComment{Actor: events.Agent{ID: "a1", Handle: "nova"}, Comment: events.Comment{Content: text}}))
			}
			_, err = other.Commit(t.Context(), "flood", "s", long, []byte("1"), rev)
			require.NoError(t, err)
			for end := time.Now().Add(soon); i.server.NumSlowConsumers() == before && time.Now().Before(end); {
				wait(t.Context(), step)
			}
		}
		c.goesOn(t)
	}
	c.requireWhole(t, b)
}

// TestF69_AnAccountThatIsTakenAwayAndGivenBack: the server's configuration is read
// again without our account, and once more with it. Our process stays the same.
func TestF69_AnAccountThatIsTakenAwayAndGivenBack(t *testing.T) {
	t.Parallel()
	store, file := t.TempDir(), filepath.Join(t.TempDir(), "nats.conf")
	write := func(accounts string) {
		require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
host: "127.0.0.1"
port: -1
jetstream { store_dir: %q, max_file_store: 1GB, max_memory_store: 8MB }
accounts {
  OTHER { users: [{user: o, password: p}] }
  %s
}
`, store, accounts), 0o600))
	}
	const ours = `BRIDGE { jetstream: enabled, users: [{user: u, password: p}] }`
	write(ours)
	o, err := server.ProcessConfigFile(file)
	require.NoError(t, err)
	o.NoLog, o.NoSigs = true, true
	i := newInnOf(t, o)
	b := open(t, func(o *Options) { o.URL, o.Store = "nats://u:p@"+i.address, 256<<20 })
	run(t, b)
	c := startCrowd(t, b)
	for range load.Pick(t, 2, 10) {
		c.goesOn(t)
		write("")
		begun, before := time.Now(), i.dials.Load()
		require.NoError(t, i.server.Reload())
		// More often than a client is refused that gives up.
		require.Eventually(t, func() bool { return i.dials.Load() >= before+4 }, 3*soon, step)
		_, err := b.Info(t.Context())
		requireState(t, err, Forbidden)
		require.ErrorContains(t, err, "refuses these credentials")
		i.requireRarelyDialed(t, begun, before)
		write(ours)
		require.NoError(t, i.server.Reload())
		// The server takes nothing for the streams of an account that is back, from
		// anybody, until it has been restarted (nats-server 2.12 to 2.15).
		i.close()
		i.open(t)
		c.goesOn(t)
	}
	c.requireWhole(t, b)
}
