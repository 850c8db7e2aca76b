package slack

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// whole is the door with the real table of commands behind it, and behind that the
// emulated API.
type whole struct {
	*doors
	box *sandbox.Sandbox
	me  string

	mu    sync.Mutex
	audit []command.Entry
}

func openWhole(t *testing.T, door string, lists command.Lists) *whole {
	t.Helper()
	return openWholeBy(t, door, func() command.Lists { return lists })
}

// openWholeBy is openWhole with rights that change.
func openWholeBy(t *testing.T, door string, lists func() command.Lists) *whole {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{Seed: 1, RateLimitOff: true})
	require.NoError(t, err)
	one := box.Agents()[0]
	api, err := imagine.New(imagine.Options{BaseURL: box.BaseURL(), ClientID: one.ClientID, ClientSecret: func() string { return one.ClientSecret }, HTTPClient: box.Client()})
	require.NoError(t, err)
	w := &whole{box: box, me: one.Handle}
	records := &book{of: map[string]command.Record{}}
	runner := command.NewRunner(command.RunnerOptions{
		Agents: func() map[string]*imagine.Client { return map[string]*imagine.Client{one.Handle: api} },
		Access: func(command.Principal, string) command.Lists { return lists() }, Records: records, Owner: "one",
		Audit: func(_ context.Context, e command.Entry) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.audit = append(w.audit, e)
		},
	})
	w.doors = openDoor(t, door, fine, func(o *Options) {
		o.Commands, o.Accept = runner.Do, runner.Accept
		o.Agents = func(string) []string { return []string{one.Handle} }
	})
	return w
}

// book is a ledger in memory.
type book struct {
	mu  sync.Mutex
	of  map[string]command.Record
	rev uint64
}

func (b *book) Create(_ context.Context, r command.Record) (command.Record, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, ok := b.of[r.ID]; ok {
		return old, false, nil
	}
	b.rev++
	r.Rev = b.rev
	b.of[r.ID] = r
	return r, true, nil
}

func (b *book) Update(_ context.Context, r command.Record) (command.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of[r.ID].Rev != r.Rev {
		return command.Record{}, command.ErrMoved
	}
	b.rev++
	r.Rev = b.rev
	b.of[r.ID] = r
	return r, nil
}

func (b *book) Open(context.Context) ([]command.Record, error) { return nil, nil }

func (w *whole) outcomes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, e := range w.audit {
		out = append(out, e.Outcome+" "+e.Group+" "+e.Verb+" "+cmp.Or(e.Status, "-"))
	}
	return out
}

// posts of the agent that say this.
func (w *whole) posts(text string) int {
	n := 0
	for _, p := range w.box.State().Posts {
		if p.Content == text {
			n++
		}
	}
	return n
}

// A day at the channel, through both doors, down to the API.
func TestTheWholeWayFromALineToThePost(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		w := openWhole(t, door, command.Lists{})
		w.slash("/ia post Docking &amp; ring done")
		w.until(func() bool { return w.posts("Docking &amp; ring done") == 1 }) // typed so: what a person types arrives as typed
		require.Contains(t, w.seen(w.channel, 0).Text, "posted")

		// B31: too long, the text is kept, mended in the form.
		long := strings.Repeat("word ", 100) + "x"
		w.slash("/ia post " + long)
		m := w.seen(w.channel, 1)
		require.Contains(t, m.Text, "That is 501 characters; a post holds 500.")
		require.Equal(t, w.ann, m.Ephemeral)
		_, err := w.fake.Click(w.ann, w.channel, m.TS, "Edit")
		require.NoError(t, err)
		w.until(func() bool { return w.fake.Form(w.ann) != "" })
		r, err := w.fake.SubmitForm(w.ann, nil)
		require.NoError(t, err)
		require.Contains(t, r.Errors["text"], "501")
		_, err = w.fake.SubmitForm(w.ann, map[string][]string{"text": {long[:499]}})
		require.NoError(t, err)
		w.until(func() bool { return strings.Contains(w.fake.Form(w.ann), "== Done ==") })
		require.Equal(t, 1, w.posts(strings.TrimSpace(long[:499])))
		w.clean()
	})
}

// S36, B38, B44: who may not is told whom to ask, and cards of agents that are gone
// say so; nothing reaches the API, everything the audit.
func TestS36_RightsAreDecidedWhenItRuns(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		w := openWhole(t, door, command.Lists{Write: []string{"slack:user:U0NOBODY"}, Admin: []string{"slack:user:U0NOBODY"}})
		w.slash("/ia post hello")
		require.Contains(t, w.seen(w.channel, 0).Text, "You can look, but not act for "+w.me+" here.")
		n := w.note(1)
		n.Message.Agent = "rival_bot"
		n.Message.Actions = []bridge.Action{{Label: "Like", Command: "post like", Args: map[string]string{"post": "p1"}}}
		card := w.must(n)
		_, err := w.fake.Click(w.ann, w.channel, card.Message, "Like")
		require.NoError(t, err)
		require.Contains(t, w.seen(w.channel, 2).Text, "This card belongs to rival_bot, which is no longer connected here.")
		require.Equal(t, []string{"refused post create forbidden", "refused post like unknown_agent"}, w.outcomes())
		require.Zero(t, w.posts("hello"))
		w.clean()
	})
}

// What can't be undone asks, and the yes is one click.
func TestDeletingAsksFirst(t *testing.T) {
	t.Parallel()
	w := openWhole(t, "http", command.Lists{})
	w.slash("/ia post to be deleted")
	w.until(func() bool { return w.posts("to be deleted") == 1 })
	id := ""
	for _, p := range w.box.State().Posts {
		if p.Content == "to be deleted" {
			id = p.ID
		}
	}
	w.seen(w.channel, 0)
	w.slash("/ia post delete " + id)
	m := w.seen(w.channel, 1)
	require.Contains(t, m.Text, "Delete this post? That can't be undone.")
	_, err := w.fake.Click(w.ann, w.channel, m.TS, "Yes")
	require.NoError(t, err)
	w.until(func() bool { return strings.Contains(w.fake.Screen(w.channel), "The post is deleted.") })
	require.Zero(t, w.posts("to be deleted"))
	w.clean()
}

// F35: everything is slow, and everybody is answered in time.
func TestF35_SlowRecordsDelayNoAcknowledgement(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, func(q command.Request) command.Answer {
			a := fine(q)
			a.Private = true
			return a
		}, nil)
		d.hands.slow = time.Second
		var wg sync.WaitGroup
		took := make([]time.Duration, 100)
		for i := range took {
			wg.Go(func() {
				if r, err := d.fake.Slash(d.ann, d.channel, "/ia stats"); err == nil && r.Acked {
					took[i] = r.Took
				}
			})
		}
		wg.Wait()
		for _, t0 := range took {
			require.NotZero(t, t0)
			require.Less(t, t0, patience, "one after the other takes a hundred seconds")
		}
		d.until(func() bool { return len(d.shown()) == len(took) })
	})
}
