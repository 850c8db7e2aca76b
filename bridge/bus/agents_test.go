package bus

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
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
	require.Equal(t, []AgentRecord{nova}, unrevised(<-seen))
	luna := nova
	luna.Handle = "luna"
	require.NoError(t, a.PutAgent(t.Context(), luna))
	require.Equal(t, []AgentRecord{luna, nova}, unrevised(<-seen))
	nova.Sealed = "v1.z.z"
	require.NoError(t, b.PutAgent(t.Context(), nova))
	require.Equal(t, []AgentRecord{luna, nova}, unrevised(<-seen))
	stop()
	require.ErrorIs(t, <-done, context.Canceled)
}

// unrevised takes out what differs from run to run.
func unrevised(list []AgentRecord) []AgentRecord {
	for i := range list {
		list[i].Rev = 0
	}
	return list
}

func TestAnAgentIsStoredOverTheRevisionThatWasSeen(t *testing.T) {
	t.Parallel()
	b := open(t)
	none, err := b.Agent(t.Context(), "nova")
	require.NoError(t, err)
	require.Equal(t, AgentRecord{Handle: "nova"}, none)
	nova, err := b.SwapAgent(t.Context(), AgentRecord{Handle: "nova", ClientID: "id-1", Sealed: "v1.secret", By: "slack:user:U1"})
	require.NoError(t, err)
	require.True(t, nova.FromChat())
	require.False(t, AgentRecord{By: "terminal"}.FromChat())
	stale := nova
	nova.ClientID, nova.Sealed, nova.Gone = "", "", time.Now().UTC()
	_, err = b.SwapAgent(t.Context(), nova)
	require.NoError(t, err)
	_, err = b.SwapAgent(t.Context(), stale)
	require.ErrorIs(t, err, bridge.ErrFenced, "somebody else was quicker")
	now, err := b.Agent(t.Context(), "nova")
	require.NoError(t, err)
	require.Empty(t, now.Sealed)
	require.False(t, now.Gone.IsZero())
	stream, err := b.js.Stream(t.Context(), streamConfig)
	require.NoError(t, err)
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(agentsPrefix+">"))
	require.NoError(t, err)
	require.Equal(t, map[string]uint64{agentsPrefix + "nova": 1}, info.State.Subjects, "the former one, with its secret, is not kept beside it")
}
