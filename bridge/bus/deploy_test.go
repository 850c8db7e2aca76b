package bus

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
)

// The permissions that are shipped for an external server are enough for the
// bridge, and it can do its work with them.
func TestTheShippedPermissionsAreEnough(t *testing.T) {
	t.Setenv("IMAGINEBRIDGE_NATS_PASSWORD", "bridge-password")
	t.Setenv("SUBSCRIBER_NATS_PASSWORD", "subscriber-password")
	users, err := filepath.Abs("../../deploy/nats/permissions.conf")
	require.NoError(t, err)
	dir := t.TempDir()
	conf := filepath.Join(dir, "server.conf")
	text, err := os.ReadFile(users)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(conf, append([]byte("listen: 127.0.0.1:-1\njetstream { store_dir: "+filepath.Join(dir, "js")+" }\n"), text...), 0o600))
	opts, err := server.ProcessConfigFile(conf)
	require.NoError(t, err)
	opts.Users = append(opts.Users, &server.User{Username: "caller", Password: "pw"})
	opts.NoSigs, opts.NoLog = true, true
	ns, err := server.NewServer(opts)
	require.NoError(t, err)
	ns.Start()
	defer ns.Shutdown()
	require.True(t, ns.ReadyForConnections(10*time.Second))

	b, err := Open(t.Context(), Options{URL: "nats://imaginebridge:bridge-password@" + ns.Addr().String(), Store: 64 << 20})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close(t.Context())) }()
	var e events.Event
	for k := range events.Kinds() {
		e = events.New("https://imagineanything.com", "orbit_bot", "x_1", "", time.Now(), k.Example)
		break
	}
	_, err = b.Commit(t.Context(), "orbit_bot", "notifications", []events.Event{e}, []byte(`{}`), 0)
	require.NoError(t, err)
	lane, err := b.Lane(t.Context(), LaneSpec{Subscription: "s", Start: "all"})
	require.NoError(t, err)
	require.Equal(t, "s", lane.subscription)

	// It may answer commands, also of callers with an inbox of their own, and be found.
	stop := run(t, b)
	hold(t, b, "agent", []string{"luna"}, idling)
	serve(t, b, (&world{}).run("a"), handles("luna"))
	caller, err := nats.Connect("nats://caller:pw@"+ns.Addr().String(), nats.CustomInboxPrefix("_INBOX_caller"))
	require.NoError(t, err)
	defer caller.Close()
	for range 3 {
		require.Contains(t, string(ask(t, caller, "ia.cmd.luna.feed.home", "").Data), `"ok":true`)
	}
	_, err = caller.Request("$SRV.INFO.imaginebridge", nil, soon)
	require.NoError(t, err)

	// It may be backed up, and restored.
	data := backup(t, b)
	stop()
	require.NoError(t, restore(t, Options{URL: b.opts.URL, Store: 64 << 20}, data, true))
}
