package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Promises of freshness (P6) at the default floor of ten seconds.
const (
	freshMedian = 6.0  // s
	freshP99    = 13.0 // s
	latest      = 65.0 // s: the ceiling and five more, whatever the pace
	mostReads   = 40.0 // a minute
)

// fresh measures from createdAt at the API to visible at each destination, and
// what watching costs, with the platforms' limits in force.
func fresh(ctx context.Context, p plan) ([]figure, error) {
	watched := make([]*watch, p.bridges)
	group, running := errgroup.WithContext(ctx)
	for i := range watched {
		watched[i] = newWatch()
		group.Go(func() error { return watched[i].run(running, p, filepath.Join(p.dir, fmt.Sprint("fresh", i))) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(delays(watched, p), losses(watched), costs(watched)), nil
}

// delays are the quantiles for each kind of happening and place.
func delays(all []*watch, p plan) (out []figure) {
	for _, kind := range append(p.kinds(), kind{name: wakeUps}) {
		for _, place := range places {
			var d []time.Duration
			for _, w := range all {
				d = append(d, w.delays(kind.name, place)...)
			}
			f := []figure{
				{What: "p50", Value: median(d).Seconds(), Most: freshMedian},
				{What: "p95", Value: quantile(d, 0.95).Seconds()},
				{What: "p99", Value: quantile(d, 0.99).Seconds(), Most: freshP99},
				{What: "max", Value: quantile(d, 1).Seconds(), Most: latest},
			}
			if !kind.steady { // its source may rest longer than the floor
				f[0].Most = 0
				f = []figure{f[0], f[3]}
			}
			for i := range f {
				f[i].What = kind.name + " → " + place + ", " + f[i].What
				f[i].Section, f[i].Unit, f[i].Samples = "fresh", "s", len(d)
			}
			out = append(out, f...)
		}
	}
	return out
}

// losses have to be zero.
func losses(all []*watch) []figure {
	var missing, doubled, violations int
	for _, w := range all {
		violations += w.violations
		for _, place := range places {
			missing += len(w.happened) - len(w.seen[place].first)
			doubled += w.seen[place].again
		}
	}
	return []figure{
		{Section: "fresh", What: "missing", Value: float64(missing), None: true},
		{Section: "fresh", What: "doubled", Value: float64(doubled), None: true},
		{Section: "fresh", What: "violations", Value: float64(violations), None: true},
	}
}

// costs are the reads and the CPU of each state, the median over the bridges and
// the worst minute of any.
func costs(all []*watch) (out []figure) {
	for _, state := range states {
		var average []float64
		worst := 0
		for _, w := range all {
			s := w.spent[state]
			average, worst = append(average, s.average), max(worst, s.worst)
		}
		slices.Sort(average)
		out = append(out,
			figure{Section: "reads", What: state + ", average", Value: average[len(average)/2], Unit: "reads/min", Samples: len(all)},
			figure{Section: "reads", What: state + ", worst minute", Value: float64(worst), Unit: "reads/min", Most: mostReads, Samples: len(all)})
	}
	var cpu, resident []float64
	for _, w := range all {
		cpu, resident = append(cpu, w.idleCPU), append(resident, w.resident)
	}
	slices.Sort(cpu)
	slices.Sort(resident)
	return append(out,
		figure{Section: "idle", What: "CPU over 30 s, of one core", Value: cpu[len(cpu)/2], Unit: "%", Samples: len(cpu)},
		figure{Section: "idle", What: "resident at the end", Value: resident[len(resident)/2], Unit: "MiB", Most: 60, Samples: len(resident)})
}
