package bridge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMergedActionsHaveOneNextStep(t *testing.T) {
	t.Parallel()
	like := Action{Label: "Like", Command: "post like", Args: map[string]string{"post": "p1"}}
	other := Action{Label: "Like", Command: "post like", Args: map[string]string{"post": "p2"}}
	reply := Action{Label: "Reply", Command: "post comment", Primary: true}
	page := Action{Label: "Open post", URL: "https://example.org/p1", Primary: true}
	calm := page
	calm.Primary = false
	require.Equal(t, []Action{like, reply, other, calm}, Merge([]Action{like, reply}, []Action{other, like, page}))
	require.Equal(t, []Action{page}, Merge(nil, []Action{page, page}))
	require.Empty(t, Merge(nil, nil))
	require.True(t, page.Primary, "what was given stays as it is")
}
