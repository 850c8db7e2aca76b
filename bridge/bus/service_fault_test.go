package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// A process vanishes with two commands in work. The one that may be repeated is,
// once another process took over; the other is told to be of unknown fate. What
// comes meanwhile is refused with the time to come again.
func TestOwnerThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	w := &world{}
	a := open(t, listening)
	run(t, a)
	b := second(t, a)
	ctx, kill := context.WithCancel(t.Context())
	dead := make(chan error, 1)
	go func() { dead <- b.Run(ctx) }()
	stopHold := hold(t, b, "agent", []string{"luna"}, idling)
	require.Eventually(t, func() bool { return a.ownerOf("luna") == b.me }, soon, step)
	serve(t, a, w.run("a"), handles("luna"))
	stopOrders := takeOrders(t, b, func(ctx context.Context, q command.Request) command.Answer {
		w.run("b")(ctx, q)
		<-ctx.Done()
		return command.Answer{}
	})
	w.forget()
	answers := make(chan string, 2)
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, header := range []nats.Header{{}, {nats.MsgIdHdr: {"id-1"}}} {
		wg.Go(func() {
			reply, err := a.nc.RequestMsg(&nats.Msg{Subject: "ia.cmd.luna.post.create", Data: []byte(`{"text":"x"}`), Header: header}, 4*soon)
			if err != nil {
				answers <- err.Error()
				return
			}
			answers <- string(reply.Data)
		})
	}
	require.Eventually(t, func() bool { return w.count("b") == 2 }, soon, step)
	b.nc.Close() // its heart stops, but its claim stands
	stopOrders()
	require.Eventually(t, func() bool {
		_, err := a.nc.Request(nodeSubject(b.me), nil, 20*step)
		return errors.Is(err, nats.ErrNoResponders)
	}, soon, step)
	m := ask(t, a.nc, "ia.cmd.luna.feed.home", "")
	requireText(t, `{"ok":false,"error":{"code":503,"status":"no_owner","message":"nobody works for \"luna\" at the moment","hint":"send it again in 5 s","retry_after":5}}`, string(m.Data))
	require.Equal(t, "503", m.Header.Get(micro.ErrorCodeHeader))

	hold(t, a, "agent", []string{"luna"}, idling)
	both := receive(t, answers) + "\n" + receive(t, answers)
	require.Contains(t, both, `"code":504,"status":"unknown","message":"I can't tell whether this was done: the process that works for \"luna\" did not answer"`)
	require.Contains(t, both, `{"ok":true,"result":{"by":"a"},"text":"Done."}`)
	require.Equal(t, 1, w.count("a"))
	require.JSONEq(t, `{"ok":true,"result":{"by":"a"},"text":"Done."}`, string(ask(t, a.nc, "ia.cmd.luna.feed.home", "").Data))
	stopHold()
	kill()
	_ = receive(t, dead)
}

// takeOrders runs what other processes hand over, and offers nothing itself.
func takeOrders(t *testing.T, b *Bus, run func(context.Context, command.Request) command.Answer) (vanish func()) {
	t.Helper()
	nc, err := b.another(t.Context(), "orders")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	s := &service{bus: b, nc: nc, run: run, max: nc.MaxPayload(), orders: pool{room: make(chan struct{}, 8)}}
	_, err = nc.Subscribe(nodeSubject(b.me), func(m *nats.Msg) { s.takeOrder(ctx, m) })
	require.NoError(t, err)
	require.NoError(t, nc.FlushTimeout(soon))
	t.Cleanup(func() { cancel(); s.orders.working.Wait() })
	return nc.Close
}

