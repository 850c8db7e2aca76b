package fakeslack_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// typed is a house in which a person has just typed a command; the function answers through its response_url.
func typed(t *testing.T) (h *house, respond func(fields map[string]any) (int, string)) {
	t.Helper()
	h = open(t, fakeslack.Options{})
	doors(t, h, nil)
	r, err := h.Slash(h.team.Owner, h.ch, "/ia help")
	require.NoError(t, err)
	return h, h.responder(t, r.ResponseURL)
}

func (h *house) responder(t *testing.T, address string) func(map[string]any) (int, string) {
	t.Helper()
	return func(fields map[string]any) (int, string) {
		t.Helper()
		body, err := json.Marshal(fields)
		require.NoError(t, err)
		status, _, got := h.raw(t, http.MethodPost, strings.TrimPrefix(address, h.URL()), jsonType, "", string(body))
		code, _ := got["error"].(string)
		h.clock.Add(time.Second)
		return status, code
	}
}

func TestResponseURLWorksFiveTimes(t *testing.T) {
	t.Parallel()
	h, respond := typed(t)
	h.Kick(h.ch) // it works where the app is no member
	for range 4 {
		status, _ := respond(map[string]any{"text": "x", "blocks": nil})
		require.Equal(t, http.StatusOK, status)
	}
	status, code := respond(map[string]any{})
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "no_text", code)
	status, _ = respond(map[string]any{"text": "all", "response_type": "in_channel"})
	require.Equal(t, http.StatusOK, status)
	status, code = respond(map[string]any{"text": "x"})
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "used_url", code)
	got := h.Messages(h.ch)
	require.Equal(t, h.team.Owner, got[0].Ephemeral)
	require.Empty(t, got[4].Ephemeral)
	require.Equal(t, []string{"no_text", "used_url"}, h.Codes())
}

func TestResponseURLRefuses(t *testing.T) {
	t.Parallel()
	h, respond := typed(t)
	_, code := respond(map[string]any{"text": "x", "blocks": json.RawMessage(section(""))})
	require.Equal(t, "invalid_blocks", code)
	_, code = respond(map[string]any{"text": "x", "replace_original": true})
	require.Equal(t, "message_not_found", code)
	h.clock.Add(30 * time.Minute)
	status, code := respond(map[string]any{"text": "x"})
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "expired_url", code)
	_, code = h.responder(t, h.URL()+"/commands/T1/nothing")(map[string]any{"text": "x"})
	require.Equal(t, "invalid_url", code)

	r, err := h.Slash(h.team.Owner, h.ch, "/ia help")
	require.NoError(t, err)
	path := strings.TrimPrefix(r.ResponseURL, h.URL())
	status, _, got := h.raw(t, http.MethodPost, path, formType, "", "text=x")
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "invalid_payload", got["error"])
	for want := range map[int]bool{http.StatusOK: true} {
		status, _, _ = h.raw(t, http.MethodPost, path, jsonType, "", `{"text":"x"}`)
		require.Equal(t, want, status)
	}
	status, header, _ := h.raw(t, http.MethodPost, path, jsonType, "", `{"text":"x"}`)
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Equal(t, "1", header.Get("Retry-After"))
}

func TestResponseURLChangesTheOriginal(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	doors(t, h, nil)
	_, got := h.call(t, "chat.postMessage", map[string]any{"channel": h.ch, "text": "x", "blocks": json.RawMessage(button(`,"action_id":"a"`))})
	r, err := h.Click(h.team.Owner, h.ch, got["ts"].(string), "x")
	require.NoError(t, err)
	respond := h.responder(t, r.ResponseURL)
	status, _ := respond(map[string]any{"text": "changed", "replace_original": true})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "changed", h.Messages(h.ch)[0].Text)
	status, _ = respond(map[string]any{"delete_original": true})
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, h.Messages(h.ch))
}

func TestLibraryAnswersThroughResponseURL(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	doors(t, h, nil)
	r, err := h.Slash(h.team.Owner, h.ch, "/ia help")
	require.NoError(t, err)
	_, _, err = h.api.PostMessageContext(t.Context(), h.ch, text("x"), slack.MsgOptionResponseURL(r.ResponseURL, slack.ResponseTypeInChannel))
	require.NoError(t, err)
	require.Equal(t, "x", h.Messages(h.ch)[0].Text)
	in := h.Inject(fakeslack.Trouble{Method: "response_url", Kind: fakeslack.Status})
	_, _, err = h.api.PostMessageContext(t.Context(), h.ch, text("x"), slack.MsgOptionResponseURL(r.ResponseURL, slack.ResponseTypeInChannel))
	require.Error(t, err)
	require.Equal(t, 1, in.Hits())
	require.Len(t, h.Messages(h.ch), 1)
}
