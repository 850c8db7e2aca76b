package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bench/check"
)

// judge has the checker look at everything.
func (w *world) judge(ctx context.Context) ([]check.Finding, func(place, fact string) []check.Step, error) {
	b, err := w.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	facts := w.ledger()
	findings := check.Judge(streamFacts(facts), streamPlace(b, facts))
	seqs := map[string]uint64{}
	for _, e := range b.events {
		seqs[e.id] = e.seq
	}
	for _, p := range w.places {
		place := check.Place{Name: p.name, Sights: w.sights(p, facts), Excuses: map[string]string{}}
		wants := map[string]bool{}
		var happened []check.Fact
		for _, f := range facts {
			wants[f.mark] = slices.Contains(p.agents, f.agent)
			happened = append(happened, check.Fact{ID: f.mark, At: f.at, Order: seqs[f.event]})
			if why := b.dead[p.name][f.event]; why != "" {
				place.Excuses[f.mark] = why
			}
		}
		place.Once = strings.HasPrefix(p.to, "discord:")
		place.Wants = func(f check.Fact) bool { return wants[f.ID] }
		findings = append(findings, check.Judge(happened, place)...)
	}
	findings = append(findings, check.JudgeCommands(w.answers(ctx))...)
	return findings, func(place, fact string) []check.Step { return w.path(ctx, b, facts, place, fact) }, nil
}

// sourceOf is the line in which the API tells of a fact.
func sourceOf(f fact) string {
	family, _, _ := strings.Cut(f.event, "_")
	return f.agent + " " + family
}

// streamFacts are the facts in the order in which each source tells of them.
func streamFacts(facts []fact) (out []check.Fact) {
	sorted := slices.SortedStableFunc(slices.Values(facts), func(a, b fact) int { return a.at.Compare(b.at) })
	for n, f := range sorted {
		out = append(out, check.Fact{ID: f.mark, At: f.at, Order: uint64(n + 1)})
	}
	return out
}

// streamPlace is NATS as a place where each fact is stored once, each source in its
// own order. Events that tell of no fact, such as the progress of a generation, are
// left out.
func streamPlace(b books, facts []fact) check.Place {
	p := check.Place{Name: "NATS", Wants: func(check.Fact) bool { return true }, Once: true}
	by := map[string]fact{}
	for _, f := range facts {
		by[f.event] = f
	}
	for _, e := range b.events {
		f, known := by[e.id]
		switch {
		case known:
			p.Sights = append(p.Sights, check.Sight{Fact: f.mark, At: e.at, Line: sourceOf(f), Message: strconv.FormatUint(e.seq, 10)})
		case !strings.Contains(e.kind, ".generation.") && !strings.HasSuffix(e.kind, "message.sent"):
			p.Sights = append(p.Sights, check.Sight{Fact: e.id + " (" + e.kind + ")", At: e.at})
		}
	}
	return p
}

// settle ends all trouble and waits for what is under way. Its error says what did
// not come in time.
func (w *world) settle(parent context.Context) error {
	ctx, cancel := context.WithTimeout(parent, w.plan.settle)
	defer cancel()
	if err := w.heal(); err != nil {
		return err
	}
	group, tended := errgroup.WithContext(ctx)
	group.Go(func() error { return w.bridge.tend(tended) })
	group.Go(func() error {
		defer cancel()
		for ; tended.Err() == nil; pause(tended, 2*time.Second) {
			if w.missing() == 0 && w.untold(parent) == 0 {
				pause(tended, 12*time.Second) // for what would come twice
				return nil
			}
		}
		return fmt.Errorf("after %s %d facts were missing somewhere, and %d commands had no answer", w.plan.settle, w.missing(), w.untold(parent))
	})
	return group.Wait()
}

// untold counts commands that were taken and have no answer.
func (w *world) untold(ctx context.Context) (n int) {
	for _, c := range w.answers(ctx) {
		if c.Taken && c.Told == check.ToldNothing {
			n++
		}
	}
	return n
}

// speed is how long facts took to each place, by the middle and the slowest
// hundredth.
func (w *world) speed() string {
	facts := w.ledger()
	var out strings.Builder
	for _, p := range w.places {
		first := map[string]time.Time{}
		for _, s := range w.sights(p, facts) {
			if at, known := first[s.Fact]; !known || s.At.Before(at) {
				first[s.Fact] = s.At
			}
		}
		var took []time.Duration
		for _, f := range facts {
			if at, seen := first[f.mark]; seen && slices.Contains(p.agents, f.agent) {
				took = append(took, at.Sub(f.at))
			}
		}
		slices.Sort(took)
		if len(took) > 0 {
			fmt.Fprintf(&out, "%s: %d arrived, p50 %s, p99 %s, worst %s\n", p.name, len(slices.Collect(maps.Keys(first))),
				took[len(took)/2].Round(time.Millisecond), took[len(took)*99/100].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
		}
	}
	return out.String()
}
