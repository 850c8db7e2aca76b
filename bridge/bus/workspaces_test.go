package bus

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

func TestAnAbsentWorkspaceHasItsNameAlone(t *testing.T) {
	t.Parallel()
	w := open(t).Workspaces()
	none, err := w.Get(t.Context(), "discord", "1")
	require.NoError(t, err)
	require.Equal(t, bridge.WorkspaceRecord{Platform: "discord", ID: "1"}, none)
	same, err := w.Change(t.Context(), "discord", "1", func(*bridge.WorkspaceRecord) (bool, error) { return false, nil })
	require.NoError(t, err)
	require.Equal(t, none, same)
	all, err := w.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, all, "what nobody wanted to keep is not kept")
	_, err = w.Get(t.Context(), "discord", "")
	require.Error(t, err)
}

func TestWorkspacesAreKeptUnderAnyID(t *testing.T) {
	t.Parallel()
	w := open(t).Workspaces()
	ids := []string{"1041", "T0.*>", "ж " + string(make([]byte, 200)), "a.b"}
	for _, id := range ids {
		_, err := w.Change(t.Context(), "slack", id, func(r *bridge.WorkspaceRecord) (bool, error) {
			r.Name = id
			return true, nil
		})
		require.NoError(t, err)
	}
	for _, id := range ids {
		r, err := w.Get(t.Context(), "slack", id)
		require.NoError(t, err)
		require.Equal(t, id, r.Name)
		require.NotZero(t, r.Rev)
	}
	all, err := w.List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, len(ids))
}

func TestEveryChangeToAWorkspaceCounts(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	both := []*Workspaces{a.Workspaces(), second(t, a).Workspaces()}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for i := range 10 {
		wg.Go(func() {
			_, err := both[i%2].Change(t.Context(), "discord", "1", func(r *bridge.WorkspaceRecord) (bool, error) {
				r.Connect(bridge.Connected{Handle: "agent_" + strconv.Itoa(i)})
				return true, nil
			})
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	require.NoError(t, failed)
	r, err := both[0].Get(t.Context(), "discord", "1")
	require.NoError(t, err)
	require.Len(t, r.Agents, 10)
}

func TestAChangeThatFailsStoresNothing(t *testing.T) {
	t.Parallel()
	w := open(t).Workspaces()
	refused := errors.New("refused")
	_, err := w.Change(t.Context(), "discord", "1", func(r *bridge.WorkspaceRecord) (bool, error) {
		r.Name = "never"
		return true, refused
	})
	require.ErrorIs(t, err, refused)
	_, err = w.Change(t.Context(), "discord", "1", func(r *bridge.WorkspaceRecord) (bool, error) {
		r.Name = string(make([]byte, maxWorkspace))
		return true, nil
	})
	require.ErrorContains(t, err, "more than")
	r, err := w.Get(t.Context(), "discord", "1")
	require.NoError(t, err)
	require.Empty(t, r.Name)
}

// F76: a field of a newer version survives a change by this one.
func TestF76_AChangeKeepsWhatANewerVersionStored(t *testing.T) {
	t.Parallel()
	b := open(t)
	const subject = "$KV.IA_CONFIG.workspace.discord.1"
	require.NoError(t, b.put(t.Context(), &nats.Msg{Subject: subject, Data: []byte(`{"platform":"discord","id":"1","theme":"red"}`)}))
	_, err := b.Workspaces().Change(t.Context(), "discord", "1", func(r *bridge.WorkspaceRecord) (bool, error) {
		r.Name = "Lab"
		return true, nil
	})
	require.NoError(t, err)
	m, err := b.last(t.Context(), streamConfig, subject)
	require.NoError(t, err)
	require.JSONEq(t, `{"platform":"discord","id":"1","name":"Lab","theme":"red"}`, string(m.data))
}

func TestAWatchTellsAllWorkspacesAndEveryChange(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	b := second(t, a)
	name := func(w *Workspaces, id, name string) {
		t.Helper()
		_, err := w.Change(t.Context(), "discord", id, func(r *bridge.WorkspaceRecord) (bool, error) {
			r.Name = name
			return true, nil
		})
		require.NoError(t, err)
	}
	name(a.Workspaces(), "1", "one")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := make(chan []bridge.WorkspaceRecord, 16)
	ended := make(chan error, 1)
	go func() {
		ended <- b.Workspaces().Watch(ctx, func(list []bridge.WorkspaceRecord) { told <- list })
	}()
	until := func(want ...string) {
		t.Helper()
		for end := time.After(20 * time.Second); ; {
			select {
			case list := <-told:
				var names []string
				for _, r := range list {
					names = append(names, r.Name)
				}
				if slices.Equal(names, want) {
					return
				}
			case <-end:
				require.Fail(t, "not told", "%v", want)
			}
		}
	}
	until("one")
	name(b.Workspaces(), "2", "two")
	until("one", "two")
	name(a.Workspaces(), "1", "uno")
	until("uno", "two")
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}
