package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/config"
)

// T18: what a workspace leaves behind is forgotten after thirty days, and no day
// before: somebody who adds the app again finds it as it was.
func TestT18_RemovedWorkspacesAreForgottenAfterThirtyDays(t *testing.T) {
	t.Parallel()
	b, _ := ownStore(t)
	w := &wiring{cfg: config.Config{}, bus: b, log: slog.New(slog.DiscardHandler)}
	left := time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC)
	for _, team := range []string{"T1", "T2"} {
		end := time.Time{}
		if team == "T1" {
			end = left
		}
		_, err := b.Workspaces().Change(t.Context(), "slack", team, func(r *bridge.WorkspaceRecord) (bool, error) {
			r.Joined, r.Left = left.Add(-time.Hour), end
			return true, nil
		})
		require.NoError(t, err)
		_, err = b.Installs().Put(t.Context(), bridge.Installation{Platform: "slack", Team: team, Installed: left.Add(-time.Hour), Ended: end})
		require.NoError(t, err)
		_, err = b.Subscriptions().Put(t.Context(), bridge.SubscriptionRecord{
			ID: "sub" + team, Name: "alerts", Workspace: team, Origin: bridge.FromChat, Events: []string{"*"}, To: "slack:C0CHANNEL",
		})
		require.NoError(t, err)
	}
	_, err := b.Subscriptions().Put(t.Context(), bridge.SubscriptionRecord{ // of a server that happens to have that id
		ID: "other", Name: "alerts", Workspace: "T1", Origin: bridge.FromChat, Events: []string{"*"}, To: "discord:1",
	})
	require.NoError(t, err)
	what := func() (out []string) {
		workspaces, err := b.Workspaces().List(t.Context())
		require.NoError(t, err)
		for _, r := range workspaces {
			out = append(out, "workspace "+r.ID)
		}
		installs, err := b.Installs().List(t.Context())
		require.NoError(t, err)
		for _, r := range installs {
			out = append(out, "install "+r.Team)
		}
		subscriptions, err := b.Subscriptions().List(t.Context())
		require.NoError(t, err)
		for _, s := range subscriptions {
			out = append(out, "subscription "+s.ID)
		}
		return out
	}
	all := what()
	require.Len(t, all, 7)
	require.NoError(t, w.purgeOnce(t.Context(), left.Add(30*24*time.Hour)))
	require.Equal(t, all, what())
	require.NoError(t, w.purgeOnce(t.Context(), left.Add(30*24*time.Hour+time.Second)))
	require.Equal(t, []string{"workspace T2", "install T2", "subscription other", "subscription subT2"}, what())
	require.NoError(t, w.purgeOnce(t.Context(), left.Add(300*24*time.Hour)), "once is enough")
}
