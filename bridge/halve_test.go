package bridge_test

import (
	"context"
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
	return func(_ context.Context, _ int, d bridge.Delivery) error {
		var told strings.Builder
		told.WriteString(d.Message.Text)
		for _, q := range d.Message.Quotes {
			told.WriteString("\n" + q.Text)
		}
		if slices.ContainsFunc(bad, func(n int) bool {
			return slices.Contains(strings.Split(told.String(), "\n"), fmt.Sprintf("words %d", n))
		}) {
			return &bridge.SendError{Verdict: bridge.Reject, Advice: "It is refused."}
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

// TestF3_CrashInAnyGapOfAHalvingLosesNothing: the bound is in the record.
func TestF3_CrashInAnyGapOfAHalvingLosesNothing(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		crashes := 0
		for at := 1; ; at++ {
			crashed := false
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.answer = refusingWords(3)
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
			if !crashed {
				break
			}
			crashes++
		}
		require.Greater(t, crashes, 10, "too few gaps were tried")
	}
}
