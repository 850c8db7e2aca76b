package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// profile is one of the loads that promises are measured under.
type profile struct {
	agents       int
	rate         float64 // happenings a second and agent
	last         time.Duration
	destinations int
}

var profiles = map[string]profile{
	"S": {agents: 4, rate: 10, last: 10 * time.Second, destinations: 3},
	"M": {agents: 50, rate: 2, last: 10 * time.Minute, destinations: 20},
	"L": {agents: 200, rate: 5, last: time.Hour, destinations: 20},
}

const (
	asksPerMinute = 200 // commands beside the load
	quarters      = 4
)

// load measures freshness (L1) and how soon commands are acknowledged (L2) while
// many agents are talked to, and whether memory, goroutines and files grow (L3).
func load(ctx context.Context, p plan) (out []figure, err error) {
	now, known := profiles[p.profile]
	if !known {
		return nil, fmt.Errorf("no load is called %q; there are S, M and L", p.profile)
	}
	w, err := newWorldOf(ctx, filepath.Join(p.dir, "load"), true, now.agents)
	if err != nil {
		return nil, err
	}
	defer w.close()
	w.spread = now.destinations
	typists := w.crowdAtDiscord()
	if err := w.configure(spreadOut); err != nil {
		return nil, err
	}
	c, err := w.start(p)
	if err != nil {
		return nil, err
	}
	defer c.end(&err)
	// One address signs in eight of the ten times a minute that the API allows.
	signIns := time.Duration(now.agents/8) * time.Minute
	if _, err := c.readyWithin(ctx, signIns+time.Minute, 50*time.Millisecond); err != nil {
		return nil, err
	}
	if err := until(ctx, signIns+2*time.Minute, time.Second, "watching all agents", w.allWatched); err != nil {
		return nil, err
	}
	if err := w.openDoors(ctx); err != nil {
		return nil, err
	}
	o := &burden{world: w, child: c, profile: now, happened: map[string]time.Time{}}
	if err := o.run(ctx, typists); err != nil {
		return nil, err
	}
	return o.figures(p.profile)
}

// allWatched reports whether each agent was looked at twice: what happens from then on
// is no history any more. The program calls itself ready sooner, and names those who
// wait for their sign-in.
func (w *world) allWatched() bool {
	looks := map[string]int{}
	for _, e := range w.sandbox.Journal() {
		if e.Path == "/api/notifications" && e.Status == http.StatusOK {
			looks[e.Agent]++
		}
	}
	for _, a := range w.agents {
		if looks[a.Handle] < 2 {
			return false
		}
	}
	return true
}

// burden is what was measured under load.
type burden struct {
	*world

	child   *child
	profile profile

	mu       sync.Mutex
	happened map[string]time.Time
	chatted  int // of them, what a channel gets
	acked    []time.Duration
	unheard  int // commands without an acknowledgement
	held     [quarters][]holding
}

// holding is what the program holds at an instant.
type holding struct{ resident, goroutines, files float64 }

func (o *burden) run(ctx context.Context, typists *discordCrowd) error {
	lasting, cancel := context.WithTimeout(ctx, o.profile.last)
	defer cancel()
	group, lasting := errgroup.WithContext(lasting)
	began := time.Now()
	for n := range o.profile.agents {
		group.Go(func() error { return o.talk(lasting, n) })
	}
	group.Go(func() error { return o.typing(lasting, typists) })
	group.Go(func() error {
		for every := o.profile.last / 40; pause(lasting, every) == nil; {
			h, err := o.child.holding(ctx)
			if err != nil {
				return err
			}
			i := min(int(quarters*time.Since(began)/o.profile.last), quarters-1)
			o.held[i] = append(o.held[i], h)
		}
		return nil
	})
	if err := group.Wait(); err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	_ = until(ctx, 2*time.Minute, 200*time.Millisecond, "arrived", o.arrived) // what is missing is a figure
	return ctx.Err()
}

// arrived reports whether everything stands where it belongs.
func (o *burden) arrived() bool {
	discord, err := o.atDiscord()
	return err == nil && o.hook.distinct() >= len(o.happened) && len(discord.first) >= o.chatted
}

