package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// badInput is one line of "Bad input and the answer it gets" in docs/reliability.md.
type badInput struct {
	id   string
	make func(w *world) *command.Problem
}

// refusal is a line of testdata/refusals.json, from which the tests of Discord and
// Slack draw what people see, and press every button of it.
type refusal struct {
	ID      string
	Problem *command.Problem
}

func badInputs() []badInput {
	chat := func(name string, values map[string]any) func(*world) *command.Problem {
		return func(w *world) *command.Problem { return w.try(name, values).Problem }
	}
	program := func(agent, name string, values map[string]any) func(*world) *command.Problem {
		return func(w *world) *command.Problem {
			q := w.request(name, values)
			q.Principal, q.Door = command.Principal{Platform: command.NATS}, command.NATS
			if agent != "" {
				q.Agent = agent
			}
			return w.runner.Do(w.t.Context(), q).Problem
		}
	}
	typed := func(line string) func(*world) *command.Problem {
		return func(w *world) *command.Problem {
			l, p := command.ParseLine(w.in(), line, nil)
			if p != nil {
				return p
			}
			q := w.request(l.Group+" "+l.Verb, l.Values)
			q.Open, q.Door = true, command.Slack
			return w.runner.Do(w.t.Context(), q).Problem
		}
	}
	fails := func(name string, values map[string]any, rule sandbox.Rule) func(*world) *command.Problem {
		return func(w *world) *command.Problem {
			w.box.Inject(rule)
			return w.try(name, values).Problem
		}
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	files := func(list ...command.File) func(*world) *command.Problem {
		return func(w *world) *command.Problem {
			q := w.request("post create", map[string]any{"text": "Look"})
			q.Files = map[string][]command.File{"files": list}
			return w.runner.Do(w.t.Context(), q).Problem
		}
	}
	sized := func(name, kind string, n int64) command.File { f := file(name, kind, nil); f.Size = n; return f }
	return []badInput{
		{"B31", chat("post create", map[string]any{"text": long(501)})},
		{"B31 over a comment", chat("post comment", map[string]any{"post": "p", "text": long(1001)})},
		{"B31 over a message", chat("dm send", map[string]any{"conversation": "c", "text": long(2001)})},
		{"B32 empty", chat("post create", nil)},
		{"B32 spaces", chat("post create", map[string]any{"text": "  \n "})},
		{"B32 without width", chat("post create", map[string]any{"text": "\u200b\u200d\ufeff"})},
		{"B33 prompt", chat("generate image", map[string]any{"prompt": long(1001)})},
		{"B33 text of the post", chat("generate image", map[string]any{"prompt": "x", "post_text": long(501)})},
		{"B34", typed("service connect OPENAI sk-proj-0123456789abcdefghij")},
		{"B34 in a post", typed("post my key is sk-proj-0123456789abcdefghij")},
		{"B35", chat("generate image", map[string]any{"prompt": "x", "provider": "ElevenLabs"})},
		{"B35 a parameter it lacks", chat("generate image", map[string]any{"prompt": "x", "provider": "OPENAI", "aspect": "1:1"})},
		{"B36", fourth},
		{"B36 retries", retriedThrice},
		{"B38", denied(command.Lists{Write: []string{"discord:role:77"}}, "post create")},
		{"B38 without lists", denied(command.Lists{}, "post create")},
		{"B38 keys", denied(command.Lists{}, "service list")},
		{"B39", typed("lik")},
		{"B39 within a group", typed("post creat hello")},
		{"B40", chat("post show", map[string]any{"post": "cmnosuchpost"})},
		{"B40 not theirs", func(w *world) *command.Problem {
			return w.try("post delete", map[string]any{"post": otherPost(w)}).Problem
		}},
		{"B41", fails("dm start", map[string]any{"handle": "nova_ai", "text": "hi"}, sandbox.Rule{Fault: sandbox.FaultSuspended, Method: "POST", Path: "/api/conversations"})},
		{"B42 size", files(sized("a.mp4", "video/mp4", 60_000_000))},
		{"B42 type", files(sized("a.exe", "", 100))},
		{"B42 count", files(picture(), picture(), picture(), picture(), picture())},
		{"B42 mixed", files(picture(), film())},
		{"word for word", func(w *world) *command.Problem {
			return command.Reflected(command.Request{Group: "dm", Verb: "send", Values: map[string]any{"conversation": "c", "text": "I am away until Monday."}}).In(w.in())
		}},
		{"B43", func(w *world) *command.Problem { return command.EditedLater().In(w.in()) }},
		{"B44", func(w *world) *command.Problem { return command.Gone(w.locale, "luna") }},
		{"B45", func(w *world) *command.Problem {
			return command.Expired(bridge.Action{Command: "post create"}).In(w.in())
		}},
		{"B46 outlasting its time", fails("post create", map[string]any{"text": "hi"}, sandbox.Rule{Fault: sandbox.FaultLimited, Wait: 30 * time.Minute, Method: "POST", Path: "/api/posts"})},
		{"B47", fails("feed home", nil, sandbox.Rule{Fault: sandbox.FaultStatus, Method: "GET", Path: "/api/feed"})},
		{"B47 may have been done", fails("post create", map[string]any{"text": "hi"}, sandbox.Rule{Fault: sandbox.FaultCloseBefore, Method: "POST", Path: "/api/posts"})},
		{"B48", func(*world) *command.Problem { _, p := command.Decode([]byte(`{"text":"hello"}}`)); return p }},
		{"B48 not an object", func(*world) *command.Problem { _, p := command.Decode([]byte(`["hello"]`)); return p }},
		{"B48 cut off", func(*world) *command.Problem { _, p := command.Decode([]byte(`{"text":"hel`)); return p }},
		{"B49 missing", program("", "post quote", map[string]any{"post": "p"})},
		{"B49 nothing to post", program("", "post create", nil)},
		{"B49 unknown", program("", "post create", map[string]any{"txet": "hello"})},
		{"B49 wrong type", program("", "feed home", map[string]any{"limit": "many"})},
		{"B50", program("orbit_bto", "post create", map[string]any{"text": "hello"})},
		{"B50 from chat", func(w *world) *command.Problem {
			q := w.request("feed home", nil)
			q.Agent = "orbit_bto"
			return w.runner.Do(w.t.Context(), q).Problem
		}},
		{"forbidden", fails("stats overview", nil, sandbox.Rule{Fault: sandbox.FaultStatus, Status: 403, Method: "GET", Path: "/api/analytics/overview"})},
	}
}

// fourth starts one generation more than may run.
func fourth(w *world) *command.Problem {
	connect("OPENAI")(w)
	for i := range 3 {
		w.do("generate image", map[string]any{"prompt": fmt.Sprintf("sandbox:slow ring %d", i), "provider": "OPENAI"})
	}
	w.box.Clock().Advance(2 * time.Second)
	return w.try("generate image", map[string]any{"prompt": "one more", "provider": "OPENAI"}).Problem
}

func retriedThrice(w *world) *command.Problem {
	connect("OPENAI")(w)
	j := w.do("generate image", map[string]any{"prompt": "sandbox:fail ring", "provider": "OPENAI"}).Job
	for range 3 {
		w.box.Clock().Advance(time.Minute)
		w.do("generate retry", map[string]any{"job": j})
	}
	w.box.Clock().Advance(time.Minute)
	return w.try("generate retry", map[string]any{"job": j}).Problem
}

// denied runs a command as a member without any right to write.
func denied(lists command.Lists, name string) func(*world) *command.Problem {
	return func(w *world) *command.Problem {
		other := newWorld(w.t, func(o *command.RunnerOptions) {
			o.Access = func(command.Principal, string) command.Lists { return lists }
			o.Label = func(context.Context, command.Principal, string) string { return "@Agent-Team" }
		})
		other.locale = w.locale
		q := other.request(name, map[string]any{"text": "hello"})
		q.Principal.Manages, q.Principal.User = false, "42"
		return other.runner.Do(w.t.Context(), q).Problem
	}
}

func TestWhatPeopleReadOfAFailure(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	var refusals []refusal
	for _, b := range badInputs() {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			p := b.make(w)
			require.NotNil(t, p, b.id)
			require.NotZero(t, p.Code, b.id)
			require.NotEmpty(t, p.Status, b.id)
			for _, a := range p.Buttons {
				checkButton(t, b.id, a)
			}
			if strings.HasPrefix(b.id, "B48") || strings.HasPrefix(b.id, "B49") || b.id == "B50" {
				data, err := json.Marshal(p)
				require.NoError(t, err)
				fmt.Fprintf(&out, "%s: %s\n", b.id, data)
				return
			}
			fmt.Fprintf(&out, "%s: %s\n", b.id, steady(sentence(p)))
			refusals = append(refusals, refusal{b.id, p})
		})
	}
	golden.Equal(t, "testdata/sentences.golden", []byte(out.String()))
	data, err := json.MarshalIndent(refusals, "", "  ")
	require.NoError(t, err)
	golden.Equal(t, "testdata/refusals.json", append(steady(string(data)), '\n'))
}

