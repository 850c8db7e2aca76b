package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// Hold does the work for each of the names that this process owns, sharing them
// with the other processes that hold the same kind: each name is worked on by one
// at a time. The work's ctx ends when the name goes to another process; it then
// finishes what it has in hand and returns. Where another process may begin at once
// the cause of ctx is bridge.ErrFenced. Work that fails or panics starts again after 1 s to 60 s; work that
// returns nil is done. Hold needs Run, and returns nil once ctx has ended and all
// work with it. Kinds are short: "agent", "lane", "gateway"; a process holds a
// kind once.
func (b *Bus) Hold(ctx context.Context, kind string, names []string, work func(ctx context.Context, name string) error) error {
	fixed := make(chan []string, 1)
	fixed <- names
	return b.HoldChanging(ctx, kind, fixed, work)
}

// HoldChanging is Hold for names that come and go: each list received replaces
// the one before. Closing the channel keeps the last one.
func (b *Bus) HoldChanging(ctx context.Context, kind string, names <-chan []string, work func(ctx context.Context, name string) error) error {
	if token, err := events.Token(kind); err != nil || token != kind {
		return fmt.Errorf("hold %q: a kind is one lower-case word", kind)
	}
	h := &holder{bus: b, kind: kind, work: work, shards: map[int]*shard{}, wake: make(chan struct{}, 1)}
	if err := b.members.join(h); err != nil {
		return err
	}
	defer b.members.part(h)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			h.finish(context.WithoutCancel(ctx))
			return nil
		case list, more := <-names:
			if !more {
				names = nil // the last list stays
				continue
			}
			h.set(list)
		case <-h.wake:
		case <-tick.C:
		}
		h.turn(ctx)
	}
}

func (m *members) join(h *holder) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holders[h.kind] != nil {
		return fmt.Errorf("hold %s: this process holds it already", h.kind)
	}
	m.holders[h.kind] = h
	return nil
}

func (m *members) part(h *holder) {
	m.mu.Lock()
	delete(m.holders, h.kind)
	m.mu.Unlock()
	select {
	case m.empty <- struct{}{}:
	default:
	}
}

// holder is one kind of thing that this process works on.
type holder struct {
	bus     *Bus
	kind    string
	work    func(ctx context.Context, name string) error
	shards  map[int]*shard
	offered shardSet // guarded by members.mu
	wake    chan struct{}
	running sync.WaitGroup
	working atomic.Int64 // how many names are worked on
}

// shard is a part of the names.
type shard struct {
	names map[string]bool
	epoch uint64 // under which this process holds it, 0 for not
	runs  map[string]*job
}

// job is the work for one name.
type job struct {
	cancel  context.CancelCauseFunc
	stopped bool // cancelled by its holder; work that returns nil by itself is not
	done    chan struct{}
}

func (j *job) stop(why error) {
	j.stopped = true
	j.cancel(why)
}

func (j *job) ended() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

func (h *holder) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// set replaces the names, and lets the others know at once where some are.
func (h *holder) set(names []string) {
	for _, s := range h.shards {
		clear(s.names)
	}
	var offered shardSet
	for _, name := range names {
		n := shardOf(name)
		if h.shards[n] == nil {
			h.shards[n] = &shard{names: map[string]bool{}, runs: map[string]*job{}}
		}
		h.shards[n].names[name] = true
		offered.add(n)
	}
	m := h.bus.members
	m.mu.Lock()
	h.offered = offered
	m.mu.Unlock()
	select {
	case m.beatNow <- struct{}{}:
	default:
	}
}

// turn looks at every shard once and does what is to be done.
func (h *holder) turn(ctx context.Context) {
	plans := h.plans(time.Now())
	soon, cancel := context.WithTimeout(ctx, time.Second) // what is not written comes again
	defer cancel()
	var writes errgroup.Group
	writes.SetLimit(16)
	for n, p := range plans {
		s := h.shards[n]
		switch p.move {
		case halt:
			s.epoch = 0
			s.stop(bridge.ErrFenced)
		case giveUp:
			if s.epoch = 0; s.stop(nil) {
				writes.Go(func() error { h.giveBack(soon, n, p.was); return nil })
			}
		case take:
			if s.stop(nil) { // work of an earlier time has ended
				writes.Go(func() error { h.claim(soon, n, s, p.was); return nil })
			}
		case stay, standBy:
		}
	}
	_ = writes.Wait() // each tells for itself
	for n, s := range h.shards {
		if s.epoch > 0 {
			h.staff(ctx, s)
		}
		if len(s.names) == 0 && len(s.runs) == 0 && plans[n].move == standBy {
			delete(h.shards, n)
		}
	}
}

