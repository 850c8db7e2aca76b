// Command bench builds the program as it is released, runs it on embedded
// defaults against the emulators on loopback, and prints what its users would
// feel: how big it is, how soon it is ready, what it holds and burns, how fresh
// messages are, how fast it catches up, and how soon it answers a crowd. It
// needs nothing from outside and stops by itself. The README tells what each
// line means.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// plan is what one run of the benchmark is to do.
type plan struct {
	binary      string
	dir         string // scratch folder
	logs        io.Writer
	starts      int           // of each kind
	active      time.Duration // things happen
	busy        time.Duration // things happen and a generation runs
	quiet       time.Duration // nothing happens, but the program watches
	least, most time.Duration // between two mentions
	bridges     int           // that run side by side, to get more samples in the same time
	backlog     int           // events to catch up with
	bursts      int           // rounds of people who type at once, at each door
	profile     string        // of the load
	stuck       time.Duration // how long one destination of each kind is stuck
}

// section is one part of the benchmark.
type section struct {
	name string
	run  func(ctx context.Context, p plan) ([]figure, error)
}

var sections = []section{
	{name: "size", run: size},
	{name: "start", run: startUp},
	{name: "memory", run: memory},
	{name: "fresh", run: fresh},
	{name: "catchup", run: catchUp},
	{name: "outage", run: outage},
	{name: "burst", run: burst},
	{name: "flood", run: flood},
	{name: "stuck", run: stuck},
	{name: "load", run: load},
	{name: "fanout", run: fanOut},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the program as a function of its surroundings.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	p := plan{starts: 10, backlog: 10_000, bursts: 3, stuck: 2 * time.Minute}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	only := flags.String("only", "", "sections to run, separated by commas: "+strings.Join(names(), ","))
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	long := flags.Bool("long", false, "watch freshness for 25 minutes instead of five")
	verbose := flags.Bool("v", false, "pass on the program's own log")
	flags.StringVar(&p.binary, "binary", "", "measure this program instead of building one")
	flags.DurationVar(&p.quiet, "quiet", 2*time.Minute, "how long nothing happens, in fresh")
	flags.DurationVar(&p.active, "active", 2*time.Minute, "how long things happen, in fresh")
	flags.DurationVar(&p.busy, "busy", time.Minute, "how long things happen while generations run, in fresh")
	flags.DurationVar(&p.least, "least", 3*time.Second, "shortest time between two mentions")
	flags.DurationVar(&p.most, "most", 8*time.Second, "longest time between two mentions")
	flags.StringVar(&p.profile, "load", "S", "agents and happenings in load: S (4, 40 a second, 10 s), M (50, 100, 10 min), L (200, 1000, an hour)")
	flags.IntVar(&p.backlog, "backlog", p.backlog, "events that wait, in catchup and outage")
	flags.IntVar(&p.bridges, "bridges", 3, "programs that run side by side in fresh, each with a world of its own")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *long {
		p.quiet, p.active, p.busy = 5*time.Minute, 15*time.Minute, 5*time.Minute
	}
	p.logs = io.Discard
	if *verbose {
		p.logs = errs
	}
	todo, err := chosen(*only)
	if err != nil {
		return err
	}
	if p.binary != "" {
		if p.binary, err = filepath.Abs(p.binary); err != nil {
			return err
		}
	}
	if p.dir, err = os.MkdirTemp("", "imaginebridge-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	figures, err := work(ctx, p, todo, errs)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(out, figures)
	}
	printTable(out, figures)
	return nil
}

// work runs the sections one after the other, so that they don't disturb each
// other. What was measured before a failure is printed all the same.
func work(ctx context.Context, p plan, todo []section, errs io.Writer) ([]figure, error) {
	if p.binary == "" {
		p.binary = filepath.Join(p.dir, "imaginebridge")
		fmt.Fprintln(errs, "building")
		if err := build(ctx, p.binary); err != nil {
			return nil, err
		}
	}
	var all []figure
	for _, s := range todo {
		began := time.Now()
		fmt.Fprint(errs, s.name, " …")
		figures, err := s.run(ctx, p)
		if err != nil {
			fmt.Fprintln(errs)
			printTable(errs, all)
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintln(errs, " ", time.Since(began).Round(time.Second))
		all = append(all, figures...)
	}
	return all, nil
}

func names() []string {
	var out []string
	for _, s := range sections {
		out = append(out, s.name)
	}
	return out
}

func chosen(only string) ([]section, error) {
	if only == "" {
		return sections, nil
	}
	var out []section
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(sections, func(s section) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no section is called %q; there are %s", name, strings.Join(names(), ", "))
		}
		out = append(out, sections[i])
	}
	return out, nil
}
