package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// refusing fails the sends of one event until told otherwise.
func refusing(id string, e *bridge.SendError, refused *atomic.Bool) func(context.Context, int, bridge.Delivery) error {
	return func(_ context.Context, _ int, d bridge.Delivery) error {
		if d.Event.ID == id && refused.Load() {
			return e
		}
		return nil
	}
}

func on() *atomic.Bool {
	var b atomic.Bool
	b.Store(true)
	return &b
}

func TestF32_WebhookEventIsSetAsideForItsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = refusing("ntf_2", &bridge.SendError{Verdict: bridge.Retry}, on())
		w.publish(likes(4)...)
		r := w.run(t, toWebhook)
		wait(time.Second)
		require.Equal(t, []string{"ntf_1", "ntf_3", "ntf_4"}, w.seen(), "later ones go on")
		r.stop(t)
		r = w.run(t, toWebhook)
		w.publish(like(5))
		wait(5 * 24 * time.Hour)
		require.Equal(t, []string{"ntf_1", "ntf_3", "ntf_4", "ntf_5"}, w.seen())
		var times []time.Time
		for _, a := range w.attempts() {
			if a.Event.ID == "ntf_2" {
				times = append(times, a.at)
				require.Equal(t, len(times), a.Attempt)
			}
		}
		waits := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
		require.Len(t, times, 1+len(waits))
		for i, want := range waits {
			require.InDelta(t, want.Seconds(), times[i+1].Sub(times[i]).Seconds(), want.Seconds()/5+1, "wait %d", i+1)
		}
		require.Len(t, w.dead, 1)
		require.Equal(t, "ntf_2", w.dead[0].EventID)
		require.Equal(t, 10, w.dead[0].Attempts)
		require.Empty(t, w.stored().Asides)
		r.stop(t)
	})
}

func TestStrictWebhookHoldsItsLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		refused := on()
		w.answer = refusing("ntf_2", &bridge.SendError{Verdict: bridge.Retry}, refused)
		w.publish(likes(4)...)
		r := w.run(t, toWebhook, paced(bridge.Pace{Strict: true}))
		wait(time.Minute)
		require.Equal(t, []string{"ntf_1"}, w.seen())
		refused.Store(false)
		wait(2 * time.Minute)
		require.Equal(t, names(4), w.seen())
		r.stop(t)
	})
}

func TestF32_ADeadWebhookHoldsItsLineAtTheLimitOfAsides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		refused := on()
		w.answer = func(context.Context, int, bridge.Delivery) error {
			if refused.Load() {
				return &bridge.SendError{Verdict: bridge.Retry}
			}
			return nil
		}
		for i := range 100 {
			w.publish(like(i + 1))
		}
		r := w.run(t, toWebhook)
		wait(4 * time.Second)
		require.Len(t, w.stored().Asides, 64)
		require.EqualValues(t, 64, w.stored().Position)
		full := w.stored()
		full.Reason, full.Sent = strings.Repeat("é", 200), make([]int64, 60)
		data, err := json.Marshal(full)
		require.NoError(t, err)
		require.Less(t, len(data), 16<<10, "a lane's record stays small however much is set aside")
		refused.Store(false)
		wait(24 * time.Hour)
		require.Len(t, w.seen(), 100)
		require.Empty(t, w.dead)
		require.EqualValues(t, 100, w.stored().Position)
		r.stop(t)
	})
}

func TestWebhookIsSuspendedAfterFiveDaysOfFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		works time.Duration // something is taken at that time; 0 never
		state bridge.State
	}{"nothing taken": {0, bridge.Suspended}, "something taken on the third day": {60 * time.Hour, bridge.Live}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				begin := time.Now()
				w.answer = func(_ context.Context, _ int, d bridge.Delivery) error {
					if tc.works > 0 && time.Since(begin) >= tc.works && time.Since(begin) < tc.works+2*time.Hour {
						return nil
					}
					return &bridge.SendError{Verdict: bridge.Retry, Err: fmt.Errorf("500 for %s", d.Event.ID)}
				}
				r := w.run(t, toWebhook)
				for i := range 23 {
					w.publish(like(i + 1))
					wait(6 * time.Hour)
				}
				require.Equal(t, tc.state, w.stored().State)
				if tc.state == bridge.Suspended {
					require.Len(t, w.notices, 1)
					require.Contains(t, w.notices[0].Reason, "took nothing for five days")
				}
				r.stop(t)
			})
		})
	}
}

