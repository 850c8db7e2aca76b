package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

func TestF30_PoisonGoesToTheDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		poison := []string{"", "null", "{}", `{"specversion":"1.0"}`, strings.Repeat("[", 1000), `{"specversion":"1.0","id":"x","type":"com.imagineanything.a.b"}`, strings.Repeat("a", 1<<20)}
		for i, p := range poison {
			w.publish(like(i + 1))
			w.publishRaw(p)
		}
		r := w.run(t)
		wait(time.Second)
		require.Equal(t, names(len(poison)), w.seen())
		require.Len(t, w.dead, len(poison))
		for i, d := range w.dead {
			require.Equal(t, poison[i], string(d.Event))
			require.NotEmpty(t, d.Reason)
			require.Less(t, len(d.Reason), 2000)
		}
		r.stop(t)
	})
}

func TestF31_LaneMovesOnlyOnceTheDeadLetterIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(context.Context, int, bridge.Delivery) error { return &bridge.SendError{Verdict: bridge.Reject} }
		refusals := 0
		w.refuse = func(op string) error {
			if op == "bury" && refusals < 5 {
				refusals++
				require.Zero(t, w.record.Position)
				return errors.New("no space")
			}
			return nil
		}
		w.publish(like(1))
		r := w.run(t)
		wait(3 * time.Minute)
		require.Equal(t, 5, refusals)
		require.Len(t, w.dead, 1)
		require.Len(t, w.attempts(), 1, "it is not sent again for that")
		require.EqualValues(t, 1, w.stored().Position)
		r.stop(t)
	})
}

func TestF31_ShutdownWhileBuryingLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(context.Context, int, bridge.Delivery) error { return &bridge.SendError{Verdict: bridge.Reject} }
		w.refuse = func(op string) error {
			if op == "bury" {
				return errors.New("no space")
			}
			return nil
		}
		w.publish(like(1))
		r := w.run(t)
		wait(time.Minute)
		r.stop(t)
		require.Zero(t, w.stored().Position, "neither sent nor buried, yet passed over")
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

func TestEightFailuresAtAnAnsweringDestinationArePoison(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers bool
		dead    int
	}{"the destination answers": {true, 1}, "it does not": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.answer = func(_ context.Context, _ int, d bridge.Delivery) error {
					if d.Event.ID == "ntf_1" {
						return &bridge.SendError{Verdict: bridge.Retry}
					}
					return nil
				}
				w.publish(likes(2)...)
				r := w.run(t, func(o *bridge.WorkerOptions) { o.Sink = &probed{Sink: o.Sink, answers: tc.answers} })
				wait(15 * time.Minute)
				require.Len(t, w.dead, tc.dead)
				require.Len(t, w.seen(), tc.dead, "the next event goes on only past the dead one")
				r.stop(t)
			})
		})
	}
}

// probed is a sink that can be asked.
type probed struct {
	bridge.Sink
	answers bool
}

func (p *probed) Probe(context.Context, bridge.Destination) error {
	if p.answers {
		return nil
	}
	return errors.New("no answer")
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

func TestReplayIsSentAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(job("pending", 0), job("completed", 0))
		r := w.run(t)
		wait(time.Second)
		r.stop(t)
		require.Len(t, w.seen(), 1)

		w.record.Generation, w.record.Position = 1, 0
		r = w.run(t)
		wait(time.Second)
		r.stop(t)
		require.Len(t, w.seen(), 2, "a replay shows its message anew")
		sends := w.attempts()
		require.Len(t, sends, 4)
		require.NotEqual(t, sends[0].Key, sends[2].Key)
		require.Equal(t, 1, sends[2].Generation)
	})
}

func job(status string, retry int) events.Event {
	j := events.Job{ID: "j1", Type: "image", Status: status, RetryCount: retry}
	var data events.Payload
	switch status {
	case "pending":
		data = events.GenerationStarted{Job: j}
	case "completed":
		data = events.GenerationCompleted{Job: j}
	case "failed":
		data = events.GenerationFailed{Job: j}
	default:
		data = events.GenerationProgressed{Job: j}
	}
	return events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("job_j1_%d_%s", retry, status), "j1", time.Now(), data)
}

func TestF26_GenerationIsOneMessageThatOnlyGrows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		order []events.Event
		title string
		sends int
	}{
		"in order":        {[]events.Event{job("pending", 0), job("generating", 0), job("uploading", 0), job("completed", 0)}, "Image ready", 4},
		"progress late":   {[]events.Event{job("pending", 0), job("completed", 0), job("generating", 0), job("uploading", 0)}, "Image ready", 2},
		"only the end":    {[]events.Event{job("completed", 0), job("pending", 0)}, "Image ready", 1},
		"retried":         {[]events.Event{job("failed", 0), job("pending", 1), job("completed", 1)}, "Image ready", 3},
		"old end is late": {[]events.Event{job("pending", 1), job("failed", 0), job("generating", 1)}, "Generating an image", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.publish(tc.order...)
				r := w.run(t)
				wait(time.Second)
				require.Len(t, w.seen(), 1)
				require.Equal(t, tc.title, w.shown[0].title)
				require.Len(t, w.attempts(), tc.sends)
				r.stop(t)
			})
		})
	}
}

func TestF26_RemovedMessageComesBackOnlyForTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := w.run(t)
		w.publish(job("pending", 0))
		wait(time.Second)
		w.mu.Lock()
		w.shown = nil
		w.mu.Unlock()
		w.publish(job("generating", 0), job("uploading", 0))
		wait(time.Second)
		require.Empty(t, w.seen())
		w.publish(job("completed", 0), job("uploading", 0))
		wait(time.Second)
		require.Equal(t, []string{"job_j1_0_completed"}, w.seen())
		r.stop(t)
	})
}

// wait lets the bubble's time pass.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