// The second of two deliveries waits for the first one's answer.
func TestF33_RepeatGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := &world{}
	b := owned(t, w, "luna")
	var effects atomic.Int32
	ledger := b.Records()
	release := make(chan struct{})
	w.mu.Lock()
	w.doing = func(ctx context.Context, q command.Request) command.Answer { // what the runner does with a record
		r, fresh, err := ledger.Create(ctx, command.Record{ID: q.ID, State: command.Running, Request: q})
		switch {
		case err != nil:
			return command.Answer{Problem: &command.Problem{Code: 503, Message: err.Error()}}
		case !fresh && r.Answer == nil:
			return command.Answer{Running: true}
		case !fresh:
			a := *r.Answer
			a.Repeat = true
			return a
		}
		<-release
		n := effects.Add(1)
		r.State, r.Answer = command.Done, &command.Answer{OK: true, Reply: command.Reply{Text: "Posted.", Data: struct {
			B int32 `json:"b"`
			A int32 `json:"a"`
		}{n, n}}}
		if _, err := ledger.Update(ctx, r); err != nil {
			t.Error(err)
		}
		return *r.Answer
	}
	w.mu.Unlock()
	answers := make(chan string, 3)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			answers <- string(ask(t, b.nc, "ia.cmd.luna.post.create", `{"text":"x"}`, nats.MsgIdHdr, "m1").Data)
		})
	}
	require.Eventually(t, func() bool { return len(w.requests()) >= 3 }, soon, step)
	close(release)
	wg.Wait()
	later := string(ask(t, b.nc, "ia.cmd.luna.post.create", `{"text":"x"}`, nats.MsgIdHdr, "m1").Data)
	for range 3 {
		got := <-answers
		requireText(t, `{"ok":true,"result":{"b":1,"a":1},"text":"Posted."`, strings.TrimSuffix(strings.TrimSuffix(got, "}"), `,"repeat":true`))
	}
	requireText(t, `{"ok":true,"result":{"b":1,"a":1},"text":"Posted.","repeat":true}`, later)
	require.EqualValues(t, 1, effects.Load())
}

// Not parallel: it counts the goroutines of the whole process.
func TestF56_AThousandAtOnce(t *testing.T) {
	w := &world{}
	b := owned(t, w, "luna")
	release := make(chan struct{})
	var peak, now atomic.Int32
	w.mu.Lock()
	w.doing = func(context.Context, command.Request) command.Answer {
		for n, most := now.Add(1), peak.Load(); n > most && !peak.CompareAndSwap(most, n); most = peak.Load() {
		}
		<-release
		now.Add(-1)
		return command.Answer{OK: true}
	}
	w.mu.Unlock()
	before := runtime.NumGoroutine()
	nc, err := nats.Connect("", b.host.dialOptions()...)
	require.NoError(t, err)
	inbox := nats.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	require.NoError(t, err)
	for range 1000 {
		require.NoError(t, nc.PublishRequest("ia.cmd.luna.post.create", inbox, []byte(`{"text":"x"}`)))
	}
	refused, done := 0, 0
	for range 1000 - maxCalls { // refused at once, while the others are still at work
		m, err := sub.NextMsg(soon)
		require.NoError(t, err)
		require.Equal(t, "503", m.Header.Get(micro.ErrorCodeHeader))
		require.Contains(t, string(m.Data), `"status":"busy"`)
		require.Contains(t, string(m.Data), `"retry_after":1`)
		refused++
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before+maxCalls+50)
	close(release)
	for range maxCalls {
		m, err := sub.NextMsg(soon)
		require.NoError(t, err)
		requireText(t, `{"ok":true,"text":""}`, string(m.Data))
		done++
	}
	require.Equal(t, 1000, refused+done)
	require.EqualValues(t, maxCalls, peak.Load())
	nc.Close()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+10 }, soon, step, "nothing is left behind")
	require.JSONEq(t, `{"ok":true,"text":""}`, string(ask(t, b.nc, "ia.cmd.luna.post.create", "{}").Data), "and it goes on")
}

// limited starts a server with a user who may act for bob alone, and one with
// larger messages than the service takes.
func limited(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, MaxPayload: 8 << 20,
		JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 8 << 20,
		Users: []*server.User{
			{Username: "bridge", Password: "bridge-password"},
			{Username: "bob", Password: "bob-password", Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: []string{"ia.cmd.bob.>"}},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_bob.>"}},
			}},
		},
	})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(2*soon))
	return s
}