// talk lets things happen to one agent.
func (o *burden) talk(ctx context.Context, n int) error {
	mean := time.Duration(float64(time.Second) / o.profile.rate)
	for pause(ctx, rand.N(2*mean)) == nil { //nolint:gosec // instants, not secrets
		o.mu.Lock()
		m := markOf(len(o.happened))
		done, err := o.sandbox.Act(sandbox.Action{As: actor, Do: "post", Content: "@" + o.agents[n].Handle + " " + m})
		if err == nil {
			o.happened[m] = done.Happened[0].At
			if o.chats(n) {
				o.chatted++
			}
		}
		o.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// typing lets people type commands, one after the other.
func (o *burden) typing(ctx context.Context, typists *discordCrowd) error {
	var under sync.WaitGroup
	defer under.Wait()
	for n := 0; pause(ctx, time.Minute/asksPerMinute) == nil; n++ {
		under.Go(func() {
			began := time.Now()
			in, err := o.discord.Slash(nameOf(n%people), typists.channel, "/ia notify count agent:"+o.agents[n%len(o.agents)].Handle) //nolint:contextcheck // sent by Discord, not by us
			if err == nil {
				_, err = in.Response(context.WithoutCancel(ctx)) // within three seconds
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			if err == nil {
				o.acked = append(o.acked, time.Since(began))
			} else if !errors.Is(err, fakediscord.ErrNoResponse) || ctx.Err() == nil {
				o.unheard++
			}
		})
	}
	return nil
}

func (o *burden) figures(profile string) (out []figure, err error) {
	discord, err := o.atDiscord()
	if err != nil {
		return nil, err
	}
	for place, seen := range map[string]arrivals{atDiscord: discord, atWebhook: o.hook.arrivals()} {
		took := delaysOf(o.happened, seen)
		out = append(
			out,
			figure{What: "L1, mention → " + place + ", p50", Value: median(took).Seconds(), Unit: "s", Most: freshMedian, Samples: len(took)},
			figure{What: "L1, mention → " + place + ", p99", Value: quantile(took, 0.99).Seconds(), Unit: "s", Most: freshP99, Samples: len(took)},
		)
	}
	ms := func(share float64) float64 { return float64(quantile(o.acked, share)) / float64(time.Millisecond) }
	out = append(
		out,
		figure{What: "L2, command acknowledged, p50", Value: ms(0.5), Unit: "ms", Samples: len(o.acked)},
		figure{What: "L2, command acknowledged, p99", Value: ms(0.99), Unit: "ms", Most: 500, Samples: len(o.acked)},
		figure{What: "L2, command acknowledged, worst", Value: ms(1), Unit: "ms", Most: 2500, Samples: len(o.acked)},
		figure{What: "L2, not acknowledged", Value: float64(o.unheard), None: true},
		figure{What: "lost at the webhook", Value: float64(len(o.happened) - o.hook.distinct()), None: true},
		figure{What: "lost at Discord", Value: float64(o.chatted - len(discord.first)), None: true},
	)
	first, last := mean(o.held[0]), mean(o.held[quarters-1])
	growth := func(what string, a, b, unit float64, name string) {
		f := figure{What: "L3, " + what + ", last quarter", Value: b / unit, Unit: name}
		g := figure{What: "L3, " + what + ", last to first quarter", Value: b / a, Unit: "times"}
		if profile != "S" { // ten seconds are a beginning, not a state
			g.Most = 1.05
		}
		out = append(out, f, g)
	}
	growth("resident", first.resident, last.resident, mebibyte, "MiB")
	growth("goroutines", first.goroutines, last.goroutines, 1, "")
	growth("open files", first.files, last.files, 1, "")
	for i := range out {
		out[i].Section = "load " + profile
	}
	return out, nil
}

func mean(all []holding) (m holding) {
	n := float64(max(len(all), 1))
	for _, h := range all {
		m.resident, m.goroutines, m.files = m.resident+h.resident/n, m.goroutines+h.goroutines/n, m.files+h.files/n
	}
	return m
}

// holding reads the program's own metrics.
func (c *child) holding(ctx context.Context) (h holding, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.Replace(c.ready, "/readyz", "/metrics", 1), nil)
	if err != nil {
		return h, err
	}
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(q)
	if err != nil {
		return h, err
	}
	defer answer.Body.Close()
	wanted := map[string]*float64{
		"process_resident_memory_bytes": &h.resident, "go_goroutines": &h.goroutines, "process_open_fds": &h.files,
	}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if into := wanted[name]; into != nil {
			if *into, err = strconv.ParseFloat(value, 64); err != nil {
				return h, fmt.Errorf("read %s: %w", name, err)
			}
		}
	}
	return h, nil
}
