// Command browser looks at the bridge in headless Chromium, by the DevTools
// protocol: browser console|install CHROMIUM IMAGINEBRIDGE FOLDER. With console it
// goes through the console of a demo, with install through the installations at
// Slack and Discord, against the emulators. It exits with 1 and says why where a
// page is not as it should be.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// tours are what it looks at, and how long that may take.
var tours = map[string]struct {
	do     func(ctx context.Context, chromium, bridge, folder string) error
	within time.Duration
}{
	"console": {console, 60 * time.Second}, "install": {install, 60 * time.Second},
}

func main() {
	if len(os.Args) != 5 || tours[os.Args[1]].do == nil {
		fmt.Fprintln(os.Stderr, "usage: browser console|install CHROMIUM IMAGINEBRIDGE FOLDER")
		os.Exit(2)
	}
	tour := tours[os.Args[1]]
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, tour.within)
	err := tour.do(ctx, os.Args[2], os.Args[3], os.Args[4])
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, os.Args[1]+":", err)
		os.Exit(1)
	}
}

// console starts the demo and the browser, looks, and ends both.
func console(ctx context.Context, chromium, bridge, folder string) error {
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
	port, endChrome, err := browse(ctx, chromium, folder)
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

// install goes through the installations at a bridge that is reached by https, as
// bridges are where others install from, and once at one that is not.
func install(ctx context.Context, chromium, bridge, folder string) error {
	began := time.Now()
	who, err := newIdentity()
	if err != nil {
		return err
	}
	port, end, err := browse(ctx, chromium, folder, "--ignore-certificate-errors-spki-list="+who.pin)
	if err != nil {
		return fmt.Errorf("the browser: %w", err)
	}
	defer end()
	for _, one := range []struct {
		name string
		who  *identity
		do   func(ctx context.Context, w *world, port string) error
	}{{"https", who, installs}, {"http", nil, installsInClear}} {
		if err := within(ctx, bridge, filepath.Join(folder, one.name), one.who, port, one.do); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	fmt.Printf("the installations work in Chromium (%s)\n", time.Since(began).Round(time.Second))
	return nil
}

// within starts a bridge among emulators, does something there, and ends all of it.
func within(ctx context.Context, bridge, folder string, who *identity, port string, do func(ctx context.Context, w *world, port string) error) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	w, err := newWorld(ctx, bridge, folder, who)
	if err != nil {
		return err
	}
	defer w.close()
	return do(ctx, w, port)
}

// browse starts the browser and tells where its DevTools listen.
func browse(ctx context.Context, chromium, folder string, flags ...string) (address string, end func(), err error) {
	flags = append(flags, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
		"--user-data-dir="+filepath.Join(folder, "profile"), "--remote-debugging-port=0", "about:blank")
	chrome := command(ctx, chromium, flags...)
	out, err := chrome.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	return start(chrome, out, regexp.MustCompile(`DevTools listening on ws://(127\.0\.0\.1:\d+)/`))
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
