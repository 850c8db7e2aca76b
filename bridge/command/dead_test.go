package command_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// graveyard is dead letters in memory.
type graveyard struct {
	letters map[uint64]bridge.DeadLetter
	again   []uint64
}

func (g *graveyard) List(_ context.Context, subscription string, fn func(bridge.DeadLetter) bool) error {
	for _, id := range slices.Sorted(maps.Keys(g.letters)) {
		l := g.letters[id]
		if l.Event = nil; (subscription == "" || l.Subscription == subscription) && !fn(l) {
			break
		}
	}
	return nil
}

func (g *graveyard) Get(_ context.Context, id uint64) (bridge.DeadLetter, bool, error) {
	l, ok := g.letters[id]
	return l, ok, nil
}

func (g *graveyard) Resend(_ context.Context, l bridge.DeadLetter) error {
	g.again = append(g.again, l.ID)
	return nil
}

func (g *graveyard) Drop(_ context.Context, id uint64) error {
	delete(g.letters, id)
	return nil
}

// mourner types commands about dead letters: ten of the subscription team, five of
// ours, two of another workspace's, one of a subscription that is gone.
func mourner(t *testing.T) (*graveyard, func(p command.Principal, verb string, values map[string]any, yes bool) command.Answer) {
	t.Helper()
	g := &graveyard{letters: map[uint64]bridge.DeadLetter{}}
	h := &house{lanes: map[string]bridge.Record{}}
	add := func(subscription, reason string, n int) {
		for range n {
			id := uint64(100 + len(g.letters))
			g.letters[id] = bridge.DeadLetter{
				ID: id, Subscription: subscription, To: "discord:1", EventID: fmt.Sprintf("ntf_%d", id), Reason: reason, Attempts: 1,
				At: time.Date(2026, 2, 6, 13, 0, int(id), 0, time.UTC), Event: []byte(`{"id":"x"}`),
			}
		}
	}
	for id, workspace := range map[string]string{"team": "G1", "ours": "G1", "theirs": "G2"} {
		_, err := h.Put(t.Context(), bridge.SubscriptionRecord{ID: id, Name: id, To: "discord:1", Workspace: workspace, Events: []string{"*"}})
		require.NoError(t, err)
	}
	add("team", "Discord finds the message too large.", 10)
	add("ours", "Discord's moderation blocked a message.", 5)
	add("theirs", "Discord finds the message too large.", 2)
	add("gone", "poison", 1)
	parts := h.parts()
	parts.Dead = g
	r := command.NewRunner(command.RunnerOptions{
		Agents: func() map[string]*imagine.Client { return map[string]*imagine.Client{"nova": {}} }, House: parts, Records: &ledger{}, Owner: "one",
		Access: func(command.Principal, string) command.Lists {
			return command.Lists{Write: []string{"discord:user:writer"}, Admin: []string{"discord:user:admin"}}
		},
	})
	n := 0
	return g, func(p command.Principal, verb string, values map[string]any, yes bool) command.Answer {
		n++
		return r.Do(t.Context(), command.Request{ID: fmt.Sprint("q", n), Principal: p, Group: "dead", Verb: verb, Values: values, Confirmed: yes, Door: p.Platform, Place: "C1"})
	}
}

var operator = command.Principal{Platform: command.NATS}

func TestDeadLettersAreListedByWhatPeopleAskFor(t *testing.T) {
	t.Parallel()
	_, ask := mourner(t)
	for name, tc := range map[string]struct {
		who    command.Principal
		values map[string]any
		total  int
	}{
		"all":                      {operator, nil, 18},
		"of one":                   {operator, map[string]any{"subscription": "ours"}, 5},
		"of one that is gone":      {operator, map[string]any{"subscription": "gone"}, 1},
		"by reason":                {operator, map[string]any{"reason": "TOO LARGE"}, 12},
		"by both":                  {operator, map[string]any{"reason": "too large", "subscription": "ours"}, 0},
		"of one's own workspace":   {someone("admin"), nil, 15},
		"by reason, own workspace": {someone("admin"), map[string]any{"reason": "too large"}, 10},
	} {
		a := ask(tc.who, "list", tc.values, false)
		require.True(t, a.OK, "%s: %v", name, a.Problem)
		got, ok := a.Reply.Data.(command.DeadList)
		require.True(t, ok)
		require.Equal(t, tc.total, got.Total, name)
	}
	a := ask(someone("admin"), "list", map[string]any{"subscription": "theirs"}, false)
	require.Equal(t, "no_subscription", a.Problem.Status, "another workspace's reads like none")
	require.Equal(t, 403, ask(someone("writer"), "list", nil, false).Problem.Code)
}

func TestB55_AWrongNumberIsTold(t *testing.T) {
	t.Parallel()
	_, ask := mourner(t)
	var out strings.Builder
	for _, verb := range []string{"show", "replay", "drop"} {
		for _, id := range []string{"4711", "x", "0", "-1", "1 2"} {
			fmt.Fprintf(&out, "%s %s: %s\n", verb, id, sentence(ask(operator, verb, map[string]any{"id": id}, true).Problem))
		}
		fmt.Fprintf(&out, "%s 115, another workspace's: %s\n", verb, sentence(ask(someone("admin"), verb, map[string]any{"id": "115"}, true).Problem))
	}
	golden.Equal(t, "testdata/B55_wrong_number.golden", []byte(out.String()))
}

func TestF74_DeadLettersAreReplayedAndDropped(t *testing.T) {
	t.Parallel()
	g, ask := mourner(t)
	a := ask(operator, "show", map[string]any{"id": "103"}, false)
	require.True(t, a.OK)
	shown, _ := a.Reply.Data.(command.DeadView)
	require.JSONEq(t, `{"id":"x"}`, string(shown.Event))

	require.True(t, ask(operator, "replay", map[string]any{"id": "103"}, false).OK)
	require.Equal(t, []uint64{103}, g.again)
	a = ask(operator, "replay", map[string]any{"id": "all"}, false)
	require.True(t, a.NeedsConfirm, "many are asked about")
	require.Contains(t, a.Question, "18 events")
	a = ask(operator, "replay", map[string]any{"id": "all", "subscription": "ours"}, false)
	require.True(t, a.OK)
	require.Equal(t, []uint64{103, 110, 111, 112, 113, 114}, g.again)
	require.True(t, ask(someone("admin"), "replay", map[string]any{"id": "ALL", "reason": "too large"}, true).OK)
	require.Len(t, g.again, 16, "only what is in reach")

	require.True(t, ask(operator, "drop", map[string]any{"id": "103"}, false).NeedsConfirm)
	a = ask(operator, "drop", map[string]any{"id": "103"}, true)
	require.True(t, a.OK)
	require.Len(t, g.letters, 17)
	a = ask(operator, "drop", map[string]any{"id": "all", "reason": "moderation"}, true)
	require.True(t, a.OK)
	require.Len(t, g.letters, 12)
	done, _ := a.Reply.Data.(command.DeadDone)
	require.Equal(t, 5, done.Count)
}
