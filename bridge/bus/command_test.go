package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// town is an API with clients for some of its agents.
func town(t *testing.T, agents int) (box *sandbox.Sandbox, who []string, clients func() map[string]*imagine.Client) {
	t.Helper()
	var known []sandbox.Credentials
	for i := range agents {
		known = append(known, sandbox.Credentials{Handle: fmt.Sprint("agent_", i), ClientID: fmt.Sprint("client_", i), ClientSecret: fmt.Sprint("secret_", i)})
	}
	box, err := sandbox.New(sandbox.Options{Seed: 1, RateLimitOff: true, Agents: known})
	require.NoError(t, err)
	all := map[string]*imagine.Client{}
	for _, a := range known {
		all[a.Handle], err = imagine.New(imagine.Options{
			BaseURL: box.BaseURL(), ClientID: a.ClientID, ClientSecret: func() string { return a.ClientSecret }, HTTPClient: box.Client(),
		})
		require.NoError(t, err)
		who = append(who, a.Handle)
	}
	return box, who, func() map[string]*imagine.Client { return all }
}

// runnerOf is the command table's runner on the bus, as a process wires it.
func runnerOf(b *Bus, clients func() map[string]*imagine.Client) *command.Runner {
	return command.NewRunner(command.RunnerOptions{
		Agents: clients, Records: b.Records(), Owner: b.Member(), Alive: b.Alive, Audit: b.Audit,
	})
}

// posts counts the posts that the API was asked to make.
func posts(box *sandbox.Sandbox) (n int) {
	for _, e := range box.Journal() {
		if e.Method == "POST" && e.Path == "/api/posts" {
			n++
		}
	}
	return n
}

// Two hundred commands come twice each, at once and later, and to two processes.
func TestF33_CommandsThatComeTwiceRunOnce(t *testing.T) {
	t.Parallel()
	box, agents, clients := town(t, 10) // a client sends 30 writes a minute
	a := open(t, listening)
	stopA := run(t, a)
	b := second(t, a)
	run(t, b)
	stopHold := hold(t, a, "agent", agents, idling)
	hold(t, b, "agent", agents, idling)
	require.Eventually(t, func() bool {
		mine := 0
		for _, h := range agents {
			if a.ownerOf(h) == "" || a.ownerOf(h) != b.ownerOf(h) {
				return false
			}
			if a.ownerOf(h) == a.me {
				mine++
			}
		}
		return mine > 0 && mine < len(agents)
	}, soon, step)
	serve(t, a, runnerOf(a, clients).Do, handles(agents...))
	serve(t, b, runnerOf(b, clients).Do, handles(agents...))

	const commands = 200
	answers := [2 * commands]string{}
	room := make(chan struct{}, 50)
	var wg sync.WaitGroup
	send := func(i int) {
		m := &nats.Msg{Subject: "ia.cmd." + agents[i%10] + ".post.create", Data: fmt.Appendf(nil, `{"text":"tide %d"}`, i%commands), Header: nats.Header{nats.MsgIdHdr: {fmt.Sprint("m", i%commands)}}}
		reply, err := b.nc.RequestMsg(m, 3*soon)
		if err != nil {
			t.Error(err)
			return
		}
		answers[i] = strings.Replace(string(reply.Data), `,"repeat":true`, "", 1)
	}
	for i := range commands {
		for _, at := range []int{i, commands + i} {
			room <- struct{}{}
			wg.Go(func() { send(at); <-room })
		}
	}
	wg.Wait()
	require.Equal(t, commands, posts(box))
	for i := range commands {
		require.Contains(t, answers[i], fmt.Sprintf(`"content":"tide %d"`, i))
		require.Equal(t, answers[i], answers[commands+i])
	}
	first := answers[7]
	send(7)
	require.Equal(t, first, answers[7], "later too")
	require.Equal(t, commands, posts(box))

	stopHold()
	stopA()
	_, entries := audited(t, b)
	done := 0
	for _, e := range entries {
		if e.Outcome == "done" && e.Verb == "create" {
			done++
			require.Equal(t, "nats", e.Principal.Platform)
			require.Equal(t, "ia.cmd."+e.Agent+".post.create", e.Place)
		}
	}
	require.Positive(t, done)
}