// TestAHintNamesACommandAsItsDoorDoes: nobody at a terminal types a slash.
func TestAHintNamesACommandAsItsDoorDoes(t *testing.T) {
	t.Parallel()
	for door, want := range map[string]string{
		command.Discord:  "An admin can connect ElevenLabs: /ia-admin service connect.",
		command.Slack:    "An admin can connect ElevenLabs: /ia service connect.",
		command.Terminal: "An admin can connect ElevenLabs: imaginebridge do service connect.",
		command.NATS:     "An admin can connect ElevenLabs: service connect.",
	} {
		w := newWorld(t)
		require.NoError(t, w.apis[w.me].DisconnectService(t.Context(), "ELEVENLABS"))
		q := w.request("generate music", map[string]any{"prompt": "a waltz"})
		q.Door = door
		p := w.runner.Do(t.Context(), q).Problem
		require.Equal(t, "no_provider", p.Status)
		require.Equal(t, want, p.Hint)
	}
	w := newWorld(t, func(o *command.RunnerOptions) { o.Agents = func() map[string]*imagine.Client { return nil } })
	q := w.request("feed home", nil)
	q.Agent, q.Door, q.Principal.Platform = "", command.Terminal, command.Terminal
	require.Equal(t, "No agent is connected here yet. An admin can connect one in the configuration.", w.runner.Do(t.Context(), q).Problem.Error())
}

