package bridge_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// street are destinations of one process that share its circuits; each takes 50 ms
// for a message.
type street struct {
	worlds  []*world
	workers []*running
}

// open begins n destinations. trouble is what the ith answers to an attempt, nil for
// success.
func (s *street) open(t *testing.T, n int, to string, circuits *bridge.Circuits, trouble func(i int) error) {
	t.Helper()
	for range n {
		i := len(s.worlds)
		w := newWorld()
		w.answer = func(context.Context, int, bridge.Delivery) error {
			time.Sleep(50 * time.Millisecond)
			return trouble(i)
		}
		s.worlds = append(s.worlds, w)
		s.workers = append(s.workers, w.run(t, func(o *bridge.WorkerOptions) {
			o.Circuits, o.Subscription.To = circuits, bridge.ParseDestination(fmt.Sprintf(to, i))
		}))
	}
}

// happen gives every destination an event every so often, the given ones.
func (s *street) happen(from, to int, every time.Duration) {
	for n := from; n <= to; n++ {
		for _, w := range s.worlds {
			w.publish(like(n))
		}
		wait(every)
	}
}

func (s *street) close(t *testing.T) {
	t.Helper()
	for _, r := range s.workers {
		r.stop(t)
	}
}

// slowest is the time from being stored to being sent that 99 of 100 events of the
// given destinations keep.
func slowest(worlds []*world) time.Duration {
	var all []time.Duration
	for _, w := range worlds {
		for i, a := range w.attempts() {
			all = append(all, a.at.Sub(w.stream[i].Stored))
		}
	}
	slices.Sort(all)
	return all[len(all)*99/100]
}

// TestF32_ADeadWebhookSlowsNoOther: one of eleven is dead for an hour.
func TestF32_ADeadWebhookSlowsNoOther(t *testing.T) {
	t.Parallel()
	p99 := map[bool]time.Duration{}
	for _, dead := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			refused, s := on(), &street{}
			refused.Store(dead)
			s.open(t, 11, "webhook:https://h%d.example/in", &bridge.Circuits{}, func(i int) error {
				if i == 10 && refused.Load() {
					return &bridge.SendError{Verdict: bridge.Retry, Advice: "It does not answer."}
				}
				return nil
			})
			s.happen(1, 40, 90*time.Second)
			p99[dead] = slowest(s.worlds[:10])
			for _, w := range s.worlds[:10] {
				require.Equal(t, names(40), w.seen())
			}
			if dead {
				schedule(t, s.worlds[10])
			}
			refused.Store(false)
			wait(24 * time.Hour)
			last := s.worlds[10]
			require.ElementsMatch(t, names(40), last.seen(), "none is lost, each is shown once")
			require.Empty(t, last.dead)
			s.close(t)
		})
	}
	require.LessOrEqual(t, p99[true], p99[false]+p99[false]/10)
}

// schedule holds the attempts of the first event to the times of the table.
func schedule(t *testing.T, w *world) {
	t.Helper()
	var at []time.Time
	for _, a := range w.attempts() {
		if a.Event.ID == "ntf_1" {
			at = append(at, a.at)
		}
	}
	waits := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute}
	require.Len(t, at, len(waits)+1)
	for i, want := range waits {
		require.InDelta(t, want.Seconds(), at[i+1].Sub(at[i]).Seconds(), want.Seconds()/5+1, "wait %d", i+1)
	}
}

// TestF19_APlatformInTroubleLosesNothingAndSlowsNoOther: for two minutes it answers
// some, or all, requests with errors, a part of which did their work.
func TestF19_APlatformInTroubleLosesNothingAndSlowsNoOther(t *testing.T) {
	t.Parallel()
	for name, share := range map[string]int32{"30 of 100": 30, "all": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p99 := map[bool]time.Duration{}
			for _, troubled := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					trouble, s, other, circuits := on(), &street{}, &street{}, &bridge.Circuits{}
					trouble.Store(troubled)
					var asked atomic.Int32
					s.open(t, 3, "discord:%d", circuits, func(int) error {
						switch n := asked.Add(37) % 100; {
						case !trouble.Load() || n >= share:
							return nil
						case n%2 == 0:
							return &bridge.SendError{Verdict: bridge.InDoubt} // 500: the message is there
						}
						return &bridge.SendError{Verdict: bridge.Retry} // 503
					})
					other.open(t, 3, "slack:%d", circuits, func(int) error { return nil })
					both := &street{worlds: append(slices.Clone(s.worlds), other.worlds...)}
					both.happen(1, 24, 5*time.Second) // two minutes
					trouble.Store(false)
					both.happen(25, 30, 5*time.Second)
					wait(5 * time.Minute)
					for i, w := range both.worlds {
						require.Equal(t, names(30), w.seen(), "destination %d", i)
						require.Empty(t, w.dead)
					}
					p99[troubled] = slowest(other.worlds)
					s.close(t)
					other.close(t)
				})
			}
			require.LessOrEqual(t, p99[true], p99[false]+p99[false]/5)
		})
	}
}