// A process dies with a command in each state of its life. The next one ends what
// is open, and never by posting twice. What reading can't settle has its test
// beside the runner, where waiting costs nothing.
func TestF36_NextProcessEndsWhatTheDeadOneBegan(t *testing.T) {
	t.Parallel()
	box, agents, clients := town(t, 1)
	agent := agents[0]
	host := open(t, listening)
	run(t, host)
	dead := second(t, host)
	request := func(id string) command.Request {
		return command.Request{
			ID: id, Principal: command.Principal{Platform: command.NATS}, Agent: agent, Group: "post", Verb: "create",
			Values: map[string]any{"text": id}, Door: command.NATS, Back: json.RawMessage(`{"reply":"_INBOX.gone"}`),
		}
	}
	ledger := dead.Records()
	begin := func(id string, state command.State) command.Record {
		r, fresh, err := ledger.Create(t.Context(), command.Record{ID: id, State: command.Recorded, Request: request(id), At: time.Now(), Owner: ""})
		require.NoError(t, err)
		require.True(t, fresh)
		if state != command.Recorded {
			r.State, r.Owner, r.Since = state, dead.Member(), time.Now()
			r, err = ledger.Update(t.Context(), r)
			require.NoError(t, err)
		}
		return r
	}
	begin("recorded", command.Recorded)
	begin("called", command.Running)
	_, err := clients()[agent].CreatePost(t.Context(), imagine.NewPost{Content: "called"})
	require.NoError(t, err)
	ended := begin("ended", command.Running)
	ended.State, ended.Answer = command.Done, &command.Answer{OK: true, Reply: command.Reply{Text: "Posted."}}
	_, err = ledger.Update(t.Context(), ended)
	require.NoError(t, err)
	dead.nc.Close()
	require.Equal(t, 1, posts(box))

	require.Eventually(t, func() bool { return !host.Alive(dead.Member()) }, soon, step)
	next := runnerOf(host, clients)
	var mu sync.Mutex
	told, asked := map[string]command.Answer{}, map[string]string{}
	require.NoError(t, next.Recover(t.Context(), func(q command.Request, a command.Answer) {
		mu.Lock()
		defer mu.Unlock()
		told[q.ID], asked[q.ID] = a, replyOf(q)
	}))
	for _, reply := range asked {
		require.Equal(t, "_INBOX.gone", reply, "who asked can be found again")
	}
	require.Len(t, told, 2)
	require.True(t, told["recorded"].OK)
	require.True(t, told["called"].OK, "found by reading")
	require.Equal(t, 2, posts(box), "the one of before, and the one that had not begun")
	left, err := host.Records().Open(t.Context())
	require.NoError(t, err)
	require.Empty(t, left)
	again := next.Do(t.Context(), request("ended"))
	require.True(t, again.OK)
	require.True(t, again.Repeat)
	require.Equal(t, 2, posts(box))
}

// The connection dies with the store's answer under way: the write counts once.
func TestF36_LostAnswerOfTheLedgerIsReadBack(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	info, err := a.Info(t.Context())
	require.NoError(t, err)
	f := &thief{mark: []byte(commandPrefix)}
	b, err := Open(t.Context(), Options{URL: f.proxy(t, strings.TrimPrefix(info.URL, "nats://")), Creds: info.AdminFile, Guest: true})
	require.NoError(t, err)
	t.Cleanup(func() { closeBus(t, b) })
	l := b.Records()
	f.armed.Store(true)
	r, fresh, err := l.Create(t.Context(), record("one"))
	require.NoError(t, err)
	require.True(t, fresh, "it is ours, although nobody said so")
	f.armed.Store(true)
	r.State = command.Running
	r, err = l.Update(t.Context(), r)
	require.NoError(t, err)
	require.EqualValues(t, 2, f.hits.Load())
	got, fresh, err := a.Records().Create(t.Context(), record("one"))
	require.NoError(t, err)
	require.False(t, fresh)
	requireRecord(t, r, got)
}

// While one process works on a command, a delivery to another waits for it.
func TestF33_OtherProcessWaitsForTheOneAtWork(t *testing.T) {
	t.Parallel()
	box, agents, clients := town(t, 1)
	agent := agents[0]
	a := open(t, listening)
	run(t, a)
	b := second(t, a)
	run(t, b)
	require.Eventually(t, func() bool { return a.members.count() == 2 && b.members.count() == 2 }, soon, step)
	release, hung := make(chan struct{}), make(chan struct{}, 1)
	var once atomic.Bool
	slow := command.NewRunner(command.RunnerOptions{
		Agents: func() map[string]*imagine.Client {
			return clients()
		}, Records: slowly{a.Records(), func() {
			if once.CompareAndSwap(false, true) {
				hung <- struct{}{}
				<-release
			}
		}}, Owner: a.Member(), Alive: a.Alive,
	})
	q := command.Request{ID: "x", Principal: command.Principal{Platform: command.NATS}, Agent: agent, Group: "post", Verb: "create", Values: map[string]any{"text": "once"}, Door: command.NATS}
	first := make(chan command.Answer, 1)
	go func() { first <- slow.Do(t.Context(), q) }()
	receive(t, hung)
	other := runnerOf(b, clients)
	require.True(t, other.Do(t.Context(), q).Running)
	close(release)
	require.True(t, receive(t, first).OK)
	require.True(t, other.Do(t.Context(), q).Repeat)
	require.Equal(t, 1, posts(box))
}

// slowly is a ledger that pauses after the intent.
type slowly struct {
	command.Records
	pause func()
}

func (s slowly) Update(ctx context.Context, r command.Record) (command.Record, error) {
	r, err := s.Records.Update(ctx, r)
	if r.State == command.Running {
		s.pause()
	}
	return r, err
}