func TestF56_CallerWhoIsPermittedLittle(t *testing.T) {
	t.Parallel()
	w := &world{}
	s := limited(t)
	var said lockedBuffer
	b, err := Open(t.Context(), Options{
		URL: "nats://bridge:bridge-password@" + s.Addr().String(), Store: 64 << 20, Log: slog.New(slog.NewTextHandler(&said, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(func() { closeBus(t, b) })
	stop := run(t, b)
	stopHold := hold(t, b, "agent", []string{"luna", "bob"}, idling)
	require.Eventually(t, func() bool { return b.ownerOf("luna") == b.me && b.ownerOf("bob") == b.me }, soon, step)
	stopServing := serve(t, b, w.run("a"), handles("luna", "bob"))
	w.forget()

	refused := make(chan error, 8)
	bob, err := nats.Connect("nats://bob:bob-password@"+s.Addr().String(), nats.CustomInboxPrefix("_INBOX_bob"), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	require.NoError(t, err)
	defer bob.Close()

	// Another's agent, or another subject: the server says no.
	for _, subject := range []string{"ia.cmd.luna.post.create", "ia.put.event.bob.x.y", nodeSubject(b.me), "$SRV.PING"} {
		require.NoError(t, bob.PublishRequest(subject, "_INBOX_bob.1", []byte(`{}`)))
		require.ErrorIs(t, receive(t, refused), nats.ErrPermissionViolation)
	}
	// Two MiB pass this server, and the service says no.
	m := ask(t, bob, "ia.cmd.bob.post.create", `{"text":"`+strings.Repeat("x", 2<<20)+`"}`)
	require.Equal(t, "413", m.Header.Get(micro.ErrorCodeHeader))
	require.Contains(t, string(m.Data), `"code":413,"status":"too_large"`)
	m = ask(t, bob, "ia.cmd.bob.post.create", "{}", nats.MsgIdHdr, strings.Repeat("x", 257))
	require.Contains(t, string(m.Data), `"code":400,"status":"invalid_id"`)
	require.Empty(t, w.requests())

	// Nobody to answer, or an answer where the caller may not write: not run. What
	// the bridge may do, it does for nobody.
	cursor, err := b.js.Stream(t.Context(), streamEvents)
	require.NoError(t, err)
	held := cursor.CachedInfo().State.Msgs
	for _, to := range []string{"", "ia.put.cursor.luna.notifications", "$JS.API.STREAM.PURGE.IA_EVENTS", "$KV.IA_SHARDS.agent.1", "ia.cmd.luna.post.create", "orders.new", "_INBOX.*"} {
		require.NoError(t, bob.PublishMsg(&nats.Msg{Subject: "ia.cmd.bob.post.create", Reply: to, Data: []byte(`{"text":"x"}`)}))
	}
	ask(t, bob, "ia.cmd.bob.feed.home", "{}") // the answer comes after all of them were looked at
	require.Eventually(t, func() bool {
		return strings.Count(said.String(), "a command without an inbox for its answer was refused") == 7
	}, soon, step)
	seen := w.requests()
	require.Len(t, seen, 1)
	require.Equal(t, "home", seen[0].Verb)
	require.Contains(t, string(ask(t, bob, "ia.cmd.bob.post.create", `{"text":"x"}`).Data), `"ok":true`)

	stopServing()
	stopHold()
	stop()
	cursor, err = b.js.Stream(t.Context(), streamEvents)
	require.NoError(t, err)
	require.Equal(t, held, cursor.CachedInfo().State.Msgs)
	_, entries := audited(t, b)
	var statuses []string
	for _, e := range entries {
		statuses = append(statuses, e.Status)
	}
	require.Subset(t, statuses, []string{"too_large", "invalid_id", "no_reply_subject"}, "every refusal is in the audit")
}

// lockedBuffer is a log that a test reads while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestServiceAnswersWhatIsInWorkBeforeItStops(t *testing.T) {
	t.Parallel()
	w := &world{}
	b := open(t, listening)
	run(t, b)
	hold(t, b, "agent", []string{"luna"}, idling)
	require.Eventually(t, func() bool { return b.ownerOf("luna") == b.me }, soon, step)
	stop := serve(t, b, w.run("a"), handles("luna"))
	w.forget()
	release := make(chan struct{})
	w.mu.Lock()
	w.doing = func(ctx context.Context, q command.Request) command.Answer {
		select {
		case <-release:
			return command.Answer{OK: true, Reply: command.Reply{Text: fmt.Sprint(q.Values["text"])}}
		case <-ctx.Done():
			return command.Answer{Problem: &command.Problem{Code: 504, Message: "cut short"}}
		}
	}
	w.mu.Unlock()
	inbox := nats.NewInbox()
	sub, err := b.nc.SubscribeSync(inbox)
	require.NoError(t, err)
	for i := range 20 {
		require.NoError(t, b.nc.PublishRequest("ia.cmd.luna.post.create", inbox, fmt.Appendf(nil, `{"text":"%d"}`, i)))
	}
	require.Eventually(t, func() bool { return len(w.requests()) == 20 }, soon, step)
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	require.Eventually(t, func() bool { // nothing new is taken
		_, err := b.nc.Request("ia.cmd.luna.feed.home", nil, time.Second)
		return err != nil
	}, soon, step)
	select {
	case <-stopped:
		require.FailNow(t, "it did not wait")
	default:
	}
	close(release)
	for range 20 {
		m, err := sub.NextMsg(soon)
		require.NoError(t, err)
		require.Contains(t, string(m.Data), `"ok":true`)
	}
	receive(t, stopped)
}

// What does not end by itself is cut short, and still answered.
func TestServiceCutsShortWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	w := &world{doing: func(ctx context.Context, _ command.Request) command.Answer {
		<-ctx.Done()
		return command.Answer{Problem: &command.Problem{Code: 504, Status: "timeout", Message: "cut short"}}
	}}
	b := open(t, listening)
	run(t, b)
	hold(t, b, "agent", []string{"luna"}, idling)
	require.Eventually(t, func() bool { return b.ownerOf("luna") == b.me }, soon, step)
	stop := serve(t, b, w.run("a"), handles("luna"))
	w.forget()
	m := ask(t, b.nc, "ia.cmd.luna.post.create", "{}", timeoutHeader, "50ms")
	require.Contains(t, string(m.Data), "cut short")
	sub, err := b.nc.SubscribeSync(nats.NewInbox())
	require.NoError(t, err)
	require.NoError(t, b.nc.PublishRequest("ia.cmd.luna.post.create", sub.Subject, nil))
	require.Eventually(t, func() bool { return len(w.requests()) == 2 }, soon, step)
	stop()
	m, err = sub.NextMsg(soon)
	require.NoError(t, err)
	require.Contains(t, string(m.Data), "cut short")
}

// A caller that still waits hears what became of its command after a restart.
func TestF36_CallerHearsAfterTheRestart(t *testing.T) {
	t.Parallel()
	b := open(t)
	sub, err := b.nc.SubscribeSync(nats.NewInbox())
	require.NoError(t, err)
	a := command.Answer{Problem: &command.Problem{Code: 504, Status: "unknown", Unknown: true, Message: "I can't tell whether this was posted."}}
	for name, back := range map[string]string{
		"none": ``, "junk": `{`, "elsewhere": `{"reply":"ia.put.event.x.y.z"}`,
	} {
		require.NoError(t, b.Answer(t.Context(), command.Request{Door: command.NATS, Back: []byte(back)}, a), name)
	}
	require.NoError(t, b.Answer(t.Context(), command.Request{Door: command.Discord, Back: []byte(`{"reply":"` + sub.Subject + `"}`)}, a))
	require.NoError(t, b.Answer(t.Context(), command.Request{Door: command.NATS, Back: []byte(`{"reply":"` + sub.Subject + `"}`)}, a))
	m, err := sub.NextMsg(soon)
	require.NoError(t, err)
	require.Equal(t, "504", m.Header.Get(micro.ErrorCodeHeader))
	n, _, err := sub.Pending()
	require.NoError(t, err)
	require.Zero(t, n, "other doors have their own way back")
}
