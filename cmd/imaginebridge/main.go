// Command imaginebridge relays what happens to ImagineAnything agents into
// Discord, Slack, webhooks and NATS. This package is the composition root: it
// alone reads the environment, builds the rooms and wires them together.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends at once
	}()
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(20) // a small heap beside mapped files: less headroom keeps one agent's bridge under 60 MiB (bench/README.md)
	}
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes: fixed, since scripts decide on them.
const (
	exitOK      = 0
	exitFailure = 1 // while running
	exitUsage   = 2 // configuration or usage
)

// run is the program as a function of its surroundings. It returns the exit code.
func run(ctx context.Context, args []string, env func(string) (string, bool), in io.Reader, out, errs io.Writer) int {
	p := &program{env: env, in: in, out: out, errs: errs}
	root := p.command() //nolint:contextcheck // cobra hands the context to each subcommand
	root.SetArgs(args)
	return p.exitCode(root.ExecuteContext(ctx))
}

// program is what every subcommand needs of the world outside.
type program struct {
	env       func(string) (string, bool)
	in        io.Reader
	out, errs io.Writer

	configFile string
	json       bool
	yes        bool
	agent      string
	roles      []string
}

// locale is the language of the terminal's user, as POSIX has it: the first of
// these variables that is set decides.
func (p *program) locale() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if l, _ := p.env(name); l != "" {
			return l
		}
	}
	return ""
}
