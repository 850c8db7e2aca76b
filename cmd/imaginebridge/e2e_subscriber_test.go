package main

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/events/subscribe"
)

// list is what somebody received, in order.
type list struct {
	mu  sync.Mutex
	ids []string
}

func (l *list) add(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, id)
}

// all returns the ids; those that came again, as they may after a crash, once.
func (l *list) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	known := map[string]bool{}
	for _, id := range l.ids {
		if !known[id] {
			known[id] = true
			out = append(out, id)
		}
	}
	return out
}

func (l *list) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ids)
}

// Another Go service with the subscriber's credentials, and one that listens
// without a consumer, hear each event once and in order, while the bridge is
// stopped, killed and started again.
func TestSubscribersReceiveEachEventOnceInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configure(w.toward("d", "discord:"+w.channel))
	run := w.start()
	w.ready()

	o, err := subscribe.ReadFile(filepath.Join(w.dir, "data/nats", bus.SubscriberFile))
	require.NoError(t, err)
	var durable, core list
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- subscribe.Run(ctx, o, func(_ context.Context, e events.Event) error {
			durable.add(e.ID)
			return nil
		})
	}()
	nc, err := nats.Connect(o.URL, nats.UserInfo(o.User, o.Password), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	require.NoError(t, err)
	defer nc.Close()
	_, err = nc.Subscribe("ia.event.>", func(m *nats.Msg) { core.add(m.Header.Get("Nats-Msg-Id")) })
	require.NoError(t, err)
	require.NoError(t, nc.Flush())

	n := 0
	happen := func() {
		for range 10 {
			n++
			w.mention(n)
		}
		w.eventually("all at the durable subscriber", 30*time.Second, func() bool { return len(durable.all()) >= n })
		w.eventually("all at the core subscriber", 10*time.Second, func() bool { return core.count() >= n })
	}
	again := func() {
		run = w.start()
		w.ready()
		w.eventually("the listener's connection", 10*time.Second, nc.IsConnected)
		require.NoError(t, nc.Flush())
	}
	happen()
	run.stop()
	again()
	happen()
	require.Equal(t, n, durable.count(), "a stop undoes no acknowledgement")
	run.kill()
	again()
	happen()

	var ids []string
	for _, h := range w.sandbox.Happenings(w.agent.Handle) {
		ids = append(ids, "ntf_"+h.ID)
	}
	require.Equal(t, ids, durable.all())
	require.Equal(t, ids, core.ids, "a listener hears each once, too")
	cancel()
	require.NoError(t, <-ended)
	run.stop()
}
