package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// refusingWords refuses every message that tells of one of the comments.
func refusingWords(bad ...int) func(context.Context, int, bridge.Delivery) error {
	return failingWords(&bridge.SendError{Verdict: bridge.Reject, Advice: "It is refused."}, bad...)
}

// failingWords answers every message that tells of one of the comments with the
// failure.
func failingWords(failure error, bad ...int) func(context.Context, int, bridge.Delivery) error {
	return func(_ context.Context, _ int, d bridge.Delivery) error {
		var told strings.Builder
		told.WriteString(d.Message.Text)
		for _, q := range d.Message.Quotes {
			told.WriteString("\n" + q.Text)
		}
		if slices.ContainsFunc(bad, func(n int) bool {
			return slices.Contains(strings.Split(told.String(), "\n"), fmt.Sprintf("words %d", n))
		}) {
			return failure
		}
		return nil
	}
}

// lines are the comments that messages tell of, in the order in which they are shown.
func (w *world) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := map[string]attempt{}
	for _, a := range w.sends {
		sent[a.Key] = a
	}
	var out []string
	for _, s := range w.shown {
		m := sent[s.key].Message
		if m.Text != "" {
			out = append(out, m.Text)
			continue
		}
		for _, q := range m.Quotes {
			out = append(out, q.Text)
		}
	}
	return out
}

// words is the nth comment that can be told from the others.
func words(n int) events.Event {
	e := comment(n)
	e.Data = events.NotificationComment{Post: events.Post{ID: "p"}, Comment: events.Comment{ID: "c", Content: fmt.Sprintf("words %d", n)}}
	return e
}

func (w *world) deadIDs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, d := range w.dead {
		out = append(out, d.EventID)
	}
	return out
}

func TestARefusedDigestBuriesOnlyWhatIsRefusedByItself(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		of     int
		bad    []int
		within func(*bridge.WorkerOptions)
		late   time.Duration // how long they wait before anybody sends
		most   int           // sends
	}{
		"one of a digest":            {20, []int{13}, hourly, 0, 10},
		"the first":                  {20, []int{1}, hourly, 0, 12},
		"the last":                   {20, []int{20}, hourly, 0, 12},
		"two of them":                {20, []int{4, 5}, hourly, 0, 20},
		"all of them":                {4, []int{1, 2, 3, 4}, hourly, 0, 10},
		"of a digest at a time":      {20, []int{13}, paced(bridge.Pace{DigestAt: &bridge.Daily{Zone: time.UTC}}), 0, 10},
		"of those after an outage":   {60, []int{33}, paced(bridge.Pace{CatchUp: bridge.CatchUpDigest}), time.Hour, 18},
		"of what a cap put together": {20, []int{13}, paced(bridge.Pace{Cap: 1}), 0, 14},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.answer = refusingWords(tc.bad...)
				var want, dead []string
				for n := 1; n <= tc.of; n++ {
					w.publish(words(n))
					if slices.Contains(tc.bad, n) {
						dead = append(dead, fmt.Sprintf("ntf_%d", n))
					} else {
						want = append(want, fmt.Sprintf("words %d", n))
					}
				}
				wait(tc.late)
				r := w.run(t, tc.within)
				wait(26 * time.Hour)
				r.stop(t)
				require.Equal(t, want, w.lines())
				require.Equal(t, dead, w.deadIDs())
				require.LessOrEqual(t, len(w.attempts()), tc.most)
				require.Zero(t, w.stored().Bound)
			})
		})
	}
}

