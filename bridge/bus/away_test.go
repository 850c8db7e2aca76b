package bus

import (
	"context"
	"net"
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
)

// inn is a server of somebody else's that closes and opens again with the same
// store, behind an address that stays.
type inn struct {
	options *server.Options
	address string // of the door
	server  *server.Server
	behind  atomic.Pointer[string] // the server's address
	dials   atomic.Int32
}

func newInn(t *testing.T, o *server.Options) *inn {
	t.Helper()
	o.Host, o.Port, o.NoLog, o.NoSigs, o.StoreDir = "127.0.0.1", server.RANDOM_PORT, true, true, t.TempDir()
	o.JetStream, o.JetStreamMaxStore, o.JetStreamMaxMemory = true, 1<<30, 8<<20
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
			wg.Go(func() { new(thief).carry(t, in, *i.behind.Load()) })
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

// chain commits what its cursor says comes next, two events at a time, and reads
// the cursor again whenever that fails, as a poller does.
type chain struct {
	done atomic.Int64 // commits that were answered with yes
	stop func()       // returns after one more such commit
}

func startChain(t *testing.T, b *Bus) *chain {
	t.Helper()
	c := &chain{}
	var leave atomic.Bool
	left := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	c.stop = sync.OnceFunc(func() { leave.Store(true); receive(t, left) })
	t.Cleanup(func() { cancel(); <-left })
	go func() {
		defer close(left)
		for wait(ctx, step) {
			if c.link(ctx, b) == nil && leave.Load() {
				return
			}
		}
	}()
	return c
}

func (c *chain) link(ctx context.Context, b *Bus) error {
	cursor, rev, err := b.Load(ctx, "nova", "s")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(string(cursor)) // none is 0
	if _, err = b.Commit(ctx, "nova", "s", evs("nova", links(n + 1)[2*n:]...), []byte(strconv.Itoa(n+1)), rev); err == nil {
		c.done.Store(int64(n + 1))
	}
	return err
}

// links are the ids of the events of the first n commits.
func links(n int) (ids []string) {
	for i := range 2 * n {
		ids = append(ids, "ntf_"+strconv.Itoa(i))
	}
	return ids
}

// goesOn waits for some more commits.
func (c *chain) goesOn(t *testing.T) {
	t.Helper()
	want := c.done.Load() + 3
	require.Eventually(t, func() bool { return c.done.Load() >= want }, 3*soon, step)
}

// requireWhole ends the chain, and finds each event once in the stream.
func (c *chain) requireWhole(t *testing.T, b *Bus) {
	t.Helper()
	c.stop()
	require.Equal(t, links(int(c.done.Load())), storedIDs(t, b))
}

// readAll reads the lane from a position up to the last event of the first n commits.
func readAll(t *testing.T, l *Lane, after uint64, from, n int) uint64 {
	t.Helper()
	for _, id := range links(n)[2*from:] {
		e := next(t, l, after)
		require.Equal(t, id, idOf(t, e.Data))
		after = e.Position
	}
	return after
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
				_, results[i] = b.Commit(t.Context(), "nova", "s", evs("nova", links(n + 1)[2*n:]...), []byte(strconv.Itoa(n+1)), revisions[i])
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
	require.Equal(t, links(rounds), storedIDs(t, a))
}

func TestF6_ServerThatRestartsUnderACommittingProcess(t *testing.T) {
	t.Parallel()
	i := newInn(t, &server.Options{})
	b := open(t, func(o *Options) { o.URL = "nats://" + i.address })
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	c := startChain(t, b)
	at, read := uint64(0), 0
	for _, tries := range []int32{1, 1, 3} {
		c.goesOn(t)
		i.close()
		begun, before := time.Now(), i.dials.Load()
		require.Eventually(t, func() bool { return i.dials.Load() >= before+tries }, soon, step)
		dials := float64(i.dials.Load() - before)
		// One of them may have begun before, the others lie at least 200 ms apart.
		require.LessOrEqual(t, dials, 2+5*time.Since(begun).Seconds(), "it dials without a pause")
		i.open(t)
		c.goesOn(t)
		n := int(c.done.Load())
		at, read = readAll(t, l, at, read, n), n
	}
	c.requireWhole(t, b)
	readAll(t, l, at, read, int(c.done.Load()))
}

func TestF7_CommandsAreNotDoneAndEventsWaitWhileNATSIsGone(t *testing.T) {
	t.Parallel()
	i := newInn(t, &server.Options{})
	b := open(t, func(o *Options) { o.URL = "nats://" + i.address })
	run(t, b)
	box, who, clients := town(t, 1)
	runner := runnerOf(b, clients)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = runner.Run(ctx, func(command.Request, command.Answer) {}) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	c := startChain(t, b)
	c.goesOn(t)

	i.close()
	require.Eventually(t, func() bool { return !b.nc.IsConnected() }, soon, step)
	in, err := b.Info(t.Context())
	requireState(t, err, Unreachable)
	require.False(t, in.Connected)
	q := command.Request{
		ID: "m1", Principal: command.Principal{Platform: command.NATS}, Door: command.NATS,
		Agent: who[0], Group: "post", Verb: "create", Values: map[string]any{"text": "tide"},
	}
	limit, end := contextWithin(t, 2*time.Second) // a door has no more
	defer end()
	var p *command.Problem
	require.ErrorAs(t, runner.Accept(limit, q), &p)
	require.Equal(t, "not_recorded", p.Status)

	i.open(t)
	c.goesOn(t)
	c.requireWhole(t, b)
	record, err := writeRecord(command.Record{ID: q.ID})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		m, err := b.last(t.Context(), streamLedger, record.stored)
		return err == nil && m.seq > 0 && ended(m.header)
	}, 2*soon, step)
	require.Zero(t, posts(box), "what was told as not done is not done later")
	require.True(t, runner.Do(t.Context(), q).OK)
	require.Equal(t, 1, posts(box))
}

func TestF8_LeaderLossUnderACommittingProcess(t *testing.T) {
	t.Parallel()
	servers := cluster(t)
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.ClientURL())
	}
	b := open(t, func(o *Options) { o.URL = strings.Join(urls, ",") })
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	c := startChain(t, b)
	c.goesOn(t)
	var leader *server.Server
	require.Eventually(t, func() bool {
		for _, s := range servers {
			if s.JetStreamIsStreamLeader("$G", streamEvents) {
				leader = s
			}
		}
		return leader != nil
	}, soon, step)
	leader.Shutdown()
	c.goesOn(t)
	c.requireWhole(t, b)
	readAll(t, l, 0, 0, int(c.done.Load()))
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