// plan is what to do about a shard, and the claim that this was decided on: the
// write must replace that one and no later one.
type plan struct {
	move move
	was  claim
}

func (h *holder) plans(now time.Time) map[int]plan {
	m := h.bus.members
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.view(now)
	out := make(map[int]plan, len(h.shards))
	for n, s := range h.shards {
		out[n] = plan{move: v.decide(h.kind, n, s.epoch, len(s.names) > 0), was: v.holding[shardKey(h.kind, n)]}
	}
	return out
}

// stop ends the shard's work and reports whether all of it has ended.
func (s *shard) stop(why error) bool {
	for name, j := range s.runs {
		j.stop(why)
		if j.ended() {
			delete(s.runs, name)
		}
	}
	return len(s.runs) == 0
}

// staff starts the work that is missing and ends what is not wanted any more.
func (h *holder) staff(ctx context.Context, s *shard) {
	for name, j := range s.runs {
		if !s.names[name] {
			j.stop(nil)
		}
		if j.stopped && j.ended() {
			delete(s.runs, name)
		}
	}
	for name := range s.names {
		if s.runs[name] != nil {
			continue
		}
		ctx, cancel := context.WithCancelCause(ctx)
		j := &job{cancel: cancel, done: make(chan struct{})}
		s.runs[name] = j
		h.running.Go(func() {
			defer h.signal()
			defer close(j.done)
			defer cancel(nil)
			h.working.Add(1)
			defer h.working.Add(-1)
			h.keepWorking(ctx, name)
		})
	}
}

// keepWorking does the work again and again until it returns nil or ctx ends.
func (h *holder) keepWorking(ctx context.Context, name string) {
	pause := time.Second
	for {
		begun := time.Now()
		err := h.try(ctx, name)
		if err == nil || ctx.Err() != nil {
			return
		}
		if time.Since(begun) > time.Minute {
			pause = time.Second
		}
		h.bus.log.Warn("work failed and starts again", "kind", h.kind, "name", name, "err", err, "retry_in", pause)
		if !wait(ctx, pause) {
			return
		}
		pause = min(2*pause, time.Minute)
	}
}

// try turns a panic into an error. The panic's value may quote anything, so only
// the runtime's own words are told.
func (h *holder) try(ctx context.Context, name string) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case runtime.Error:
			err = errors.New("panic: " + p.Error())
			h.bus.log.Error("work panicked", "kind", h.kind, "name", name, "err", err, "stack", string(debug.Stack()))
		default:
			err = fmt.Errorf("panic with a %T", p)
			h.bus.log.Error("work panicked", "kind", h.kind, "name", name, "err", err, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithCancel(ctx) // what the work left behind ends with it
	defer cancel()
	return h.work(ctx, name)
}

// claim writes the shard down as this process's, over the claim it knows.
func (h *holder) claim(ctx context.Context, n int, s *shard, was claim) {
	if h.write(ctx, n, claim{Owner: h.bus.me, Epoch: was.Epoch + 1, revision: was.revision}) {
		s.epoch = was.Epoch + 1
		h.bus.log.Debug("took a shard", "kind", h.kind, "shard", n, "epoch", s.epoch)
	}
}

// giveBack lets another process take the shard without waiting.
func (h *holder) giveBack(ctx context.Context, n int, was claim) {
	if was.Owner == h.bus.me {
		h.write(ctx, n, claim{Epoch: was.Epoch, revision: was.revision})
	}
}

func (m *members) claimOf(key string) claim {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.claims[key]
}

func (h *holder) write(ctx context.Context, n int, c claim) bool {
	data, err := json.Marshal(c)
	if err != nil || !h.bus.nc.IsConnected() {
		return false
	}
	ctx, done := h.bus.untilCut(ctx)
	defer done()
	key := shardKey(h.kind, n)
	ack, err := h.bus.js.PublishMsg(ctx, &nats.Msg{Subject: "$KV." + bucketShards + "." + key, Data: data, Header: nats.Header{
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(c.revision, 10)},
	}})
	if err != nil { // another was faster, or no answer came: the watch will tell
		h.bus.log.Debug("shard was not written", "kind", h.kind, "shard", n, "err", h.bus.explain("write shard", err))
		return false
	}
	c.revision = ack.Sequence
	h.bus.members.claimed(key, c)
	return true
}

// finish ends all work and gives everything back.
func (h *holder) finish(ctx context.Context) {
	for _, s := range h.shards {
		s.stop(nil)
	}
	h.running.Wait()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var writes errgroup.Group
	writes.SetLimit(16)
	for n := range h.shards {
		writes.Go(func() error {
			h.giveBack(ctx, n, h.bus.members.claimOf(shardKey(h.kind, n)))
			return nil
		})
	}
	_ = writes.Wait() // each tells for itself
}
