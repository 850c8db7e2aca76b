package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// table is a small command table, so that these tests are about the door alone.
func table() []command.Spec {
	text := []command.Arg{{Name: "text", Kind: command.Text, Required: true, Min: 1, Max: 500}}
	return []command.Spec{
		{Group: "post", Verb: "create", Summary: "Post", Access: command.Write, Repeat: command.Creates, Args: text},
		{Group: "post", Verb: "comment", Summary: "Comment", Access: command.Write, Repeat: command.Creates, Args: text},
		{Group: "feed", Verb: "home", Summary: "Read", Repeat: command.Reads},
	}
}

// world stands for the command table: it runs what it is asked to and keeps count.
type world struct {
	mu    sync.Mutex
	seen  []command.Request
	at    map[string]int // by process
	doing func(ctx context.Context, q command.Request) command.Answer
}

func (w *world) run(process string) func(context.Context, command.Request) command.Answer {
	return func(ctx context.Context, q command.Request) command.Answer {
		w.mu.Lock()
		w.seen = append(w.seen, q)
		if w.at == nil {
			w.at = map[string]int{}
		}
		w.at[process]++
		doing := w.doing
		w.mu.Unlock()
		if doing != nil {
			return doing(ctx, q)
		}
		return command.Answer{OK: true, Agent: q.Agent, Group: q.Group, Verb: q.Verb, Reply: command.Reply{Text: "Done.", Data: map[string]string{"by": process}}}
	}
}

func (w *world) count(process string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at[process]
}

func (w *world) requests() []command.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]command.Request(nil), w.seen...)
}

func handles(names ...string) func() []string { return func() []string { return names } }

// serve starts the service and waits until it is found.
func serve(t *testing.T, b *Bus, run func(context.Context, command.Request) command.Answer, agents func() []string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.serve(ctx, table(), run, agents) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, receive(t, done))
	})
	t.Cleanup(stop)
	require.Eventually(t, func() bool {
		select {
		case err := <-done:
			require.NoError(t, err)
		default:
		}
		_, err := b.nc.Request(nodeSubject(b.me), []byte(`{"request":{"group":"ping"},"within":0}`), 100*time.Millisecond)
		return err == nil
	}, soon, step)
	return stop
}

// idle works on an agent by waiting.
func idling(ctx context.Context, _ string) error {
	<-ctx.Done()
	return nil
}

// owned starts a bus that works for the agents and serves them.
func owned(t *testing.T, w *world, agents ...string) *Bus {
	t.Helper()
	b := open(t, listening)
	run(t, b)
	hold(t, b, "agent", agents, idling)
	require.Eventually(t, func() bool { return b.ownerOf(agents[0]) == b.me }, soon, step)
	serve(t, b, w.run("a"), handles(agents...))
	w.forget()
	return b
}

// forget drops what serve asked while it waited.
func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen, w.at = nil, nil
}

// requireText compares to the byte: programs may depend on it.
func requireText(t *testing.T, want, got string) {
	t.Helper()
	require.Equal(t, want, got)
}

// ask sends a request and returns its reply.
func ask(t *testing.T, nc *nats.Conn, subject, body string, header ...string) *nats.Msg {
	t.Helper()
	m := &nats.Msg{Subject: subject, Data: []byte(body), Header: nats.Header{}}
	for i := 0; i+1 < len(header); i += 2 {
		m.Header.Set(header[i], header[i+1])
	}
	ctx, cancel := contextWithin(t, 2*soon)
	defer cancel()
	reply, err := nc.RequestMsgWithContext(ctx, m)
	require.NoError(t, err)
	return reply
}

func TestCommandOverNATSIsRunAndAnswered(t *testing.T) {
	t.Parallel()
	w := &world{}
	b := owned(t, w, "luna", "Nova Bot")
	m := ask(t, b.nc, "ia.cmd.luna.post.create", ` {"text":"hello","n":12345678901234567890} `, nats.MsgIdHdr, "id 1", confirmHeader, "Yes")
	require.JSONEq(t, `{"ok":true,"result":{"by":"a"},"text":"Done."}`, string(m.Data))
	require.Equal(t, "application/json", m.Header.Get("Content-Type"))
	require.Empty(t, m.Header.Get(micro.ErrorCodeHeader))
	ask(t, b.nc, "ia.cmd.nova=20bot.feed.home", "")
	seen := w.requests()
	require.Len(t, seen, 2)
	back := seen[0].Back
	require.Contains(t, string(back), "_INBOX.")
	seen[0].Back = nil
	require.Equal(t, command.Request{
		ID: "nats:luna.post.create:true:id 1", Principal: command.Principal{Platform: command.NATS}, Agent: "luna", Group: "post", Verb: "create",
		Values: map[string]any{"text": "hello", "n": json.Number("12345678901234567890")}, Confirmed: true, Door: "nats", Place: "ia.cmd.luna.post.create",
	}, seen[0])
	require.Equal(t, command.Request{
		Principal: command.Principal{Platform: command.NATS}, Agent: "Nova Bot", Group: "feed", Verb: "home",
		Values: map[string]any{}, Door: "nats", Place: "ia.cmd.nova=20bot.feed.home",
	}, seen[1], "without an id nothing is recorded, and the agent has its own spelling")
}

