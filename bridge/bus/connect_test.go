package bus

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// external starts a server of somebody else's.
func external(t *testing.T, o *server.Options) string {
	t.Helper()
	o.Host, o.Port, o.NoLog, o.NoSigs, o.StoreDir = "127.0.0.1", server.RANDOM_PORT, true, true, t.TempDir()
	s, err := server.NewServer(o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(soon))
	return s.ClientURL()
}

func TestB58_ServerThatWillNotDo(t *testing.T) {
	t.Parallel()
	deny := &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{">"}, Deny: []string{"$JS.API.STREAM.CREATE.>"}}}
	for name, tc := range map[string]struct {
		server *server.Options
		open   Options
		state  State
		text   string
	}{
		"without jetstream": {&server.Options{}, Options{}, Off, "has JetStream switched off; start it with -js."},
		"too small": {
			&server.Options{JetStream: true, JetStreamMaxStore: 8 << 20, JetStreamMaxMemory: 8 << 20},
			Options{Store: 1 << 30},
			Full, "has no room left (create stream IA_EVENTS)",
		},
		"without permission": {
			&server.Options{JetStream: true, Users: []*server.User{{Username: "u", Password: "geheim", Permissions: deny}}},
			Options{},
			Forbidden, "this user may not create stream IA_EVENTS",
		},
		"wrong password": {
			&server.Options{Users: []*server.User{{Username: "u", Password: "x"}}}, Options{}, Forbidden, "refuses these credentials",
		},
		"never used by a bridge": {&server.Options{JetStream: true}, Options{Guest: true}, Mismatch, "no bridge has run on it yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := external(t, tc.server)
			host := url[len("nats://"):]
			tc.open.URL = "nats://u:geheim@" + host
			_, err := Open(t.Context(), tc.open)
			requireState(t, err, tc.state)
			require.ErrorContains(t, err, tc.text)
			require.ErrorContains(t, err, "NATS at nats://"+host)
			require.NotContains(t, err.Error(), "geheim")
		})
	}
	for version, want := range map[string]bool{"2.11.9": true, "v1.4": true, "2.12.0": false, "3.0": false, "2.12": false, "dev": false} {
		require.Equal(t, want, older(version, minServer), version)
	}
}

func TestUnreachableServerIsToldWithoutSecrets(t *testing.T) {
	t.Parallel()
	ctx, cancel := contextWithin(t, 300*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, Options{URL: "nats://me:geheim@127.0.0.1:1,127.0.0.1:2"})
	requireState(t, err, Unreachable)
	require.ErrorContains(t, err, "NATS at nats://127.0.0.1:1,nats://127.0.0.1:2 does not answer")
	require.NotContains(t, err.Error(), "geheim")
}

func TestConvergingLosesNothing(t *testing.T) {
	t.Parallel()
	url := external(t, &server.Options{JetStream: true, JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 1 << 20})
	b := open(t, func(o *Options) { o.URL = url })
	commit(t, b, "nova", "ntf_1")
	other := open(t, func(o *Options) { o.URL, o.Keep, o.Store = url, 48*time.Hour, 128<<20 })
	require.Equal(t, []string{"ntf_1"}, storedIDs(t, other))
	s, err := b.js.Stream(t.Context(), streamEvents)
	require.NoError(t, err)
	require.Equal(t, 48*time.Hour, s.CachedInfo().Config.MaxAge)
	_, err = Open(t.Context(), Options{URL: url, Guest: true})
	require.NoError(t, err)
	s, err = b.js.Stream(t.Context(), streamEvents)
	require.NoError(t, err)
	require.Equal(t, 48*time.Hour, s.CachedInfo().Config.MaxAge, "a guest changes nothing")

	require.NoError(t, b.js.DeleteStream(t.Context(), streamAudit))
	_, err = b.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: streamAudit, Retention: jetstream.WorkQueuePolicy})
	require.NoError(t, err)
	_, err = Open(t.Context(), Options{URL: url, Store: 64 << 20})
	requireState(t, err, Mismatch)
	require.ErrorContains(t, err, "stream IA_AUDIT")
	_, err = ReadCredentials(filepath.Join(t.TempDir(), AdminFile))
	requireState(t, err, Forbidden)
}

func FuzzRedact(f *testing.F) {
	const secret = "S3cr3tS3cr3t"
	for _, seed := range []string{"nats://u:%s@db1:4222", "%s@db1", "u:%s@[::1]:4222", "nats://u:%s/@h", "nats://u:%s?x@h", "nats://%s?@x", "nats://tok?%s@h", " nats://u:%s@h ", "://%s@"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, form string) {
		before, after, found := strings.Cut(form, "%s")
		if !found || !strings.Contains(after, "@") || strings.Contains(before+after, ",") {
			return // no address with a secret before its host
		}
		require.NotContains(t, redact(before+secret+after), secret)
	})
}

// TestAServerThatAsksBackFirstIsDialledAgain: a server that waits long for the rest of
// a greeting pings, and on a busy machine the ping overtakes its answer.
func TestAServerThatAsksBackFirstIsDialledAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Bool
	b := openThrough(t, func(_ int, line string) string {
		if line == "PONG\r\n" && asked.CompareAndSwap(false, true) {
			return "PING\r\n" + line
		}
		return line
	})
	require.True(t, asked.Load())
	commit(t, b, "nova", "ntf_1")
}

// A server that takes its time to hear of the commands does not end the program.
func TestASlowServerIsWaitedForByTheService(t *testing.T) {
	t.Parallel()
	var slowed atomic.Bool
	greeted := 0
	b := openThrough(t, func(conn int, line string) string {
		if conn == 2 && line == "PONG\r\n" {
			if greeted++; greeted == 2 {
				<-time.After(callTimeout + 200*time.Millisecond)
				slowed.Store(true)
			}
		}
		return line
	})
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.Serve(ctx, func(context.Context, command.Request) command.Answer { return command.Answer{OK: true} }, nil)
	}()
	require.Eventually(t, slowed.Load, soon, step)
	require.Never(t, func() bool { return len(done) > 0 }, 100*time.Millisecond, step)
	end()
	require.NoError(t, <-done)
}

// openThrough opens a store through a line that may alter what the server says to the
// nth connection.
func openThrough(t *testing.T, alter func(conn int, line string) string) *Bus {
	t.Helper()
	server := strings.TrimPrefix(external(t, &server.Options{JetStream: true, JetStreamMaxStore: 2 << 30}), "nats://")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go between(conn, server, func(line string) string { return alter(n, line) })
		}
	}()
	return open(t, func(o *Options) { o.URL = "nats://" + l.Addr().String() })
}

// between passes on what a client and a server say to each other.
func between(client net.Conn, server string, alter func(line string) string) {
	defer func() { _ = client.Close() }()
	to, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	go func() { _, _ = io.Copy(to, client) }()
	for said := bufio.NewReader(to); ; {
		line, err := said.ReadString('\n')
		if err != nil {
			return
		}
		if _, err := io.WriteString(client, alter(line)); err != nil {
			return
		}
	}
}
