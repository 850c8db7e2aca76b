package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

// street are destinations of one process that share its circuits; each takes its
// time for a message.
type street struct {
	takes   time.Duration
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
			time.Sleep(s.takes)
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
		data, err := json.Marshal(like(n))
		if err != nil {
			panic(err) // the test's own event is wrong
		}
		for _, w := range s.worlds {
			w.publishRaw(string(data))
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

// TestF32_ADeadWebhookSlowsNoOther: one beside fifty is dead for an hour.
func TestF32_ADeadWebhookSlowsNoOther(t *testing.T) {
	t.Parallel()
	p99 := map[bool]time.Duration{}
	for _, dead := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const healthy = 50
			refused, s, hits := on(), &street{takes: 50 * time.Millisecond}, 0
			refused.Store(dead)
			s.open(t, healthy+1, "webhook:https://h%d.example/in", &bridge.Circuits{}, func(i int) error {
				if i == healthy && refused.Load() {
					hits++
					return &bridge.SendError{Verdict: bridge.Retry, Advice: "It does not answer."}
				}
				return nil
			})
			s.happen(1, 40, 90*time.Second)
			p99[dead] = slowest(s.worlds[:healthy])
			for _, w := range s.worlds[:healthy] {
				require.Equal(t, names(40), w.seen())
			}
			require.Equal(t, dead, hits > 40)
			if dead {
				schedule(t, s.worlds[healthy])
			}
			refused.Store(false)
			wait(24 * time.Hour)
			last := s.worlds[healthy]
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

// following is how many events of the load each destination gets: those of four
// agents, which are all of them under S.
func following(p load.Profile) int { return 4 * p.Each() }

// TestF47_APanickingSinkTroublesNoOther: a sink panics eight times for one destination,
// and always for another.
func TestF47_APanickingSinkTroublesNoOther(t *testing.T) {
	t.Parallel()
	p := load.Of(t)
	synctest.Test(t, func(t *testing.T) {
		s, circuits, hits := &street{takes: 5 * time.Millisecond}, &bridge.Circuits{}, 0
		s.open(t, p.Destinations, "discord:%d", circuits, func(int) error { return nil })
		s.open(t, 1, "discord:%d", circuits, func(int) error {
			if hits++; hits%(following(p)/8) == 0 {
				panic("token xoxb-secret")
			}
			return nil
		})
		always := on()
		s.open(t, 1, "discord:%d", circuits, func(int) error {
			if always.Load() {
				panic("token xoxb-secret")
			}
			return nil
		})
		s.happen(1, following(p), p.For/time.Duration(following(p)))
		wait(time.Minute)
		require.LessOrEqual(t, slowest(s.worlds[:p.Destinations]), 20*time.Millisecond)
		last := s.worlds[p.Destinations+1]
		require.Equal(t, bridge.Suspended, last.stored().State)
		require.Len(t, last.attempts(), 5, "after five in a minute it rests")
		require.NotContains(t, fmt.Sprint(last.outcomes, last.stored(), s.worlds[p.Destinations].outcomes), "xoxb")
		always.Store(false)
		s.workers[p.Destinations+1].Resume()
		wait(2 * time.Hour)
		for i, w := range s.worlds {
			require.Equal(t, names(following(p)), w.seen(), "destination %d", i)
		}
		require.GreaterOrEqual(t, hits, following(p)+8)
		s.close(t)
	})
}

// TestF19_APlatformInTroubleLosesNothingAndSlowsNoOther: for two minutes it answers
// some, or all, requests with errors, a part of which did their work.
func TestF19_APlatformInTroubleLosesNothingAndSlowsNoOther(t *testing.T) {
	t.Parallel()
	p := load.Of(t)
	for name, share := range map[string]int32{"30 of 100": 30, "all": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p99 := map[bool]time.Duration{}
			for _, troubled := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					trouble, circuits := on(), &bridge.Circuits{}
					s, other := &street{takes: 5 * time.Millisecond}, &street{takes: 5 * time.Millisecond}
					trouble.Store(troubled)
					var asked, hits atomic.Int32
					s.open(t, p.Destinations, "discord:%d", circuits, func(int) error {
						n := (asked.Add(37)%100 + 100) % 100
						if !trouble.Load() || n >= share {
							return nil
						}
						hits.Add(1)
						if n%2 == 0 {
							return &bridge.SendError{Verdict: bridge.InDoubt} // 500: the message is there
						}
						return &bridge.SendError{Verdict: bridge.Retry} // 503
					})
					other.open(t, p.Destinations, "slack:%d", circuits, func(int) error { return nil })
					both := &street{worlds: append(slices.Clone(s.worlds), other.worlds...)}
					timer := time.AfterFunc(2*time.Minute, func() { trouble.Store(false) })
					defer timer.Stop()
					both.happen(1, following(p), p.For/time.Duration(following(p)))
					wait(20 * time.Minute)
					for i, w := range both.worlds {
						require.Equal(t, names(following(p)), w.seen(), "destination %d", i)
						require.Empty(t, w.dead)
					}
					require.Equal(t, troubled, hits.Load() > 0)
					p99[troubled] = slowest(other.worlds)
					s.close(t)
					other.close(t)
				})
			}
			require.LessOrEqual(t, p99[true], p99[false]+p99[false]/5)
		})
	}
}
