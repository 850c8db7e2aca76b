package slack

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// TestB52_ABadSignatureIsToldOnceAMinuteAndCounted: nothing is said to the caller,
// and the log names from where, how often, and what to look at.
func TestB52_ABadSignatureIsToldOnceAMinuteAndCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		s, err := New(Options{BotToken: func() string { return "xoxb-1" }, SigningSecret: func() string { return signingSecret }, APIURL: "http://127.0.0.1:1", Log: testLog(log)})
		require.NoError(t, err)
		forge := func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/slack/events", strings.NewReader("{}"))
			r.RemoteAddr = "203.0.113.7:4711"
			r.Header.Set("X-Slack-Signature", "v0=00")
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			require.Equal(t, http.StatusUnauthorized, w.Code)
			require.Empty(t, w.Body.String())
		}
		for range 12 {
			forge()
		}
		time.Sleep(time.Minute)
		forge()
		said := regexp.MustCompile(`level=\S+ msg=.*`).FindAllString(log.String(), -1)
		golden.Equal(t, "testdata/B52_bad_signature.golden", []byte(strings.Join(said, "\n")+"\n"))
	})
}
