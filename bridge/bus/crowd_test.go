package bus

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

// crowd is a load on the store: agents for whom events are committed at the load's
// rate, and workers that bring them to places, all of them to the first and of a
// share of the agents to each of the others.
type crowd struct {
	load   load.Profile
	chains map[string]*chain
	places map[string]*outlet
}

func startCrowd(t *testing.T, b *Bus) *crowd {
	t.Helper()
	c := &crowd{load: load.Of(t), chains: map[string]*chain{}, places: map[string]*outlet{}}
	all, others := names(c.load.Agents), c.load.Destinations-1
	c.places["all"] = &outlet{agents: all}
	for n := range others {
		p := &outlet{}
		for i := n; i < len(all); i += others {
			p.agents = append(p.agents, all[i])
		}
		c.places[fmt.Sprintf("share-%d", n)] = p
	}
	var lanes []string
	for name := range c.places {
		lanes = append(lanes, name)
	}
	hold(t, b, "lane", lanes, func(ctx context.Context, name string) error {
		p := c.places[name]
		l, err := b.Lane(context.WithoutCancel(ctx), LaneSpec{Subscription: name, Agents: p.agents, Start: "all"})
		if err != nil {
			return err
		}
		return bridge.NewWorker(bridge.WorkerOptions{
			Subscription: bridge.Subscription{Name: name, Agents: p.agents, Events: []string{"*"}, To: bridge.ParseDestination("discord:1")}, Lane: l, Ledger: b, Sink: p,
		}).Run(ctx)
	})
	for _, agent := range all {
		c.chains[agent] = startChain(t, b, agent, 2*c.load.Every())
	}
	return c
}

// goesOn waits until something more is stored of every agent.
func (c *crowd) goesOn(t *testing.T) {
	t.Helper()
	want := map[string]int64{}
	for agent, chain := range c.chains {
		want[agent] = chain.done.Load() + 3
	}
	for agent, chain := range c.chains {
		require.Eventually(t, func() bool { return chain.done.Load() >= want[agent] }, 3*soon, step)
	}
}

// requireWhole lets the rest of the load's events happen, and finds each of them
// once and in order in the stream and at each place that wants it.
func (c *crowd) requireWhole(t *testing.T, b *Bus) {
	t.Helper()
	var longest time.Duration
	for _, chain := range c.chains {
		chain.hurry.Store(true)
	}
	for agent, chain := range c.chains {
		// Ten seconds of load at most lie behind it, or ten minutes of the nightly one.
		require.Eventually(t, func() bool { return chain.done.Load() >= int64(c.load.Each()/2) }, 3*soon+2*c.load.For, step, agent)
		chain.stop()
		longest = max(longest, time.Duration(chain.longest.Load()))
	}
	stored := byAgent(storedIDs(t, b))
	events := 0
	for agent, chain := range c.chains {
		require.Equal(t, links(agent, int(chain.done.Load())), stored[agent], "in the stream")
		events += len(stored[agent])
	}
	for name, p := range c.places {
		var want int
		for _, agent := range p.agents {
			want += len(stored[agent])
		}
		for told := p.count(); told < want; told = p.count() { // however slowly, as long as it goes on
			require.Eventually(t, func() bool { return p.count() > told }, 3*soon, step, "%s: %d of %d", name, told, want)
		}
		p.mu.Lock()
		shown := byAgent(p.shown)
		p.mu.Unlock()
		for _, agent := range p.agents {
			require.Equal(t, stored[agent], shown[agent], "%s at %s", agent, name)
		}
	}
	t.Logf("load %s: %d agents, %d events to %d places; the longest that a commit took: %s", c.load.Name, len(c.chains), events, len(c.places), longest.Round(time.Millisecond))
}

// byAgent parts ids that links made.
func byAgent(ids []string) map[string][]string {
	out := map[string][]string{}
	for _, id := range ids {
		agent := id[:strings.LastIndex(id, "_")]
		out[agent] = append(out[agent], id)
	}
	return out
}

// outlet is a destination that knows what it was sent by its key, as Discord does.
type outlet struct {
	agents []string

	mu    sync.Mutex
	keys  map[string]bridge.Receipt
	shown []string
}

// Send implements bridge.Sink.
func (p *outlet) Send(_ context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, known := p.keys[d.Key]; known {
		return r, nil
	}
	if p.keys == nil {
		p.keys = map[string]bridge.Receipt{}
	}
	p.shown = append(p.shown, d.Event.ID)
	p.keys[d.Key] = bridge.Receipt{Channel: "1", Message: strconv.Itoa(len(p.shown))}
	return p.keys[d.Key], nil
}

func (p *outlet) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.shown)
}

// chain commits what its agent's cursor says comes next, two events at a time, and
// reads the cursor again whenever that fails, as a poller does.
type chain struct {
	agent   string
	done    atomic.Int64 // commits that were answered with yes
	longest atomic.Int64 // time between two of them
	hurry   atomic.Bool  // it does not wait for its turn any more
	stop    func()       // returns after one more such commit
}

func startChain(t *testing.T, b *Bus, agent string, every time.Duration) *chain {
	t.Helper()
	c := &chain{agent: agent}
	var leave atomic.Bool
	left := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	c.stop = sync.OnceFunc(func() { leave.Store(true); receive(t, left) })
	t.Cleanup(func() { cancel(); <-left })
	go func() {
		defer close(left)
		last := time.Now()
		for next := last; ; next = next.Add(every) {
			for !c.hurry.Load() && time.Now().Before(next) && wait(ctx, step) {
				continue
			}
			if !wait(ctx, step) {
				return
			}
			if c.link(ctx, b) != nil {
				continue
			}
			c.longest.Store(max(c.longest.Load(), int64(time.Since(last))))
			last = time.Now()
			if leave.Load() {
				return
			}
		}
	}()
	return c
}

func (c *chain) link(ctx context.Context, b *Bus) error {
	cursor, rev, err := b.Load(ctx, c.agent, "s")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(string(cursor)) // none is 0
	if _, err = b.Commit(ctx, c.agent, "s", evs(c.agent, links(c.agent, n+1)[2*n:]...), []byte(strconv.Itoa(n+1)), rev); err == nil {
		c.done.Store(int64(n + 1))
	}
	return err
}

// links are the ids of an agent's events of the first n commits.
func links(agent string, n int) (ids []string) {
	for i := range 2 * n {
		ids = append(ids, agent+"_"+strconv.Itoa(i))
	}
	return ids
}
