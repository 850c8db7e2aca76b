package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// child is one running bridge.
type child struct {
	cmd   *exec.Cmd
	began time.Time
	ended chan struct{}
	ready string // address that says whether it is
}

// start runs the bridge of a world.
func (w *world) start(p plan) (*child, error) {
	cmd := exec.Command(p.binary, "run", "--config", w.file()) //nolint:gosec,noctx // the program under measurement, ended by stop
	cmd.Env = []string{"IMAGINEBRIDGE_DATA_DIR=" + w.data(), "HOME=" + w.dir}
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, io.Discard, p.logs
	c := &child{cmd: cmd, ended: make(chan struct{}), ready: "http://" + w.web + "/readyz", began: time.Now()}
	return c, cmd.Start()
}

func (w *world) data() string { return filepath.Join(w.dir, "data") }

// stop asks the program to end, and makes it end after a while.
func (c *child) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(12*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	err := c.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("the bridge ended with %w", exit)
	}
	return err
}

// kill makes the program end at once, without a last word.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// end stops the program when a measurement is over. Its failure is the measurement's
// where that had none.
func (c *child) end(err *error) {
	if stopped := c.stop(); *err == nil {
		*err = stopped
	}
}

// untilReady waits for the program to say that it is, and returns how long that
// took from its start.
func (c *child) untilReady(ctx context.Context) (time.Duration, error) {
	return c.readyWithin(ctx, 30*time.Second, 2*time.Millisecond)
}

func (c *child) readyWithin(ctx context.Context, within, look time.Duration) (time.Duration, error) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	err := until(ctx, within, look, "ready", func() bool {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, c.ready, nil)
		if err != nil {
			return false
		}
		answer, err := client.Do(q)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return time.Since(c.began), err
}

// usage is what a process holds and has burnt, by the kernel's account.
type usage struct {
	resident  float64 // MiB, the program's own pages from its file included
	anonymous float64 // MiB of it that is not from a file: heap, stacks
	peak      float64 // MiB, the most that was ever resident
	cpu       time.Duration
}

// errNoAccount is told where the kernel keeps no /proc.
var errNoAccount = errors.New("memory and CPU are read from /proc, which only Linux has")

func (c *child) usage() (usage, error) {
	var u usage
	folder := filepath.Join("/proc", strconv.Itoa(c.cmd.Process.Pid))
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return u, errNoAccount
	}
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return u, errNoAccount
	}
	return parseUsage(string(status), string(stat))
}

// until looks again and again whether a condition of the world outside holds,
// which has no other signal.
func until(ctx context.Context, within, every time.Duration, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		if holds() {
			return nil
		}
		if err := pause(ctx, every); err != nil {
			return fmt.Errorf("not %s within %s: %w", what, within, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
