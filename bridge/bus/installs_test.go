package bus

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

func sealing(t *testing.T, key string) func(*Options) {
	t.Helper()
	ring, err := seal.New(key)
	require.NoError(t, err)
	return func(o *Options) { o.Seal = ring }
}

func oneInstall(team string) bridge.Installation {
	return bridge.Installation{
		Platform: "slack", Enterprise: "E1", Team: team, Name: "Acme", App: "A1", BotUser: "U1", BotID: "B1", Scopes: []string{"chat:write"},
		Installer: bridge.Person{Platform: "slack", ID: "U9"}, Installed: time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC),
		Bot: "xoxe.xoxb-canary-bot", Refresh: "xoxe-1-canary-refresh", Expires: time.Date(2026, 2, 7, 1, 36, 48, 0, time.UTC),
	}
}

// S28, T7: what is stored shows no token, opens with the key alone, and in its own
// row alone.
func TestT7_InstallationsAreSealedForTheirRow(t *testing.T) {
	t.Parallel()
	b := open(t, sealing(t, "the key"))
	stored, err := b.Installs().Put(t.Context(), oneInstall("T1"))
	require.NoError(t, err)
	m, err := b.last(t.Context(), streamInstalls, "$KV.IA_INSTALLS.slack.e1.t1")
	require.NoError(t, err)
	require.NotContains(t, string(m.data), "canary")
	got, err := b.Installs().Get(t.Context(), "slack", "E1", "T1")
	require.NoError(t, err)
	require.Equal(t, stored, got)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, got), "canary")
	}

	other := strings.ReplaceAll(string(m.data), `"team":"T1"`, `"team":"T2"`)
	_, err = b.swap(t.Context(), swap{stream: streamInstalls, subject: "$KV.IA_INSTALLS.slack.e1.t2", stored: "$KV.IA_INSTALLS.slack.e1.t2", data: []byte(other), mortal: true})
	require.NoError(t, err)
	moved, err := b.Installs().Get(t.Context(), "slack", "E1", "T2")
	require.NoError(t, err)
	require.Empty(t, moved.Bot+moved.Refresh, "a record that was moved does not open")
	require.NotEmpty(t, moved.Sealed)
	require.False(t, moved.Live())

	sealing(t, "another key")(&b.opts)
	locked, err := b.Installs().Get(t.Context(), "slack", "E1", "T1")
	require.NoError(t, err)
	require.Empty(t, locked.Bot)
	locked.Name = "Acme Inc"
	_, err = b.Installs().Put(t.Context(), locked)
	require.NoError(t, err, "what can't be opened is kept as it is")
	sealing(t, "the key")(&b.opts)
	got, err = b.Installs().Get(t.Context(), "slack", "E1", "T1")
	require.NoError(t, err)
	require.Equal(t, "xoxe.xoxb-canary-bot", got.Bot)
	require.Equal(t, "Acme Inc", got.Name)
}

// T18: erased tokens are in no older version of the record.
func TestT18_ErasedTokensLeaveTheStore(t *testing.T) {
	t.Parallel()
	b := open(t, sealing(t, "the key"))
	r, err := b.Installs().Put(t.Context(), oneInstall("T1"))
	require.NoError(t, err)
	r.Bot, r.Refresh, r.Ended = "", "", time.Now().UTC()
	r, err = b.Installs().Put(t.Context(), r)
	require.NoError(t, err)
	info, err := b.streamInfo(t.Context(), streamInstalls)
	require.NoError(t, err)
	require.EqualValues(t, 1, info.Messages)
	m, err := b.last(t.Context(), streamInstalls, "$KV.IA_INSTALLS.slack.e1.t1")
	require.NoError(t, err)
	require.NotContains(t, string(m.data), "sealed")

	require.NoError(t, b.Installs().Remove(t.Context(), r))
	all, err := b.Installs().List(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	_, err = b.Installs().Put(t.Context(), oneInstall("T1"))
	require.NoError(t, err, "it may come again")
}

func TestInstallationsOfTwoProcessesDoNotOverwriteEachOther(t *testing.T) {
	t.Parallel()
	a := open(t, listening, sealing(t, "the key"))
	b := second(t, a)
	b.opts.Seal = a.opts.Seal
	ctx, stop := context.WithCancel(t.Context())
	seen := make(chan []bridge.Installation, 20)
	done := make(chan error, 1)
	go func() { done <- b.Installs().Watch(ctx, func(list []bridge.Installation) { seen <- list }) }()
	require.Empty(t, <-seen)
	first, err := a.Installs().Put(t.Context(), oneInstall("T1"))
	require.NoError(t, err)
	require.Equal(t, []bridge.Installation{first}, <-seen)
	_, err = b.Installs().Put(t.Context(), oneInstall("T1"))
	require.ErrorIs(t, err, bridge.ErrFenced, "there is one already")
	changed := first
	changed.Bot = "xoxe.xoxb-next"
	changed, err = b.Installs().Put(t.Context(), changed)
	require.NoError(t, err)
	require.Equal(t, []bridge.Installation{changed}, <-seen)
	_, err = a.Installs().Put(t.Context(), first)
	require.ErrorIs(t, err, bridge.ErrFenced)
	whole, err := a.Installs().Put(t.Context(), oneInstall(bridge.WholeOrganisation))
	require.NoError(t, err)
	require.Equal(t, []bridge.Installation{whole, changed}, <-seen)
	stop()
	require.ErrorIs(t, <-done, context.Canceled)
}

// F53: of several that take it, one gets it.
func TestF53_WhatIsGoodOnceIsTakenOnce(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	b := second(t, a)
	require.NoError(t, a.PutOnce(t.Context(), "slack/install/k1", []byte("v"), 10*time.Minute))
	require.ErrorIs(t, b.PutOnce(t.Context(), "slack/install/k1", []byte("w"), time.Minute), bridge.ErrFenced)
	got, err := a.TakeOnce(t.Context(), "slack/install/k2")
	require.NoError(t, err)
	require.Nil(t, got)
	var mu sync.Mutex
	taken := 0
	var all sync.WaitGroup
	for _, one := range []*Bus{a, b, a, b} {
		all.Go(func() {
			got, err := one.TakeOnce(t.Context(), "slack/install/k1")
			mu.Lock()
			defer mu.Unlock()
			if err == nil && string(got) == "v" {
				taken++
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, taken)
	got, err = b.TakeOnce(t.Context(), "slack/install/k1")
	require.NoError(t, err)
	require.Nil(t, got)
}
