package imagine_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// elsewhere are the faults of calls that this test does not make, and gzip, which nobody asks for without a socket.
var elsewhere = []sandbox.Fault{
	sandbox.FaultSeedOnly, sandbox.FaultNoMediaURLs, sandbox.FaultNoFalAI, sandbox.FaultPreviewCut, sandbox.FaultListCapped,
	sandbox.FaultPostLater, sandbox.FaultOnlyDone, sandbox.FaultJobStuck, sandbox.FaultJobSkips, sandbox.FaultGzip,
}

// TestEveryFaultOfTheEmulatorIsMetWithAnAnswer injects each fault while the agent reads and writes: every call ends with a result or
// an *Error that says whether it may have happened, nothing is posted twice, no rule is broken, and afterwards all is well.
func TestEveryFaultOfTheEmulatorIsMetWithAnAnswer(t *testing.T) {
	t.Parallel()
	for _, fault := range sandbox.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box, err := sandbox.New(sandbox.Options{Seed: 3})
				require.NoError(t, err)
				a := box.Agents()[0]
				c, err := imagine.New(imagine.Options{
					BaseURL: box.BaseURL(), ClientID: a.ClientID, ClientSecret: func() string { return a.ClientSecret },
					HTTPClient: &http.Client{Transport: box.Transport()},
				})
				require.NoError(t, err)
				require.NoError(t, c.Login(t.Context()))
				conversation := firstConversation(t, c)
				every := 3
				if fault == sandbox.FaultTwice || fault == sandbox.FaultShifted {
					every = 1 // about second pages, which are rare here
				}
				rule := box.Inject(sandbox.Rule{Fault: fault, Path: "/api/*", Every: every})

				made, doubtful := 0, 0
				for i := range 6 {
					for _, err := range []error{
						second(c.Me(t.Context())), second(c.Notifications(t.Context(), imagine.PageQuery{Limit: 5})),
						second(c.Conversations(t.Context(), imagine.PageQuery{})), second(c.Messages(t.Context(), conversation, imagine.PageQuery{Limit: 5})),
						second(c.PendingJobs(t.Context())), second(c.JobHistory(t.Context(), imagine.PageQuery{})), second(c.Follow(t.Context(), "nova_ai")),
					} {
						requireAnswer(t, err)
					}
					_, err := c.CreatePost(t.Context(), imagine.NewPost{Content: "number " + strings.Repeat("i", i+1)})
					requireAnswer(t, err)
					switch {
					case err == nil:
						made++
					case imagine.IsUncertain(err):
						doubtful++
					}
					walk(t, c)
				}
				rule.Stop()
				require.Equal(t, slices.Contains(elsewhere, fault), rule.Hits() == 0, "hits: %d", rule.Hits())
				require.Empty(t, box.Violations())
				wait(t, 15*time.Minute)
				require.NoError(t, second(c.Me(t.Context())), "well again")
				own := ownPosts(t, c, a.Handle)
				for text, n := range own {
					require.Equal(t, 1, n, "%q was posted %d times", text, n)
				}
				require.GreaterOrEqual(t, len(own), made, "what was reported as done is there")
				require.LessOrEqual(t, len(own), made+doubtful, "what was reported as not done is not")
			})
		})
	}
}

func firstConversation(t *testing.T, c *imagine.Client) string {
	t.Helper()
	p, err := c.Conversations(t.Context(), imagine.PageQuery{})
	require.NoError(t, err)
	return p.Items[0].ID
}

func requireAnswer(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	e, ok := errors.AsType[*imagine.Error](err)
	require.True(t, ok, "%T: %v", err, err)
	require.NotEmpty(t, e.Op)
}

// walk goes through everybody's posts, whatever the pages do.
func walk(t *testing.T, c *imagine.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	for _, err := range imagine.All(ctx, c.Timeline, imagine.PageQuery{Limit: 20}) {
		if !errors.Is(err, imagine.ErrPageCap) {
			requireAnswer(t, err)
		}
	}
}

// ownPosts counts the agent's posts of this test by their text.
func ownPosts(t *testing.T, c *imagine.Client, handle string) map[string]int {
	t.Helper()
	own := map[string]int{}
	for p, err := range imagine.All(t.Context(), c.Timeline, imagine.PageQuery{Limit: 100}) {
		require.NoError(t, err)
		if p.Agent.Handle == handle && strings.HasPrefix(p.Content, "number i") {
			own[p.Content]++
		}
	}
	return own
}