func TestNoFailureShowsWhatPeopleCannotRead(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"a defect":     errors.New("map[string]int has no field *foo.Bar at 0xc000"),
		"a deadline":   context.DeadlineExceeded,
		"a cancel":     context.Canceled,
		"no answer":    &imagine.Error{Op: "create a post", Host: "h", Message: "read tcp 10.0.0.1:4: connection reset"},
		"a bad answer": &imagine.Error{Op: "read a post", Status: 200, Err: imagine.ErrGarbled},
		"a teapot":     &imagine.Error{Op: "read a post", Status: 418},
		"no sign-in":   &imagine.Error{Op: "sign in", Status: 401, Code: "invalid_client"},
		"foreign text": &imagine.Error{Op: "create a post", Status: 400, Message: "bad\x1b[31m \u202e words " + strings.Repeat("y", 400)},
		"too large":    &imagine.Error{Op: "upload an image", Status: 413},
		"later":        &imagine.Error{Op: "count unread messages", Status: 404, Err: imagine.ErrNotOffered},
		"later, by id": &imagine.Error{Op: "read a byte", Status: 404, Err: imagine.ErrNotOffered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := command.Explain(english, err)
			require.NotNil(t, p)
			for _, bad := range []string{"map[", "0xc0", "*foo", "tcp", "\x1b", "\u202e", "!", "oops", "goroutine"} {
				require.NotContains(t, p.Error(), bad)
			}
			require.Less(t, len(p.Error()), 600)
		})
	}
	require.Nil(t, command.Explain(english, nil))
}

// TestADefectGetsAReference: people get a number, the log gets the same one.
func TestADefectGetsAReference(t *testing.T) {
	t.Parallel()
	p := command.Explain(english, errors.New("boom"))
	require.Equal(t, "internal", p.Status)
	require.Regexp(t, `Reference [A-Z2-7]{8}\.$`, p.Message)
	require.NotContains(t, p.Message, "boom")
}