func TestAnswersThatAreNoResult(t *testing.T) {
	t.Parallel()
	w := &world{}
	b := owned(t, w, "luna")
	for name, tc := range map[string]struct {
		answer command.Answer
		code   string
		text   string
		body   string
	}{
		"refused": {
			command.Answer{Problem: &command.Problem{Code: 403, Status: "forbidden", Message: "No:\nnot allowed.", Hint: "Ask.", Buttons: nil, Ask: []string{"discord:role:1"}}},
			"403", "No: not allowed.", `{"ok":false,"error":{"code":403,"status":"forbidden","message":"No:\nnot allowed.","hint":"Ask."}}`,
		},
		"unknown": {
			command.Answer{Problem: &command.Problem{Code: 504, Status: "unknown", Message: "I can't tell.", Unknown: true}},
			"504", "I can't tell.", `{"ok":false,"error":{"code":504,"status":"unknown","message":"I can't tell.","unknown":true}}`,
		},
		"asked": {
			command.Answer{NeedsConfirm: true, Question: "Delete <it>?"},
			"409", "Delete <it>?", `{"ok":false,"error":{"code":409,"status":"confirmation_required","message":"Delete <it>?","hint":"send it again with the header Ia-Confirm: yes"}}`,
		},
		"next page": {
			command.Answer{OK: true, Repeat: true, Reply: command.Reply{Text: "Two.", More: map[string]string{"cursor": "c"}, Job: "j1"}},
			"", "", `{"ok":true,"text":"Two.","next":{"cursor":"c"},"job":"j1","repeat":true}`,
		},
		"too large": {
			command.Answer{OK: true, Reply: command.Reply{Data: strings.Repeat("x", 1<<20)}},
			"500", "it was done, but the answer is larger than the 1048576 bytes that this NATS server carries",
			`{"ok":false,"error":{"code":500,"status":"reply_too_large","message":"it was done, but the answer is larger than the 1048576 bytes that this NATS server carries","hint":"ask for less at once"}}`,
		},
	} {
		w.mu.Lock()
		w.doing = func(context.Context, command.Request) command.Answer { return tc.answer }
		w.mu.Unlock()
		m := ask(t, b.nc, "ia.cmd.luna.feed.home", "{}")
		require.Equal(t, tc.body, string(m.Data), name)
		require.Equal(t, tc.code, m.Header.Get(micro.ErrorCodeHeader), name)
		require.Equal(t, tc.text, m.Header.Get(micro.ErrorHeader), name)
	}
}

func TestBridgeIsAskedByAnotherProcess(t *testing.T) {
	t.Parallel()
	w := &world{}
	b := owned(t, w, "luna")
	guest := second(t, b)
	q := command.Request{ID: "i1", Agent: "luna", Group: "post", Verb: "create", Values: map[string]any{"text": "x"}, Confirmed: true}
	a, err := guest.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, command.Answer{
		OK: true, Agent: "luna", Group: "post", Verb: "create", Reply: command.Reply{Text: "Done.", Data: json.RawMessage(`{"by":"a"}`)},
	}, a)
	_, err = guest.Ask(t.Context(), command.Request{Group: "feed", Verb: "home"})
	require.NoError(t, err)
	seen := w.requests()
	require.Equal(t, "nats:luna.post.create:true:i1", seen[0].ID)
	require.True(t, seen[0].Confirmed)
	require.Equal(t, "luna", seen[1].Agent, "the only agent need not be named")

	for _, want := range []command.Answer{
		{Problem: &command.Problem{Code: 404, Status: "not_found", Field: "post", Message: "I can't find that post.", Hint: "Look.", Unknown: true}},
		{NeedsConfirm: true, Question: "Delete it?"},
		{OK: true, Repeat: true, Reply: command.Reply{Text: "Two.", More: map[string]string{"cursor": "c"}, Job: "j"}},
	} {
		w.mu.Lock()
		w.doing = func(context.Context, command.Request) command.Answer { return want }
		w.mu.Unlock()
		got, err := guest.Ask(t.Context(), q)
		require.NoError(t, err)
		got.Agent, got.Group, got.Verb = "", "", ""
		require.Equal(t, want, got)
	}
	alone := open(t)
	_, err = alone.Ask(t.Context(), q)
	requireState(t, err, Unreachable)
}

