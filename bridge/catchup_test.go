package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

var catchingUp = paced(bridge.Pace{CatchUp: bridge.CatchUpDigest})

// crowd publishes n events: every tenth is a direct message, the others comments.
func crowd(w *world, from, n int) {
	for i := from; i < from+n; i++ {
		if i%10 == 0 {
			w.publish(dm(i))
		} else {
			w.publish(comment(i))
		}
	}
}

// told is which events the messages that are shown tell of: singly by their ids,
// or as the number of lines of a digest.
func told(w *world) (singles []string, lines int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := map[string]attempt{}
	for _, a := range w.sends {
		sent[a.Key] = a
	}
	for _, s := range w.shown {
		a := sent[s.key]
		if strings.HasPrefix(a.Message.Title, "While I was away") {
			lines += len(a.Message.Quotes)
		} else {
			singles = append(singles, s.event)
		}
	}
	return singles, lines
}

func TestCatchUpSendsMessagesFirstAndTheRestAsDigests(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		events  int
		age     time.Duration
		singles int
		lines   int
	}{
		"fifty, fresh":      {50, 0, 50, 0},
		"fifty-one, fresh":  {52, 0, 5, 47},
		"few, 14 min old":   {20, 14 * time.Minute, 20, 0},
		"few, 16 min old":   {20, 16 * time.Minute, 2, 18},
		"one, an hour old":  {1, time.Hour, 1, 0},
		"many, an hour old": {500, time.Hour, 50, 450},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				crowd(w, 1, tc.events)
				wait(tc.age)
				r := w.run(t, catchingUp)
				wait(30 * time.Second)
				singles, lines := told(w)
				require.Len(t, singles, tc.singles)
				require.Equal(t, tc.lines, lines)
				require.EqualValues(t, tc.events, w.stored().Position)
				require.Zero(t, w.stored().Ahead)
				if tc.lines > 0 && tc.events > 20 {
					require.Equal(t, "msg_10", w.attempts()[0].Event.ID, "messages go first")
					require.Equal(t, fmt.Sprintf("msg_%d", tc.events/10*10), w.attempts()[tc.singles-1].Event.ID)
					require.Contains(t, w.attempts()[tc.singles].Message.Title, fmt.Sprintf("of %d events", tc.lines))
				}
				w.publish(comment(1000))
				wait(time.Second)
				require.Equal(t, "ntf_1000", w.attempts()[len(w.attempts())-1].Event.ID, "and then each by itself again")
				r.stop(t)
			})
		})
	}
}

// A line whose very first event talks to the agent has nothing to let pass first.
func TestF28_CatchUpThatBeginsWithAMessage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		events  int
		age     time.Duration
		singles int
		lines   int
	}{
		"one, an hour old":  {1, time.Hour, 1, 0},
		"many, fresh":       {60, 0, 6, 54},
		"many, an hour old": {60, time.Hour, 6, 54},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				crowd(w, 10, tc.events)
				wait(tc.age)
				r := w.run(t, catchingUp)
				wait(30 * time.Second)
				singles, lines := told(w)
				require.Len(t, singles, tc.singles)
				require.Equal(t, tc.lines, lines)
				require.EqualValues(t, tc.events, w.stored().Position)
				for i, a := range w.attempts()[:tc.singles] {
					require.Equal(t, fmt.Sprintf("msg_%d", 10*(i+1)), a.Event.ID, "messages go first")
				}
				r.stop(t)
			})
		})
	}
}

func TestCatchUpLetsNewMessagesPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(comments(200)...)
		w.answer = func(context.Context, int, bridge.Delivery) error {
			time.Sleep(time.Second) // the platform's pace
			return nil
		}
		wait(time.Hour)
		r := w.run(t, catchingUp)
		wait(2500 * time.Millisecond)
		w.publish(dm(300), comment(301))
		wait(30 * time.Second)
		sends := w.attempts()
		require.Equal(t, "msg_300", sends[3].Event.ID)
		_, lines := told(w)
		require.Equal(t, 201, lines)
		require.EqualValues(t, 202, w.stored().Position)
		r.stop(t)
	})
}

func TestF28_LiveBurstAtAHealthyDestinationIsNoOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := w.run(t, catchingUp)
		w.publish(comment(1))
		wait(time.Second)
		w.publish(comments(200)[1:]...)
		wait(10 * time.Second)
		require.Len(t, w.seen(), 200)
		r.stop(t)
	})
}

