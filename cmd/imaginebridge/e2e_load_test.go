package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/load"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// crowd is a world under one of the loads: agents that are mentioned at its rate,
// and its destinations. What happens to an agent goes to one Discord channel and one
// webhook. Slack takes one message a second of a channel, so that one mention in a
// while goes there, each that rare makes.
type crowd struct {
	*world
	load  load.Profile
	rooms []string // channels at Discord
	walls []string // channels at Slack
	hooks []*hook

	said []int // how often each agent was mentioned
}

// rare is whose mentions go to Slack too.
const rare = "pixel_pilot"

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	return newCrowdOf(t, load.Of(t))
}

// newCrowdAtThree is newCrowd where there is one destination of each kind, and a
// subscription to each that names no agents.
func newCrowdAtThree(t *testing.T) *crowd {
	t.Helper()
	p := load.Of(t)
	p.Destinations = 3
	return newCrowdOf(t, p)
}

func newCrowdOf(t *testing.T, p load.Profile) *crowd {
	t.Helper()
	c := &crowd{load: p}
	c.world = newWorld(t, lenient, func(o *options) {
		for n := range c.load.Agents {
			o.sandbox.Agents = append(o.sandbox.Agents, sandbox.Credentials{Handle: fmt.Sprintf("agent_%02d", n), ClientID: fmt.Sprintf("client_%02d", n), ClientSecret: fmt.Sprintf("secret-of-%02d", n)})
		}
	})
	// A program that was killed can't know what the one before it spent.
	c.sandbox.SetLimit(sandbox.ClassAuth, 10_000)
	c.sandbox.SetLimit(sandbox.ClassRead, 10_000)
	c.store = load.Pick(t, "64MiB", "1GiB")
	c.watched, c.said = c.sandbox.Agents(), make([]int, c.load.Agents)
	guild := c.discord.Guild("Crowd")
	walls := max(1, c.load.Destinations/10)
	for n := range c.load.Destinations - walls {
		if n%2 == 0 {
			c.rooms = append(c.rooms, c.discord.Channel(guild, fmt.Sprint("room-", n)))
		} else {
			c.hooks = append(c.hooks, newHook(t))
		}
	}
	for n := range walls {
		c.walls = append(c.walls, c.team.AddChannel(fmt.Sprint("wall-", n)))
	}
	return c
}

// lanes are the subscriptions that spread the agents over the destinations.
func (c *crowd) lanes() string {
	about := func(kind string, n, of int) string {
		const events = `events: ["notification.*", "message.received"]`
		if of == 1 {
			return fmt.Sprintf("  - {name: %s, %s", kind, events)
		}
		var share []string
		for i := n; i < len(c.said); i += of {
			share = append(share, c.watched[i].Handle)
		}
		return fmt.Sprintf("  - {name: %s%d, %s, agents: [%s]", kind, n, events, strings.Join(share, ", "))
	}
	var out strings.Builder
	out.WriteString("subscriptions:\n")
	for n, room := range c.rooms {
		fmt.Fprintf(&out, "%s, catch_up: all, to: \"discord:%s\"}\n", about("d", n, len(c.rooms)), room)
	}
	for n, wall := range c.walls {
		fmt.Fprintf(&out, "%s, catch_up: all, filter: 'data.actor.handle == %q', to: \"slack:%s\"}\n", about("s", n, len(c.walls)), rare, wall)
	}
	for n, h := range c.hooks {
		fmt.Fprintf(&out, "%s, to: \"webhook:%s\", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n", about("h", n, len(c.hooks)), h.url)
	}
	return out.String()
}

// tick mentions every agent once more, as long as the load has something left.
func (c *crowd) tick() error {
	for i, a := range c.sandbox.Agents() {
		if c.said[i] == c.load.Each() {
			continue
		}
		by := "nova_ai"
		if c.said[i]%(c.load.Each()/5) == 0 {
			by = rare
		}
		c.said[i]++
		c.sandbox.Clock().Advance(time.Millisecond) // things of one instant have no order there
		if _, err := c.sandbox.Act(sandbox.Action{As: by, Do: "post", Content: fmt.Sprintf("@%s word-%02d-%05d", a.Handle, i, c.said[i])}); err != nil {
			return err
		}
	}
	return nil
}

