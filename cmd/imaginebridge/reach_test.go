package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

// town is what is known of two servers: G1 reaches luna by the file and zeta from
// chat, G2 reaches nova by the file.
func town(change ...func(p *places, s *[]bridge.SubscriptionRecord)) *places {
	made := time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC)
	subscriptions := []bridge.SubscriptionRecord{
		{ID: "a", Name: "a", Origin: bridge.FromFile, Agents: []string{"luna"}, To: "discord:C1", Made: made},
		{ID: "b", Name: "b", Origin: bridge.FromFile, Agents: []string{"nova"}, To: "discord:D1", Made: made},
		{ID: "all", Name: "all", Origin: bridge.FromFile, Agents: []string{"*"}, To: "console", Made: made},
		{ID: "every", Name: "every", Origin: bridge.FromChat, Workspace: "G1", Agents: []string{"*"}, To: "discord:C2", Made: made.Add(time.Hour)},
		{ID: "named", Name: "named", Origin: bridge.FromChat, Workspace: "G2", Agents: []string{"nova", "luna"}, To: "discord:D2", Made: made.Add(time.Hour)},
	}
	p := newPlaces(func() []bridge.SubscriptionRecord { return subscriptions }, func() []string { return []string{"luna", "nova", "zeta"} })
	p.workspaces = map[string]string{"discord:C1": "G1", "discord:C2": "G1", "discord:D1": "G2", "discord:D2": "G2"}
	p.records = map[tenant]bridge.WorkspaceRecord{{"discord", "G1"}: {Platform: "discord", ID: "G1", Agents: []bridge.Connected{{Handle: "zeta", At: made.Add(2 * time.Hour)}}}}
	p.stored, p.named = map[string]bool{"zeta": true}, true
	for _, f := range change {
		f(p, &subscriptions)
	}
	return p
}

func scopeOf(t *testing.T, p *places, id string) (bridge.Scope, bool) {
	t.Helper()
	for _, s := range p.subscriptions() {
		if s.ID == id {
			return p.look().scope(s)
		}
	}
	require.Fail(t, "no such subscription")
	return bridge.Scope{}, false
}

func TestAWorkspaceReachesWhatTheFileAndItsConnectionsGiveIt(t *testing.T) {
	t.Parallel()
	p := town()
	require.Equal(t, []string{"luna", "zeta"}, p.agents("discord", "G1"))
	require.Equal(t, []string{"nova"}, p.agents("discord", "G2"), "a subscription made in chat brings no agent anywhere")
	require.Equal(t, []string{"luna", "nova", "zeta"}, p.agents("discord", ""))
	require.Empty(t, p.agents("slack", "G1"), "an id of another platform")
	require.Empty(t, p.agents("discord", "G3"))
	require.Equal(t, []string{"a", "every"}, p.names("discord", "G1"))
	require.Equal(t, "luna", p.usual("discord", "C1"))
	require.Empty(t, p.usual("discord", "C2"), "several")
	require.Equal(t, []string{"luna"}, p.operated("discord", "G1"))
}

func TestT3_ASubscriptionIsAboutItsWorkspacesAgentsAlone(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		change  func(p *places, s *[]bridge.SubscriptionRecord)
		id      string
		want    bridge.Scope
		settled bool
	}{
		"the operator's every agent is none from chat": {nil, "all", bridge.Scope{Agents: []string{"*"}, Except: []string{"zeta"}}, true},
		"one that the file names too is the operator's": {
			func(p *places, _ *[]bridge.SubscriptionRecord) {
				p.configured = func() []string { return []string{"zeta"} }
			}, "all", bridge.Scope{Agents: []string{"*"}}, true,
		},
		"every agent of a workspace, each since it came": {
			nil, "every", bridge.Scope{Agents: []string{"luna", "zeta"}, Since: map[string]time.Time{"zeta": made.Add(2 * time.Hour)}}, true,
		},
		"named ones that it reaches": {nil, "named", bridge.Scope{Agents: []string{"nova"}}, true},
		"nobody, once the connection is gone": {
			func(_ *places, s *[]bridge.SubscriptionRecord) {
				(*s)[1].To = "discord:C1"
			}, "named", bridge.Scope{Agents: []string{bridge.Nobody}}, true,
		},
		"not yet, while nobody knows who is connected": {
			func(p *places, _ *[]bridge.SubscriptionRecord) { p.records = nil }, "every", bridge.Scope{Agents: []string{"luna"}}, false,
		},
		"not yet, while nobody knows who came from chat": {
			func(p *places, _ *[]bridge.SubscriptionRecord) { p.stored = nil }, "all", bridge.Scope{Agents: []string{"*"}}, false,
		},
		"not yet, while a channel's server is not known": {
			func(p *places, _ *[]bridge.SubscriptionRecord) { delete(p.workspaces, "discord:C1") },
			"every",
			bridge.Scope{Agents: []string{"zeta"}, Since: map[string]time.Time{"zeta": made.Add(2 * time.Hour)}},
			false,
		},
		"a channel that the platform shows to nobody holds nobody up": {
			func(p *places, _ *[]bridge.SubscriptionRecord) { p.workspaces["discord:D1"] = "" }, "every",
			bridge.Scope{Agents: []string{"luna", "zeta"}, Since: map[string]time.Time{"zeta": made.Add(2 * time.Hour)}},
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p *places
			if tc.change == nil {
				p = town()
			} else {
				p = town(tc.change)
			}
			scope, settled := scopeOf(t, p, tc.id)
			require.Equal(t, tc.want, scope)
			require.Equal(t, tc.settled, settled)
		})
	}
	shown := town().within(bridge.SubscriptionRecord{Origin: bridge.FromFile, Agents: []string{"*"}, To: "discord:C1"})
	require.Equal(t, []string{"luna", "nova"}, shown.Agents, "whoever looks at the operator's sees none from chat")
}

