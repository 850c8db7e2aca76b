package bus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// thief stands between client and server. When a frame with the mark passes, it
// drops what the server answers and cuts the line, once.
type thief struct {
	mark  []byte
	armed atomic.Bool
	hits  atomic.Int32
	held  atomic.Bool // while this holds, nothing that the server says is read
}

// proxy returns an address that leads to the server through the thief.
func (f *thief) proxy(t *testing.T, server string) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { f.carry(t, in, server) })
		}
	})
	return l.Addr().String()
}

func (f *thief) carry(t *testing.T, in net.Conn, server string) {
	var d net.Dialer
	out, err := d.DialContext(t.Context(), "tcp", server)
	if err != nil {
		_ = in.Close()
		return
	}
	if tcp, ok := out.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(64 << 10) // so that little waits here of what is held
	}
	var stolen atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { _ = in.Close() }()
		buf := make([]byte, 64<<10)
		for {
			for f.held.Load() && wait(t.Context(), step) {
				continue
			}
			n, err := out.Read(buf)
			if err != nil || stolen.Load() {
				return
			}
			if _, err := in.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		if n > 0 && bytes.Contains(buf[:n], f.mark) && f.armed.CompareAndSwap(true, false) {
			stolen.Store(true)
			f.hits.Add(1)
		}
		if n > 0 {
			if _, werr := out.Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		if err != nil {
			break
		}
	}
	_, _ = io.Copy(io.Discard, in)
	_ = out.Close()
	wg.Wait()
}

func TestNF8_LostAnswerOfACommitIsReadBack(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	info, err := a.Info(t.Context())
	require.NoError(t, err)
	for name, mark := range map[string]string{"batch": "Nats-Batch-Commit", "cursor alone": "ia.put.cursor"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &thief{mark: []byte(mark)}
			b, err := Open(t.Context(), Options{URL: f.proxy(t, strings.TrimPrefix(info.URL, "nats://")), Creds: info.AdminFile, Guest: true})
			require.NoError(t, err)
			t.Cleanup(func() { closeBus(t, b) })
			agent := strings.ReplaceAll(name, " ", "_")
			news := evs(agent, "ntf_1_"+agent, "ntf_2_"+agent)
			if name != "batch" {
				news = nil
			}
			f.armed.Store(true)
			rev, err := b.Commit(t.Context(), agent, "s", news, []byte("1"), 0)
			require.NoError(t, err)
			require.Equal(t, int32(1), f.hits.Load())
			cursor, now, err := a.Load(t.Context(), agent, "s")
			require.NoError(t, err)
			require.Equal(t, "1", string(cursor))
			require.Equal(t, now, rev)
			var ids []string
			require.NoError(t, a.replay(t.Context(), streamEvents, jetstream.ConsumerConfig{FilterSubject: "ia.event." + agent + ".>"}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
				ids = append(ids, m.Headers().Get(jetstream.MsgIDHeader))
			}))
			require.Len(t, ids, len(news))
		})
	}
}

func TestNF16_ReadersSurviveLostConsumersAndARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := Open(t.Context(), Options{DataDir: dir, Listen: "127.0.0.1:0", Store: 64 << 20})
	require.NoError(t, err)
	b := second(t, a)
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team"})
	commit(t, b, "nova", "ntf_1")
	e := next(t, l, 0)
	require.Equal(t, "ntf_1", idOf(t, e.Data))

	deleteConsumers(t, a)
	commit(t, b, "nova", "ntf_2")
	e = next(t, l, e.Position)
	require.Equal(t, "ntf_2", idOf(t, e.Data))

	address := a.host.admin.URL[len("nats://"):]
	closeBus(t, a)
	a = open(t, func(o *Options) { o.DataDir, o.Listen = dir, address })
	commit(t, a, "nova", "ntf_3")
	e = next(t, l, e.Position)
	require.Equal(t, "ntf_3", idOf(t, e.Data))
	commit(t, b, "nova", "ntf_4")
	require.Equal(t, "ntf_4", idOf(t, next(t, l, e.Position).Data))
	w := &board{at: map[string]string{}}
	hold(t, b, "agent", names(3), w.work("b"))
	require.Eventually(t, func() bool { mine, _ := w.of("b"); return len(mine) == 3 }, 2*soon, step)
}

