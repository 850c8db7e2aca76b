package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

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
