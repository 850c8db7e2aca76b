package bus

import (
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// forgetful answers commands from the second on; at the first the connection is
// lost.
func forgetful(t *testing.T, b *Bus) (ids func() []string) {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	sub, err := b.nc.Subscribe("ia.cmd.>", func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		if seen = append(seen, m.Header.Get(nats.MsgIdHdr)); len(seen) == 1 {
			b.cut()
			return
		}
		_ = m.Respond([]byte(`{"ok":true,"text":"Done."}`))
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sub.Unsubscribe() })
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

func TestACommandWhoseAnswerIsLostIsSentAgainUnderItsID(t *testing.T) {
	t.Parallel()
	b := open(t)
	ids := forgetful(t, b)
	a, err := b.Ask(t.Context(), command.Request{ID: "i1", Agent: "luna", Group: "post", Verb: "create"})
	require.NoError(t, err)
	require.Equal(t, "Done.", a.Reply.Text)
	require.Equal(t, []string{"i1", "i1"}, ids())
}

// Without an id a command might run twice.
func TestACommandWithoutAnIDIsSentOnce(t *testing.T) {
	t.Parallel()
	b := open(t)
	ids := forgetful(t, b)
	_, err := b.Ask(t.Context(), command.Request{Agent: "luna", Group: "post", Verb: "create"})
	require.ErrorIs(t, err, ErrNoAnswer)
	require.Len(t, ids(), 1)
}

func TestACommandThatNobodyTakesWasNotDone(t *testing.T) {
	t.Parallel()
	_, err := open(t).Ask(t.Context(), command.Request{ID: "i1", Agent: "luna", Group: "post", Verb: "create"})
	require.ErrorIs(t, err, ErrNobody)
	requireState(t, err, Unreachable)
}