func TestF28_AfterAnOutageItCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(comment(1))
		refused := on()
		w.answer = func(context.Context, int, bridge.Delivery) error {
			if refused.Load() {
				return &bridge.SendError{Verdict: bridge.Retry}
			}
			return nil
		}
		r := w.run(t, catchingUp)
		wait(time.Minute)
		w.publish(comments(100)[1:]...)
		wait(time.Minute)
		refused.Store(false)
		wait(3 * time.Minute)
		singles, lines := told(w)
		require.Len(t, singles, 1)
		require.Equal(t, 99, lines)
		r.stop(t)
	})
}

func TestF3_CrashInAnyGapOfACatchUpLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	crashes := 0
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			crashed := false
			t.Run(fmt.Sprintf("operation %d after=%v", at, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					crowd(w, 1, 30)
					w.publishRaw("poison")
					crowd(w, 31, 40)
					wait(time.Hour)
					w.crashAt, w.crashAfter = at, after
					r := w.run(t, catchingUp)
					wait(time.Minute)
					if crashed = w.life > 1; crashed {
						t.Log("it ended with", r.ended())
						w.publish(dm(80))
						r = w.run(t, catchingUp)
						wait(2 * time.Minute)
					} else {
						w.spare()
						w.publish(dm(80))
						wait(time.Second)
					}
					singles, lines := told(w)
					require.ElementsMatch(t, []string{"msg_10", "msg_20", "msg_30", "msg_40", "msg_50", "msg_60", "msg_70", "msg_80"}, singles)
					require.Equal(t, 63, lines)
					require.Len(t, w.dead, 1)
					require.EqualValues(t, 72, w.stored().Position)
					r.stop(t)
				})
			})
			if !crashed {
				break
			}
			crashes++
		}
	}
	require.Greater(t, crashes, 20, "too few gaps were tried")
}

func TestCatchUpSkipLeavesOutWhatIsOldAndTellsSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(comments(40)...)
		wait(time.Hour)
		w.publish(comment(41), comment(42))
		r := w.run(t, paced(bridge.Pace{CatchUp: bridge.CatchUpSkip}))
		wait(10 * time.Second)
		sends := w.attempts()
		require.Len(t, sends, 3)
		require.Equal(t, "40 events not sent", sends[0].Message.Title)
		require.Contains(t, sends[0].Message.Text, "catch_up: skip")
		require.Equal(t, "ntf_41", sends[1].Event.ID)
		require.EqualValues(t, 42, w.stored().Position)
		require.Nil(t, w.stored().Gap)
		r.stop(t)
	})
}

func TestF29_GapIsToldOnceInOneMessage(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for at := range 9 {
			t.Run(fmt.Sprintf("crash at %d after=%v", at, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					w.record.Updated = time.Now()
					wait(3 * time.Hour)
					w.publish(like(1))
					w.stream[0].Position, w.stream[0].Skipped = 498, 497
					w.publish(like(2))
					w.stream[1].Position = 499
					w.crashAt, w.crashAfter = at, after
					r := w.run(t)
					wait(time.Minute)
					if w.life > 1 {
						t.Log("it ended with", r.ended())
						r = w.run(t)
						wait(time.Minute)
					}
					require.Equal(t, []string{"497", "ntf_1", "ntf_2"}, w.seen())
					require.Equal(t, "497 events not sent", w.shown[0].title)
					require.EqualValues(t, 499, w.stored().Position)
					require.Nil(t, w.stored().Gap)
					r.stop(t)
				})
			})
		}
	}
}

func TestNoticeLayout(t *testing.T) {
	t.Parallel()
	gap := bridge.Away{Count: 497, From: time.Date(2026, 2, 6, 9, 12, 0, 0, time.UTC), Until: time.Date(2026, 2, 7, 17, 40, 0, 0, time.UTC)}
	golden.Equal(t, "testdata/layout/notice_gap.golden", []byte(describe(bridge.Cards{}.Notice(gap))))
	gap.Skipped, gap.Count, gap.From = true, 1, time.Time{}
	golden.Equal(t, "testdata/layout/notice_skipped.golden", []byte(describe(bridge.Cards{}.Notice(gap))))
}

// What was missed while nothing ran is found by the page, a moment after the lane
// began: whether it is a crowd does not hang on which the lane hears first.
func TestACrowdFoundByThePageAfterAStartIsOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := w.run(t, catchingUp)
		wait(5 * time.Second)
		for page := range 4 {
			w.publish(comments(20 * (page + 1))[20*page:]...)
			wait(100 * time.Millisecond)
		}
		wait(time.Minute)
		singles, lines := told(w)
		require.Empty(t, singles)
		require.Equal(t, 80, lines)
		r.stop(t)
	})
}