func TestF3_CrashInAnyGapOfASetAsideLosesNothing(t *testing.T) {
	t.Parallel()
	crashes := 0
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			crashed := false
			t.Run(fmt.Sprintf("operation %d after=%v", at, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					w.crashAt, w.crashAfter = at, after
					tries := 0
					w.answer = func(_ context.Context, _ int, d bridge.Delivery) error {
						if d.Event.ID == "ntf_2" {
							if tries++; tries < 3 {
								return &bridge.SendError{Verdict: bridge.Retry}
							}
						}
						return nil
					}
					w.publish(likes(4)...)
					r := w.run(t, toWebhook)
					wait(time.Hour)
					if crashed = w.life > 1; crashed {
						t.Log("it ended with", r.ended())
						r = w.run(t, toWebhook)
						wait(time.Hour)
					}
					require.ElementsMatch(t, names(4), w.seen())
					require.Empty(t, w.stored().Asides)
					require.EqualValues(t, 4, w.stored().Position)
					r.stop(t)
				})
			})
			if !crashed {
				break
			}
			crashes++
		}
	}
	require.Greater(t, crashes, 10, "too few gaps were tried")
}

func TestF21_TheOwnerIsToldOnceWhateverCrashes(t *testing.T) {
	t.Parallel()
	for at := range 8 {
		t.Run(fmt.Sprint("crash at ", at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				refused := on()
				w.answer = refusing("ntf_1", &bridge.SendError{Verdict: bridge.Gone, Advice: "In #alerts I may not."}, refused)
				w.publish(likes(2)...)
				w.crashAt = at
				r := w.run(t)
				wait(90 * time.Minute)
				if w.life > 1 {
					t.Log("it ended with", r.ended())
					r = w.run(t)
					wait(90 * time.Minute)
				}
				told := len(w.notices)
				require.Equal(t, "In #alerts I may not.", w.notices[0].Reason)
				for _, n := range w.notices {
					require.Equal(t, w.notices[0].Key, n.Key, "a repeat after a crash is known by its key")
				}
				refused.Store(false)
				w.spare()
				r.Resume()
				wait(2 * time.Hour)
				require.Equal(t, names(2), w.seen())
				require.True(t, w.notices[told].Works)
				require.Len(t, w.notices, told+1)
				r.stop(t)
			})
		})
	}
}

func TestCircuitIsSharedByTheSubscriptionsToOnePlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		circuits := &bridge.Circuits{}
		shared := func(o *bridge.WorkerOptions) { o.Circuits = circuits }
		var worlds []*world
		var workers []*running
		var asked atomic.Int32
		refused := on()
		for range 5 {
			w := newWorld()
			w.answer = func(context.Context, int, bridge.Delivery) error {
				if asked.Add(1); refused.Load() {
					return &bridge.SendError{Verdict: bridge.Gone, Advice: "gone"}
				}
				return nil
			}
			w.publish(likes(2)...)
			worlds, workers = append(worlds, w), append(workers, w.run(t, shared))
			wait(time.Second)
		}
		wait(time.Minute)
		require.EqualValues(t, 1, asked.Load(), "what one was told need not be asked again")
		for _, w := range worlds {
			require.Equal(t, bridge.Suspended, w.stored().State)
		}
		wait(time.Hour)
		require.EqualValues(t, 2, asked.Load(), "one looks again")
		refused.Store(false)
		for _, r := range workers {
			r.Resume()
		}
		wait(10 * time.Second)
		for i, w := range worlds {
			require.Equal(t, names(2), w.seen())
			workers[i].stop(t)
		}
	})
}

func TestF19_CircuitSpacesOutWhatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		circuits := &bridge.Circuits{}
		var asked atomic.Int32
		refused := on()
		var workers []*running
		var worlds []*world
		for range 10 {
			w := newWorld()
			w.answer = func(context.Context, int, bridge.Delivery) error {
				if asked.Add(1); refused.Load() {
					return &bridge.SendError{Verdict: bridge.Retry}
				}
				return nil
			}
			w.publish(like(1))
			worlds = append(worlds, w)
			workers = append(workers, w.run(t, func(o *bridge.WorkerOptions) { o.Circuits = circuits }))
		}
		wait(10 * time.Minute)
		require.Less(t, asked.Load(), int32(70), "ten lanes alone would ask some 140 times")
		refused.Store(false)
		wait(5 * time.Minute)
		for i, w := range worlds {
			require.Equal(t, names(1), w.seen())
			workers[i].stop(t)
		}
	})
}

