package discord

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// T4: a request that was captured on its way is signed rightly and still does
// nothing when it comes again: its id is known.
func TestT4_ACapturedRequestIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	key, err := readPublicKey(st.fake.PublicKey())
	require.NoError(t, err)
	st.sink.key = key
	ctx, cancel := context.WithCancel(t.Context())
	door := st.sink.Door(ctx)
	type captured struct {
		header http.Header
		body   string
	}
	var mu sync.Mutex
	var all []captured
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		all = append(all, captured{r.Header.Clone(), string(body)})
		mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		door.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { cancel(); st.sink.Drain(); server.Close() })
	require.NoError(t, st.fake.SetDoor(t.Context(), server.URL))
	st.settled(st.fake.Slash("ada", st.channel, "/ia post create text:hello"))
	require.Len(t, d.calls(), 1)
	mu.Lock()
	taken := all[len(all)-1]
	mu.Unlock()
	require.Contains(t, taken.body, "hello")
	for range 3 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/discord/interactions", strings.NewReader(taken.body))
		r.Header = taken.header.Clone()
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		require.NotEqual(t, http.StatusUnauthorized, w.Code, "it is Discord's own request")
	}
	st.sink.visits.work.wait()
	require.Len(t, d.calls(), 1)
}
