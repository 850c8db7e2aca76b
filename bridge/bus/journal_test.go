package bus

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

func TestTheJournalTellsWhatWasDoneAndWhatBecame(t *testing.T) {
	t.Parallel()
	b := open(t)
	began := time.Now().Add(-time.Minute)
	entry := command.Entry{At: began.UTC().Round(0), Door: "console", Group: "subscribe", Verb: "pause", Outcome: "done"}
	require.NoError(t, b.WriteAudit(t.Context(), entry))
	b.Report(t.Context(), bridge.Outcome{Kind: bridge.Dead, Subscription: "Team A", EventID: "ntf_1", Reason: "too large"})
	require.NoError(t, b.Status(t.Context(), Status{Component: "poller", State: Degraded})) // no part of it
	var mu sync.Mutex
	var told []string
	tell := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, text)
	}
	heard := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(told)
	}
	var following sync.WaitGroup
	ctx := t.Context()
	following.Go(func() {
		_ = b.Journal(ctx, began, func(e command.Entry) { tell(e.Group + " " + e.Verb) }, func(o bridge.Outcome) { tell(o.Subscription + " " + string(o.Kind)) })
	})
	t.Cleanup(following.Wait)
	require.Eventually(t, func() bool { return len(heard()) == 2 }, 20*time.Second, step)
	b.Report(t.Context(), bridge.Outcome{Kind: bridge.Delivered, Subscription: "Team A", EventID: "ntf_2"})
	require.Eventually(t, func() bool { return len(heard()) == 3 }, 20*time.Second, step)
	require.ElementsMatch(t, []string{"subscribe pause", "Team A dead", "Team A delivered"}, heard())

	var kept []command.Entry
	require.NoError(t, b.History().Audits(t.Context(), began, func(e command.Entry) bool { kept = append(kept, e); return true }))
	require.Equal(t, []command.Entry{entry}, kept)
	require.NoError(t, b.History().Audits(t.Context(), time.Now().Add(time.Hour), func(command.Entry) bool { t.Error("none is that young"); return true }))
}

func TestASurveyHearsEveryProcess(t *testing.T) {
	t.Parallel()
	b := open(t)
	none := 0
	require.NoError(t, b.Survey(t.Context(), "agents", time.Second, func([]byte) { none++ }))
	require.Zero(t, none, "nobody knows of it")
	var telling sync.WaitGroup
	ctx := t.Context()
	telling.Go(func() { _ = b.Tell(ctx, "agents", func() any { return map[string]int{"luna": 7} }) })
	t.Cleanup(telling.Wait)
	require.Eventually(t, func() bool {
		heard := ""
		err := b.Survey(t.Context(), "agents", time.Second, func(data []byte) { heard = string(data) })
		return err == nil && heard == `{"luna":7}`
	}, 20*time.Second, step)
}
