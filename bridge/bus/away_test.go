package bus

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

// inn is a server of somebody else's that closes and opens again with the same
// store, behind an address that stays.
type inn struct {
	options *server.Options
	address string // of the door
	server  *server.Server
	behind  atomic.Pointer[string] // the server's address
	dials   atomic.Int32
	line    thief // what passes the door
}

func newInn(t *testing.T, o *server.Options) *inn {
	t.Helper()
	o.Host, o.Port, o.NoLog, o.NoSigs, o.StoreDir = "127.0.0.1", server.RANDOM_PORT, true, true, t.TempDir()
	o.JetStream, o.JetStreamMaxStore, o.JetStreamMaxMemory = true, 1<<30, 8<<20
	return newInnOf(t, o)
}

// newInnOf is newInn where the options say all, as those of a file do.
func newInnOf(t *testing.T, o *server.Options) *inn {
	t.Helper()
	i := &inn{options: o}
	t.Cleanup(func() { i.close() })
	i.open(t)
	var lc net.ListenConfig
	door, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	i.address = door.Addr().String()
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = door.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			in, err := door.Accept()
			if err != nil {
				return
			}
			i.dials.Add(1)
			wg.Go(func() { i.line.carry(t, in, *i.behind.Load()) })
		}
	})
	return i
}

func (i *inn) open(t *testing.T) {
	t.Helper()
	s, err := server.NewServer(i.options.Clone())
	require.NoError(t, err)
	s.Start()
	i.server = s
	require.True(t, s.ReadyForConnections(2*soon))
	i.behind.Store(new(s.Addr().String()))
}

func (i *inn) close() {
	i.server.Shutdown()
	i.server.WaitForShutdown()
}

func TestF5_TwoProcessesWithoutALeaseStoreEachEventOnce(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	both := []*Bus{a, second(t, a)}
	const rounds = 20
	for n := range rounds {
		var revisions [2]uint64
		for i, b := range both {
			_, rev, err := b.Load(t.Context(), "nova", "s")
			require.NoError(t, err)
			revisions[i] = rev
		}
		var results [2]error
		var g errgroup.Group
		for i, b := range both {
			g.Go(func() error {
				_, results[i] = b.Commit(t.Context(), "nova", "s", evs("nova", links("nova", n+1)[2*n:]...), []byte(strconv.Itoa(n+1)), revisions[i])
				return nil
			})
		}
		require.NoError(t, g.Wait())
		if results[0] != nil {
			results[0], results[1] = results[1], results[0]
		}
		require.NoError(t, results[0], "one of them")
		require.ErrorIs(t, results[1], bridge.ErrFenced, "the other")
	}
	require.Equal(t, links("nova", rounds), storedIDs(t, a))
}

// requireRarelyDialed holds the process to less than twenty dials a minute, beyond
// those of the first seconds.
func (i *inn) requireRarelyDialed(t *testing.T, since time.Time, before int32) {
	t.Helper()
	dials := i.dials.Load() - before
	require.NotZero(t, dials, "nobody looked whether the server is back")
	require.LessOrEqual(t, float64(dials), 6+time.Since(since).Minutes()*20, "it dials without a pause")
}

func TestF6_ServerThatRestartsUnderACommittingProcess(t *testing.T) {
	t.Parallel()
	i := newInn(t, &server.Options{})
	b := open(t, func(o *Options) { o.URL, o.Store = "nats://"+i.address, 1<<30 })
	run(t, b)
	c := startCrowd(t, b)
	for n := range load.Pick(t, 3, 10) {
		c.goesOn(t)
		begun, before := time.Now(), i.dials.Load()
		i.close()
		tries := before + 1 + int32(n%3) // a short absence, and longer ones
		require.Eventually(t, func() bool { return i.dials.Load() >= tries }, soon, step)
		require.True(t, wait(t.Context(), load.Pick(t, 0, 5*time.Second)))
		i.requireRarelyDialed(t, begun, before)
		i.open(t)
		c.goesOn(t)
	}
	c.requireWhole(t, b)
}

// F7: the server is away for a moment, at the nightly load for ten minutes.
func TestF7_CommandsAreNotDoneAndEventsWaitWhileNATSIsGone(t *testing.T) {
	t.Parallel()
	i := newInn(t, &server.Options{})
	b := open(t, func(o *Options) { o.URL, o.Store = "nats://"+i.address, 1<<30 })
	run(t, b)
	box, who, clients := town(t, 1)
	runner := runnerOf(b, clients)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = runner.Run(ctx, func(command.Request, command.Answer) {}) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	c := startCrowd(t, b)
	c.goesOn(t)

	begun, before := time.Now(), i.dials.Load()
	i.close()
	require.Eventually(t, func() bool { return !b.nc.IsConnected() }, soon, step)
	in, err := b.Info(t.Context())
	requireState(t, err, Unreachable)
	require.False(t, in.Connected)
	q := command.Request{
		Principal: command.Principal{Platform: command.NATS}, Door: command.NATS,
		Agent: who[0], Group: "post", Verb: "create", Values: map[string]any{"text": "tide"},
	}
	asked := 0
	for until := time.Now().Add(load.Pick(t, 0, 10*time.Minute)); asked == 0 || time.Now().Before(until); asked++ {
		q.ID = fmt.Sprint("m", asked)
		limit, end := contextWithin(t, 2*time.Second) // a door has no more
		var p *command.Problem
		require.ErrorAs(t, runner.Accept(limit, q), &p)
		end()
		require.Equal(t, "not_recorded", p.Status)
		require.True(t, wait(t.Context(), load.Pick(t, 0, 5*time.Second)))
	}
	require.Eventually(t, func() bool { return i.dials.Load() > before }, soon, step)
	i.requireRarelyDialed(t, begun, before)

	i.open(t)
	c.requireWhole(t, b)
	for n := range asked {
		q.ID = fmt.Sprint("m", n)
		record, err := writeRecord(command.Record{ID: q.ID})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			m, err := b.last(t.Context(), streamLedger, record.stored)
			return err == nil && (m.seq == 0 && n > 0 || m.seq > 0 && ended(m.header))
		}, 2*soon, step)
	}
	require.Zero(t, posts(box), "what was told as not done is not done later")
	require.True(t, runner.Do(t.Context(), q).OK)
	require.Equal(t, 1, posts(box))
	t.Logf("%d commands were told to be not done", asked)
}