func TestAWorkEndsWhenItsSubscriptionComesToBeAboutOthers(t *testing.T) {
	t.Parallel()
	b := newBook(func(bridge.SubscriptionRecord) bool { return true })
	p := town()
	p.subscriptions = b.all
	b.scope = func(r bridge.SubscriptionRecord) (bridge.Scope, bool) { return p.look().scope(r) }
	p.changed = b.recheck
	b.set(town().subscriptions())
	p.note(nil)
	every, ends, release := b.hold(t.Context(), "every")
	defer release()
	_, stays, release2 := b.hold(t.Context(), "named")
	defer release2()
	require.Equal(t, []string{"luna", "zeta"}, every.about.Agents)
	require.NoError(t, ends.Err())
	p.note(func() { p.records = map[tenant]bridge.WorkspaceRecord{} }) // zeta was disconnected
	require.ErrorIs(t, ends.Err(), context.Canceled)
	require.NoError(t, stays.Err(), "no other one notices")
	again, _, release3 := b.hold(t.Context(), "every")
	defer release3()
	require.Equal(t, []string{"luna"}, again.about.Agents)
}

// ownStore is an embedded store that seals with a key.
func ownStore(t *testing.T) (*bus.Bus, *seal.Ring) {
	t.Helper()
	ring, err := seal.New("the key")
	require.NoError(t, err)
	b, err := bus.Open(t.Context(), bus.Options{DataDir: t.TempDir(), Listen: "off", Store: 64 << 20, Seal: ring, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
		defer cancel()
		require.NoError(t, b.Close(ctx))
	})
	return b, ring
}

// keepers are two processes that keep agents in one store.
func keepers(t *testing.T) (*bus.Bus, [2]*keeper) {
	t.Helper()
	b, ring := ownStore(t)
	var out [2]*keeper
	for i := range out {
		out[i] = newKeeper(&wiring{cfg: config.Config{Agents: []config.Agent{{Handle: "luna"}}}, bus: b, keys: ring, log: slog.New(slog.DiscardHandler)})
	}
	return b, out
}

// Who connects an agent at the moment when another lets it go has it, or hears that it
// is gone: never a connection to an agent without a secret.
func TestAnAgentIsNotLetGoOfUnderSomebodysHands(t *testing.T) {
	t.Parallel()
	b, k := keepers(t)
	who := command.Principal{Platform: command.Discord, Workspace: "G1", User: "1"}
	connected := func(workspace string, yes bool) error {
		_, err := b.Workspaces().Change(t.Context(), command.Discord, workspace, func(r *bridge.WorkspaceRecord) (bool, error) {
			if !yes {
				return r.Disconnect("zeta"), nil
			}
			r.Connect(bridge.Connected{Handle: "zeta"})
			return true, nil
		})
		return err
	}
	for range 10 {
		require.NoError(t, k[0].Keep(t.Context(), who, imagine.Registration{Handle: "zeta", ClientID: "id-zeta", ClientSecret: "secret"}))
		require.NoError(t, connected("G1", true))
		var wg sync.WaitGroup
		var gone, held bool
		var letGo, took error
		wg.Go(func() {
			letGo = connected("G1", false)
			if letGo == nil {
				gone, letGo = k[0].Release(t.Context(), "zeta")
			}
		})
		wg.Go(func() {
			took = connected("G2", true)
			if took == nil {
				held, took = k[1].Hold(t.Context(), "zeta")
			}
		})
		wg.Wait()
		require.NoError(t, errors.Join(letGo, took))
		require.NotEqual(t, gone, held, "one of them only")
		a, err := b.Agent(t.Context(), "zeta")
		require.NoError(t, err)
		require.Equal(t, held, a.Sealed != "")
		require.Equal(t, gone, !a.Gone.IsZero())
		require.NoError(t, connected("G2", false))
	}
}

func TestTheOperatorsAgentsAreNeverErased(t *testing.T) {
	t.Parallel()
	b, k := keepers(t)
	erased, err := k[0].Release(t.Context(), "luna")
	require.NoError(t, err)
	require.False(t, erased)
	terminal := command.Principal{Platform: command.Terminal}
	require.NoError(t, k[0].Keep(t.Context(), terminal, imagine.Registration{Handle: "vega", ClientID: "id", ClientSecret: "one"}))
	someone := command.Principal{Platform: command.Slack, Workspace: "T1", User: "U1"}
	require.NoError(t, k[0].Keep(t.Context(), someone, imagine.Registration{Handle: "vega", ClientID: "id", ClientSecret: "two"}))
	erased, err = k[0].Release(t.Context(), "vega")
	require.NoError(t, err)
	require.False(t, erased, "whose it is does not change when somebody brings a newer secret")
	a, err := b.Agent(t.Context(), "vega")
	require.NoError(t, err)
	require.False(t, a.FromChat())
	held, err := k[0].Hold(t.Context(), "nobody")
	require.NoError(t, err)
	require.False(t, held)
}

func TestCredentialsAreNotTriedForLong(t *testing.T) {
	t.Parallel()
	k := newKeeper(&wiring{})
	now := time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC)
	for range maxTries {
		require.True(t, k.mayTry("discord:G1", now))
	}
	require.False(t, k.mayTry("discord:G1", now.Add(tryAgain)))
	require.True(t, k.mayTry("discord:G2", now), "others are not held up")
	require.True(t, k.mayTry("discord:G1", now.Add(tryAgain+time.Second)))
	require.Len(t, k.try, 1, "what is over is forgotten")
}
