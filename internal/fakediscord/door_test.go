package fakediscord_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// endpoint is an application's HTTP door that verifies signatures, unless lax.
func endpoint(t *testing.T, fake *fakediscord.Server, lax bool, answer string) string {
	t.Helper()
	s := httptest.NewServer(handler(t, fake, &lax, answer))
	t.Cleanup(s.Close)
	return s.URL
}

func handler(t *testing.T, fake *fakediscord.Server, lax *bool, answer string) http.Handler {
	t.Helper()
	key, err := hex.DecodeString(fake.PublicKey())
	require.NoError(t, err)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sig, _ := hex.DecodeString(r.Header.Get("X-Signature-Ed25519"))
		if !*lax && !ed25519.Verify(key, append([]byte(r.Header.Get("X-Signature-Timestamp")), body...), sig) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(string(body), `"type":1,"application_id"`) {
			_, _ = w.Write([]byte(`{"type":1}`))
			return
		}
		_, _ = w.Write([]byte(answer))
	})
}

func TestDoorIsProbedThenUsed(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, often())
	require.Equal(t, 200, do(t, fake, http.MethodPut, commands, tree).status)
	require.Error(t, fake.SetDoor(t.Context(), endpoint(t, fake, true, "")), "takes any signature")

	url := endpoint(t, fake, false, `{"type":4,"data":`+quiet(`"content":"by HTTP","flags":64`)+`}`)
	require.NoError(t, fake.SetDoor(t.Context(), url))
	require.Contains(t, string(do(t, fake, http.MethodGet, "/applications/@me", "").body), url)
	asked, err := fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	got, err := asked.Response(t.Context())
	require.NoError(t, err)
	require.Equal(t, "by HTTP", got.Message.Content)
	require.Empty(t, fake.Faults())

	statuses := fake.Probe(t.Context(), url)
	require.Len(t, statuses, 12)
	require.Equal(t, 401, statuses["one byte changed"])
	require.Equal(t, 200, statuses["ten minutes old"], "this door forgets to look at the time, and the probe shows it")
}

// An endpoint that stops verifying after it was accepted is found out.
func TestLaxDoorIsFoundOut(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, often())
	do(t, fake, http.MethodPut, commands, tree)
	lax := false
	s := httptest.NewServer(handler(t, fake, &lax, `{"type":5,"data":{}}`))
	t.Cleanup(s.Close)
	require.NoError(t, fake.SetDoor(t.Context(), s.URL))
	lax = true
	asked, err := fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	_, err = asked.Response(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"signature-probe"}, rules(fake))
}

func TestWrongAnswersAtTheDoorAreFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ answer, rule string }{
		"not JSON":   {"hello", "json"},
		"wrong type": {`{"type":8,"data":{"choices":[]}}`, "body"},
		"may ping":   {`{"type":4,"data":{"content":"c"}}`, "allowed_mentions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, ch := start(t, often())
			do(t, fake, http.MethodPut, commands, tree)
			require.NoError(t, fake.SetDoor(t.Context(), endpoint(t, fake, false, tc.answer)))
			_, err := fake.Slash("ada", ch, "/ia post create text:hi")
			require.NoError(t, err)
			require.Eventually(t, func() bool { return len(fake.Faults()) > 0 }, waiting, step)
			require.Equal(t, []string{tc.rule}, rules(fake))
		})
	}
}
