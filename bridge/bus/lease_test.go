package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// guestOf opens a second bus on the server of the first, over its listener.
func second(t *testing.T, host *Bus) *Bus {
	t.Helper()
	in, err := host.Info(t.Context())
	require.NoError(t, err)
	b, err := Open(t.Context(), Options{URL: in.URL, Creds: in.AdminFile, Store: host.opts.Store, Name: "second"})
	require.NoError(t, err)
	t.Cleanup(func() { closeBus(t, b) })
	return b
}

func listening(o *Options) { o.Listen = "127.0.0.1:0" }

// board notes who works on what, and complains of two at one time.
type board struct {
	mu     sync.Mutex
	at     map[string]string // name → process
	double []string
}

func (w *board) work(process string) func(context.Context, string) error {
	return func(ctx context.Context, name string) error {
		w.mu.Lock()
		if other, busy := w.at[name]; busy {
			w.double = append(w.double, name+": "+other+" and "+process+time.Now().Format(" 05.000"))
		}
		w.at[name] = process
		w.mu.Unlock()
		<-ctx.Done()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.at, name)
		return nil
	}
}

// of is what a process works on; all is what anybody does.
func (w *board) of(process string) (mine, all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, p := range w.at {
		if p == process {
			mine = append(mine, name)
		}
	}
	return mine, slices.Sorted(maps.Keys(w.at))
}

func (w *board) clean(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(t, w.double)
}

func hold(t *testing.T, b *Bus, kind string, names []string, work func(context.Context, string) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Hold(ctx, kind, names, work) }()
	once := sync.OnceFunc(func() {
		cancel()
		require.NoError(t, receive(t, done))
	})
	t.Cleanup(once)
	return once
}

func names(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("agent_%02d", i))
	}
	return out
}

func TestTwoProcessesShareTheWorkAndTakeOver(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	run(t, a)
	w := &board{at: map[string]string{}}
	all := names(40)
	hold(t, a, "agent", all, w.work("a"))
	require.Eventually(t, func() bool { mine, _ := w.of("a"); return len(mine) == 40 }, soon, step)

	b := second(t, a)
	stopRun := run(t, b)
	stopHold := hold(t, b, "agent", all, w.work("b"))
	shared := func() bool {
		mine, every := w.of("b")
		return len(mine) > 5 && len(mine) < 35 && len(every) == 40
	}
	require.Eventually(t, shared, soon, step)
	require.Equal(t, 2, b.members.count())

	stopHold()
	require.Eventually(t, func() bool { mine, _ := w.of("a"); return len(mine) == 40 }, soon, step)
	stopRun()
	require.Eventually(t, func() bool { return a.members.count() == 1 }, soon, step)
	w.clean(t)
}

func TestP14_VanishedProcessIsReplaced(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	run(t, a)
	w := &board{at: map[string]string{}}
	b := second(t, a)
	run(t, b)
	hold(t, a, "agent", names(40), w.work("a"))
	hold(t, b, "agent", names(40), w.work("b"))
	require.Eventually(t, func() bool {
		mine, every := w.of("b")
		return len(mine) > 5 && len(mine) < 35 && len(every) == 40
	}, soon, step)

	b.nc.Close() // no word of farewell
	require.Eventually(t, func() bool { mine, _ := w.of("a"); return len(mine) == 40 }, 10*time.Second, step)
	w.clean(t) // b had stopped by itself before
}

func TestRestartedHostTakesItsOwnShardsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := &board{at: map[string]string{}}
	a, err := Open(t.Context(), Options{DataDir: dir, Listen: "off"})
	require.NoError(t, err)
	stop := run(t, a)
	stopHold := hold(t, a, "gateway", []string{"app"}, w.work("a"))
	require.Eventually(t, func() bool { mine, _ := w.of("a"); return len(mine) == 1 }, soon, step)
	a.nc.Close()
	require.NoError(t, a.host.stop(t.Context()))
	stopHold()
	stop()

	b := open(t, func(o *Options) { o.DataDir = dir })
	run(t, b)
	hold(t, b, "gateway", []string{"app"}, w.work("b"))
	require.Eventually(t, func() bool { mine, _ := w.of("b"); return len(mine) == 1 }, 4*time.Second, step)
	require.Equal(t, uint64(2), b.members.claimOf(shardKey("gateway", shardOf("app"))).Epoch)
}

