package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// natsWord makes this test's program a NATS server: it starts itself as its child,
// so that the server can be killed.
const natsWord = "nats-server"

// serveNATS runs a NATS server with its store in a folder, prints its address, and
// ends when its input does, which it does at the latest when the parent dies.
func serveNATS(dir string) int {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, JetStreamMaxStore: 2 << 30, NoLog: true, NoSigs: true, ServerName: "child",
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(time.Minute) {
		return 1
	}
	fmt.Println(s.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// natsChild is a NATS server in a process of its own, which ends and comes back
// behind an address that stays.
type natsChild struct {
	t      *testing.T
	dir    string
	url    string
	behind atomic.Pointer[string]
	dials  atomic.Int32
	ends   int // how often it was ended

	cmd   *exec.Cmd
	alive io.Closer
}

func newNATSChild(t *testing.T) *natsChild {
	t.Helper()
	n := &natsChild{t: t, dir: t.TempDir()}
	n.start()
	t.Cleanup(func() { n.end(true) })
	door, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n.url = "nats://" + door.Addr().String()
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = door.Close(); n.end(true); wg.Wait() })
	wg.Go(func() {
		for {
			in, err := door.Accept()
			if err != nil {
				return
			}
			n.dials.Add(1)
			wg.Go(func() { n.carry(in) })
		}
	})
	return n
}

// carry joins a connection with the server, if it is there.
func (n *natsChild) carry(in net.Conn) {
	defer func() { _ = in.Close() }()
	out, err := net.Dial("tcp", *n.behind.Load())
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
	_, _ = io.Copy(in, out)
	_ = in.Close()
	_ = out.Close()
	wg.Wait()
}

func (n *natsChild) start() {
	n.t.Helper()
	self, err := os.Executable()
	require.NoError(n.t, err)
	n.cmd = exec.Command(self, natsWord, n.dir)
	n.alive, err = n.cmd.StdinPipe()
	require.NoError(n.t, err)
	out, err := n.cmd.StdoutPipe()
	require.NoError(n.t, err)
	require.NoError(n.t, n.cmd.Start())
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(n.t, err)
	n.behind.Store(new(strings.TrimSpace(address)))
}

// end stops the server, as an administrator or as a crash would.
func (n *natsChild) end(crash bool) {
	if n.cmd == nil {
		return
	}
	if crash {
		_ = n.cmd.Process.Kill()
	}
	_ = n.alive.Close()
	late := time.AfterFunc(30*time.Second, func() { _ = n.cmd.Process.Kill() })
	defer late.Stop()
	_ = n.cmd.Wait()
	n.cmd = nil
	n.ends++
}
