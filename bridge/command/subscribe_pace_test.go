package command_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

func TestHowMessagesFollowEachOtherIsSaidInChatToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		a := d.says("writer", "add", values("preset", "crowd", "fold", "10 min", "catch_up", "skip", "notify", "<#C2>", "name", "crowd"))
		require.True(t, a.OK, a.Problem)
		r := d.house.list[0]
		require.Equal(t, []any{10 * time.Minute, "skip", "discord:C2", false}, []any{r.Fold, r.CatchUp, r.Notify, r.Strict})
		require.True(t, d.says("writer", "edit", values("fold", "off", "catch_up", "digest", "notify", "off")).OK)
		r = d.house.list[0]
		require.Equal(t, []any{time.Duration(0), "digest", ""}, []any{r.Fold, r.CatchUp, r.Notify})
		terminal := command.Principal{Platform: command.Terminal}
		require.True(t, d.asks(terminal, "add", values("preset", "public", "to", "webhook:https://x.example/in", "order", "strict", "notify", "discord:C2", "name", "hook"), false).OK)
		require.True(t, d.house.list[1].Strict)
		require.True(t, d.asks(terminal, "edit", values("subscription", "hook", "order", "free"), false).OK)
		require.False(t, d.house.list[1].Strict)
		d.sealed("pace")
	})
}

func TestAPaceThatTheDestinationCantHaveIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	terminal := command.Principal{Platform: command.Terminal}
	for _, v := range []map[string]any{
		values("fold", "soon"), values("fold", "59s"), values("fold", "25h"), values("catch_up", "never"), values("order", "strict"),
		values("notify", "C1"), values("notify", "D1"), values("notify", "webhook:https://x.example/in"),
	} {
		require.NotNil(t, d.says("writer", "add", v).Problem, "%v", v)
	}
	for _, v := range []map[string]any{values("fold", "10m"), values("cap", 5), values("digest", "1h"), values("digest", "09:00"), values("catch_up", "digest"), values("notify", "console")} {
		v["to"], v["preset"] = "webhook:https://x.example/in", "public"
		require.NotNil(t, d.asks(terminal, "add", v, false).Problem, "%v", v)
	}
	require.Empty(t, d.house.list)
	for _, v := range []map[string]any{values("fold", "1m"), values("fold", "24h")} {
		require.True(t, d.says("writer", "add", v).OK, "%v", v)
	}
	d.sealed("pace_refused")
}

// TestTimesAreByTheClockOfWhoAsks: a pause until 9:00 ends at nine where the person
// lives, and is shown so.
func TestTimesAreByTheClockOfWhoAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.zone = "Asia/Tokyo"
		d.happened(t, "notification.mention")
		require.True(t, d.says("writer", "add", values("preset", "public", "name", "team")).OK)
		d.house.list[0].Start = "all"
		require.True(t, d.says("writer", "pause", values("until", "tomorrow 9:00")).OK)
		require.Equal(t, time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC), d.house.list[0].Paused.Until)
		d.house.lanes[d.house.list[0].ID] = bridge.Record{State: bridge.Paused}
		d.says("reader", "show", nil)
		d.says("reader", "why", values("event", "ntf_1"))
		require.True(t, d.says("writer", "preview", values("since", "2000-01-01 08:00")).OK)
		d.sealed("zone")
	})
}
