package main

import (
	"errors"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

//go:generate go test -run TestScripts|TestCheck . -update

// Every script of testdata/script runs the built program as a person would. It
// is on the PATH, has its data in ./data, and takes free ports unless told
// otherwise. `go test . -run Scripts -update` writes what it says into them.
func TestScripts(t *testing.T) {
	t.Parallel()
	update := flag.Lookup("update") // internal/golden owns it
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       update != nil && update.Value.String() == "true",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(binary)+":"+e.Getenv("PATH"))
			e.Setenv("IMAGINEBRIDGE_LISTEN", "127.0.0.1:0")
			e.Setenv("IMAGINEBRIDGE_NATS_LISTEN", "127.0.0.1:0")
			root, err := filepath.Abs("../..")
			if err != nil {
				return err
			}
			e.Setenv("ROOT", root)
			e.Values[screen{}], e.Values[desktop{}] = &screen{}, &desktop{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "serve": serveAPI, "occupy": occupy, "await": await, "mode": mode, "discord": discordCommands(), "slack": slackCommands(),
		},
	})
}

// exits runs the program to its end and expects an exit code:
// exits CODE ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	code := 0
	err := ts.Exec("imaginebridge", args[1:]...)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("it ended with exit code %d", code)
	}
}

// serveAPI serves an API with seed content and puts it and the credentials of
// the agent $AGENT into the environment, as a person would. From then on there
// is act, by which somebody does something to the agent: act dm TEXT.
func serveAPI(ts *testscript.TestScript, _ bool, _ []string) {
	s, err := sandbox.New(sandbox.Options{})
	ts.Check(err)
	server := httptest.NewServer(s)
	ts.Defer(server.Close)
	s.SetBaseURL(server.URL)
	agent := s.Agents()[0]
	ts.Setenv("AGENT", agent.Handle)
	ts.Setenv("IMAGINEANYTHING_BASE_URL", server.URL)
	ts.Setenv("IMAGINEANYTHING_CLIENT_ID", agent.ClientID)
	ts.Setenv("IMAGINEANYTHING_CLIENT_SECRET", agent.ClientSecret)
	ts.SetCmd("act", func(ts *testscript.TestScript, _ bool, args []string) {
		s.Clock().Advance(time.Millisecond)
		_, err := s.Act(sandbox.Action{As: "nova_ai", Do: args[0], Handle: agent.Handle, Content: strings.Join(args[1:], " ")})
		ts.Check(err)
	})
}

// occupy listens at a free address and names it in the environment:
// occupy NAME.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	server := httptest.NewServer(nil)
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.Listener.Addr().String())
}

// await waits until what a program in the background writes matches:
// await FILE PATTERN.
func await(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[1])
	file := ts.MkAbs(args[0])
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var text []byte
	for deadline := time.After(30 * time.Second); ; {
		text, _ = os.ReadFile(file)
		if pattern.Match(text) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s never came; %s holds:\n%s", args[1], args[0], text)
		}
	}
}

// mode looks at the permissions of a file: mode 600 FILE.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[0] {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}
