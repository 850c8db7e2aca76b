package bus

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/load"
)

// TestF70_WhatOthersTakeAndWriteUnderLoad: while agents store and lanes are read,
// somebody removes every consumer again and again, and writes cursors between.
func TestF70_WhatOthersTakeAndWriteUnderLoad(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *Options) { o.Store = 1 << 30 })
	run(t, b)
	c := startCrowd(t, b)
	removed, written := 0, 0
	for range load.Pick(t, 5, 100) {
		c.goesOn(t)
		removed += deleteConsumers(t, b)
		for agent := range c.chains {
			if b.overwrite(t, agent) {
				written++
			}
		}
	}
	require.NotZero(t, removed)
	require.NotZero(t, written)
	t.Logf("%d consumers were removed, %d cursors written", removed, written)
	c.requireWhole(t, b)
}

// overwrite stores an agent's cursor once more, as a foreign client that knows what
// it does may. It reports false where the agent itself was quicker.
func (b *Bus) overwrite(t *testing.T, agent string) bool {
	t.Helper()
	s, err := b.js.Stream(t.Context(), streamEvents)
	require.NoError(t, err)
	m, err := s.GetLastMsgForSubject(t.Context(), "ia.cursor."+agent+".s")
	require.NoError(t, err)
	_, err = b.js.PublishMsg(t.Context(), &nats.Msg{Subject: "ia.put.cursor." + agent + ".s", Data: m.Data},
		jetstream.WithExpectLastSequenceForSubject(m.Sequence, "ia.cursor."+agent+".s"))
	api, refused := errors.AsType[*jetstream.APIError](err)
	if refused {
		require.Equal(t, jetstream.JSErrCodeStreamWrongLastSequence, api.ErrorCode)
		return false
	}
	require.NoError(t, err)
	return true
}
