package main

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

func TestConnectingIsNoNewsUntilItTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth()
		var told []string
		h.tell = func(c web.Condition) { told = append(told, c.Component+" "+c.State) }
		h.expect("discord", "")
		h.expect("slack", "")
		h.discord(discord.Status{State: discord.StateDegraded, Reason: "connecting"})
		h.slack(errors.New("connecting"))
		time.Sleep(5 * time.Second)
		h.overdue()
		require.False(t, h.ready())
		h.slack(nil)
		time.Sleep(6 * time.Second)
		h.overdue()
		require.True(t, h.ready(), "what fails is named, and holds readiness back no longer")
		require.Equal(t, []string{"slack ok", "discord degraded"}, told)
		h.end()
		h.discord(discord.Status{State: discord.StateOK})
		require.Len(t, told, 2, "what is said while stopping is no news")
	})
}

func TestWhatAnotherProcessHoldsIsReadyAtOnce(t *testing.T) {
	t.Parallel()
	h := newHealth()
	held := map[string]bool{}
	h.others = func(kind, name string) bool { return held[kind+" "+name] }
	h.expect("poller", "luna")
	h.expect("discord", "")
	require.False(t, h.ready())
	held["agent luna"] = true
	require.False(t, h.ready(), "nobody listens to Discord")
	held["gateway discord"] = true
	require.True(t, h.ready())
}

func TestAnAgentPolledElsewhereHoldsReadinessBackNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth()
		h.expect("poller", "luna")
		h.setMembers(2)
		require.False(t, h.ready())
		time.Sleep(elsewhere + time.Second)
		require.True(t, h.ready())
		h.setMembers(1)
		require.False(t, h.ready(), "alone, nobody else polls it")
	})
}