// F8: the leader is lost twice, and ten times at the nightly load.
func TestF8_LeaderLossUnderACommittingProcess(t *testing.T) {
	t.Parallel()
	r := newRing(t)
	b := open(t, func(o *Options) { o.URL, o.Store = r.url(), 300<<20 })
	run(t, b)
	c := startCrowd(t, b)
	for range load.Pick(t, 2, 10) {
		c.goesOn(t)
		leader := -1
		require.Eventually(t, func() bool {
			leader = slices.IndexFunc(r.servers, func(s *server.Server) bool { return s.JetStreamIsStreamLeader("$G", streamEvents) })
			return leader >= 0
		}, soon, step)
		r.servers[leader].Shutdown()
		r.servers[leader].WaitForShutdown()
		c.goesOn(t)
		require.True(t, wait(t.Context(), load.Pick(t, 0, 20*time.Second)))
		r.open(t, leader)
		require.Eventually(t, func() bool { return b.current(t) }, 3*soon, 10*step, "the one that was lost keeps up again")
	}
	c.requireWhole(t, b)
}

// current reports that each stream has all its copies.
func (b *Bus) current(t *testing.T) bool {
	t.Helper()
	in, err := b.Info(t.Context())
	if err != nil {
		return false
	}
	for _, s := range in.Streams {
		stream, err := b.js.Stream(t.Context(), s.Name)
		if err != nil {
			return false
		}
		cluster := stream.CachedInfo().Cluster
		if cluster == nil || cluster.Leader == "" || len(cluster.Replicas) != 2 {
			return false
		}
		for _, copied := range cluster.Replicas {
			if !copied.Current || copied.Offline {
				return false
			}
		}
	}
	return true
}

func TestF69_PermissionTakenAwayAndGivenBackWhileRunning(t *testing.T) {
	t.Parallel()
	users := func(deny ...string) []*server.User {
		return []*server.User{{Username: "u", Password: "p", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{">"}, Deny: deny},
		}}}
	}
	i := newInn(t, &server.Options{Users: users()})
	may := func(deny ...string) {
		o := i.options.Clone()
		o.Users = users(deny...)
		require.NoError(t, i.server.ReloadOptions(o))
	}
	b := open(t, func(o *Options) { o.URL = "nats://u:p@" + i.address })
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	commit(t, b, "nova", "ntf_1")
	at := next(t, l, 0).Position

	cursor, rev, err := b.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	for denied, told := range map[string][2]string{
		"ia.put.>":           {"may not store ia.cursor.nova.notifications", `Publish to "ia.put.`},
		"$JS.API.CONSUMER.>": {"may not read IA_EVENTS", `Publish to "$JS.API.CONSUMER.CREATE.IA_EVENTS.`},
	} {
		may(denied)
		for end := time.Now().Add(3 * soon); ; {
			held, now, err := b.Load(t.Context(), "nova", "notifications")
			require.NoError(t, err)
			require.Equal(t, cursor, held)
			require.Equal(t, rev, now)
			ctx, cancel := contextWithin(t, 3*time.Second)
			_, err = b.Commit(ctx, "nova", "notifications", evs("nova", "ntf_2"), []byte("2"), rev)
			cancel()
			require.Error(t, err)
			if strings.Contains(err.Error(), told[0]) && strings.Contains(err.Error(), told[1]) {
				break
			}
			require.True(t, time.Now().Before(end), "%s is not named: %v", denied, err)
		}
		require.NoError(t, b.nc.FlushTimeout(soon)) // nothing is on its way when it is given back
	}

	may()
	commit(t, b, "nova", "ntf_2")
	require.Equal(t, "ntf_2", idOf(t, next(t, l, at).Data))
	require.Equal(t, []string{"ntf_1", "ntf_2"}, storedIDs(t, b))
}

func TestF69_MessageOverTheServersLimit(t *testing.T) {
	t.Parallel()
	i := newInn(t, &server.Options{MaxPayload: 64 << 10})
	b := open(t, func(o *Options) { o.URL = "nats://" + i.address })
	rev, err := b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_1"), []byte("1"), 0)
	require.NoError(t, err)
	_, err = b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_2"), make([]byte, 65<<10), rev)
	require.ErrorIs(t, err, nats.ErrMaxPayload)
	requireState(t, err, TooLong)
	require.ErrorContains(t, err, "store ia.cursor.nova.s")
	require.ErrorContains(t, err, "max_payload")
	_, err = b.Commit(t.Context(), "nova", "s", evs("nova", "ntf_2"), []byte("2"), rev)
	require.NoError(t, err)
	require.Equal(t, []string{"ntf_1", "ntf_2"}, storedIDs(t, b))
}
