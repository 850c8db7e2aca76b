// Command browser looks at the console of a demo in headless Chromium, by the
// DevTools protocol: browser CHROMIUM IMAGINEBRIDGE FOLDER. It exits with 1 and
// says why where a page is not as it should be.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: browser CHROMIUM IMAGINEBRIDGE FOLDER")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	err := run(ctx, os.Args[1], os.Args[2], os.Args[3])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "console:", err)
		os.Exit(1)
	}
}

// run starts the demo and the browser, looks, and ends both.
func run(ctx context.Context, chromium, bridge, folder string) error {
	demo := command(ctx, bridge, "demo")
	demo.Env = append(os.Environ(), "IMAGINEBRIDGE_LISTEN=127.0.0.1:0", "IMAGINEBRIDGE_NATS_LISTEN=127.0.0.1:0", "IMAGINEBRIDGE_DATA_DIR="+filepath.Join(folder, "data"))
	out, err := demo.StdoutPipe()
	if err != nil {
		return err
	}
	site, endDemo, err := start(demo, out, regexp.MustCompile(`http://(127\.0\.0\.1:\d+)/console/`))
	if err != nil {
		return fmt.Errorf("the demo: %w", err)
	}
	defer endDemo()
	chrome := command(ctx, chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
		"--user-data-dir="+filepath.Join(folder, "profile"), "--remote-debugging-port=0", "about:blank")
	if out, err = chrome.StderrPipe(); err != nil {
		return err
	}
	port, endChrome, err := start(chrome, out, regexp.MustCompile(`DevTools listening on ws://(127\.0\.0\.1:\d+)/`))
	if err != nil {
		return fmt.Errorf("the browser: %w", err)
	}
	defer endChrome()
	t, err := openTab(ctx, port)
	if err != nil {
		return fmt.Errorf("the browser: %w", err)
	}
	defer t.close()
	token, err := os.ReadFile(filepath.Join(folder, "data", "demo", "console.token"))
	if err != nil {
		return fmt.Errorf("the demo's token: %w", err)
	}
	began := time.Now()
	if err := look(ctx, t, "http://"+site+"/console/", strings.TrimSpace(string(token))); err != nil {
		return err
	}
	fmt.Printf("the console works in Chromium (%s)\n", time.Since(began).Round(time.Second))
	return nil
}

// command is a program that ends with ctx, and with its children.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// start runs a program until it said where it listens. end ends it.
func start(cmd *exec.Cmd, out io.Reader, says *regexp.Regexp) (address string, end func(), err error) {
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	end = func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	var said []string
	for lines.Scan() {
		if m := says.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the program
			return m[1], end, nil
		}
		said = append(said, lines.Text())
	}
	end()
	return "", nil, errors.New("it did not start: " + strings.Join(said, "\n"))
}
