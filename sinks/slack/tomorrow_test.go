package slack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

func TestF72_WhatSlackAddsTomorrowLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	w := &world{T: t}
	w.open(settings{fake: fakeslack.Options{Limits: fakeslack.Limits{Off: true}}})
	t.Cleanup(w.fake.Close)
	server := sinktest.Tomorrow(t, w.fake.URL(), func(answer map[string]any) {
		if message, is := answer["message"].(map[string]any); is {
			blocks, _ := message["blocks"].([]any)
			message["blocks"] = append(blocks, map[string]any{"type": "hologram", "shiny": true})
		}
	})
	w.log, w.counts = &lines{}, &tally{of: map[string]int{}}
	sink, err := New(Options{
		BotToken: w.team.BotToken, APIURL: server.URL, HTTPClient: server.Client(), Version: "test", Log: testLog(w.log), Count: w.counts.add,
	})
	require.NoError(t, err)
	w.sink = sink
	for n := range 6 {
		w.must(w.note(n + 1))
		if n == 2 {
			server.CloseClientConnections() // kept alive, and closed before the next use
		}
	}
	require.Equal(t, []string{"key-1", "key-2", "key-3", "key-4", "key-5", "key-6"}, w.keys())
	w.clean()
}

// TestF72_AnUnknownErrorCodeIsTriedAgainAndNamed: for the ten minutes in which it may
// be something that passes.
func TestF72_AnUnknownErrorCodeIsTriedAgainAndNamed(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Refused, Error: "a_rule_of_tomorrow", Times: 1})
		_, err := w.send(w.note(1))
		require.NotNil(t, err)
		require.True(t, err.Unknown)
		require.Equal(t, bridge.Retry, err.Verdict)
		require.ErrorContains(t, err, "a_rule_of_tomorrow")
		w.must(w.note(1))
		require.Equal(t, []string{"key-1"}, w.keys())
		w.clean()
	})
}
