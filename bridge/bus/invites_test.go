package bus

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// T17: a code connects one workspace, once, for 24 hours, and is stored nowhere.
func TestT17_AnInviteIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	both := []*Invites{a.Invites(), second(t, a).Invites()}
	now := time.Now().UTC()
	made := bridge.Invite{Agent: "luna", By: bridge.Person{Platform: "discord", ID: "1"}, Made: now, Until: now.Add(bridge.InviteLife)}
	require.NoError(t, both[0].Put(t.Context(), "CODE-ONE", made))
	require.ErrorIs(t, both[1].Put(t.Context(), "CODE-ONE", made), bridge.ErrFenced)

	var first atomic.Int32
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for i := range 8 {
		wg.Go(func() {
			v, ok, err := both[i%2].Take(t.Context(), "CODE-ONE", bridge.Person{ID: "2"}, "discord:9")
			if ok && v.Agent == "luna" && v.UsedIn == "discord:9" {
				first.Add(1)
			}
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	require.NoError(t, failed)
	require.EqualValues(t, 1, first.Load())

	over := made
	over.Until = now.Add(-time.Second)
	require.NoError(t, both[0].Put(t.Context(), "CODE-TWO", over))
	for _, code := range []string{"CODE-TWO", "CODE-THREE", "", "code-one"} {
		v, ok, err := both[0].Take(t.Context(), code, bridge.Person{}, "")
		require.NoError(t, err)
		require.False(t, ok, code)
		require.Zero(t, v, "nothing of it is told")
	}
	seen := 0
	require.NoError(t, a.replay(t.Context(), streamLedger, jetstream.ConsumerConfig{FilterSubject: invitesPrefix + ">"}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
		seen++
		require.NotContains(t, m.Subject()+string(m.Data()), "CODE")
		require.True(t, json.Valid(m.Data()))
		require.NotEmpty(t, m.Headers().Get(jetstream.MsgTTLHeader), "it leaves by itself")
	}))
	require.Equal(t, 2, seen)
}
