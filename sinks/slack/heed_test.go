package slack

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func TestWithoutSocketsItIsKnownWhetherTheTokenIsTaken(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{})
	// told is what is told first, and ends the looking.
	told := func() (got error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		require.NoError(t, w.sink.heed(ctx, func(err error) {
			got = err
			cancel()
		}))
		return got
	}
	require.NoError(t, told())
	w.fake.Inject(fakeslack.Trouble{Method: methodAuth, Kind: fakeslack.Refused, Error: "internal_error"})
	passing := new(TokenError)
	require.ErrorAs(t, told(), &passing)
	require.False(t, passing.Refused)
	w.team.Revoke()
	refused := new(TokenError)
	require.ErrorAs(t, told(), &refused)
	require.True(t, refused.Refused)
	require.Contains(t, refused.Advice, "no longer accepts SLACK_BOT_TOKEN")
}
