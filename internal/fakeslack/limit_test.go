package fakeslack_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func (h *house) try(t *testing.T, ch string) error {
	t.Helper()
	_, _, err := h.api.PostMessageContext(t.Context(), ch, text("x"))
	return err
}

func TestOneMessageASecondAndChannel(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	other := h.team.AddChannel("other")
	require.NoError(t, h.try(t, h.ch))
	require.NoError(t, h.try(t, other), "channels are independent")
	h.clock.Add(900 * time.Millisecond)
	limited, ok := errors.AsType[*slack.RateLimitedError](h.try(t, h.ch))
	require.True(t, ok)
	require.Equal(t, time.Second, limited.RetryAfter)

	h.clock.Add(500 * time.Millisecond)
	require.Error(t, h.try(t, other), "the pause holds for the method in the workspace")
	_, err := h.api.AuthTestContext(t.Context())
	require.NoError(t, err, "other methods go on")
	require.Equal(t, []string{"ratelimited", "early_call"}, h.Codes())

	h.clock.Add(460 * time.Millisecond) // 40 ms before the pause ends: within the tolerance
	require.NoError(t, h.try(t, h.ch))
	require.Len(t, h.Faults(), 2)
}

func TestBurstIsAnOption(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Limits: fakeslack.Limits{PostBurst: 3, PostGap: 2 * time.Second}})
	for range 3 {
		require.NoError(t, h.try(t, h.ch))
	}
	require.Error(t, h.try(t, h.ch))
	h.clock.Add(2 * time.Second)
	require.NoError(t, h.try(t, h.ch))
}

func TestTiersAreWindowsOfAMinute(t *testing.T) {
	t.Parallel()
	for method, limit := range map[string]int{"conversations.list": 20, "conversations.info": 50, "users.info": 100, "apps.connections.open": 2} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			h := open(t, fakeslack.Options{Limits: fakeslack.Limits{PerMinute: map[string]int{"apps.connections.open": 2}}}, "channels:read", "users:read")
			auth := "Bearer " + h.team.BotToken()
			if method == "apps.connections.open" {
				auth = "Bearer " + h.AppToken()
			}
			call := func() (int, http.Header) {
				status, header, _ := h.raw(t, http.MethodPost, "/api/"+method, jsonType, auth, `{}`)
				return status, header
			}
			for range limit {
				status, _ := call()
				require.Equal(t, http.StatusOK, status)
			}
			h.clock.Add(30 * time.Second)
			status, header := call()
			require.Equal(t, http.StatusTooManyRequests, status)
			require.Equal(t, "30", header.Get("Retry-After"))
			h.clock.Add(30 * time.Second)
			status, _ = call()
			require.Equal(t, http.StatusOK, status)
		})
	}
}

func TestWorkspacesHaveTheirOwnLimits(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Limits: fakeslack.Limits{Workspace: 2}})
	for range 2 {
		require.NoError(t, h.try(t, h.team.AddChannel("x")))
	}
	require.Error(t, h.try(t, h.team.AddChannel("x")), "three a minute")
	second := h.AddWorkspace("second")
	_, _, err := h.client(second.BotToken()).PostMessageContext(t.Context(), second.AddChannel("x"), text("x"))
	require.NoError(t, err)
}

func TestNewAppsReadHistoryOnceAMinute(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Limits: fakeslack.Limits{NewApp: true}}, "chat:write", "channels:history")
	for range 16 {
		h.post(t, text("x"))
	}
	page, err := h.api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: h.ch, Limit: 100})
	require.NoError(t, err)
	require.Len(t, page.Messages, 15)
	_, err = h.api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: h.ch})
	require.Error(t, err)
}

func TestLimitsCanBeOff(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Limits: fakeslack.Limits{Off: true}})
	for range 400 {
		require.NoError(t, h.try(t, h.ch))
	}
}