func TestWhatAnotherProcessHoldsIsKnown(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	key := shardKey("agent", shardOf("nova"))
	set := func(owner string, beats int) {
		b.members.mu.Lock()
		defer b.members.mu.Unlock()
		b.members.claims[key] = claim{Owner: owner, Epoch: 1, revision: 1}
		delete(b.members.alive, owner)
		if beats > 0 {
			b.members.alive[owner] = member{beat: b.members.newest, beats: beats}
		}
	}
	require.Eventually(t, b.sees, soon, step)
	require.False(t, b.Elsewhere("agent", "nova"), "nobody does")
	set("other", 1)
	require.False(t, b.Elsewhere("agent", "nova"), "the one beat may be what is left of a process that died")
	set("other", 2)
	require.True(t, b.Elsewhere("agent", "nova"))
	require.False(t, b.Elsewhere("gateway", "nova"))
	set(b.me, 0)
	require.False(t, b.Elsewhere("agent", "nova"), "this one does")
}

// A process that can't reach the store ends its work in haste, for others may
// take it up.
func TestP14_WorkThatIsLostKnowsWhy(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	why, begun := make(chan error, 1), make(chan struct{}, 2)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.Hold(ctx, "agent", []string{"nova"}, func(ctx context.Context, _ string) error {
			begun <- struct{}{}
			<-ctx.Done()
			select {
			case why <- context.Cause(ctx):
			default:
			}
			return nil
		})
	}()
	receive(t, begun)
	key := shardKey("agent", shardOf("nova"))
	b.members.mu.Lock()
	c := b.members.claims[key]
	c.Owner, c.Epoch, c.revision = "somebody", c.Epoch+1, c.revision+1
	b.members.claims[key] = c
	b.members.wakeLocked()
	b.members.mu.Unlock()
	require.ErrorIs(t, receive(t, why), bridge.ErrFenced)
	cancel()
	require.NoError(t, receive(t, done))
}

func TestNamesComeAndGo(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	w := &board{at: map[string]string{}}
	lists := make(chan []string)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.HoldChanging(ctx, "lane", lists, w.work("b")) }()
	for _, list := range [][]string{{"one", "two"}, {"two", "three"}, {}, {"one"}} {
		lists <- list
		want := slices.Sorted(slices.Values(list))
		require.Eventually(t, func() bool { _, every := w.of("b"); return slices.Equal(want, every) }, soon, step, "%v", list)
	}
	require.ErrorContains(t, b.Hold(t.Context(), "lane", nil, nil), "holds it already")
	require.ErrorContains(t, b.Hold(t.Context(), "Not A Kind", nil, nil), "one lower-case word")
	cancel()
	require.NoError(t, receive(t, done))
	require.Empty(t, b.members.claimOf(shardKey("lane", shardOf("one"))).Owner, "given back")
	w.clean(t)
}