func TestB48_RequestThatIsNoJSON(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"text":"hello",}`: "byte 17: unexpected '}'",
		`{"text":"hello"`:   "byte 15: the text ends too early",
		`{"text":"hello"}x`: "byte 17: unexpected 'x'",
		`{"text":ü}`:        "byte 9: unexpected 'ü'",
		`text`:              "byte 2: unexpected 'e'",
		"\x00":              `byte 1: unexpected '\x00'`,
		`["text"]`:          "the arguments are no object",
		`null`:              "the arguments are no object",
		`"text"`:            "the arguments are no object",
	} {
		_, p := arguments([]byte(body))
		require.NotNil(t, p, body)
		require.Equal(t, want, p.Message, body)
		require.Equal(t, 400, p.Code)
	}
	for _, body := range []string{"", " \n", "{}", `{"text":"}"}`} {
		_, p := arguments([]byte(body))
		require.Nil(t, p, body)
	}
	w := &world{}
	b := owned(t, w, "luna")
	m := ask(t, b.nc, "ia.cmd.luna.post.create", `{"text":"hello",}`)
	requireText(t, `{"ok":false,"error":{"code":400,"status":"invalid_json","message":"byte 17: unexpected '}'","hint":"send an object such as {\"text\":\"hello\"}"}}`, string(m.Data))
	require.Equal(t, "400", m.Header.Get(micro.ErrorCodeHeader))
	require.Empty(t, w.requests())
}

func FuzzArguments(f *testing.F) {
	for _, s := range []string{"", "{}", `{"a":1e400}`, `{"a":[1,{"b":null}]}`, "{\"a\":\"\xff\"}", `{"a":tru`, "[", "\xef\xbb\xbf{}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		values, p := arguments(data)
		require.NotEqual(t, values == nil, p == nil, "either arguments or a reason")
		if p != nil {
			require.Equal(t, 400, p.Code)
			require.Less(t, len(p.Message), 80)
		}
	})
}

func TestServiceIsFoundByItsName(t *testing.T) {
	t.Parallel()
	w := &world{}
	b := owned(t, w, "luna")
	m, err := b.nc.Request("$SRV.PING.imaginebridge", nil, soon)
	require.NoError(t, err)
	var ping micro.Ping
	require.NoError(t, json.Unmarshal(m.Data, &ping))
	require.Equal(t, "imaginebridge", ping.Name)
	m, err = b.nc.Request("$SRV.INFO.imaginebridge", nil, soon)
	require.NoError(t, err)
	var info micro.Info
	require.NoError(t, json.Unmarshal(m.Data, &info))
	require.Len(t, info.Endpoints, 3)
	e := info.Endpoints[0]
	require.Equal(t, "ia.cmd.*.post.create", e.Subject)
	require.Equal(t, "post-create", e.Name)
	require.Equal(t, "write", e.Metadata["access"])
	require.Error(t, validate(t, compile(t, e.Metadata["request_schema"]), `{}`))
	require.NoError(t, validate(t, compile(t, e.Metadata["reply_schema"]), `{"ok":true}`))
}

// The whole table must fit into one message of a server with default limits.
func TestWholeTableIsOffered(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, (&world{}).run("a"), handles("luna")) }()
	var info micro.Info
	require.Eventually(t, func() bool {
		m, err := b.nc.Request("$SRV.INFO.imaginebridge", nil, time.Second)
		return err == nil && json.Unmarshal(m.Data, &info) == nil && len(info.Endpoints) == len(command.Table())
	}, soon, step)
	size, err := json.Marshal(info)
	require.NoError(t, err)
	require.Less(t, len(size), 512<<10)
	cancel()
	require.NoError(t, receive(t, done))
}

func TestCommandThatThereIsNotFindsNobody(t *testing.T) {
	t.Parallel()
	w := &world{}
	b := owned(t, w, "luna")
	for _, subject := range []string{"ia.cmd.luna.post.craete", "ia.cmd.luna.post", "ia.cmd.luna", "ia.cmd.luna.post.create.x"} {
		_, err := b.nc.Request(subject, nil, soon)
		require.ErrorIs(t, err, nats.ErrNoResponders, subject)
	}
	require.Empty(t, w.requests())
}

func TestF33_TwoProcessesGiveOneAnswer(t *testing.T) {
	t.Parallel()
	w := &world{}
	a := owned(t, w, "luna", "nova", "orbit", "vega")
	b := second(t, a)
	run(t, b)
	hold(t, b, "agent", []string{"luna", "nova", "orbit", "vega"}, idling)
	serve(t, b, w.run("b"), handles("luna", "nova", "orbit", "vega"))
	agents := []string{"luna", "nova", "orbit", "vega"}
	owner := map[string]string{}
	require.Eventually(t, func() bool {
		for _, h := range agents {
			owner[h] = map[string]string{a.me: "a", b.me: "b", "": ""}[a.ownerOf(h)]
			if owner[h] == "" || a.ownerOf(h) != b.ownerOf(h) {
				return false
			}
		}
		return a.members.count() == 2 && b.members.count() == 2
	}, soon, step)
	w.forget()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			h := agents[i%4]
			m, err := b.nc.Request("ia.cmd."+h+".feed.home", fmt.Appendf(nil, `{"i":%d}`, i), 2*soon)
			if err != nil {
				t.Error(err)
				return
			}
			var r struct {
				OK     bool
				Result struct{ By string }
			}
			if err := json.Unmarshal(m.Data, &r); err != nil || !r.OK || r.Result.By == "" {
				t.Errorf("%s: %s", h, m.Data)
			}
		})
	}
	wg.Wait()
	seen := w.requests()
	require.Len(t, seen, 200, "each was run once")
	require.Equal(t, 200, w.count("a")+w.count("b"))
	for _, q := range seen {
		require.Contains(t, []string{"a", "b"}, owner[q.Agent])
	}
}

// The one who works for the agent runs its commands, wherever they came in.
func TestCommandIsHandedToTheOwner(t *testing.T) {
	t.Parallel()
	w := &world{}
	a := owned(t, w, "luna")
	b := second(t, a)
	run(t, b)
	serve(t, b, w.run("b"), handles()) // knows no agent and polls none
	require.Eventually(t, func() bool { return b.ownerOf("luna") == a.me }, soon, step)
	w.forget()
	for range 40 {
		m := ask(t, b.nc, "ia.cmd.luna.post.create", `{"text":"x"}`)
		require.JSONEq(t, `{"ok":true,"result":{"by":"a"},"text":"Done."}`, string(m.Data))
	}
	require.Equal(t, 40, w.count("a"))
	require.Zero(t, w.count("b"))

	w.mu.Lock()
	w.doing = func(context.Context, command.Request) command.Answer {
		return command.Answer{Repeat: true, Problem: &command.Problem{Code: 400, Status: "no", Message: "no"}}
	}
	w.mu.Unlock()
	for range 8 {
		requireText(t, `{"ok":false,"error":{"code":400,"status":"no","message":"no"}}`, string(ask(t, b.nc, "ia.cmd.luna.feed.home", "").Data))
	}
}

func TestB50_AgentThatNobodyKnows(t *testing.T) {
	t.Parallel()
	b := refusing(t)
	m := ask(t, b.nc, "ia.cmd.lunna.post.create", `{"text":"x"}`)
	requireText(t, `{"ok":false,"error":{"code":404,"status":"unknown_agent","message":"no agent \"lunna\" on this bridge","hint":"did you mean \"luna\"?"}}`, string(m.Data))
	require.Equal(t, "404", m.Header.Get(micro.ErrorCodeHeader))
}

// refusing serves the real table for an agent without an API: all that can be had
// of it is a refusal.
func refusing(t *testing.T) *Bus {
	t.Helper()
	b := open(t, listening)
	run(t, b)
	hold(t, b, "agent", []string{"luna"}, idling)
	require.Eventually(t, func() bool { return b.ownerOf("luna") == b.me }, soon, step)
	runner := command.NewRunner(command.RunnerOptions{
		Agents: func() map[string]*imagine.Client { return map[string]*imagine.Client{"luna": {}} }, Audit: b.Audit,
	})
	serve(t, b, runner.Do, handles("luna"))
	return b
}

func TestB49_WrongArgumentsAreNamed(t *testing.T) {
	t.Parallel()
	b := refusing(t)
	for body, want := range map[string]string{
		`{}`:                       `"status":"invalid_argument","field":"text","message":"text is required (1–500 characters)"`,
		`{"text":7}`:               `"status":"invalid_argument","field":"text","message":"text is text (1–500 characters)."`,
		`{"text":"x","textt":"y"}`: `"status":"invalid_argument","field":"textt","message":"post create has no argument \"textt\"."`,
	} {
		m := ask(t, b.nc, "ia.cmd.luna.post.create", body)
		require.Contains(t, string(m.Data), want, body)
		require.Equal(t, "400", m.Header.Get(micro.ErrorCodeHeader))
	}
}
