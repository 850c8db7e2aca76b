package bridge_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

func TestASubscriptionIsAboutWhatItsWorkspaceReaches(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC)
	before, after := made.Add(-time.Hour), made.Add(time.Hour)
	for name, tc := range map[string]struct {
		agents []string
		rerun  time.Time
		reach  map[string]time.Time
		want   bridge.Scope
	}{
		"every agent is those that it reaches": {
			[]string{"*"}, time.Time{}, map[string]time.Time{"nova": {}, "luna": before}, bridge.Scope{Agents: []string{"luna", "nova"}},
		},
		"of named ones those that it reaches": {
			[]string{"Luna", "zeta"}, time.Time{}, map[string]time.Time{"nova": {}, "luna": {}}, bridge.Scope{Agents: []string{"luna"}},
		},
		"none is nobody, not all": {[]string{"luna"}, time.Time{}, nil, bridge.Scope{Agents: []string{"-"}}},
		"one that came later, since then": {
			[]string{"*"},
			time.Time{},
			map[string]time.Time{"nova": before, "Luna": after},
			bridge.Scope{Agents: []string{"Luna", "nova"}, Since: map[string]time.Time{"luna": after}},
		},
		"a replay goes back before that": {
			[]string{"*"}, after.Add(time.Minute), map[string]time.Time{"luna": after}, bridge.Scope{Agents: []string{"luna"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := bridge.SubscriptionRecord{Agents: tc.agents, Made: made}
			if !tc.rerun.IsZero() {
				r.Rerun = &bridge.Rerun{At: tc.rerun}
			}
			require.Equal(t, tc.want, r.Within(tc.reach))
		})
	}
}

func of(agent, id string) events.Event {
	return events.New("https://imagineanything.com", agent, id, "p", time.Now(), events.NotificationLike{Actor: events.Agent{Handle: "fan"}, Post: events.Post{ID: "p"}})
}

// T3: what happens to an agent of somebody else goes nowhere, whether it comes by
// the line, was set aside, or waits as a dead letter.
func TestT3_AWorkerSendsNothingOfAgentsOutOfReach(t *testing.T) {
	t.Parallel()
	within := func(s bridge.Scope) func(*bridge.WorkerOptions) {
		return func(o *bridge.WorkerOptions) { o.Subscription.Narrow(s) }
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(of("luna", "a"), of("nova", "b"))
		time.Sleep(time.Minute)
		came := time.Now()
		w.publish(of("luna", "c"), of("zeta", "d"), of("nova", "e"))
		r := w.run(t, within(bridge.Scope{Agents: []string{"*"}, Except: []string{"zeta"}, Since: map[string]time.Time{"luna": came}}))
		wait(time.Minute)
		require.Equal(t, []string{"b", "c", "e"}, w.seen())
		r.stop(t)
	})
	synctest.Test(t, func(t *testing.T) { // set aside, then disconnected
		w := newWorld()
		w.answer = func(context.Context, int, bridge.Delivery) error { return &bridge.SendError{Verdict: bridge.Retry} }
		w.publish(of("luna", "a"))
		r := w.run(t, toWebhook)
		wait(time.Second)
		r.stop(t)
		require.Len(t, w.stored().Asides, 1)
		w.answer = nil
		r = w.run(t, toWebhook, within(bridge.Scope{Agents: []string{bridge.Nobody}}))
		wait(time.Hour)
		require.Empty(t, w.seen())
		require.Empty(t, w.stored().Asides)
		r.stop(t)
	})
	synctest.Test(t, func(t *testing.T) { // a dead letter, then disconnected
		w := newWorld()
		w.answer = func(context.Context, int, bridge.Delivery) error { return &bridge.SendError{Verdict: bridge.Reject} }
		w.publish(of("luna", "a"))
		r := w.run(t)
		wait(time.Second)
		r.stop(t)
		require.Len(t, w.dead, 1)
		w.answer = nil
		w.want(1, 0)
		r = w.run(t, within(bridge.Scope{Agents: []string{"nova"}}))
		wait(time.Hour)
		require.Empty(t, w.seen())
		require.Len(t, w.dead, 1, "it stays, for whoever reaches its agent")
		r.stop(t)
	})
}
