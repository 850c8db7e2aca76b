package discord

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// specs is the table by name; making it anew at each look takes a while.
var specs = sync.OnceValue(func() map[string]*command.Spec {
	out := map[string]*command.Spec{}
	for _, s := range command.Table() {
		out[s.Name()] = &s
	}
	return out
})

func findSpec(group, verb string) (*command.Spec, bool) {
	s, ok := specs()[group+" "+verb]
	return s, ok
}

// desk stands for the command runner: it parses as that does, keeps what it is
// asked for and says what it is told to.
type desk struct {
	mu      sync.Mutex
	asked   []command.Request // by Do, each id once
	repeats int               // further calls of Do with a known id
	records map[string]command.Answer

	refuse func(q command.Request) *command.Problem
	accept func(q command.Request) error
	answer func(ctx context.Context, q command.Request) command.Answer
}

func (d *desk) Check(_ context.Context, q command.Request) *command.Problem {
	if d.refuse != nil {
		if p := d.refuse(q); p != nil {
			return p
		}
	}
	spec, ok := findSpec(q.Group, q.Verb)
	if !ok {
		return &command.Problem{Code: 404, Status: "unknown_command", Message: "No command."}
	}
	_, err := command.Parse(spec, q.Values, q.Files)
	return command.Explain(language.Speaker{}, err)
}

func (d *desk) Accept(_ context.Context, q command.Request) error {
	if d.accept != nil {
		return d.accept(q)
	}
	return nil
}

func (d *desk) Do(ctx context.Context, q command.Request) command.Answer {
	if p := d.Check(ctx, q); p != nil {
		return command.Answer{Problem: p, Private: true, Agent: q.Agent, Group: q.Group, Verb: q.Verb}
	}
	spec, _ := findSpec(q.Group, q.Verb)
	if spec.Confirm && !q.Confirmed {
		return command.Answer{NeedsConfirm: true, Question: spec.Question, Private: true, Agent: q.Agent, Group: q.Group, Verb: q.Verb}
	}
	d.mu.Lock()
	if a, ok := d.records[q.ID]; ok {
		d.repeats++
		d.mu.Unlock()
		a.Repeat = !a.Running
		return a
	}
	d.records[q.ID] = command.Answer{Running: true}
	d.asked = append(d.asked, q)
	d.mu.Unlock()
	a := command.Answer{OK: true, Reply: command.Reply{Text: "Done: " + q.Group + " " + q.Verb + "."}}
	if d.answer != nil {
		a = d.answer(ctx, q)
	}
	a.Agent, a.Group, a.Verb = "my_agent", q.Group, q.Verb
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[q.ID] = a
	return a
}

// calls lists what was carried out: "post create text=hi".
func (d *desk) calls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []string{}
	for _, q := range d.asked {
		line := []string{q.Group, q.Verb}
		spec, _ := findSpec(q.Group, q.Verb)
		for _, a := range spec.Args {
			if v, ok := q.Values[a.Name]; ok {
				line = append(line, fmt.Sprintf("%s=%v", a.Name, v))
			}
			if n := len(q.Files[a.Name]); n > 0 {
				line = append(line, fmt.Sprintf("%s=%d files", a.Name, n))
			}
		}
		out = append(out, strings.Join(line, " "))
	}
	return out
}

func (d *desk) last() command.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[len(d.asked)-1]
}

// talking lets few stands talk at once: unlike all other tests, these have three
// seconds for an answer.
var talking = make(chan struct{}, 6)

// talkative is a stand whose bot takes commands by the gateway, or at a door.
func talkative(t *testing.T, fo fakediscord.Options, byHTTP bool, change ...func(*Options)) (*stand, *desk) {
	t.Helper()
	talking <- struct{}{}
	t.Cleanup(func() { <-talking })
	return unhurried(t, fo, byHTTP, change...)
}

// unhurried is a talkative stand of a test in which nobody waits for an answer.
func unhurried(t *testing.T, fo fakediscord.Options, byHTTP bool, change ...func(*Options)) (*stand, *desk) {
	t.Helper()
	d := &desk{records: map[string]command.Answer{}}
	if fo.AnswerWithin == 0 {
		fo.AnswerWithin = 15 * time.Second // how fast a busy machine answers is for the bench to say
	}
	st := newStand(t, fo, append([]func(*Options){func(o *Options) {
		o.Commands = d
		o.Agents = func(string) []string { return []string{"my_agent"} }
	}}, change...)...)
	st.run()
	st.connected()
	st.eventually("commands registered", func() bool {
		return slices.ContainsFunc(st.fake.Requests(), func(r fakediscord.Request) bool {
			return r.Method == http.MethodPut && r.Status == http.StatusOK
		})
	})
	if byHTTP {
		st.openDoor()
	}
	return st, d
}

// openDoor lets interactions come by HTTP.
func (st *stand) openDoor() {
	st.Helper()
	key, err := readPublicKey(st.fake.PublicKey())
	require.NoError(st, err)
	st.sink.key = key
	ctx, cancel := context.WithCancel(st.Context())
	server := httptest.NewServer(st.sink.Door(ctx))
	st.Cleanup(func() { cancel(); st.sink.Drain(); server.Close() })
	require.NoError(st, st.fake.SetDoor(st.Context(), server.URL))
}

// settled waits for the last state of an answer.
func (st *stand) settled(in *fakediscord.Interaction, err error) fakediscord.Response {
	st.Helper()
	require.NoError(st, err)
	ctx, cancel := context.WithTimeout(st.Context(), 20*time.Second)
	defer cancel()
	r, err := in.Settled(ctx)
	require.NoError(st, err)
	return r
}

// said is the content of a settled answer's message.
func (st *stand) said(in *fakediscord.Interaction, err error) string {
	st.Helper()
	r := st.settled(in, err)
	require.NotNil(st, r.Message)
	return r.Message.Content
}

// becomes waits until an answer in the place of another reads so.
func (st *stand) becomes(want string, in *fakediscord.Interaction, err error) {
	st.Helper()
	require.NoError(st, err)
	st.eventually(want, func() bool {
		r, err := in.Response(st.Context())
		return err == nil && r.Message != nil && r.Message.Content == want
	})
}

// form waits for a form.
func (st *stand) form(in *fakediscord.Interaction, err error) *fakediscord.Modal {
	st.Helper()
	r := st.settled(in, err)
	require.NotNil(st, r.Modal, "a form opens at once")
	return r.Modal
}

func ok(text string, messages ...bridge.Message) command.Answer {
	return command.Answer{OK: true, Reply: command.Reply{Text: text, Messages: messages}}
}

func readAll(t *testing.T, f command.File) ([]byte, error) {
	t.Helper()
	r, err := f.Open(t.Context())
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}