// Of a message that fails for ten minutes in a way the sink knows nothing of, only
// the events that fail by themselves are buried. Where a part of it is taken the
// destination works, and no other part needs ten minutes more.
func TestADigestOfUnknownErrorsBuriesOnlyWhatFailsByItself(t *testing.T) {
	t.Parallel()
	typed, plain := &bridge.SendError{Verdict: bridge.Retry, Unknown: true, Err: errors.New("418")}, errors.New("418")
	for name, tc := range map[string]struct {
		of      int
		bad     []int
		failure error
		within  func(*bridge.WorkerOptions)
		late    time.Duration // how long they wait before anybody sends
		most    time.Duration // until all is done
	}{
		"one of a digest":            {20, []int{13}, typed, hourly, 0, time.Hour + 30*time.Minute},
		"of a kind of its own":       {20, []int{13}, plain, hourly, 0, time.Hour + 30*time.Minute},
		"the first":                  {20, []int{1}, typed, hourly, 0, 2 * time.Hour},
		"the last":                   {20, []int{20}, typed, hourly, 0, time.Hour + 30*time.Minute},
		"two of them":                {20, []int{4, 5}, typed, hourly, 0, 3 * time.Hour},
		"all of them":                {4, []int{1, 2, 3, 4}, typed, hourly, 0, 3 * time.Hour},
		"of those after an outage":   {60, []int{33}, typed, paced(bridge.Pace{CatchUp: bridge.CatchUpDigest}), time.Hour, time.Hour},
		"of what a cap put together": {20, []int{13}, typed, paced(bridge.Pace{Cap: 1}), 0, time.Hour},
		"of a webhook's digest":      {20, []int{13}, typed, func(o *bridge.WorkerOptions) { toWebhook(o); hourly(o) }, 0, time.Hour + 30*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.answer = failingWords(tc.failure, tc.bad...)
				var want, dead []string
				for n := 1; n <= tc.of; n++ {
					w.publish(words(n))
					if slices.Contains(tc.bad, n) {
						dead = append(dead, fmt.Sprintf("ntf_%d", n))
					} else {
						want = append(want, fmt.Sprintf("words %d", n))
					}
				}
				wait(tc.late)
				r := w.run(t, tc.within, func(o *bridge.WorkerOptions) { o.Circuits = &bridge.Circuits{} })
				wait(tc.most)
				require.EqualValues(t, tc.of, w.stored().Position, "all is done")
				require.Equal(t, want, w.lines())
				require.Equal(t, dead, w.deadIDs())
				require.Zero(t, w.stored().Bound)
				for _, d := range w.dead {
					require.Contains(t, d.Reason, "418")
				}
				r.stop(t)
			})
		})
	}
}

// A destination that answers strangely to everything for half an hour buries
// nothing of a digest: its parts are tried for as long as single messages are.
func TestADestinationThatIsStrangeForHalfAnHourBuriesNothingOfADigest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		strange, want := on(), []string{}
		w.answer = func(context.Context, int, bridge.Delivery) error {
			if strange.Load() {
				return &bridge.SendError{Verdict: bridge.Retry, Unknown: true, Err: errors.New("418")}
			}
			return nil
		}
		for n := 1; n <= 20; n++ {
			w.publish(words(n))
			want = append(want, fmt.Sprintf("words %d", n))
		}
		r := w.run(t, hourly)
		wait(time.Hour + 30*time.Minute)
		strange.Store(false)
		wait(30 * time.Minute)
		require.Empty(t, w.dead)
		require.Equal(t, want, w.lines())
		r.stop(t)
	})
}

// TestF3_CrashInAnyGapOfAHalvingLosesNothing: the bound is in the record.
func TestF3_CrashInAnyGapOfAHalvingLosesNothing(t *testing.T) {
	t.Parallel()
	for _, failure := range []*bridge.SendError{{Verdict: bridge.Reject}, {Verdict: bridge.Retry, Unknown: true}} {
		for _, after := range []bool{false, true} {
			halvingCrashes(t, failure, after)
		}
	}
}

// halvingCrashes lets the process die before or after each operation in turn.
func halvingCrashes(t *testing.T, failure error, after bool) {
	t.Helper()
	for crashes, at := 0, 1; ; at++ {
		crashed := false
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.answer = failingWords(failure, 3)
			for n := 1; n <= 6; n++ {
				w.publish(words(n))
			}
			w.crashAt, w.crashAfter = at, after
			r := w.run(t, hourly)
			wait(3 * time.Hour)
			if crashed = w.life > 1; crashed {
				t.Log("it ended with", <-r.done)
				r = w.run(t, hourly)
				wait(3 * time.Hour)
			}
			r.stop(t)
			require.Equal(t, []string{"words 1", "words 2", "words 4", "words 5", "words 6"}, w.lines(), "crash %d, after: %t", at, after)
			require.Equal(t, []string{"ntf_3"}, w.deadIDs())
		})
		if crashed {
			crashes++
			continue
		}
		require.Greater(t, crashes, 10, "too few gaps were tried")
		return
	}
}
