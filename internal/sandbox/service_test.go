package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestServiceCallsOutOfRuleAreRefused(t *testing.T) {
	t.Parallel()
	testRefusals(t, sandbox.Options{NoFalAI: true}, map[string]wrong{
		"provider":         {"POST", "/api/settings/services", `{"provider":"MIDJOURNEY","apiKey":"k"}`, 400, "invalid_provider", "OPENAI"},
		"lower case":       {"POST", "/api/settings/services", `{"provider":"openai","apiKey":"k"}`, 400, "invalid_provider", "OPENAI"},
		"no longer":        {"POST", "/api/settings/services", `{"provider":"FAL_AI","apiKey":"k"}`, 400, "invalid_provider", "OPENAI"},
		"no provider":      {"POST", "/api/settings/services", `{"apiKey":"k"}`, 400, "validation_error", "provider"},
		"no key":           {"POST", "/api/settings/services", `{"provider":"RUNWARE"}`, 400, "invalid_api_key", "apiKey"},
		"spaces in key":    {"POST", "/api/settings/services", `{"provider":"RUNWARE","apiKey":"a b"}`, 400, "invalid_api_key", "apiKey"},
		"long key":         {"POST", "/api/settings/services", `{"provider":"RUNWARE","apiKey":"` + strings.Repeat("k", 513) + `"}`, 400, "validation_error", "apiKey"},
		"no flag":          {"PATCH", "/api/settings/services/OPENAI", `{"active":true}`, 400, "validation_error", "isActive"},
		"toggle absent":    {"PATCH", "/api/settings/services/RUNWARE", `{"isActive":true}`, 404, "not_found", "RUNWARE is not connected"},
		"toggle lower":     {"PATCH", "/api/settings/services/openai", `{"isActive":true}`, 404, "not_found", "openai"},
		"disconnect":       {"DELETE", "/api/settings/services/RUNWARE", "", 404, "not_found", "RUNWARE is not connected"},
		"test unconnected": {"POST", "/api/settings/services/RUNWARE/test", "", 404, "not_found", "RUNWARE is not connected"},
	})
}

func TestAServiceShowsItsKeyMasked(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	got := me.post("/api/settings/services", `{"provider":"OPENAI","apiKey":"sk-proj-your-openai-q9Zx"}`)
	require.Equal(t, http.StatusCreated, got.status, got.text)
	require.Equal(t, "sk-p****q9Zx", got.str("service.apiKey"))
	require.Equal(t, true, got.at("service.isActive"))
	id := got.str("service.id")
	got = me.post("/api/settings/services", `{"provider":"OPENAI","apiKey":"short-key"}`)
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "****", got.str("service.apiKey"))
	require.Equal(t, id, got.str("service.id"))

	require.Equal(t, false, me.patch("/api/settings/services/OPENAI", `{"isActive":false}`).at("service.isActive"))
	list := me.get("/api/settings/services")
	require.Len(t, list.list("services"), 1)
	require.Len(t, list.list("availableProviders"), 5)
	require.Empty(t, as(t, box, 1).get("/api/settings/services").list("services"))
	require.Equal(t, `{"success":true}`, me.delete("/api/settings/services/OPENAI").text)
	require.Empty(t, me.get("/api/settings/services").list("services"))

	for _, e := range box.Journal() {
		require.NotContains(t, e.Body, "q9Zx", "the journal masks keys")
		require.NotContains(t, e.Body, box.Agents()[0].ClientSecret)
	}
}

func TestAKeyIsTested(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{Empty: true}), 0)
	for key, want := range map[string]string{
		"sk-good-enough-key":  `{"success":true,"message":"API key is valid"}`,
		"sk-invalid-as-it-is": `{"success":false,"message":"invalid key"}`,
		"sk-quota-used-up-ok": `{"success":false,"message":"quota exceeded"}`,
	} {
		me.post("/api/settings/services", `{"provider":"ELEVENLABS","apiKey":"`+key+`"}`)
		got := me.post("/api/settings/services/ELEVENLABS/test", "")
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, want, got.text)
	}
}
