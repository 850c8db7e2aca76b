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

func TestWorkerSendsInOrderWithOneWriteEach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(likes(100)...)
		r := w.run(t)
		wait(time.Second)
		require.Equal(t, names(100), w.seen())
		require.Equal(t, 101, w.saves, "one intent each, which carries the move before it, and one last move")
		require.Equal(t, bridge.Record{Epoch: 1, Position: 100, State: bridge.Live, Updated: w.record.Updated}, w.stored())
		r.stop(t)
		require.Equal(t, 101, w.saves, "nothing was left to store")
	})
}

func TestWorkerJudgesEachVerdict(t *testing.T) {
	t.Parallel()
	failing := func(n int, err error) func(context.Context, int, bridge.Delivery) error {
		return func(_ context.Context, i int, _ bridge.Delivery) error {
			if i <= n {
				return err
			}
			return nil
		}
	}
	for name, tc := range map[string]struct {
		answer   func(context.Context, int, bridge.Delivery) error
		after    time.Duration // how long the test looks
		seen     int
		attempts int
		dead     int
		state    bridge.State
		outcomes []bridge.OutcomeKind
	}{
		"sent":              {nil, time.Second, 2, 2, 0, bridge.Live, kinds(bridge.Delivered, bridge.Delivered)},
		"retry":             {failing(1, &bridge.SendError{Verdict: bridge.Retry}), 2 * time.Second, 2, 3, 0, bridge.Live, kinds(bridge.Retried, bridge.Delivered, bridge.Delivered)},
		"retry for ever":    {failing(1e6, &bridge.SendError{Verdict: bridge.Retry}), time.Hour, 0, 0, 0, bridge.Live, nil},
		"in doubt":          {failing(1, &bridge.SendError{Verdict: bridge.InDoubt}), 2 * time.Second, 2, 3, 0, bridge.Live, kinds(bridge.Retried, bridge.Delivered, bridge.Delivered)},
		"reject":            {failing(1, &bridge.SendError{Verdict: bridge.Reject}), time.Second, 1, 2, 1, bridge.Live, kinds(bridge.Dead, bridge.Delivered)},
		"gone":              {failing(1, &bridge.SendError{Verdict: bridge.Gone}), time.Minute, 0, 1, 0, bridge.Suspended, kinds(bridge.Stopped)},
		"gone, then back":   {failing(3, &bridge.SendError{Verdict: bridge.Gone}), 3*time.Hour + time.Minute, 2, 5, 0, bridge.Live, kinds(bridge.Stopped, bridge.Resumed, bridge.Delivered, bridge.Delivered)},
		"revoked":           {failing(1, &bridge.SendError{Verdict: bridge.Revoked}), time.Minute, 0, 1, 0, bridge.Suspended, kinds(bridge.Stopped)},
		"unknown":           {failing(1, errors.New("418")), 2 * time.Second, 2, 3, 0, bridge.Live, kinds(bridge.Retried, bridge.Delivered, bridge.Delivered)},
		"unknown for 9 min": {failing(1e6, errors.New("418")), 9 * time.Minute, 0, 0, 0, bridge.Live, nil},
		"unknown and typed": {failing(1e6, &bridge.SendError{Verdict: bridge.Retry, Unknown: true}), 13 * time.Minute, 0, 0, 1, bridge.Live, nil},
		"unknown for long":  {failing(1e6, errors.New("418")), 13 * time.Minute, 0, 0, 1, bridge.Live, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.answer = tc.answer
				w.publish(likes(2)...)
				r := w.run(t)
				wait(tc.after)
				require.Len(t, w.seen(), tc.seen)
				require.Len(t, w.dead, tc.dead)
				require.Equal(t, tc.state, w.stored().State)
				if tc.attempts > 0 {
					require.Len(t, w.attempts(), tc.attempts)
					require.Equal(t, tc.outcomes, w.kinds())
				}
				r.stop(t)
			})
		})
	}
}

func kinds(k ...bridge.OutcomeKind) []bridge.OutcomeKind { return k }

func TestWorkerWaitsLongerAfterEachFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(context.Context, int, bridge.Delivery) error { return &bridge.SendError{Verdict: bridge.Retry} }
		w.publish(like(1))
		r := w.run(t)
		wait(5 * time.Minute)
		sends := w.attempts()
		require.Greater(t, len(sends), 7)
		for i, want := range []float64{1, 2, 5, 15, 30, 60, 60} {
			got := sends[i+1].at.Sub(sends[i].at)
			require.InDelta(t, want, got.Seconds(), want/5, "wait %d", i+1)
			require.Equal(t, i+2, sends[i+1].Attempt)
			require.Zero(t, sends[i+1].Doubt, "nothing arrived")
		}
		r.stop(t)
		require.Nil(t, w.stored().Intent, "nothing arrived, so nothing is in doubt")
	})
}

func TestF20_WorkerObeysThePauseItIsTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pause    time.Duration
		paced    bool
		attempt2 int
	}{
		"a fraction of a second": {300 * time.Millisecond, true, 1},
		"over a minute":          {65 * time.Second, true, 1},
		"a wish with a failure":  {40 * time.Second, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.answer = func(_ context.Context, n int, _ bridge.Delivery) error {
					if n == 1 {
						return &bridge.SendError{Verdict: bridge.Retry, After: tc.pause, Paced: tc.paced}
					}
					return nil
				}
				w.publish(like(1))
				r := w.run(t)
				wait(2 * time.Minute)
				sends := w.attempts()
				require.Len(t, sends, 2)
				waited := sends[1].at.Sub(sends[0].at)
				require.GreaterOrEqual(t, waited, tc.pause)
				require.LessOrEqual(t, waited, tc.pause+tc.pause/10+250*time.Millisecond)
				require.Equal(t, tc.attempt2, sends[1].Attempt)
				r.stop(t)
			})
		})
	}
}

func TestWorkerTellsTheSinkOfDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(_ context.Context, n int, _ bridge.Delivery) error {
			switch n {
			case 1:
				return &bridge.SendError{Verdict: bridge.Retry}
			case 2:
				return &bridge.SendError{Verdict: bridge.InDoubt}
			case 3:
				return &bridge.SendError{Verdict: bridge.Retry}
			}
			return nil
		}
		w.publish(like(1))
		r := w.run(t)
		wait(time.Minute)
		sends := w.attempts()
		require.Len(t, sends, 4)
		require.Zero(t, sends[1].Doubt)
		require.WithinDuration(t, sends[1].at, sends[2].Doubt, 0, "since the first that may have arrived")
		require.WithinDuration(t, sends[1].at, sends[3].Doubt, 0, "a later certainty does not undo it")
		require.Len(t, w.seen(), 1)
		r.stop(t)
	})
}

func TestF21_WorkerLooksAgainHourlyAndWhenTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		refuse := &bridge.SendError{Verdict: bridge.Gone, Advice: "In #alerts I may not: Send Messages."}
		w.answer = func(_ context.Context, n int, _ bridge.Delivery) error {
			if n <= 3 {
				return refuse
			}
			return nil
		}
		w.publish(likes(5)...)
		r := w.run(t)
		wait(time.Minute)
		require.Len(t, w.attempts(), 1)
		require.Equal(t, refuse.Advice, w.stored().Reason)
		require.WithinDuration(t, time.Now().Add(59*time.Minute), w.stored().Until, time.Second)
		wait(time.Hour)
		require.Len(t, w.attempts(), 2, "it looks again hourly")

		r.stop(t)
		r = w.run(t)
		wait(time.Second)
		require.Len(t, w.attempts(), 3, "it looks again when the bridge starts")

		r.Resume()
		wait(time.Second)
		require.Equal(t, names(5), w.seen(), "the backlog was kept")
		require.Equal(t, kinds(bridge.Stopped, bridge.Resumed), w.kinds()[:2], "the owner is told once")
		require.Equal(t, bridge.Live, w.stored().State)
		require.Empty(t, w.stored().Reason)
		r.stop(t)
	})
}

func TestPausedLaneWaitsForAPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.record = bridge.Record{State: bridge.Paused, Reason: "by ada"}
		w.publish(like(1))
		r := w.run(t)
		wait(48 * time.Hour)
		require.Empty(t, w.attempts())
		r.Resume()
		wait(time.Second)
		require.Equal(t, names(1), w.seen())
		require.Equal(t, bridge.Live, w.stored().State)
		r.stop(t)
	})
}

func TestWorkerTellsOfWhatRetentionTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(like(1))
		r := w.run(t)
		wait(time.Minute)
		w.publish(like(2))
		synctest.Wait()
		w.mu.Lock()
		last := w.stream[1]
		w.stream = append(w.stream, bridge.Entry{Position: 500, Skipped: 497, Data: last.Data, Stored: time.Now()})
		close(w.arrived)
		w.arrived = make(chan struct{})
		w.mu.Unlock()
		wait(time.Second)
		require.Equal(t, kinds(bridge.Delivered, bridge.Delivered, bridge.Gap, bridge.Delivered), w.kinds())
		gap := w.outcomes[2]
		require.EqualValues(t, 497, gap.Count)
		require.WithinDuration(t, last.Stored, gap.From, 0)
		r.stop(t)
	})
}

func TestF47_PanickingSinkIsRetriedThenSuspended(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(_ context.Context, n int, _ bridge.Delivery) error {
			if n <= 6 {
				panic("token xoxb-secret")
			}
			return nil
		}
		w.publish(likes(2)...)
		r := w.run(t)
		wait(50 * time.Second)
		require.Len(t, w.attempts(), 5)
		require.Equal(t, bridge.Suspended, w.stored().State)
		require.NotContains(t, fmt.Sprint(w.outcomes, w.stored()), "xoxb")
		r.Resume()
		wait(30 * time.Second)
		r.Resume()
		wait(30 * time.Second)
		require.Equal(t, names(2), w.seen(), "the event was not lost")
		r.stop(t)
	})
}

func TestThreadHeadIsKeptAndHandedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		post := events.Post{ID: "p1", Content: "Look"}
		for i := range 3 {
			w.publish(events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("ntf_%d", i+1), "p1", time.Now(),
				events.NotificationComment{Post: post, Comment: events.Comment{ID: "c", Content: "hi"}}))
		}
		w.publish(like(4))
		r := w.run(t)
		wait(time.Second)
		sends := w.attempts()
		require.Zero(t, sends[0].Thread)
		require.Equal(t, "m1", sends[1].Thread.Message)
		require.Equal(t, "t-m1", sends[2].Thread.Thread)
		require.Zero(t, sends[3].Thread)
		require.Equal(t, "m1", w.receipts["discord:123|post:p1"].Message)
		r.stop(t)
	})
}

func TestFilteredEventsCostNoWriteEach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		none, err := bridge.CompileFilter(`agent == "luna"`, []string{"*"})
		require.NoError(t, err)
		r := w.run(t, func(o *bridge.WorkerOptions) { o.Subscription.Filter = none })
		for i := range 100 {
			w.publish(like(i + 1))
			wait(100 * time.Millisecond)
		}
		require.LessOrEqual(t, w.saves, 3)
		require.GreaterOrEqual(t, w.stored().Position, uint64(40), "the position is stored now and then")
		r.stop(t)
		require.EqualValues(t, 100, w.stored().Position)
		require.Empty(t, w.seen())
	})
}

// wait lets the bubble's time pass.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestF25_AQuickAnswerOvertakesNoSlowOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(_ context.Context, n int, _ bridge.Delivery) error {
			if n%2 == 1 {
				<-time.After(3 * time.Second)
			}
			return nil
		}
		w.publish(likes(200)...)
		r := w.run(t)
		wait(6 * time.Minute)
		require.Equal(t, names(200), w.seen())
		r.stop(t)
	})
}
