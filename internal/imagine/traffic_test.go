package imagine_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// TestEveryKindOfTrafficTogetherBreaksNoRule lets three agents poll as fast as they may, people act, and the agents' own programs
// spend from the same purses, beyond the life of a token.
func TestEveryKindOfTrafficTogetherBreaksNoRule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, err := sandbox.New(sandbox.Options{Seed: 2, AuthBy: sandbox.AuthByAddress, TokenTTL: 4 * time.Minute})
		require.NoError(t, err)
		site := imagine.NewSite()
		end := time.Now().Add(6 * time.Minute)
		var wg sync.WaitGroup
		var mu sync.Mutex
		var longest time.Duration
		for i, a := range box.Agents() {
			c, err := imagine.New(imagine.Options{
				BaseURL: box.BaseURL(), ClientID: a.ClientID, ClientSecret: func() string { return a.ClientSecret },
				HTTPClient: &http.Client{Transport: box.Transport()}, Site: site,
			})
			require.NoError(t, err)
			for range 3 {
				wg.Go(func() {
					for time.Now().Before(end) {
						_, err := c.Notifications(imagine.AsPoller(t.Context()), imagine.PageQuery{Limit: 5})
						require.NoError(t, err)
						wait(t, 500*time.Millisecond)
					}
				})
			}
			wg.Go(func() { // a person
				for time.Now().Before(end) {
					before := time.Now()
					_, err := c.Timeline(t.Context(), imagine.PageQuery{Limit: 2})
					require.NoError(t, err)
					_, err = c.Follow(t.Context(), "nova_ai")
					require.NoError(t, err)
					mu.Lock()
					longest = max(longest, time.Since(before))
					mu.Unlock()
					wait(t, 11*time.Second)
				}
			})
			wg.Go(func() { // the agent's own program
				for time.Now().Before(end) {
					wait(t, time.Duration(7+i)*time.Second)
					box.Spend(a.Handle, "read", 1)
				}
			})
		}
		wg.Wait()
		require.Zero(t, longest, "people never wait")
		require.Empty(t, box.Violations())
		refused := 0
		for _, e := range box.Journal() {
			if e.Status >= 400 {
				refused++
			}
		}
		require.Zero(t, refused)
	})
}
