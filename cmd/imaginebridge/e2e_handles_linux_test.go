package main

import (
	"io"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/config"
)

// startWithin is start under a limit on open files.
func (w *world) startWithin(files string) *child {
	w.t.Helper()
	return w.launch(exec.Command("sh", "-c", "ulimit -n "+files+`; exec "$0" "$@"`, binary, "run", "--config", w.file()), nil)
}

// TestF71_ItLivesThroughTooManyOpenFiles: the start says what is needed; while
// everything is used up nothing is lost, and it goes on once there is room.
func TestF71_ItLivesThroughTooManyOpenFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configure(w.everywhere())
	run := w.startWithin("64")
	w.ready()
	require.Contains(t, run.logs.String(), "the system allows 64 open files and connections, and 216 may be needed; raise it, with ulimit -n 432 or LimitNOFILE=432.")
	var held []net.Conn
	fill := func() {
		for _, conn := range held {
			_ = conn.Close()
		}
		held = nil
		for range 100 { // more than it can take
			conn, err := net.DialTimeout("tcp", w.web, 20*time.Second)
			if err != nil {
				break // the system's own queue is full too
			}
			held = append(held, conn)
		}
	}
	w.eventually("exhaustion", 30*time.Second, func() bool { // who says nothing is cut off after five seconds, and a busy machine dials slowly
		fill()
		return w.exhausted()
	})
	require.Greater(t, len(held), 40)
	for i := range 3 {
		w.mention(i + 1)
	}
	for _, conn := range held {
		require.NoError(t, conn.Close())
	}
	w.eventually("all at Discord", 60*time.Second, func() bool { return len(w.atDiscord()) >= 3 })
	w.eventually("all at the webhook", 60*time.Second, func() bool { return len(w.hook.seen()) >= 3 })
	w.eventually("an answer to /readyz", 30*time.Second, func() bool { state, _ := w.condition("nats", ""); return state == "ok" })
	run.stop()
	require.Equal(t, wanted(3), w.atDiscord())
	require.NotContains(t, run.logs.String(), "panic")
}

// exhausted reports that a further page is not answered in a second.
func (w *world) exhausted() bool {
	conn, err := net.DialTimeout("tcp", w.web, time.Second)
	if err != nil {
		return true
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		return true
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	n, _ := conn.Read(make([]byte, 1))
	return n == 0
}

func TestFewOpenFilesAreTold(t *testing.T) {
	t.Parallel()
	var cfg config.Config
	require.NotEmpty(t, fewHandles(cfg, 199, true))
	require.Empty(t, fewHandles(cfg, 200, true))
	require.Empty(t, fewHandles(cfg, 0, false))
}