func TestFailedWorkStartsAgainAndPanicsStayInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := &holder{bus: &Bus{log: slog.New(slog.NewTextHandler(&log, nil))}, kind: "agent"}
		var at []time.Duration
		begun := time.Now()
		h.work = func(context.Context, string) error {
			at = append(at, time.Since(begun).Round(time.Second))
			switch len(at) {
			case 1:
				return errors.New("no luck")
			case 2:
				panic("token=abc123")
			case 3:
				_ = at[len(at)]
			case 4, 5, 6, 7, 8, 9:
				return errors.New("still no luck")
			}
			return nil
		}
		h.keepWorking(t.Context(), "nova")
		s := time.Second
		require.Equal(t, []time.Duration{0, s, 3 * s, 7 * s, 15 * s, 31 * s, 63 * s, 123 * s, 183 * s, 243 * s}, at)
		require.NotContains(t, log.String(), "abc123")
		require.Contains(t, log.String(), "index out of range")
		require.Equal(t, 2, strings.Count(log.String(), "work panicked"))
	})
}

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const kind, n = "agent", 7
	var all shardSet
	all.add(n)
	serving := func(beat time.Time) member { return member{Kinds: map[string]shardSet{kind: all}, beat: beat} }
	// Whom the shard falls to is settled by hashing: look which of two it is.
	first, other := "a", "b"
	if score("b", shardKey(kind, n)) > score("a", shardKey(kind, n)) {
		first, other = "b", "a"
	}
	both := map[string]member{first: serving(now), other: serving(now)}
	for name, tc := range map[string]struct {
		change func(*view)
		held   uint64
		idle   bool // no names in it
		want   move
	}{
		"free and mine":             {want: take},
		"not mine":                  {change: func(v *view) { v.me = other }, want: standBy},
		"nothing known yet":         {change: func(v *view) { v.ready = time.Time{} }, want: standBy},
		"cut off":                   {change: func(v *view) { v.fenced = true }, want: standBy},
		"held by the living":        {change: func(v *view) { v.holding = map[string]claim{"agent.7": {Owner: other, Epoch: 3}} }, want: standBy},
		"mine from an earlier life": {change: func(v *view) { v.holding = map[string]claim{"agent.7": {Owner: first, Epoch: 3}} }, want: take},
		"owner just gone": {change: func(v *view) {
			v.holding = map[string]claim{"agent.7": {Owner: "x"}}
			v.gone = map[string]time.Time{"x": now.Add(-grace)}
		}, want: standBy},
		"owner gone for long": {change: func(v *view) {
			v.holding = map[string]claim{"agent.7": {Owner: "x"}}
			v.gone = map[string]time.Time{"x": now.Add(-grace - 1)}
		}, want: take},
		"owner never seen":                  {change: func(v *view) { v.holding = map[string]claim{"agent.7": {Owner: "x"}} }, want: take},
		"owner never seen by a new process": {change: func(v *view) { v.holding = map[string]claim{"agent.7": {Owner: "x"}}; v.ready = now.Add(-time.Second) }, want: standBy},
		"owner's last beat is old": {change: func(v *view) {
			v.holding = map[string]claim{"agent.7": {Owner: other}}
			v.alive = map[string]member{first: serving(now), other: serving(now.Add(-staleAfter - grace - 1))}
		}, want: take},
		"clock set back": {change: func(v *view) { v.newest = now.Add(-time.Hour) }, want: take},
		"kept":           {held: 3, change: func(v *view) { v.holding = map[string]claim{"agent.7": {Owner: first, Epoch: 3}} }, want: stay},
		"lost":           {held: 3, change: func(v *view) { v.holding = map[string]claim{"agent.7": {Owner: other, Epoch: 4}} }, want: halt},
		"claimed anew":   {held: 3, change: func(v *view) { v.holding = map[string]claim{"agent.7": {Owner: first, Epoch: 5}} }, want: halt},
		"kept, cut off": {held: 3, change: func(v *view) {
			v.holding = map[string]claim{"agent.7": {Owner: first, Epoch: 3}}
			v.fenced = true
		}, want: halt},
		"kept, a better one came": {held: 3, change: func(v *view) {
			v.me = other
			v.holding = map[string]claim{"agent.7": {Owner: other, Epoch: 3}}
		}, want: giveUp},
		"kept, all look dead": {held: 3, change: func(v *view) {
			v.alive = nil
			v.holding = map[string]claim{"agent.7": {Owner: first, Epoch: 3}}
		}, want: stay},
		"kept, no names left":          {held: 3, idle: true, change: func(v *view) { v.holding = map[string]claim{"agent.7": {Owner: first, Epoch: 3}} }, want: giveUp},
		"free, no names":               {idle: true, want: standBy},
		"still mine, give-back failed": {change: func(v *view) { v.me = other; v.holding = map[string]claim{"agent.7": {Owner: other, Epoch: 3}} }, want: giveUp},
		"the other does not serve this kind": {change: func(v *view) {
			v.me = other
			v.alive = map[string]member{first: {Kinds: map[string]shardSet{"lane": all}}, other: serving(now)}
		}, want: take},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := view{me: first, now: now, ready: now.Add(-time.Minute), alive: both, newest: now}
			if tc.change != nil {
				tc.change(&v)
			}
			require.Equal(t, tc.want, v.decide(kind, n, tc.held, !tc.idle))
		})
	}
}
