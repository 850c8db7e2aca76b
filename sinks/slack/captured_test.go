package slack

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// T4: a request that was captured on its way is signed rightly and still does
// nothing when it comes again: what it asks for is known.
func TestT4_ACapturedRequestIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	type captured struct {
		path, body string
		header     http.Header
	}
	var mu sync.Mutex
	var all []captured
	door := d.sink.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		all = append(all, captured{r.URL.Path, string(body), r.Header.Clone()})
		mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		door.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	deliver := quickDeliveries
	deliver.EventsURL, deliver.CommandsURL, deliver.InteractionsURL = server.URL+"/slack/events", server.URL+"/slack/commands", server.URL+"/slack/interactions"
	d.fake.SetDeliver(deliver)
	d.slash("/ia post create text:hello")
	d.until(func() bool { return len(d.hands.effects()) == 1 })
	mu.Lock()
	taken := all[len(all)-1]
	mu.Unlock()
	for range 3 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, taken.path, strings.NewReader(taken.body))
		r.Header = taken.header.Clone()
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		require.NotEqual(t, http.StatusUnauthorized, w.Code, "it is Slack's own request")
	}
	require.NoError(t, d.sink.Drain(context.WithoutCancel(t.Context())))
	var done []string
	for _, q := range d.hands.asked {
		done = append(done, q.ID)
	}
	require.Len(t, done, 1, "%v", done)
}
