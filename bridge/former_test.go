package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// witness is a sink that knows what a former run sent.
type witness struct {
	bridge.Sink
	mu     sync.Mutex
	sent   map[string]bool // by key
	asked  []string
	answer func(n int) error // nil: always answers
}

func (w *witness) Sent(_ context.Context, d bridge.Delivery, _ bridge.Former) (bridge.Sighting, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, d.Event.ID)
	if w.answer != nil {
		if err := w.answer(len(w.asked)); err != nil {
			return bridge.Sighting{}, err
		}
	}
	if w.sent[d.Key] {
		return bridge.Sighting{Receipt: bridge.Receipt{Channel: "c", Message: "former-" + d.Event.ID}}, nil
	}
	return bridge.Sighting{}, nil
}

// F18: of what waits after a restore, only what the former run did not send is sent.
func TestF18_WhatAFormerRunSentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(n int) error
		asked  int
	}{
		"it answers":        {nil, 6},
		"it fails at first": {func(n int) error { return failBefore(n, 3, errors.New("reset")) }, 8},
		"it asks for a pause": {func(n int) error {
			return failBefore(n, 2, &bridge.SendError{Verdict: bridge.Retry, After: 20 * time.Second, Paced: true})
		}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.publish(likes(4)...)
				wait(time.Minute)
				w.record.Former = &bridge.Former{From: time.Now().Add(-2 * time.Minute), Until: time.Now()}
				wait(10 * time.Second)
				for i := range 2 {
					w.publish(like(i + 5)) // found soon after, and within the grace
				}
				s := &witness{answer: tc.answer, sent: map[string]bool{}}
				r := w.run(t, func(o *bridge.WorkerOptions) {
					for _, n := range []int{1, 2, 4, 5} {
						s.sent[bridge.Key(o.Subscription.Name, fmt.Sprintf("ntf_%d", n), o.Subscription.To, 0, 0)] = true
					}
					s.Sink, o.Sink = o.Sink, s
				})
				wait(time.Minute)
				require.Equal(t, []string{"ntf_3", "ntf_6"}, w.seen())
				require.Len(t, s.asked, tc.asked)
				require.Equal(t, uint64(6), w.stored().Position)
				wait(2 * time.Hour)
				w.publish(like(7))
				wait(time.Minute)
				require.Equal(t, []string{"ntf_3", "ntf_6", "ntf_7"}, w.seen())
				require.Len(t, s.asked, tc.asked, "nobody is asked of what came later")
				require.Nil(t, w.stored().Former, "the span is done with")
				r.stop(t)
			})
		})
	}
}

// A destination that refuses is found out by sending: the lane does not wait for an
// answer that never comes.
func TestF18_AWitnessThatIsGoneHoldsNothingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.record.Former = &bridge.Former{From: time.Now().Add(-time.Minute), Until: time.Now()}
		w.publish(likes(1)...)
		gone := &bridge.SendError{Verdict: bridge.Gone, Err: errors.New("no such channel")}
		w.answer = func(context.Context, int, bridge.Delivery) error { return gone }
		s := &witness{answer: func(int) error { return gone }}
		r := w.run(t, func(o *bridge.WorkerOptions) { s.Sink, o.Sink = o.Sink, s })
		wait(time.Minute)
		require.Equal(t, bridge.Suspended, w.stored().State)
		require.Empty(t, w.seen())
		r.stop(t)
	})
}

func failBefore(n, until int, err error) error {
	if n < until {
		return err
	}
	return nil
}
