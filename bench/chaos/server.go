package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// serverWord makes this program a NATS server: it starts itself as its child, so
// that the server can be killed.
const serverWord = "nats-server"

// serve runs a NATS server with its store in a folder, prints its address, and ends
// when its input does, which it does at the latest when the parent dies.
func serve(dir string, parent io.Reader, out io.Writer) error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir,
		JetStreamMaxStore: 4 << 30, NoLog: true, NoSigs: true, ServerName: "chaos",
	})
	if err != nil {
		return fmt.Errorf("make server: %w", err)
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(time.Minute) {
		return errors.New("the server is not ready after a minute")
	}
	fmt.Fprintln(out, s.Addr().String())
	_, err = io.Copy(io.Discard, parent)
	return err
}

// natsChild is the NATS server, which dies and comes back.
type natsChild struct {
	dir  string
	line *line // to wherever it listens now

	cmd   *exec.Cmd
	alive io.Closer // its input: closed with this program
}

// start runs the server and leads the line to it.
func (n *natsChild) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	n.cmd = exec.Command(self, serverWord, n.dir) //nolint:gosec,noctx // this program itself, ended by end
	if n.alive, err = n.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("start NATS: %w", err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		n.end(true)
		return fmt.Errorf("NATS did not start: %w", err)
	}
	n.line.lead(strings.TrimSpace(address))
	return nil
}

// end stops the server, as an administrator or as a crash would.
func (n *natsChild) end(crash bool) {
	if n.cmd == nil || n.cmd.Process == nil {
		return
	}
	_ = n.alive.Close()
	if crash {
		_ = n.cmd.Process.Kill()
	}
	late := time.AfterFunc(20*time.Second, func() { _ = n.cmd.Process.Kill() })
	defer late.Stop()
	_ = n.cmd.Wait()
	n.cmd = nil
}
