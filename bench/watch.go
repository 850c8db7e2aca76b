package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/events/subscribe"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// actor is the cast member that does things to the agent.
const actor = "nova_ai"

// The states that reads are counted in, in the order of a run.
const (
	active = "active"
	busy   = "active, generation running"
	quiet  = "quiet"
)

var states = []string{active, busy, quiet}

// The places where happenings become visible.
const (
	atDiscord = "Discord"
	atSlack   = "Slack"
	atWebhook = "webhook"
	atNATS    = "NATS"
)

var places = []string{atDiscord, atSlack, atWebhook, atNATS}

// kind is a sort of happening, made by the emulator's deed.
type kind struct {
	name, deed  string
	least, most time.Duration // between two of them
	steady      bool          // often enough to hold its source at the floor of ten seconds
}

// kinds are what happens side by side: mentions as often as the plan says, and
// now and then a direct message, which a source of its own watches.
func (p plan) kinds() []kind {
	return []kind{
		{name: mentions, deed: "post", least: p.least, most: p.most, steady: true},
		{name: messages, deed: "dm", least: 15 * time.Second, most: 30 * time.Second},
	}
}

const (
	mentions = "mention"
	messages = "sparse direct message"
	wakeUps  = "first mention after quiet"
)

// happening is one thing that happened, found again by its mark.
type happening struct {
	kind string
	at   time.Time // createdAt at the API
}

// spending is what watching cost in one state.
type spending struct {
	average float64 // reads a minute
	worst   int     // reads in the worst minute
}

// watch is one bridge in a world of its own, and what was seen of it.
type watch struct {
	happened   map[string]happening
	seen       map[string]arrivals // by place
	spent      map[string]spending // by state
	idleCPU    float64             // per cent of a core
	resident   float64             // MiB at the end
	violations int
}

func newWatch() *watch {
	return &watch{happened: map[string]happening{}, seen: map[string]arrivals{}, spent: map[string]spending{}}
}

func (o *watch) run(ctx context.Context, p plan, dir string) (err error) {
	w, err := newWorld(ctx, dir, false)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.configure(everywhere); err != nil {
		return err
	}
	c, err := w.start(p)
	if err != nil {
		return err
	}
	defer c.end(&err)
	if _, err := c.untilReady(ctx); err != nil {
		return err
	}
	listening, stop := context.WithCancel(ctx)
	defer stop()
	nats := newReceiver()
	defer nats.server.Close()
	group, listening := errgroup.WithContext(listening)
	group.Go(func() error { return w.listen(listening, nats) })
	group.Go(func() error {
		defer stop()
		return o.live(listening, p, w, c, nats)
	})
	return group.Wait()
}

// listen follows the events over NATS as any other program would.
func (w *world) listen(ctx context.Context, r *receiver) error {
	o, err := subscribe.ReadFile(filepath.Join(w.data(), "nats", "subscriber.creds.json"))
	if err != nil {
		return err
	}
	return subscribe.Run(ctx, o, func(_ context.Context, e events.Event) error {
		at := time.Now()
		b, err := json.Marshal(e)
		r.take(b, at)
		return err
	})
}

// live goes through the states and then collects what was seen.
func (o *watch) live(ctx context.Context, p plan, w *world, c *child, nats *receiver) error {
	if err := o.during(w, active, func() error { return o.act(ctx, p, w, p.active) }); err != nil {
		return err
	}
	if err := o.during(w, busy, func() error { return o.actWhileGenerating(ctx, p, w) }); err != nil {
		return err
	}
	if err := o.seenAll(ctx, w, nats); err != nil {
		return err
	}
	if err := o.during(w, quiet, func() error { return o.idle(ctx, p, c) }); err != nil {
		return err
	}
	if err := o.happen(w, kind{name: wakeUps, deed: "post"}); err != nil {
		return err
	}
	if err := o.seenAll(ctx, w, nats); err != nil {
		return err
	}
	if err := o.collect(w, nats); err != nil {
		return err
	}
	u, err := c.usage()
	o.resident, o.violations = u.resident, w.violations()
	return err
}

// during counts the reads that a state costs.
func (o *watch) during(w *world, state string, live func() error) error {
	from := w.sandbox.Clock().Now()
	err := live()
	o.spent[state] = w.reads(from, w.sandbox.Clock().Now())
	return err
}

