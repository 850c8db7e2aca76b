package fakediscord_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// Each gateway effect, seen by a client that identifies.
func TestGatewayEffects(t *testing.T) {
	t.Parallel()
	nothing := func(t *testing.T, ws socket) {
		t.Helper()
		require.NoError(t, ws.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		_, _, err := ws.ReadMessage()
		require.ErrorContains(t, err, "timeout")
	}
	for name, tc := range map[string]struct {
		effect fakediscord.GatewayEffect
		see    func(*testing.T, socket)
	}{
		"no hello": {fakediscord.NoHello(), nothing},
		"silent after hello": {fakediscord.Silent(), func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 10, ws.read().Op)
			ws.identify("1")
			nothing(t, ws)
		}},
		"no ACKs": {fakediscord.NoACKs(), func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 10, ws.read().Op)
			ws.say(`{"op":1,"d":null}`)
			ws.ready("1")
		}},
		"reconnect at once": {fakediscord.ReconnectAtOnce(), func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 10, ws.read().Op)
			require.Equal(t, 7, ws.read().Op)
		}},
		"reconnect first": {fakediscord.ReconnectFirst(), afterIdentify(func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 7, ws.read().Op)
		})},
		"invalid first": {fakediscord.InvalidFirst(true), afterIdentify(func(t *testing.T, ws socket) {
			t.Helper()
			f := ws.read()
			require.Equal(t, 9, f.Op)
			require.Equal(t, "true", string(f.Data))
			ws.ready("1")
		})},
		"close first": {fakediscord.CloseFirst(4009), afterIdentify(func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 4009, ws.code())
		})},
		"torn": {fakediscord.Torn(), afterIdentify(func(t *testing.T, ws socket) {
			t.Helper()
			_, _, err := ws.ReadMessage()
			require.Error(t, err)
		})},
		"twice": {fakediscord.Twice(), afterIdentify(func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, "READY", ws.read().Name)
			require.EqualValues(t, 1, ws.read().Seq)
		})},
		"late": {fakediscord.LateReady(20 * time.Millisecond), afterIdentify(func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, "READY", ws.read().Name)
		})},
		"big guild": {fakediscord.BigGuild(5 << 20), afterIdentify(func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, "READY", ws.read().Name)
			require.Greater(t, len(ws.read().Data), 5<<20)
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, _ := start(t, often())
			injected := fake.InjectGateway(fakediscord.GatewayRule{Times: 1, Effect: tc.effect})
			tc.see(t, dialGateway(t, fake))
			require.Equal(t, 1, injected.Hits())
			greeted(t, fake).ready("1") // the next socket is served
			require.Empty(t, fake.Faults())
		})
	}
}

func afterIdentify(see func(*testing.T, socket)) func(*testing.T, socket) {
	return func(t *testing.T, ws socket) {
		t.Helper()
		require.Equal(t, 10, ws.read().Op)
		ws.identify("1")
		see(t, ws)
	}
}

func TestGatewayEffectsOnALiveLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		act func(*fakediscord.Server)
		see func(*testing.T, socket)
	}{
		"reconnect": {(*fakediscord.Server).Reconnect, func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 7, ws.read().Op)
		}},
		"invalidate": {func(f *fakediscord.Server) { f.Invalidate(false) }, func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 9, ws.read().Op)
		}},
		"close": {func(f *fakediscord.Server) { f.CloseGateway(1001) }, func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 1001, ws.code())
		}},
		"cut": {func(f *fakediscord.Server) { f.CloseGateway(0) }, func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 1006, ws.code())
		}},
		"freeze": {(*fakediscord.Server).Freeze, func(t *testing.T, ws socket) {
			t.Helper()
			ws.say(`{"op":1,"d":null}`)
			require.NoError(t, ws.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
			_, _, err := ws.ReadMessage()
			require.ErrorContains(t, err, "timeout")
		}},
		"tear": {(*fakediscord.Server).TearGateway, func(t *testing.T, ws socket) {
			t.Helper()
			_, _, err := ws.ReadMessage()
			require.Error(t, err)
		}},
		"unknown event": {func(f *fakediscord.Server) { f.Dispatch("NEW_THING", map[string]int{"a": 1}) }, func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, "NEW_THING", ws.read().Name)
		}},
		"unknown opcode": {func(f *fakediscord.Server) { f.SendOpcode(77, nil) }, func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 77, ws.read().Op)
		}},
		"token revoked": {(*fakediscord.Server).RevokeToken, func(t *testing.T, ws socket) {
			t.Helper()
			require.Equal(t, 4004, ws.code())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, _ := start(t, often())
			ws := greeted(t, fake)
			ws.ready("1")
			require.Equal(t, "GUILD_CREATE", ws.read().Name)
			tc.act(fake)
			tc.see(t, ws)
		})
	}
}

func TestResumeCanBeRefused(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, often())
	fake.InjectGateway(fakediscord.GatewayRule{Skip: 1, Effect: fakediscord.NoResume()})
	id := greeted(t, fake).ready("1")
	ws := greeted(t, fake)
	ws.say(`{"op":6,"d":{"token":"` + fakediscord.DefaultToken + `","session_id":"` + id + `","seq":1}}`)
	require.Equal(t, 9, ws.read().Op)
}

func TestGuildsComeAndGo(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, often())
	ws := greeted(t, fake)
	ws.ready("1")
	ws.read() // the first guild
	g := fake.Guild("New")
	require.Equal(t, "GUILD_CREATE", ws.read().Name)
	ch := fake.Channel(g, "news")
	require.Equal(t, "CHANNEL_CREATE", ws.read().Name)
	fake.Outage(g, true)
	f := ws.read()
	require.Equal(t, "GUILD_DELETE", f.Name)
	require.Contains(t, string(f.Data), `"unavailable":true`)
	fake.Outage(g, false)
	require.Equal(t, "GUILD_CREATE", ws.read().Name)
	fake.DeleteChannel(ch)
	require.Equal(t, "CHANNEL_DELETE", ws.read().Name)
	fake.Remove(g)
	f = ws.read()
	require.Equal(t, "GUILD_DELETE", f.Name)
	require.NotContains(t, string(f.Data), "unavailable")
}
