package slack

import (
	"context"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// hands does commands in a test: each once by its id, as command.Runner does.
type hands struct {
	mu     sync.Mutex
	asked  []command.Request
	done   map[string]command.Answer
	answer func(command.Request) command.Answer
	ledger map[string]bool
	kept   []command.Request // as Accept got them
	refuse error             // of Accept
	slow   time.Duration     // of Accept
}

func newHands(answer func(command.Request) command.Answer) *hands {
	return &hands{done: map[string]command.Answer{}, ledger: map[string]bool{}, answer: answer}
}

func (h *hands) do(_ context.Context, q command.Request) command.Answer {
	h.mu.Lock()
	if a, ok := h.done[q.ID]; ok && q.ID != "" {
		h.mu.Unlock()
		a.Repeat = true
		return a
	}
	h.asked = append(h.asked, q)
	h.mu.Unlock()
	a := h.answer(q)
	if a.Group == "" {
		a.Agent, a.Group, a.Verb = q.Agent, q.Group, q.Verb
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done[q.ID] = a
	return a
}

func (h *hands) accept(ctx context.Context, q command.Request) error {
	h.mu.Lock()
	refuse, slow := h.refuse, h.slow
	h.mu.Unlock()
	if slow > 0 && !sleep(ctx, slow) {
		return ctx.Err()
	}
	if refuse == nil {
		h.mu.Lock()
		h.ledger[q.ID], h.kept = true, append(h.kept, q)
		h.mu.Unlock()
	}
	return refuse
}

// recorded are the requests that were recorded before their acknowledgement.
func (h *hands) recorded() []command.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.kept)
}

// effects are the commands that were really done, without reading ones.
func (h *hands) effects() []command.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []command.Request
	for _, q := range h.asked {
		if q.ID != "" {
			out = append(out, q)
		}
	}
	return out
}

// fine answers everything with a sentence.
func fine(q command.Request) command.Answer {
	return command.Answer{OK: true, Reply: command.Reply{Text: "Did " + q.Group + " " + q.Verb + "."}}
}

// doors is a world whose sink takes commands, over one of the two doors.
type doors struct {
	*world
	hands *hands
	ann   string
	notes *ownNotes

	deliver fakeslack.Deliver
}

var botScopes = append([]string{"app_mentions:read", "links:read", "links:write", "files:read", "reactions:write"}, allScopes...)

const signingSecret = "the signing secret of the test"

// open starts a sink behind the named door, "http" or "socket".
func openDoor(t *testing.T, door string, answer func(command.Request) command.Answer, change func(*Options), tune ...func(*Sink)) *doors {
	t.Helper()
	w := &world{T: t}
	w.open(settings{scopes: botScopes, fake: fakeslack.Options{SigningSecret: signingSecret, Deliver: quickDeliveries, Limits: fakeslack.Limits{Off: true, TriggerLife: patience}}})
	d := &doors{world: w, hands: newHands(answer), notes: &ownNotes{of: newMemory[[]byte](1000)}}
	d.ann = w.team.AddUser("ann")
	t.Cleanup(w.fake.Close)
	w.log, w.counts = &lines{}, &tally{of: map[string]int{}}
	d.sink = d.newSink(door, change)
	for _, f := range tune {
		f(d.sink)
	}
	if door == "http" {
		d.serve(d.sink)
		return d
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.sink.Run(ctx) }()
	t.Cleanup(func() {
		require.NoError(t, d.sink.Drain(context.WithoutCancel(t.Context())))
		cancel()
		require.NoError(t, <-ended)
	})
	d.until(func() bool { return d.sink.sockets.Load() == 2 })
	return d
}

// serve makes a sink the target of the fake's requests.
func (d *doors) serve(s *Sink) {
	server := httptest.NewServer(s.Handler())
	d.Cleanup(func() {
		require.NoError(d, s.Drain(context.WithoutCancel(d.Context())))
		server.Close()
	})
	deliver := &d.deliver
	*deliver = quickDeliveries
	deliver.EventsURL, deliver.CommandsURL, deliver.InteractionsURL = server.URL+"/slack/events", server.URL+"/slack/commands", server.URL+"/slack/interactions"
	d.fake.SetDeliver(*deliver)
}

func (d *doors) newSink(door string, change func(*Options)) *Sink {
	d.Helper()
	o := Options{
		BotToken: d.team.BotToken, APIURL: d.fake.URL(), Version: "test", Log: testLog(d.log), Count: d.counts.add,
		Commands: d.hands.do, Accept: d.hands.accept, Notes: d.notes,
		Agents: func(team string) []string {
			if team != d.team.ID {
				return nil
			}
			return []string{"orbit_bot"}
		},
		Manages:       func(_, user string) bool { return user == d.ann },
		SigningSecret: func() string { return signingSecret },
	}
	if door == "socket" {
		o.AppToken = d.fake.AppToken
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	require.NoError(d, err)
	s.links = testLinks
	return s
}

// impatient makes Slack give up a delivery after three seconds, as it does, and
// try it again for a good while.
func (d *doors) impatient() {
	deliver := losingDeliveries()
	deliver.AckWithin = 3 * time.Second
	deliver.EventsURL, deliver.CommandsURL, deliver.InteractionsURL = d.deliver.EventsURL, d.deliver.CommandsURL, d.deliver.InteractionsURL
	d.fake.SetDeliver(deliver)
}

// seen waits for the nth message of a channel that ann sees, from 0, and gives it.
func (d *doors) seen(channel string, n int) fakeslack.Message {
	d.Helper()
	d.until(func() bool { return len(d.fake.Messages(channel)) > n })
	return d.fake.Messages(channel)[n]
}

// last waits for n messages and gives the last.
func (d *doors) slash(line string) fakeslack.Result {
	d.Helper()
	r, err := d.fake.Slash(d.ann, d.channel, line)
	require.NoError(d, err)
	require.True(d, r.Acked)
	return r
}

// relay sends a card that has buttons and a thread.
func (d *doors) relay(actions ...bridge.Action) bridge.Receipt {
	d.Helper()
	n := d.note(1)
	n.Message.ThreadKey, n.Message.Actions = "post:p1", actions
	return d.must(n)
}

// bothDoors runs a test through each door.
func bothDoors(t *testing.T, test func(t *testing.T, door string)) {
	t.Helper()
	for _, door := range []string{"http", "socket"} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			test(t, door)
		})
	}
}
