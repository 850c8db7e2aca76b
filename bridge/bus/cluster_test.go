package bus

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// ring is three NATS servers that form a cluster.
type ring struct {
	servers []*server.Server
	stores  []string
}

func newRing(t *testing.T) *ring {
	t.Helper()
	var lc net.ListenConfig
	r := &ring{servers: make([]*server.Server, 3)}
	var ports []int
	var routes []*url.URL
	for range r.servers {
		free, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ports = append(ports, free.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: free.Addr().String()})
		r.stores = append(r.stores, t.TempDir())
		require.NoError(t, free.Close())
	}
	for i, port := range ports {
		r.start(t, i, port, routes)
	}
	t.Cleanup(func() {
		for _, s := range r.servers {
			s.Shutdown()
			s.WaitForShutdown()
		}
	})
	for _, s := range r.servers {
		require.True(t, s.ReadyForConnections(2*soon))
	}
	require.Eventually(t, func() bool {
		for _, s := range r.servers {
			if s.JetStreamIsLeader() {
				return len(s.JetStreamClusterPeers()) == 3
			}
		}
		return false
	}, soon, 4*step)
	return r
}

// open starts a server that was shut down, with its store, elsewhere: it finds the
// others, and they tell clients of it.
func (r *ring) open(t *testing.T, i int) {
	t.Helper()
	var routes []*url.URL
	for n, s := range r.servers {
		if n != i {
			routes = append(routes, &url.URL{Scheme: "nats", Host: s.ClusterAddr().String()})
		}
	}
	r.start(t, i, server.RANDOM_PORT, routes)
	require.True(t, r.servers[i].ReadyForConnections(2*soon))
}

func (r *ring) start(t *testing.T, i, port int, routes []*url.URL) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: r.stores[i], JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 8 << 20,
		Cluster: server.ClusterOpts{Name: "C", Host: "127.0.0.1", Port: port}, Routes: routes,
	})
	require.NoError(t, err)
	s.Start()
	r.servers[i] = s
}

// url is the addresses of all three.
func (r *ring) url() string {
	var urls []string
	for _, s := range r.servers {
		urls = append(urls, s.ClientURL())
	}
	return strings.Join(urls, ",")
}

func TestThreeServersKeepEverythingThreeTimes(t *testing.T) {
	t.Parallel()
	servers := newRing(t).servers
	b, err := Open(t.Context(), Options{URL: servers[0].ClientURL(), Store: 64 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { closeBus(t, b) })
	run(t, b)
	info, err := b.Info(t.Context())
	require.NoError(t, err)
	for _, s := range info.Streams {
		require.Equal(t, 3, s.Replicas, s.Name)
	}
	w := &board{at: map[string]string{}}
	hold(t, b, "agent", names(20), w.work("b"))
	l := lane(t, b, LaneSpec{Subscription: "team"})
	at := l.Record().Position
	for i := range 20 {
		commit(t, b, "nova", fmt.Sprintf("a_%d", i), fmt.Sprintf("b_%d", i))
		for range 2 {
			e := next(t, l, at)
			at = e.Position
			r := l.Record()
			r.Position = at
			require.NoError(t, l.Save(t.Context(), r))
		}
	}
	require.NoError(t, b.Keep(t.Context(), "k", bridge.Receipt{Message: "m"}))
	got, err := b.Receipt(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "m", got.Message)
	_, err = b.Commit(t.Context(), "nova", "notifications", evs("nova", "stale"), []byte("x"), 0)
	require.ErrorIs(t, err, bridge.ErrFenced)
	require.Len(t, storedIDs(t, b), 40)
	require.Eventually(t, func() bool { mine, _ := w.of("b"); return len(mine) == 20 }, soon, step)

	leads := func(s *server.Server) bool { return s.JetStreamIsStreamLeader("$G", streamEvents) }
	i := slices.IndexFunc(servers, leads)
	require.GreaterOrEqual(t, i, 0)
	servers[i].Shutdown()
	require.Eventually(t, func() bool {
		_, rev, err := b.Load(t.Context(), "nova", "notifications")
		if err != nil {
			return false
		}
		_, err = b.Commit(t.Context(), "nova", "notifications", evs("nova", "after"), []byte("y"), rev)
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, "after", idOf(t, next(t, l, at).Data))
	require.Len(t, storedIDs(t, b), 41)
}
