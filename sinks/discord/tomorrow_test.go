package discord

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/load"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

func TestF72_WhatDiscordAddsTomorrowLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	var server *httptest.Server
	st := newStand(t, fakediscord.Options{GlobalPerSecond: -1, Limits: map[string]fakediscord.Limit{createRoute: {}}}, func(o *Options) {
		server = sinktest.Tomorrow(t, o.APIURL, func(answer map[string]any) {
			if list, is := answer["components"].([]any); is {
				answer["components"] = append(list, map[string]any{"type": 99, "shiny": true})
			}
		})
		o.APIURL, o.HTTPClient = server.URL, server.Client()
	})
	messages := load.Pick(t, 50, 400)
	for n := range messages {
		st.patient(t.Context(), st.sink, delivery(st, fmt.Sprintf("n%d", n)))
		if n%5 == 4 {
			server.CloseClientConnections() // kept alive, and closed before the next use
		}
	}
	require.Len(t, st.fake.Messages(st.channel), messages)
	st.faultless()
}

// TestF72_AnUnknownErrorCodeIsTriedAgainAndNamed: for the ten minutes in which it may
// be something that passes.
func TestF72_AnUnknownErrorCodeIsTriedAgainAndNamed(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, `{"code":987654,"message":"A rule of tomorrow","brand_new":{}}`)
	})
	_, err := s.Send(t.Context(), bridge.Delivery{Key: "k", To: bridge.ParseDestination("discord:1200000000000000001"), Message: bridge.Message{Title: "T"}})
	var e *bridge.SendError
	require.ErrorAs(t, err, &e)
	require.True(t, e.Unknown)
	require.Equal(t, bridge.Retry, e.Verdict)
	require.ErrorContains(t, e, "987654")
	require.ErrorContains(t, e, "A rule of tomorrow")
}
