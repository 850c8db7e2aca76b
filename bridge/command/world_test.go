package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// world is a sandbox, a client for each of its agents, and a runner over them.
type world struct {
	t       *testing.T
	box     *sandbox.Sandbox
	apis    map[string]*imagine.Client
	me      string // orbit_bot, the acting agent
	locale  string // of who asks
	records *ledger
	entries []command.Entry
	kept    []imagine.Registration
	runner  *command.Runner
	options command.RunnerOptions
	mu      sync.Mutex
}

func newWorld(t *testing.T, change ...func(*command.RunnerOptions)) *world {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{Seed: 1, RateLimitOff: true})
	require.NoError(t, err)
	w := &world{t: t, box: box, apis: map[string]*imagine.Client{}, records: &ledger{}}
	for _, a := range box.Agents() {
		c, err := imagine.New(imagine.Options{BaseURL: box.BaseURL(), ClientID: a.ClientID, ClientSecret: func() string { return a.ClientSecret }, HTTPClient: box.Client()})
		require.NoError(t, err)
		w.apis[a.Handle] = c
	}
	w.me = box.Agents()[0].Handle
	o := command.RunnerOptions{
		Agents:  w.agents,
		Records: w.records, Owner: "one",
		Audit: func(_ context.Context, e command.Entry) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.entries = append(w.entries, e)
		},
		Keep: func(_ context.Context, _ command.Principal, r imagine.Registration) error {
			w.kept = append(w.kept, r)
			return nil
		},
	}
	for _, f := range change {
		f(&o)
	}
	w.runner, w.options = command.NewRunner(o), o
	return w
}

func (w *world) agents() map[string]*imagine.Client { return w.apis }

// another is the runner of a further process, which began just now.
func (w *world) another(owner string) *command.Runner {
	o := w.options
	o.Owner = owner
	return command.NewRunner(o)
}

// manager may do everything in the one workspace there is.
func manager() command.Principal {
	return command.Principal{Platform: command.Discord, Workspace: "G1", User: "U1", Name: "Mo", Manages: true}
}

// do runs a command as the manager and wants it to succeed.
func (w *world) do(name string, values map[string]any) command.Reply {
	w.t.Helper()
	a := w.try(name, values)
	require.Nil(w.t, a.Problem, "%s", name)
	require.True(w.t, a.OK, "%s: %s", name, a.Question)
	return a.Reply
}

func (w *world) try(name string, values map[string]any) command.Answer {
	return w.runner.Do(w.t.Context(), w.request(name, values))
}

func (w *world) request(name string, values map[string]any) command.Request {
	group, verb, _ := strings.Cut(name, " ")
	return command.Request{Principal: manager(), Agent: w.me, Group: group, Verb: verb, Values: values, Confirmed: true, Door: command.Discord, Place: "C1", Locale: w.locale}
}

// calls lists what arrived at the API since n entries ago, without signing in.
func (w *world) calls(n int) []string {
	var out []string
	for _, e := range w.box.Journal()[n:] {
		if e.Class != sandbox.ClassAuth || e.Path == "/api/auth/register" {
			out = append(out, sandboxRoute(e.Method+" "+e.Route))
		}
	}
	return out
}

// ledger is the records' twin in memory.
type ledger struct {
	mu    sync.Mutex
	list  map[string]command.Record
	rev   uint64
	broke error
	mute  error // is what Create answers though it stores
}

func (l *ledger) silent(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute = err
}

func (l *ledger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broke = err
}

func (l *ledger) mend() { l.fail(nil) }

func (l *ledger) Create(_ context.Context, r command.Record) (command.Record, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broke != nil {
		return command.Record{}, false, l.broke
	}
	if old, ok := l.list[r.ID]; ok {
		return old, false, l.mute
	}
	return l.put(r), true, l.mute
}

// put keeps what JSON keeps, as the real one does.
func (l *ledger) put(r command.Record) command.Record {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	var stored command.Record
	if err := json.Unmarshal(data, &stored); err != nil {
		panic(err)
	}
	l.rev++
	stored.Rev = l.rev
	if l.list == nil {
		l.list = map[string]command.Record{}
	}
	l.list[r.ID] = stored
	return stored
}

func (l *ledger) Update(_ context.Context, r command.Record) (command.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.broke != nil:
		return command.Record{}, l.broke
	case l.list[r.ID].Rev != r.Rev:
		return command.Record{}, command.ErrMoved
	}
	return l.put(r), nil
}

func (l *ledger) Open(context.Context) ([]command.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broke != nil {
		return nil, l.broke
	}
	var out []command.Record
	for _, id := range slices.Sorted(maps.Keys(l.list)) {
		if r := l.list[id]; r.Owed || r.State == command.Recorded || r.State == command.Running || r.State == command.Scheduled {
			out = append(out, r)
		}
	}
	return out, nil
}