func TestF9_ServerThatLostItsEndUnderARunningProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := Open(t.Context(), Options{DataDir: dir, Listen: "127.0.0.1:0", Store: 64 << 20})
	require.NoError(t, err)
	b := second(t, a)
	run(t, b)
	got := make(chan string, 64)
	hold(t, b, "lane", []string{"team"}, func(ctx context.Context, name string) error {
		l, err := b.Lane(ctx, LaneSpec{Subscription: name})
		if err != nil {
			return err
		}
		got <- "claimed"
		for at := l.Record().Position; ; {
			e, err := l.Next(ctx, at)
			if err != nil {
				return err // also when ctx has ended
			}
			got <- idOf(t, e.Data)
			r := l.Record()
			r.Position, at = e.Position, e.Position
			if err := l.Save(ctx, r); err != nil {
				return err
			}
		}
	})
	require.Equal(t, "claimed", receive(t, got))
	for i := range 20 {
		id := "ntf_" + strconv.Itoa(i)
		commit(t, b, "nova", id)
		require.Equal(t, id, receive(t, got))
	}
	address := a.host.admin.URL[len("nats://"):]
	closeBus(t, a)
	half := func(b []byte) []byte { return b[:len(b)/2] }
	for _, stream := range []string{"IA_EVENTS", "KV_IA_SHARDS", "KV_IA_MEMBERS"} {
		tear(t, dir, stream, half)
	}
	a = open(t, func(o *Options) { o.DataDir, o.Listen = dir, address })
	commit(t, a, "nova", "ntf_new")
	for receive(t, got) != "ntf_new" {
		continue // it may have to be claimed anew first
	}
}

// deleteConsumers removes whatever reads, and says how many these were.
func deleteConsumers(t *testing.T, b *Bus) (n int) {
	t.Helper()
	for _, name := range []string{streamEvents, "KV_" + bucketMembers, "KV_" + bucketShards} {
		s, err := b.js.Stream(t.Context(), name)
		require.NoError(t, err)
		list := s.ConsumerNames(t.Context())
		for c := range list.Name() {
			err := s.DeleteConsumer(t.Context(), c)
			if errors.Is(err, jetstream.ErrConsumerNotFound) {
				continue // its owner was quicker
			}
			require.NoError(t, err)
			n++
		}
		require.NoError(t, list.Err())
	}
	return n
}

func TestNoConsumersAreLeftOver(t *testing.T) {
	t.Parallel()
	b := open(t)
	stop := run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	commit(t, b, "nova", "ntf_1")
	next(t, l, 0)
	count := func() (n int) {
		for _, name := range []string{streamEvents, "KV_" + bucketMembers, "KV_" + bucketShards} {
			s, err := b.js.Stream(t.Context(), name)
			require.NoError(t, err)
			n += s.CachedInfo().State.Consumers
		}
		return n
	}
	require.Eventually(t, func() bool { return count() == 4 }, soon, step, "tail, two watches, and the subscriber's")
	stop()
	require.Equal(t, 1, count())
}

func TestP13_ShutdownEndsInTimeWithoutNATS(t *testing.T) {
	t.Parallel()
	a, err := Open(t.Context(), Options{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Store: 64 << 20})
	require.NoError(t, err)
	info, err := a.Info(t.Context())
	require.NoError(t, err)
	b, err := Open(t.Context(), Options{URL: info.URL, Creds: info.AdminFile, Store: 64 << 20})
	require.NoError(t, err)
	stop := run(t, b)
	w := &board{at: map[string]string{}}
	all := names(200)
	stopHold := hold(t, b, "agent", all, w.work("b"))
	require.Eventually(t, func() bool { mine, _ := w.of("b"); return len(mine) == len(all) }, soon, step)
	l := lane(t, b, LaneSpec{Subscription: "team"})
	closeBus(t, a)
	require.Error(t, contextError(t, func(ctx context.Context) error { _, err := l.Next(ctx, 0); return err }))

	stopHold() // each of these has a deadline of its own
	stop()
	closeBus(t, b)
}

// contextError is what f returns once its context is cancelled.
func contextError(t *testing.T, f func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	cancel()
	return receive(t, done)
}