// flow lets the load's events happen at its rate. The returned function waits until
// all have.
func (c *crowd) flow() (wait func()) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() {
		every := time.NewTicker(c.load.Every())
		defer every.Stop()
		for range c.load.Each() {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			if failed = c.tick(); failed != nil {
				return
			}
		}
	})
	c.t.Cleanup(func() { cancel(); wg.Wait() })
	return func() {
		c.t.Helper()
		wg.Wait()
		require.NoError(c.t, failed)
	}
}

// rush lets what is left of the load happen at once.
func (c *crowd) rush() {
	c.t.Helper()
	for range c.load.Each() {
		require.NoError(c.t, c.tick())
	}
}

var word = regexp.MustCompile(`word-(\d{2})-\d{5}`)

// words are the marks in texts, by agent, in their order.
func words(texts ...string) map[string][]string {
	out := map[string][]string{}
	for _, text := range texts {
		if m := word.FindStringSubmatch(text); m != nil {
			out[m[1]] = append(out[m[1]], m[0])
		}
	}
	return out
}

// arrivals is how many messages are at the destinations of each kind, which is
// quickly counted.
func (c *crowd) arrivals() (rooms, hooks, walls int) {
	for _, r := range c.rooms {
		rooms += len(c.discord.Messages(r))
	}
	for _, h := range c.hooks {
		hooks += len(h.seen())
	}
	for _, w := range c.walls {
		walls += len(c.slack.Messages(w))
	}
	return rooms, hooks, walls
}

// goesOn waits until something more arrives at webhooks.
func (c *crowd) goesOn(what string) {
	c.t.Helper()
	_, before, _ := c.arrivals()
	c.eventually(what, 30*time.Second, func() bool { _, now, _ := c.arrivals(); return now > before })
}

// settle waits until everything is everywhere, and finds each event once and in
// order at its destinations and in NATS.
func (c *crowd) settle() {
	c.t.Helper()
	total, few := c.load.Events(), 5*c.load.Agents
	require.Eventually(c.t, func() bool {
		rooms, hooks, walls := c.arrivals()
		return rooms >= total && hooks >= total && walls >= few
	}, 3*time.Minute+2*c.load.For, load.Pick(c.t, 50*time.Millisecond, time.Second), "everything has arrived")
	var rooms, walls []string
	for _, r := range c.rooms {
		for _, m := range c.discord.Messages(r) {
			text, err := json.Marshal(m.Embeds)
			require.NoError(c.t, err)
			rooms = append(rooms, string(text))
		}
	}
	for _, w := range c.walls {
		for _, m := range c.slack.Messages(w) {
			walls = append(walls, string(m.Blocks))
		}
	}
	atRooms, atWalls := words(rooms...), words(walls...)
	stored, hooked, owner := map[string][]string{}, map[string][]string{}, map[string]string{}
	for _, e := range c.stored() {
		stored[e.Agent()] = append(stored[e.Agent()], e.ID)
		owner[e.ID] = e.Agent()
	}
	for _, h := range c.hooks {
		for _, id := range h.seen() {
			hooked[owner[id]] = append(hooked[owner[id]], id)
		}
	}
	for i, a := range c.sandbox.Agents() {
		var ids, all, some []string
		for _, h := range c.sandbox.Happenings(a.Handle) {
			ids = append(ids, "ntf_"+h.ID)
		}
		for n := range c.load.Each() {
			all = append(all, fmt.Sprintf("word-%02d-%05d", i, n+1))
			if n%(c.load.Each()/5) == 0 {
				some = append(some, all[n])
			}
		}
		key := fmt.Sprintf("%02d", i)
		require.Len(c.t, ids, c.load.Each())
		require.Equal(c.t, ids, stored[a.Handle], "in NATS: each once, in order")
		require.Equal(c.t, ids, hooked[a.Handle], "at the webhook: each once by its id, in order")
		require.Equal(c.t, all, atRooms[key], "at Discord: each once, in order")
		require.Equal(c.t, some, atWalls[key], "at Slack: each once, in order")
	}
	require.Empty(c.t, c.sandbox.Violations())
	require.Empty(c.t, c.discord.Faults())
	c.t.Logf("load %s: %d agents, %d events to %d destinations", c.load.Name, c.load.Agents, total, c.load.Destinations)
}
