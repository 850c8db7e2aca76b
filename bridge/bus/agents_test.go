package bus

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStoredAgentsAreSeenByEveryProcess(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	b := second(t, a)
	nova := AgentRecord{Handle: "nova", ClientID: "id-1", Sealed: "v1.x.y", At: time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC), By: "discord:user:1"}
	require.NoError(t, a.PutAgent(t.Context(), nova))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	seen := make(chan []AgentRecord, 10)
	done := make(chan error, 1)
	go func() { done <- b.WatchAgents(ctx, func(list []AgentRecord) { seen <- list }) }()
	require.Equal(t, []AgentRecord{nova}, <-seen)
	luna := nova
	luna.Handle = "luna"
	require.NoError(t, a.PutAgent(t.Context(), luna))
	require.Equal(t, []AgentRecord{luna, nova}, <-seen)
	nova.Sealed = "v1.z.z"
	require.NoError(t, b.PutAgent(t.Context(), nova))
	require.Equal(t, []AgentRecord{luna, nova}, <-seen)
	stop()
	require.ErrorIs(t, <-done, context.Canceled)
}
