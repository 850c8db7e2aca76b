package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// burst measures how long people who all type at once wait for the platform to
// have the bridge's acknowledgement, through both doors of both platforms.
func burst(ctx context.Context, p plan) (out []figure, err error) {
	violations := 0
	for _, signed := range []bool{false, true} {
		figures, broken, err := burstAt(ctx, p, signed)
		if err != nil {
			return nil, err
		}
		out, violations = append(out, figures...), violations+broken
	}
	return append(out, figure{Section: "burst", What: "violations", Value: float64(violations), None: true}), nil
}

// burstAt runs one bridge, which either holds sockets to the platforms or is
// called by them.
func burstAt(ctx context.Context, p plan, signed bool) (out []figure, violations int, err error) {
	w, err := newWorld(ctx, filepath.Join(p.dir, fmt.Sprintf("burst-%t", signed)), true)
	if err != nil {
		return nil, 0, err
	}
	defer w.close()
	w.sandbox.SetLimit(sandbox.ClassWrite, 10_000)
	w.signed = signed
	discord, slack := w.crowdAtDiscord(), w.crowdAtSlack()
	if err := w.configure(everywhere); err != nil {
		return nil, 0, err
	}
	c, err := w.start(p)
	if err != nil {
		return nil, 0, err
	}
	defer c.end(&err)
	if _, err := c.untilReady(ctx); err != nil {
		return nil, 0, err
	}
	if err := w.openDoors(ctx); err != nil {
		return nil, 0, err
	}
	for _, at := range []crowd{discord, slack} {
		figures, err := w.rounds(ctx, p.bursts, at)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", at.door(), err)
		}
		out = append(out, figures...)
	}
	return out, w.violations(), nil
}

// openDoors tells the platforms where to call, and waits until the bridge hears
// both.
func (w *world) openDoors(ctx context.Context) error {
	if w.signed {
		base := "http://" + w.web
		if err := w.discord.SetDoor(ctx, base+"/discord/interactions"); err != nil {
			return err
		}
		w.slack.SetDeliver(fakeslack.Deliver{
			EventsURL: base + "/slack/events", CommandsURL: base + "/slack/commands", InteractionsURL: base + "/slack/interactions",
		})
	}
	return until(ctx, 20*time.Second, 50*time.Millisecond, "heard by both platforms", func() bool {
		i, err := w.discord.Slash(nameOf(0), w.channel, "/ia notify count") //nolint:contextcheck // sent by Discord, not by us
		if err != nil {
			return false
		}
		r, err := i.Settled(ctx)
		return err == nil && r.Message != nil && (w.signed || w.slack.Sockets() > 0)
	})
}

// spoken is what the n-th person types in a round: every other one posts, the
// rest read.
func spoken(door string, round, n int) string {
	if n%2 == 0 {
		return "/ia post create text:" + textOf(door, round, n)
	}
	reads := []string{"notify count", "feed home", "search find query:ring", "feed public", "search tags"}
	return "/ia " + reads[n/2%len(reads)]
}

func textOf(door string, round, n int) string {
	return fmt.Sprintf("%s-%02d-%02d", strings.ReplaceAll(door, " ", "-"), round, n)
}

// rounds has everybody type at once, again and again, and looks whether what they
// posted arrived.
func (w *world) rounds(ctx context.Context, n int, at crowd) ([]figure, error) {
	var took []time.Duration
	for round := range n {
		times, err := together(ctx, round, at)
		if err != nil {
			return nil, err
		}
		took = append(took, times...)
	}
	var posts []string
	for _, post := range w.sandbox.State().Posts {
		posts = append(posts, post.Content)
	}
	slices.Sort(posts)
	wrong := 0
	for round := range n {
		for person := 0; person < people; person += 2 {
			text := textOf(at.door(), round, person)
			first, found := slices.BinarySearch(posts, text)
			if !found || first+1 < len(posts) && posts[first+1] == text {
				wrong++
			}
		}
	}
	return burstFigures(at.door(), took, n*people-len(took), wrong), nil
}

func burstFigures(door string, took []time.Duration, late, wrong int) []figure {
	ms := func(share float64) float64 { return float64(quantile(took, share)) / float64(time.Millisecond) }
	return []figure{
		{Section: "burst", What: door + ", p50", Value: ms(0.5), Unit: "ms", Samples: len(took)},
		{Section: "burst", What: door + ", p99", Value: ms(0.99), Unit: "ms", Most: 300, Samples: len(took)},
		{Section: "burst", What: door + ", worst", Value: ms(1), Unit: "ms", Samples: len(took)},
		{Section: "burst", What: door + ", not acknowledged", Value: float64(late), None: true},
		{Section: "burst", What: door + ", not posted just once", Value: float64(wrong), None: true},
	}
}

// together is one round: everybody types at once; the round ends when all have
// their answers. It returns how long each waited for the acknowledgement, but for
// those who got none in time.
func together(ctx context.Context, round int, at crowd) ([]time.Duration, error) {
	var took [people]time.Duration
	var errs [people]error
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for n := range people {
		line := spoken(at.door(), round, n)
		wg.Go(func() {
			<-begin
			began := time.Now()
			acknowledged, err := at.types(ctx, n, line)
			if errs[n] = err; acknowledged {
				took[n] = time.Since(began)
			}
		})
	}
	close(begin)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	times := slices.DeleteFunc(took[:], func(d time.Duration) bool { return d == 0 })
	return times, at.answered(ctx)
}
