package poller_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

// journal keeps events and cursors in memory under the rules of the real one: a
// stale revision is refused, and so is a batch with an id that was stored.
type journal struct {
	mu       sync.Mutex
	cursors  map[string][]byte
	revs     map[string]uint64
	events   []events.Event
	ids      map[string]bool
	refused  []string
	tolerant bool                                    // leaves out what is stored already, as the real one does
	fail     func(commits int) (before, after error) // fails a commit before or after it was stored
	commits  int
	at       map[string]time.Time // when each event was stored
}

func newJournal() *journal {
	return &journal{cursors: map[string][]byte{}, revs: map[string]uint64{}, ids: map[string]bool{}, at: map[string]time.Time{}}
}

func (j *journal) Load(_ context.Context, agent, source string) ([]byte, uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.cursors[agent+"/"+source], j.revs[agent+"/"+source], nil
}

func (j *journal) Commit(_ context.Context, agent, source string, evs []events.Event, cursor []byte, revision uint64) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	key := agent + "/" + source
	j.commits++
	var before, after error
	if j.fail != nil {
		before, after = j.fail(j.commits)
	}
	switch {
	case before != nil:
		return 0, before
	case revision != j.revs[key]:
		return 0, errors.New("fenced")
	}
	if j.tolerant {
		evs = slices.DeleteFunc(slices.Clone(evs), func(e events.Event) bool { return j.ids[e.ID] })
	}
	for _, e := range evs {
		if j.ids[e.ID] {
			j.refused = append(j.refused, e.ID)
			return 0, errors.New("duplicate id " + e.ID)
		}
	}
	for _, e := range evs {
		if err := fits(e); err != nil {
			panic(err) // the poller must never emit what its own schema refuses
		}
		j.ids[e.ID], j.at[e.ID] = true, time.Now()
	}
	j.events = append(j.events, evs...)
	j.cursors[key] = cursor
	j.revs[key]++
	return j.revs[key], after
}

// told returns the ids of the stored events whose id starts with a prefix.
func (j *journal) told(prefix string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := []string{}
	for _, e := range j.events {
		if strings.HasPrefix(e.ID, prefix) {
			out = append(out, e.ID)
		}
	}
	return out
}

// alone is the ownership of a single process.
type alone struct{}

func (alone) HoldChanging(ctx context.Context, _ string, names <-chan []string, work func(context.Context, string) error) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	running := map[string]context.CancelFunc{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case list := <-names:
			for name, stop := range running {
				if !slices.Contains(list, name) {
					stop()
					delete(running, name)
				}
			}
			for _, name := range list {
				if running[name] == nil {
					working, stop := context.WithCancel(ctx)
					running[name] = stop
					wg.Go(func() { _ = work(working, name) })
				}
			}
		}
	}
}

// town is a sandbox with one watched agent inside a synctest bubble.
type town struct {
	*sandbox.Sandbox
	t       *testing.T
	handle  string
	api     *imagine.Client
	journal *journal
}

// inTown runs a test in a bubble of its own time.
func inTown(t *testing.T, opt sandbox.Options, test func(*testing.T, town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := sandbox.New(opt)
		require.NoError(t, err)
		cred := s.Agents()[0]
		api, err := imagine.New(imagine.Options{
			BaseURL: s.BaseURL(), ClientID: cred.ClientID, ClientSecret: func() string { return cred.ClientSecret }, HTTPClient: s.Client(),
		})
		require.NoError(t, err)
		test(t, town{Sandbox: s, t: t, handle: cred.Handle, api: api, journal: newJournal()})
		require.Empty(t, s.Violations())
	})
}

// poll runs a poller until the returned function stops it.
func (w town) poll(change func(*poller.Options)) (p *poller.Poller, stop func()) {
	w.t.Helper()
	o := poller.Options{Agents: []poller.Agent{{Handle: w.handle, API: w.api}}, Journal: w.journal, Ownership: alone{}}
	if change != nil {
		change(&o)
	}
	p, err := poller.New(o)
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return p, func() {
		cancel()
		require.NoError(w.t, <-done)
	}
}

// act makes something happen, a millisecond after what happened before.
func (w town) act(a sandbox.Action) sandbox.Result {
	w.t.Helper()
	time.Sleep(time.Millisecond)
	r, err := w.Act(a)
	require.NoError(w.t, err)
	return r
}

// happened returns the ids of the events that the sandbox's ledger asks for.
func (w town) happened(kind string) []string {
	out := []string{}
	for _, h := range w.Happenings(w.handle) {
		switch {
		case h.Kind != kind:
		case kind == sandbox.HappenedNotification:
			out = append(out, "ntf_"+h.ID)
		case kind == sandbox.HappenedReceived:
			out = append(out, "msg_"+h.ID)
		case kind == sandbox.HappenedSent:
			out = append(out, "msg_"+h.ID+"_sent")
		}
	}
	return out
}

// requireAlike holds two lists against each other, whatever their order. They are
// sorted: looking for each of thousands among thousands takes longer than the test.
func requireAlike(t *testing.T, want, got []string, why ...any) {
	t.Helper()
	require.Equal(t, slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got)), why...)
}

// pass lets time go by.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// schemas are the compiled schemas of every kind, by its name.
var schemas = sync.OnceValue(func() map[string]*jsonschema.Schema {
	out := map[string]*jsonschema.Schema{}
	for k := range events.Kinds() {
		raw, err := k.Schema()
		if err != nil {
			panic(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			panic(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(k.SchemaID(), doc); err != nil {
			panic(err)
		}
		out[k.Name()] = c.MustCompile(k.SchemaID())
	}
	return out
})

// fits validates an event, as it is sent, against the schema it names.
func fits(e events.Event) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	var sent struct{ Data any }
	if err := json.Unmarshal(raw, &sent); err != nil {
		return err
	}
	return schemas()[e.Name()].Validate(sent.Data)
}