func (l *ledger) get(id string) command.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list[id]
}

// file is an upload that a door can open again.
func file(name, contentType string, data []byte) command.File {
	return command.File{Name: name, ContentType: contentType, Size: int64(len(data)), Open: func(context.Context) (io.ReadCloser, error) {
		return struct {
			*bytes.Reader
			io.Closer
		}{bytes.NewReader(data), io.NopCloser(nil)}, nil
	}}
}

func picture() command.File {
	return file("a.gif", "image/gif", []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
}

func film() command.File {
	return file("clip.mp4", "video/mp4", append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), make([]byte, 100)...))
}

// show writes an answer as a test's golden file holds it: what people see, on any platform.
func show(a command.Answer) string {
	var b strings.Builder
	if a.NeedsConfirm {
		fmt.Fprintf(&b, "? %s", a.Question)
		if a.Agree != "" {
			fmt.Fprintf(&b, " [%s]", a.Agree)
		}
		b.WriteString("\n")
	}
	if a.Problem != nil {
		fmt.Fprintf(&b, "! %s\n", sentence(a.Problem))
	}
	if a.Reply.Text != "" {
		fmt.Fprintf(&b, "> %s\n", a.Reply.Text)
	}
	for i, m := range a.Reply.Messages {
		if i == 3 && len(a.Reply.Messages) > 4 {
			fmt.Fprintf(&b, "… %d cards more\n", len(a.Reply.Messages)-i)
			break
		}
		showMessage(&b, m)
	}
	if a.Reply.More != nil {
		fmt.Fprintf(&b, "[More] %v\n", a.Reply.More)
	}
	if u := a.Reply.Undo; u != nil {
		fmt.Fprintf(&b, "undo: %s\n", button(*u))
	}
	if a.Reply.Job != "" {
		fmt.Fprintf(&b, "follows: %s\n", a.Reply.Job)
	}
	return b.String()
}

func showMessage(b *strings.Builder, m bridge.Message) {
	fmt.Fprintf(b, "┌ %s", m.Event)
	if m.Author != nil {
		fmt.Fprintf(b, " · %s (@%s)", m.Author.Name, m.Author.Handle)
	}
	for _, s := range m.Headline {
		fmt.Fprintf(b, " %s", strings.TrimSpace(s.Text))
	}
	b.WriteString("\n")
	put := func(label, text string) {
		if text != "" {
			fmt.Fprintf(b, "│ %s%s\n", label, strings.ReplaceAll(text, "\n", "\n│ "))
		}
	}
	put("# ", m.Title)
	put("", m.Text)
	for _, q := range m.Quotes {
		put("» "+q.Label+": ", q.Text)
	}
	for _, f := range m.Fields {
		put(f.Name+": ", f.Value)
	}
	for _, s := range m.Steps {
		put("step ", fmt.Sprintf("%s %d", s.Name, s.State))
	}
	for _, x := range m.Media {
		put("media ", x.URL)
	}
	put("", m.Footnote)
	put("link ", m.Link)
	put("thread ", m.ThreadKey)
	put("update ", m.UpdateKey)
	var row []string
	for _, a := range m.Actions {
		row = append(row, button(a))
	}
	put("", strings.Join(row, " "))
	b.WriteString("└\n")
}

func button(a bridge.Action) string {
	out := "[" + a.Label
	if a.URL != "" {
		return out + " ↗]"
	}
	parts := []string{out, "→", a.Command}
	for _, k := range slices.Sorted(maps.Keys(a.Args)) {
		parts = append(parts, k+":"+a.Args[k])
	}
	return strings.Join(parts, " ") + "]"
}

// sentence is a problem as a person reads it: the words, then the buttons.
func sentence(p *command.Problem) string {
	out := p.Error()
	for _, b := range p.Buttons {
		if !strings.Contains(out, "["+b.Label+"]") {
			out += " [" + b.Label + "]"
		}
	}
	return out
}

var (
	ids   = regexp.MustCompile(`\bcm[a-z0-9]{20,}\b`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)?|\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December) \d{4}`)
)

// steady takes out what differs from run to run.
func steady(s string) []byte {
	n := map[string]string{}
	s = ids.ReplaceAllStringFunc(s, func(id string) string {
		if n[id] == "" {
			n[id] = fmt.Sprintf("ID%d", len(n)+1)
		}
		return n[id]
	})
	return []byte(times.ReplaceAllString(s, "TIME"))
}

func sortedNames(values map[string]any) []string { return slices.Sorted(maps.Keys(values)) }
