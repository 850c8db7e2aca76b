package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// betweenIdentifies is for how long after a start the next one in the same folder
// would wait for Discord's gateway, which takes one identify in five seconds: who
// starts again sooner waits for the rest of it, and can be heard only then.
const betweenIdentifies = 8 * time.Second

// kills is how often the program is killed.
const kills = 5

// startUp measures from the start of the process to the first 200 of /readyz:
// with no data folder, and with one that was used before.
func startUp(ctx context.Context, p plan) ([]figure, error) {
	w, err := newWorld(ctx, filepath.Join(p.dir, "start"), true)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.configure(everywhere); err != nil {
		return nil, err
	}
	var fresh, used []time.Duration
	for range p.starts {
		if err := os.RemoveAll(w.data()); err != nil {
			return nil, err
		}
		for _, times := range []*[]time.Duration{&fresh, &used} {
			took, err := w.startOnce(ctx, p)
			if err != nil {
				return nil, err
			}
			*times = append(*times, took)
			if err := pause(ctx, betweenIdentifies); err != nil {
				return nil, err
			}
		}
	}
	out := append(startFigures("fresh folder", fresh), startFigures("used folder", used)...)
	killed, err := w.afterKills(ctx, p)
	if err != nil {
		return nil, err
	}
	return append(append(out, killed...), figure{Section: "start", What: "violations", Value: float64(w.violations()), None: true}), nil
}

// afterKills measures what a program that was killed takes to tell what happened
// while it was dead, in the same data folder: from its start to the webhook and to
// the channel of Discord.
func (w *world) afterKills(ctx context.Context, p plan) ([]figure, error) {
	var ready, hook, discord []time.Duration
	c, err := w.start(p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.stop() }()
	if _, err := c.untilReady(ctx); err != nil {
		return nil, err
	}
	for n := range kills {
		if err := pause(ctx, betweenIdentifies); err != nil {
			return nil, err
		}
		c.kill()
		m := markOf(n)
		if _, err := w.sandbox.Act(sandbox.Action{As: actor, Do: "post", Content: "@" + w.agent.Handle + " " + m}); err != nil {
			return nil, err
		}
		if c, err = w.start(p); err != nil {
			return nil, err
		}
		took, err := c.untilReady(ctx)
		if err != nil {
			return nil, err
		}
		ready = append(ready, took)
		var there arrivals
		if err := until(ctx, time.Minute, 5*time.Millisecond, "told", func() bool {
			there, err = w.atDiscord()
			return err == nil && !there.first[m].IsZero() && !w.hook.arrivals().first[m].IsZero()
		}); err != nil {
			return nil, err
		}
		hook = append(hook, w.hook.arrivals().first[m].Sub(c.began))
		discord = append(discord, there.first[m].Sub(c.began))
	}
	out := startFigures("killed before", ready)
	for _, at := range []struct {
		place string
		times []time.Duration
	}{{atWebhook, hook}, {atDiscord, discord}} {
		f := startFigures("", at.times)[0]
		f.What, f.Most = "killed before, median to "+at.place+" having what it missed", 0
		out = append(out, f)
	}
	return out, nil
}

func startFigures(what string, times []time.Duration) []figure {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return []figure{
		{Section: "start", What: what + ", median to /readyz 200", Value: ms(median(times)), Unit: "ms", Most: 500, Samples: len(times)},
		{Section: "start", What: what + ", fastest", Value: ms(quantile(times, 0)), Unit: "ms"},
		{Section: "start", What: what + ", slowest", Value: ms(quantile(times, 1)), Unit: "ms"},
	}
}

func (w *world) startOnce(ctx context.Context, p plan) (time.Duration, error) {
	c, err := w.start(p)
	if err != nil {
		return 0, err
	}
	took, err := c.untilReady(ctx)
	if stopped := c.stop(); err == nil && stopped != nil {
		err = fmt.Errorf("stop after a start: %w", stopped)
	}
	return took, err
}
