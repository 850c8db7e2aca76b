package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

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
		}
	}
	out := append(startFigures("fresh folder", fresh), startFigures("used folder", used)...)
	return append(out, figure{Section: "start", What: "violations", Value: float64(w.violations()), None: true}), nil
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
