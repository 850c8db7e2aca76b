package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// mostBeside is how much slower the others may be where one destination is stuck:
// they keep 0.95 of their throughput and of their p99.
const mostBeside = 1 / 0.95

// stuck measures what a channel and a webhook feel of another channel that answers
// after ten seconds and another webhook that refuses everything. A second bridge,
// beside which nothing is stuck, does the same at the same time: the machine treats
// both alike.
func stuck(ctx context.Context, p plan) (out []figure, err error) {
	var beside [2]*pair
	group, running := errgroup.WithContext(ctx)
	for i := range beside {
		beside[i] = &pair{stuck: i == 1}
		group.Go(func() error { return beside[i].run(running, p, filepath.Join(p.dir, fmt.Sprint("stuck", i))) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	free, held := beside[0], beside[1]
	for _, place := range []string{atDiscord, atWebhook} {
		a, b := free.took[place], held.took[place]
		out = append(
			out,
			figure{What: place + ", nothing stuck, p50", Value: median(a).Seconds(), Unit: "s", Samples: len(a)},
			figure{What: place + ", nothing stuck, p99", Value: quantile(a, 0.99).Seconds(), Unit: "s", Samples: len(a)},
			figure{What: place + ", others stuck, p50", Value: median(b).Seconds(), Unit: "s", Samples: len(b)},
			figure{What: place + ", others stuck, p99", Value: quantile(b, 0.99).Seconds(), Unit: "s", Samples: len(b)},
			figure{What: place + ", p99 of both", Value: quantile(b, 0.99).Seconds() / quantile(a, 0.99).Seconds(), Unit: "times", Most: mostBeside},
			figure{What: place + ", throughput of both", Value: free.share[place] / held.share[place], Unit: "times", Most: mostBeside},
		)
	}
	out = append(
		out,
		figure{What: "lost", Value: float64(free.lost + held.lost), None: true},
		figure{What: "requests that a stuck destination met", Value: float64(held.refused)},
	)
	for i := range out {
		out[i].Section = "stuck"
	}
	return out, nil
}

// pair is one bridge with two channels and two webhooks, one of which may be stuck.
type pair struct {
	stuck   bool
	took    map[string][]time.Duration // by place, of those that are not stuck
	share   map[string]float64         // of what happened, that arrived while it went on
	lost    int
	refused int
}

func (o *pair) run(ctx context.Context, p plan, dir string) (err error) {
	w, err := newWorld(ctx, dir, true)
	if err != nil {
		return err
	}
	defer w.close()
	w.often, w.beside, w.other = true, w.discord.Channel(w.discord.Guild("Annex"), "agents"), newReceiver()
	if err := w.configure(twoEach); err != nil {
		return err
	}
	slow := w.discord.Inject(fakediscord.Rule{
		Channel: w.beside, Effect: fakediscord.Delay(10 * time.Second),
		Match: func(fakediscord.Request) bool { return o.stuck },
	})
	w.other.stuck.Store(o.stuck)
	c, err := w.start(p)
	if err != nil {
		return err
	}
	defer c.end(&err)
	if _, err := c.untilReady(ctx); err != nil {
		return err
	}
	happened, err := w.mentions(ctx, p.stuck)
	if err != nil {
		return err
	}
	end := time.Now()
	waited := until(ctx, time.Minute, 100*time.Millisecond, "arrived", func() bool {
		at, err := w.atDiscord()
		return err == nil && len(at.first) >= len(happened) && w.hook.distinct() >= len(happened)
	})
	if ctx.Err() != nil {
		return waited
	}
	discord, err := w.atDiscord()
	o.took = map[string][]time.Duration{atDiscord: delaysOf(happened, discord), atWebhook: delaysOf(happened, w.hook.arrivals())}
	o.share = map[string]float64{atDiscord: shareOf(happened, discord, end), atWebhook: shareOf(happened, w.hook.arrivals(), end)}
	o.lost = 2*len(happened) - len(o.took[atDiscord]) - len(o.took[atWebhook])
	o.refused = slow.Hits()
	return err
}

// mentions lets ten things a second happen at random instants, and returns when
// each did.
func (w *world) mentions(ctx context.Context, d time.Duration) (map[string]time.Time, error) {
	happened := map[string]time.Time{}
	for end := time.Now().Add(d); time.Now().Before(end); {
		if err := pause(ctx, rand.N(200*time.Millisecond)); err != nil { //nolint:gosec // instants, not secrets
			return nil, err
		}
		m := markOf(len(happened))
		done, err := w.sandbox.Act(sandbox.Action{As: actor, Do: "post", Content: "@" + w.agent.Handle + " " + m})
		if err != nil {
			return nil, err
		}
		happened[m] = done.Happened[0].At
	}
	return happened, nil
}

// delaysOf are the times from happening to arrival.
func delaysOf(happened map[string]time.Time, seen arrivals) (out []time.Duration) {
	for m, at := range happened {
		if there, ok := seen.first[m]; ok {
			out = append(out, there.Sub(at))
		}
	}
	return out
}

// shareOf is how much of what happened arrived by an instant.
func shareOf(happened map[string]time.Time, seen arrivals, by time.Time) float64 {
	n := 0
	for m := range happened {
		if there, ok := seen.first[m]; ok && there.Before(by) {
			n++
		}
	}
	return float64(n) / float64(len(happened))
}
