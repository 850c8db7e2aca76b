package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// bridge is the program under test, which dies and is started again.
type bridge struct {
	world *world

	mu    sync.Mutex
	life  *life
	lives sync.WaitGroup
}

// life is one process.
type life struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended, and how
	err  error
}

func (b *bridge) log() string { return filepath.Join(b.world.plan.dir, "bridge.log") }

// start runs the program. Where it runs already, nothing is done.
func (b *bridge) start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.life != nil && !b.life.over() {
		return nil
	}
	logs, err := os.OpenFile(b.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logs.Close()
	dir := b.world.plan.dir
	cmd := exec.Command(b.world.plan.binary, "run", "--config", b.world.file()) //nolint:gosec,noctx // the program under test, ended by kill or stop
	cmd.Env = []string{"IMAGINEBRIDGE_DATA_DIR=" + filepath.Join(dir, "data"), "IMAGINEBRIDGE_LOG=debug", "HOME=" + dir}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, logs, logs
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the bridge: %w", err)
	}
	l := &life{cmd: cmd, done: make(chan struct{})}
	b.life = l
	b.lives.Go(func() {
		l.err = cmd.Wait()
		close(l.done)
	})
	return nil
}

func (l *life) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// kill ends the program as a crash would.
func (b *bridge) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.life != nil {
		_ = b.life.cmd.Process.Kill()
		<-b.life.done
		b.life = nil
	}
}

// stop asks the program to end, and kills it after twelve seconds.
func (b *bridge) stop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.life == nil {
		return nil
	}
	l := b.life
	_ = l.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(12*time.Second, func() { _ = l.cmd.Process.Kill() })
	defer late.Stop()
	<-l.done
	b.life = nil
	return l.err
}

// tend starts the program again where it ended by itself, as a supervisor does,
// until ctx ends.
func (b *bridge) tend(ctx context.Context) error {
	for ; ctx.Err() == nil; pause(ctx, 500*time.Millisecond) {
		b.mu.Lock()
		l := b.life
		b.mu.Unlock()
		if l == nil || !l.over() {
			continue
		}
		b.mu.Lock()
		mine := b.life == l
		b.mu.Unlock()
		if !mine {
			continue
		}
		b.world.did("end by itself", fmt.Sprint(l.err))
		if err := b.start(); err != nil {
			return err
		}
	}
	return nil
}
