package bus

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

// pausing is a platform that asks for one pause, longer than a process may be silent
// before another takes its lanes over.
type pausing struct {
	pause time.Duration
	held  bool // it goes on asking for it until lift

	mu    sync.Mutex // guards all below
	until time.Time
	shown []string // events, in order
	by    []string // the process that sent each
	asked atomic.Bool
}

func (p *pausing) from(process string) bridge.Sink { return &sender{p, process} }

type sender struct {
	to      *pausing
	process string
}

// Send implements bridge.Sink.
func (s *sender) Send(_ context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	p := s.to
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until.IsZero() {
		p.until = time.Now().Add(p.pause)
		p.asked.Store(true)
	}
	left := time.Until(p.until)
	if p.held {
		left = p.pause
	}
	if left > 0 {
		return bridge.Receipt{}, &bridge.SendError{Verdict: bridge.Retry, Paced: true, After: left}
	}
	p.shown, p.by = append(p.shown, d.Event.ID), append(p.by, s.process)
	return bridge.Receipt{Channel: "c", Message: d.Event.ID}, nil
}

// lift ends what is held, a pause later.
func (p *pausing) lift() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held, p.until = false, time.Now().Add(p.pause)
}

func (p *pausing) sent() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.shown...)
}

// senders notes which processes sent something.
func (p *pausing) senders() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]bool{}
	for _, name := range p.by {
		out[name] = true
	}
	return out
}

// delivering has a process deliver both lanes; at notes who works on which.
func delivering(t *testing.T, b *Bus, process string, platforms map[string]*pausing, at *board) {
	t.Helper()
	at.mu.Lock()
	if at.at == nil {
		at.at = map[string]string{}
	}
	at.mu.Unlock()
	hold(t, b, "lane", []string{"discord", "slack"}, func(ctx context.Context, name string) error {
		l, err := b.Lane(context.WithoutCancel(ctx), LaneSpec{Subscription: name, Start: "all"})
		if err != nil {
			return err
		}
		at.mu.Lock()
		at.at[name] = process
		at.mu.Unlock()
		w := bridge.NewWorker(bridge.WorkerOptions{
			Subscription: bridge.Subscription{Name: name, Events: []string{"*"}, To: bridge.ParseDestination(name + ":1")}, Lane: l, Ledger: b,
			Sink: platforms[name].from(process),
		})
		return w.Run(ctx)
	})
}

// crowdOf stores 20 events and gives their ids.
func crowdOf(t *testing.T, b *Bus) []string {
	t.Helper()
	var out []string
	for i := range 20 {
		out = append(out, fmt.Sprintf("ntf_%d", i+1))
	}
	commit(t, b, "nova", out...)
	return out
}

// TestF67_APauseLongerThanTheClaimIsNoHandover: the process beats on while its
// workers wait for what the platforms asked, so that its lanes stay its own.
func TestF67_APauseLongerThanTheClaimIsNoHandover(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	run(t, a)
	b := second(t, a)
	run(t, b)
	var beats atomic.Int32
	sub, err := a.nc.Subscribe(memberSubject("*"), func(*nats.Msg) { beats.Add(1) })
	require.NoError(t, err)
	defer func() { require.NoError(t, sub.Unsubscribe()) }()
	pause := load.Pick(t, memberTTL+2*beatEvery, 65*time.Second)
	platforms := map[string]*pausing{"discord": {pause: pause}, "slack": {pause: pause}}
	all := crowdOf(t, a)
	at := &board{}
	delivering(t, a, "a", platforms, at)
	delivering(t, b, "b", platforms, at)
	for _, p := range platforms {
		require.Eventually(t, p.asked.Load, soon, step)
	}
	before := beats.Load()
	for name, p := range platforms {
		require.Eventually(t, func() bool { return len(p.sent()) >= len(all) }, 2*soon+pause, step, name)
		require.Equal(t, all, p.sent(), "each once, in order")
	}
	require.Greater(t, beats.Load()-before, int32(pause/beatEvery/2), "the claims were renewed in between")
}

// TestF67_WhoLosesNATSInThePauseSendsNothing: it stops before another may take over.
func TestF67_WhoLosesNATSInThePauseSendsNothing(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	run(t, a)
	b := second(t, a)
	run(t, b)
	pause := load.Pick(t, memberTTL+4*beatEvery, 65*time.Second)
	platforms := map[string]*pausing{"discord": {pause: pause, held: true}, "slack": {pause: pause, held: true}}
	all := crowdOf(t, a)
	at := &board{}
	delivering(t, b, "b", platforms, at)
	for _, p := range platforms {
		require.Eventually(t, p.asked.Load, soon, step)
	}
	b.nc.Close() // no word of farewell
	for _, p := range platforms {
		p.lift()
	}
	delivering(t, a, "a", platforms, at)
	for name, p := range platforms {
		require.Eventually(t, func() bool { return len(p.sent()) >= len(all) }, 2*soon+pause, step, name)
		require.Equal(t, all, p.sent(), "each once, in order")
	}
	for name, p := range platforms {
		require.NotContains(t, p.senders(), "b", name+": it has no claim any more")
	}
}