func TestF74_DeadLetterIsSentAgainOnceForEachWish(t *testing.T) {
	t.Parallel()
	crashes := 0
	for _, after := range []bool{false, true} {
		for at := 0; ; at++ {
			crashed := false
			t.Run(fmt.Sprintf("crash at %d after=%v", at, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					refused := on()
					w.answer = refusing("job_j1_0_completed", &bridge.SendError{Verdict: bridge.Reject}, refused)
					w.publish(like(1), job("pending", 0), job("completed", 0), like(3))
					r := w.run(t)
					wait(time.Minute)
					require.Len(t, w.dead, 1)
					refused.Store(false)
					w.want(77, 0)
					if at > 0 {
						w.strike(at, after)
					}
					r.Nudge()
					wait(time.Minute)
					if crashed = w.life > 1; crashed {
						t.Log("it ended with", r.ended())
						r = w.run(t)
						wait(2 * time.Minute)
					}
					require.Equal(t, []string{"ntf_1", "job_j1_0_pending", "ntf_3", "job_j1_0_completed"}, w.seen())
					again := w.attempts()[len(w.attempts())-1]
					require.Equal(t, 77, again.Generation)
					require.Contains(t, again.Message.Footnote, "sent again on request")
					require.NotEqual(t, w.attempts()[2].Key, again.Key, "no platform takes it for the first")
					require.Empty(t, w.dead)
					require.Empty(t, w.wishes)
					require.Nil(t, w.stored().Intent)
					w.spare()
					w.publish(like(5))
					wait(time.Second)
					require.Len(t, w.seen(), 5)
					r.stop(t)
				})
			})
			if at > 0 && !crashed {
				break
			}
			crashes++
		}
	}
	require.Greater(t, crashes, 6, "too few gaps were tried")
}

// A hundred dead letters are sent again, half of them wanted twice, while live
// events go on in their order.
func TestF74_AHundredDeadLettersBesideLiveEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		refused := on()
		w.answer = func(context.Context, int, bridge.Delivery) error {
			if refused.Load() {
				return &bridge.SendError{Verdict: bridge.Reject}
			}
			return nil
		}
		w.publish(likes(100)...)
		r := w.run(t)
		wait(time.Minute)
		require.Len(t, w.dead, 100)
		refused.Store(false)
		want := map[string]int{}
		for n := range 100 {
			w.want(uint64(1000+n), n)
			want[fmt.Sprintf("ntf_%d", n+1)]++
			if n%2 == 0 {
				w.want(uint64(2000+n), n)
				want[fmt.Sprintf("ntf_%d", n+1)]++
			}
		}
		r.Nudge()
		var live []string
		for n := range 100 {
			w.publish(like(1001 + n))
			live = append(live, fmt.Sprintf("ntf_%d", 1001+n))
			wait(100 * time.Millisecond)
		}
		wait(time.Minute)
		again, keys, got := map[string]int{}, map[string]bool{}, []string{}
		for _, a := range w.attempts()[100:] {
			require.False(t, keys[a.Key], "each under a key of its own")
			keys[a.Key] = true
			if a.Generation > 0 {
				again[a.Event.ID]++
				require.Contains(t, a.Message.Footnote, "sent again on request")
				continue
			}
			got = append(got, a.Event.ID)
		}
		require.Equal(t, want, again, "each as often as it was asked for")
		require.Equal(t, live, got, "what is live keeps its order")
		require.Len(t, w.seen(), 250)
		require.Empty(t, w.dead)
		require.Empty(t, w.wishes)
		r.stop(t)
	})
}

func TestF74_DeadLetterThatIsRefusedAgainStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = refusing("ntf_1", &bridge.SendError{Verdict: bridge.Reject, Advice: "too large"}, on())
		w.publish(like(1))
		r := w.run(t)
		wait(time.Second)
		w.want(9, 0)
		r.Nudge()
		wait(time.Second)
		require.Len(t, w.attempts(), 2)
		require.Len(t, w.dead, 1)
		require.Empty(t, w.wishes)
		require.Equal(t, kinds(bridge.Dead, bridge.Dead), w.kinds())
		r.stop(t)
	})
}
