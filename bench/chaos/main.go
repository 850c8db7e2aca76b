// Command chaos runs the built program against the emulators while it is killed
// again and again, NATS restarts, platforms ask for pauses, answers get lost and
// lines are cut, all by a seeded dice. Three destinations of each kind take what
// happens to three agents, and people post through chat meanwhile. In the end the
// checker (package check) says of everything that happened what became of it.
//
//	go run ./bench/chaos -minutes 10 -seed 7
//
// It prints counts for each destination and the seed, with the whole path of the
// first facts that went wrong, and exits with 1 where one did. It listens on
// loopback alone, kills only what it started, and ends by itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bench/check"
)

// plan is what one run is to do.
type plan struct {
	binary string
	dir    string
	last   time.Duration // of the chaos
	settle time.Duration // for what is under way when it ends
	seed   uint64
	calm   bool // no trouble at all: what the checker says then is about itself
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// errBroken is a run in which a promise was broken.
var errBroken = errors.New("promises were broken")

// run is the program as a function of its surroundings.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 2 && args[0] == serverWord {
		return serve(args[1], os.Stdin, out)
	}
	var p plan
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(errs)
	minutes := flags.Float64("minutes", 10, "how long the chaos lasts")
	keep := flags.String("keep", "", "work in this folder and keep it: configuration, logs, stores")
	flags.Uint64Var(&p.seed, "seed", 0, "what the dice begin with; 0 for any")
	flags.StringVar(&p.binary, "binary", "", "run this program instead of building one")
	flags.BoolVar(&p.calm, "calm", false, "let nothing go wrong")
	flags.DurationVar(&p.settle, "settle", 8*time.Minute, "how long at most to wait for what is under way at the end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p.last = time.Duration(*minutes * float64(time.Minute))
	if p.seed == 0 {
		p.seed = rand.Uint64() //nolint:gosec // a seed to print, no secret
	}
	var err error
	if p.dir = *keep; p.dir == "" {
		if p.dir, err = os.MkdirTemp("", "imaginebridge-chaos"); err != nil {
			return err
		}
		defer os.RemoveAll(p.dir)
	}
	if p.dir, err = filepath.Abs(p.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	if p.binary == "" {
		p.binary = filepath.Join(p.dir, "imaginebridge")
		fmt.Fprintln(errs, "building")
		if err := build(ctx, p.binary); err != nil {
			return err
		}
	}
	if p.binary, err = filepath.Abs(p.binary); err != nil {
		return err
	}
	return play(ctx, p, out, errs)
}

// play is one run from the first start to the report.
func play(ctx context.Context, p plan, out, errs io.Writer) error {
	w, err := newWorld(ctx, p)
	if err != nil {
		return err
	}
	defer w.close()
	fmt.Fprintf(errs, "seed %d, %s of chaos in %s\n", p.seed, p.last, p.dir)
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := w.suffer(ctx); err != nil {
		return err
	}
	fmt.Fprintf(errs, "%s; waiting for what is under way\n", w.tally())
	settled := w.settle(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := w.bridge.stop(); err != nil {
		return fmt.Errorf("the bridge did not end well: %w", err)
	}
	findings, paths, err := w.judge(ctx)
	if err != nil {
		return err
	}
	bad := check.Report(out, findings, paths)
	fmt.Fprintf(out, "\n%s\n%s", w.tally(), w.speed())
	fmt.Fprintf(out, "seed %d\n", p.seed)
	if bad > 0 {
		return fmt.Errorf("%w: %d", errBroken, bad)
	}
	return settled
}

// suffer lets things happen and go wrong for as long as the plan says.
func (w *world) suffer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.plan.last)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for n := range w.agents {
		group.Go(func() error { return w.live(ctx, n, w.dice("crowd", n)) })
	}
	group.Go(func() error { return w.bridge.tend(ctx) })
	group.Go(func() error { return w.ask(ctx, w.dice("people", 0)) })
	if !w.plan.calm {
		group.Go(func() error { return w.killAgain(ctx, w.dice("kills", 0)) })
		group.Go(func() error { return w.trouble(ctx, w.dice("trouble", 0)) })
	}
	return group.Wait()
}

// dice are one part's own, so that one part's throws don't change another's.
func (w *world) dice(part string, n int) *rand.Rand {
	salt := uint64(n)
	for _, b := range []byte(part) {
		salt = salt*131 + uint64(b)
	}
	return rand.New(rand.NewPCG(w.plan.seed, salt)) //nolint:gosec // to be repeated by its seed
}

// build makes the program.
func build(ctx context.Context, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, "github.com/imaginebridge/imaginebridge/cmd/imaginebridge") //nolint:gosec // a path of ours
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// pause waits; it ends early, without an error, when ctx does.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// between is a duration somewhere between two.
func between(dice *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(dice.Int64N(int64(most-least)+1))
}
