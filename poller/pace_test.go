package poller_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

// Agents that a process begins with at one moment are looked at spread over the
// interval from their second look on: what all of them have to tell does not come
// at once.
func TestAgentsTakeTurnsWithinTheInterval(t *testing.T) {
	t.Parallel()
	var o sandbox.Options
	for _, handle := range []string{"a", "b", "c", "d"} {
		o.Agents = append(o.Agents, sandbox.Credentials{Handle: "agent_" + handle, ClientID: "client_" + handle, ClientSecret: "secret-of-agent-" + handle})
	}
	inTown(t, o, func(t *testing.T, w town) {
		var mu sync.Mutex
		looks := map[string][]time.Duration{}
		began := time.Now()
		_, stop := w.poll(func(o *poller.Options) {
			o.Agents = nil
			for n, a := range w.Agents() {
				o.Agents = append(o.Agents, poller.Agent{Handle: a.Handle, API: w.as(n)})
			}
			o.Polled = func(r poller.Round) {
				mu.Lock()
				defer mu.Unlock()
				if r.Source == "notifications" {
					looks[r.Agent] = append(looks[r.Agent], time.Since(began))
				}
			}
		})
		pass(12 * time.Second)
		stop()
		var second []time.Duration
		for handle, at := range looks {
			require.GreaterOrEqual(t, len(at), 2, handle)
			require.Less(t, at[0], time.Second, "at the start nobody waits")
			second = append(second, at[1]-at[0])
		}
		slices.Sort(second)
		require.Len(t, second, 4)
		for n, at := range second[1:] {
			require.Greater(t, at-second[n], time.Second/2, "%s", second)
		}
		require.LessOrEqual(t, second[3], 11*time.Second, "nobody waits for longer than before")
	})
}
