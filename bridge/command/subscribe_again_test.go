package command_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// TestB54_ASuspendedSubscriptionIsLookedAtNow: the button does not wait for the
// hour, and says what was found.
func TestB54_ASuspendedSubscriptionIsLookedAtNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const refusal = "In #alerts I may not: Send Messages in Threads. Channel settings → Permissions → ImagineBridge."
		d := newDesk(t)
		d.house.list = []bridge.SubscriptionRecord{
			{ID: "team", Name: "team", To: "discord:C1", Agents: []string{"*"}, Events: []string{"*"}, Origin: bridge.FromFile, Notify: "slack:S1", Rev: 1},
			{ID: "news", Name: "news", To: "slack:S2", Agents: []string{"*"}, Events: []string{"*"}, Workspace: "T1", Origin: bridge.FromChat, Rev: 2},
		}
		suspend := func(id, reason string) {
			d.house.lanes[id] = bridge.Record{State: bridge.Suspended, Reason: reason, Until: time.Now().Add(time.Hour)}
		}
		suspend("team", refusal)
		suspend("news", "I'm not in #alerts. Type /invite @ImagineBridge there.")
		find := func(found func(id string)) {
			d.house.begins = func(r bridge.SubscriptionRecord) {
				time.AfterFunc(2*time.Second, func() {
					d.house.mu.Lock()
					defer d.house.mu.Unlock()
					found(r.ID)
				})
			}
		}
		d.says("reader", "show", values("subscription", "team"))

		find(func(id string) { suspend(id, d.house.lanes[id].Reason) })
		require.Equal(t, "still_suspended", d.says("writer", "resume", values("subscription", "team")).Problem.Status)
		elsewhere := command.Principal{Platform: command.Terminal}
		require.Equal(t, "still_suspended", d.asks(elsewhere, "resume", values("subscription", "news"), false).Problem.Status)

		find(func(string) {}) // no word of it
		begun := time.Now()
		require.True(t, d.says("writer", "resume", values("subscription", "team")).OK)
		require.Less(t, time.Since(begun), time.Minute)

		find(func(id string) { d.house.lanes[id] = bridge.Record{State: bridge.Live} })
		require.True(t, d.says("writer", "resume", values("subscription", "team")).OK)
		require.True(t, d.says("writer", "resume", values("subscription", "team")).OK, "which it does not need any more")

		d.house.lanes["team"] = bridge.Record{State: bridge.Suspended, Reason: "The app was removed from this workspace. Add it again: what waits then follows."}
		require.NotNil(t, d.says("writer", "resume", values("subscription", "team")).Problem)
		d.sealed("again")
	})
}

// TestB54_TheChannelThatIsToldMayLookAgain: nobody else outside of the workspace, and at nothing else.
func TestB54_TheChannelThatIsToldMayLookAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.house.list = []bridge.SubscriptionRecord{{ID: "team", Name: "team", To: "discord:D1", Agents: []string{"*"}, Events: []string{"*"}, Origin: bridge.FromFile, Notify: "discord:C1", Rev: 1}}
		d.house.lanes["team"] = bridge.Record{State: bridge.Suspended, Until: time.Now().Add(time.Hour)}
		d.house.begins = func(bridge.SubscriptionRecord) { d.house.lanes["team"] = bridge.Record{State: bridge.Live} }
		require.Equal(t, 403, d.says("reader", "resume", values("subscription", "team")).Problem.Code)
		require.True(t, d.says("writer", "resume", values("subscription", "team")).OK)
		require.Equal(t, "no_subscription", d.says("writer", "pause", values("subscription", "team")).Problem.Status)
		d.house.list[0].Paused = &bridge.Pause{At: time.Now()}
		require.Equal(t, "no_subscription", d.says("writer", "resume", values("subscription", "team")).Problem.Status)
		d.house.list[0].Notify = "discord:C2"
		require.Equal(t, "no_subscription", d.says("writer", "resume", values("subscription", "team")).Problem.Status, "another channel")
	})
}