// reads counts the agent's reads between two instants.
func (w *world) reads(from, to time.Time) spending {
	var at []time.Time
	for _, e := range w.sandbox.Journal() {
		if e.Class == sandbox.ClassRead && e.At.After(from) && !e.At.After(to) {
			at = append(at, e.At)
		}
	}
	s := spending{average: float64(len(at)) / to.Sub(from).Minutes()}
	for i, first := 0, 0; i < len(at); i++ {
		for at[i].Sub(at[first]) >= time.Minute {
			first++
		}
		s.worst = max(s.worst, i-first+1)
	}
	return s
}

// idle waits while nothing happens, and reads what its last 30 s burn.
func (o *watch) idle(ctx context.Context, p plan, c *child) error {
	span := min(30*time.Second, p.quiet)
	if err := pause(ctx, p.quiet-span); err != nil {
		return err
	}
	before, err := c.usage()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := pause(ctx, span); err != nil {
		return err
	}
	after, err := c.usage()
	o.idleCPU = 100 * float64(after.cpu-before.cpu) / float64(time.Since(began))
	return err
}

// act lets things happen at random instants.
func (o *watch) act(ctx context.Context, p plan, w *world, d time.Duration) error {
	todo := p.kinds()
	due := make([]time.Time, len(todo))
	now := time.Now()
	for i, k := range todo {
		due[i] = k.next(now)
	}
	for end := now.Add(d); ; {
		i := 0
		for j := range due {
			if due[j].Before(due[i]) {
				i = j
			}
		}
		if due[i].After(end) {
			return pause(ctx, time.Until(end))
		}
		if err := pause(ctx, time.Until(due[i])); err != nil {
			return err
		}
		if err := o.happen(w, todo[i]); err != nil {
			return err
		}
		due[i] = todo[i].next(time.Now())
	}
}

func (k kind) next(now time.Time) time.Time {
	return now.Add(k.least + rand.N(k.most-k.least+1)) //nolint:gosec // instants, not secrets
}

func (o *watch) happen(w *world, k kind) error {
	m := markOf(len(o.happened))
	a := sandbox.Action{As: actor, Do: k.deed, Handle: w.agent.Handle, Content: m}
	if k.deed == "post" {
		a.Handle, a.Content = "", "@"+w.agent.Handle+" "+m
	}
	done, err := w.sandbox.Act(a)
	if err != nil {
		return fmt.Errorf("%s: %w", k.name, err)
	}
	for _, h := range done.Happened {
		if h.Agent == w.agent.Handle {
			o.happened[m] = happening{k.name, h.At}
			return nil
		}
	}
	return fmt.Errorf("%s: nothing happened to %s", k.name, w.agent.Handle)
}

// actWhileGenerating likewise, with a generation under way all the time: one
// takes a little over a minute.
func (o *watch) actWhileGenerating(ctx context.Context, p plan, w *world) error {
	for left := p.busy; left > 0; left -= time.Minute {
		_, err := w.sandbox.Act(sandbox.Action{As: w.agent.Handle, Do: "generate", Prompt: "a ring station, sandbox:slow"})
		if err != nil {
			return fmt.Errorf("generation: %w", err)
		}
		if err := o.act(ctx, p, w, min(left, time.Minute)); err != nil {
			return err
		}
	}
	return nil
}

// seenAll waits until everything that happened is seen everywhere, in vain where
// something got lost.
func (o *watch) seenAll(ctx context.Context, w *world, nats *receiver) error {
	n := len(o.happened)
	missing := until(ctx, 75*time.Second, 200*time.Millisecond, "seen everywhere", func() bool {
		at, err := w.atDiscord()
		return err == nil && len(at.first) >= n && len(w.atSlack().first) >= n && w.hook.distinct() >= n && nats.distinct() >= n
	})
	if ctx.Err() != nil {
		return missing
	}
	return nil
}

func (o *watch) collect(w *world, nats *receiver) error {
	discord, err := w.atDiscord()
	o.seen[atDiscord], o.seen[atSlack], o.seen[atWebhook], o.seen[atNATS] = discord, w.atSlack(), w.hook.arrivals(), nats.arrivals()
	return err
}

// delays are the times from happening to seen, of one kind in one place.
func (o *watch) delays(kind, place string) (out []time.Duration) {
	for m, at := range o.seen[place].first {
		if h := o.happened[m]; h.kind == kind {
			out = append(out, at.Sub(h.at))
		}
	}
	return out
}
