package poller_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/load"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

// crowd is a town in which as many agents are watched as the load says.
type crowd struct {
	town
	load   load.Profile
	agents []poller.Agent
	change func(*http.Request, *http.Response) // every reply passes through it; nil for as it is
}

// inCrowd runs a test under the load of -load.
func inCrowd(t *testing.T, opt sandbox.Options, test func(*testing.T, *crowd)) {
	t.Helper()
	p := load.Of(t)
	for i := range p.Agents {
		name := fmt.Sprintf("crowd_%02d", i)
		opt.Agents = append(opt.Agents, sandbox.Credentials{Handle: name, ClientID: "id_" + name, ClientSecret: "secret_" + name})
	}
	inTown(t, opt, func(t *testing.T, w town) {
		c := &crowd{town: w, load: p}
		for _, cred := range w.Agents() {
			api, err := imagine.New(imagine.Options{
				BaseURL: w.BaseURL(), ClientID: cred.ClientID, ClientSecret: func() string { return cred.ClientSecret },
				HTTPClient: &http.Client{Transport: wire{w.Transport(), func(q *http.Request, r *http.Response) {
					if c.change != nil {
						c.change(q, r)
					}
				}}},
			})
			require.NoError(t, err)
			c.agents = append(c.agents, poller.Agent{Handle: cred.Handle, API: api})
		}
		require.Len(t, c.agents, p.Agents)
		test(t, c)
	})
}

// watch polls all of them at the floor.
func (c *crowd) watch() (*poller.Poller, func()) {
	c.t.Helper()
	return c.poll(func(o *poller.Options) { o.Agents, o.Ceiling = c.agents, 10*time.Second })
}

// live lets everything happen that the load asks for, and calls between after each
// round of it.
func (c *crowd) live(between func(round int)) {
	c.t.Helper()
	begin := time.Now()
	for round := range c.load.Each() {
		for _, a := range c.agents {
			c.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + a.Handle})
		}
		between(round)
		pass(time.Until(begin.Add(time.Duration(round+1) * c.load.Every())))
	}
}

// due are the events that the ledger asks for of some agents, sorted.
func (c *crowd) due(of func(handle string) bool) []string {
	out := []string{}
	for _, h := range c.Happenings("") {
		if h.Kind == sandbox.HappenedNotification && strings.HasPrefix(h.Agent, "crowd_") && of(h.Agent) {
			out = append(out, "ntf_"+h.ID)
		}
	}
	slices.Sort(out)
	return out
}

func everybody(string) bool { return true }

// settled waits until all that happened was told, and holds it against that: each
// fact once.
func (c *crowd) settled(most time.Duration) {
	c.t.Helper()
	want := c.due(everybody)
	require.Len(c.t, want, c.load.Events())
	for end := time.Now().Add(most); len(c.journal.told("ntf_")) < len(want) && time.Now().Before(end); {
		pass(5 * time.Second)
	}
	pass(70 * time.Second)
	require.Equal(c.t, want, slices.Sorted(slices.Values(c.journal.told("ntf_"))))
	require.Empty(c.t, c.journal.refused)
}

// freshness is how late 99 of 100 events of some agents were stored.
func (c *crowd) freshness(of func(handle string) bool) time.Duration {
	var late []time.Duration
	for _, h := range c.Happenings("") {
		if at, told := c.journal.at["ntf_"+h.ID]; told && of(h.Agent) {
			late = append(late, at.Sub(h.At))
		}
	}
	slices.Sort(late)
	return late[len(late)*99/100]
}

// The calls of one agent hang, or their replies trickle, while all are busy: the
// others are as fresh as ever, and the one is named.
func TestF27_OneHangingAgentSlowsNoOther(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Rule{
		"no reply":             {Fault: sandbox.FaultHang},
		"a body that trickles": {Fault: sandbox.FaultSlowBody, Wait: 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inCrowd(t, sandbox.Options{Empty: true}, func(t *testing.T, c *crowd) {
				last := c.agents[len(c.agents)-1].Handle
				others := func(handle string) bool { return handle != last }
				p, stop := c.watch()
				pass(time.Minute)
				fault.Path, fault.Agent = "/api/notifications", last
				in := c.Inject(fault)
				c.live(func(int) {})
				pass(40 * time.Second) // so long at most a call hangs
				for _, id := range c.due(others) {
					if c.journal.at[id].IsZero() {
						t.Fatal("not told: ", id)
					}
				}
				require.LessOrEqual(t, c.freshness(others), 13*time.Second)
				require.Greater(t, in.Hits(), 1, "a call that hangs is given up")
				named := false
				for end := time.Now().Add(10 * time.Minute); !named && time.Now().Before(end); pass(10 * time.Second) {
					for _, s := range p.Statuses() {
						if others(s.Agent) {
							require.Equal(t, poller.OK, s.Health, "%s: %s", s.Agent, s.Reason)
						}
						named = named || !others(s.Agent) && s.Health == poller.Degraded
					}
				}
				require.True(t, named, "three of its ceilings later at most")
				in.Stop()
				c.settled(10 * time.Minute)
				stop()
			})
		})
	}
}

// The service's clock jumps while all are busy.
func TestF61_ClockJumpsUnderLoad(t *testing.T) {
	t.Parallel()
	inCrowd(t, sandbox.Options{Empty: true}, func(t *testing.T, c *crowd) {
		jumps := []time.Duration{0, time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour, -time.Second}
		var now, hits atomic.Int64
		c.change = func(_ *http.Request, r *http.Response) {
			if at, err := http.ParseTime(r.Header.Get("Date")); err == nil && now.Load() != 0 {
				r.Header.Set("Date", at.Add(time.Duration(now.Load())).UTC().Format(http.TimeFormat))
				hits.Add(1)
			}
		}
		_, stop := c.watch()
		pass(time.Minute)
		c.live(func(round int) { now.Store(int64(jumps[round*2*len(jumps)/c.load.Each()%len(jumps)])) })
		now.Store(int64(jumps[1]))
		c.settled(10 * time.Minute)
		require.NotZero(t, hits.Load())
		require.LessOrEqual(t, c.freshness(everybody), 13*time.Second, "nothing stands still")
		stop()
	})
}

// Tokens end in the middle of rounds, of one agent after the other, where the
// service takes ten sign-ins a minute of all of them together.
func TestF62_TokensEndUnderLoad(t *testing.T) {
	t.Parallel()
	inCrowd(t, sandbox.Options{Empty: true, AuthBy: sandbox.AuthByAddress}, func(t *testing.T, c *crowd) {
		p, stop := c.watch()
		pass(time.Minute + time.Duration(len(c.agents)/10)*time.Minute) // until all have signed in
		dice, ended := rand.New(rand.NewPCG(62, 0)), 0
		c.live(func(round int) {
			if round%max(c.load.Each()/20, 1) == 0 {
				ended++
				c.EndTokens(c.agents[dice.IntN(len(c.agents))].Handle, ended%2 == 0)
			}
		})
		c.settled(15 * time.Minute)
		for _, s := range p.Statuses() {
			require.Equal(t, poller.OK, s.Health, s.Agent)
		}
		require.GreaterOrEqual(t, ended, 20)
		require.LessOrEqual(t, c.mostAuth(), 10, "sign-ins a minute, of all agents")
		stop()
	})
}
