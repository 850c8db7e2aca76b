package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// eventful is a stream in which every kind of step occurs: plain messages, a
// thread, an edited generation, a poison event, and one that is refused.
func eventful(w *world) {
	w.publish(like(1), comment(2), job("pending", 0))
	w.publishRaw("poison")
	w.publish(comment(5), job("completed", 0), like(7), like(8))
	w.answer = func(_ context.Context, _ int, d bridge.Delivery) error {
		if d.Event.ID == "ntf_7" {
			return &bridge.SendError{Verdict: bridge.Reject}
		}
		return nil
	}
}

func comment(n int) events.Event {
	return events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("ntf_%d", n), "p", time.Now(),
		events.NotificationComment{Post: events.Post{ID: "p"}, Comment: events.Comment{ID: "c", Content: "hi"}})
}

func TestF3_CrashInAnyGapLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		crashes := 0
		for at := 1; ; at++ {
			crashed := false
			t.Run(fmt.Sprintf("operation %d after=%v", at, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					eventful(w)
					w.crashAt, w.crashAfter = at, after
					r := w.run(t)
					wait(time.Minute)
					if crashed = w.life > 1; crashed {
						t.Log("it ended with", <-r.done)
						r = w.run(t)
						wait(time.Minute)
					}
					require.Equal(t, []string{"ntf_1", "ntf_2", "job_j1_0_completed", "ntf_5", "ntf_8"}, w.seen())
					require.Equal(t, "Image ready", w.shown[2].title)
					require.Equal(t, w.shown[1].id, w.shown[3].thread, "the thread goes on")
					require.Empty(t, w.strayed, "what heads a thread is not sent into it")
					require.Len(t, w.dead, 2)
					require.Equal(t, "poison", string(w.dead[0].Event))
					require.Equal(t, "ntf_7", w.dead[1].EventID)
					require.EqualValues(t, 8, w.stored().Position)
					r.stop(t)
				})
			})
			if !crashed {
				break
			}
			crashes++
		}
		require.Greater(t, crashes, 15, "too few gaps were tried")
	}
}

func TestF73_RecordRefusedAfterSending(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"save", "keep"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				refusals, refused := 0, map[int]int{} // by what had been sent
				w.refuse = func(what string) error {
					if n := len(w.sends); what == op && n%5 == 1 && refused[n] < 6 {
						refused[n]++
						refusals++
						return errors.New("permissions violation")
					}
					return nil
				}
				w.publish(comment(1), job("pending", 0), like(3))
				want := []string{"ntf_1", "job_j1_0_pending", "ntf_3"}
				for n := 4; n <= 50; n++ {
					w.publish(comment(n))
					want = append(want, fmt.Sprintf("ntf_%d", n))
				}
				r := w.run(t)
				wait(time.Hour)
				require.GreaterOrEqual(t, refusals, 6)
				if op == "save" {
					require.Equal(t, 6*10, refusals)
				}
				require.Equal(t, want, w.seen())
				require.Len(t, w.attempts(), 50, "nothing was sent again for a record")
				r.stop(t)
			})
		})
	}
}

func TestF73_IntentThatNobodyFinishedIsNotForgotten(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		age, tried time.Duration // of the intent
	}{
		"fresh":                         {time.Second, time.Second},
		"old":                           {time.Minute, time.Minute},
		"old, but tried again just now": {time.Hour, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				begin := time.Now()
				w.publish(likes(2)...)
				w.record = bridge.Record{State: bridge.Live, Intent: &bridge.Intent{
					Position: 1, Attempt: 3, At: begin.Add(-tc.age), Tried: begin.Add(-tc.tried),
				}}
				r := w.run(t)
				wait(time.Minute)
				sends := w.attempts()
				require.Len(t, sends, 2)
				require.Equal(t, begin, sends[0].at, "whoever wrote it is dead: there is nobody to wait for")
				require.Equal(t, 4, sends[0].Attempt)
				require.WithinDuration(t, begin.Add(-tc.age), sends[0].Doubt, 0)
				require.Equal(t, 1, sends[1].Attempt)
				require.Zero(t, sends[1].Doubt)
				r.stop(t)
			})
		})
	}
}

// Fifty processes die, one after the other, with an intent stored and nothing sent,
// or with the message sent and nothing recorded: each event is shown once.
func TestF73_FiftyIntentsLeftBehind(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]bool{"before the request": false, "after the request": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				for n := range 50 {
					w.publish(like(n + 1))
					intent := 1 // the operations of an event's life: intent, message
					if n > 0 {
						intent = 2 // in doubt from before: the message, then the intent of the next
					}
					if sent {
						intent++
					}
					w.strike(intent, true)
					r := w.run(t)
					wait(2 * time.Minute)
					require.Equal(t, n+1, w.life/2, "process %d died", n)
					t.Log("it ended with", r.ended())
				}
				w.spare()
				r := w.run(t)
				wait(2 * time.Minute)
				require.Equal(t, names(50), w.seen())
				require.EqualValues(t, 50, w.stored().Position)
				require.Empty(t, w.dead)
				r.stop(t)
			})
		})
	}
}

func TestFencedWorkerEndsAtOnceAndSendsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := w.run(t)
		wait(time.Second)
		w.mu.Lock()
		w.record.Epoch++ // somebody else took the lane
		w.mu.Unlock()
		w.publish(likes(3)...)
		require.ErrorIs(t, <-r.done, bridge.ErrFenced)
		require.Empty(t, w.attempts())
	})
}

func TestF44_ShutdownFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		send  time.Duration // how long the platform takes
		ends  time.Duration // how long Run takes to end, at most
		seen  int           // right after
		doubt bool
	}{
		"quick":    {time.Second, time.Second, 1, false},
		"slow":     {4 * time.Second, 4 * time.Second, 1, false},
		"too slow": {time.Hour, 8 * time.Second, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.answer = func(ctx context.Context, n int, _ bridge.Delivery) error {
					if n > 1 {
						return nil
					}
					select {
					case <-time.After(tc.send):
						return nil
					case <-ctx.Done():
						return &bridge.SendError{Verdict: bridge.InDoubt, Err: ctx.Err()}
					}
				}
				w.publish(likes(3)...)
				r := w.run(t)
				synctest.Wait()
				begin := time.Now()
				r.stop(t)
				require.LessOrEqual(t, time.Since(begin), tc.ends)
				require.Len(t, w.attempts(), 1, "nothing new is begun")
				require.Equal(t, tc.doubt, w.stored().Intent != nil)
				r = w.run(t)
				wait(time.Minute)
				require.Equal(t, names(3), w.seen())
				r.stop(t)
			})
		})
	}
}

func TestSilentSinkIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(ctx context.Context, n int, _ bridge.Delivery) error {
			if n > 1 {
				return nil
			}
			<-ctx.Done()
			return &bridge.SendError{Verdict: bridge.InDoubt, Err: ctx.Err()}
		}
		w.publish(like(1))
		r := w.run(t)
		wait(30 * time.Second)
		require.Equal(t, names(1), w.seen())
		r.stop(t)
	})
}

func TestF73_ShutdownBeforeTheReceiptLeavesTheIntent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.refuse = func(op string) error {
			if op == "keep" {
				return errors.New("permissions violation")
			}
			return nil
		}
		w.publish(comment(1), comment(2))
		r := w.run(t)
		wait(time.Minute)
		r.stop(t)
		require.NotNil(t, w.stored().Intent, "sent but not recorded, so in doubt")
		w.refuse = nil
		r = w.run(t)
		wait(time.Minute)
		require.Equal(t, names(2), w.seen())
		require.Equal(t, w.shown[0].id, w.shown[1].thread, "the thread was not forgotten")
		r.stop(t)
	})
}
