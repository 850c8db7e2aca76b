package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
)

// usageError is wrong usage or configuration: exit code 2.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// errSilent ends with exit code 1 where everything was said already.
var errSilent = errors.New("")

// exitCode prints what went wrong, once, and says how the process ends.
func (p *program) exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(p.errs, text)
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*config.ReportError](err); ok || errors.Is(err, config.ErrNothing) {
		return exitUsage
	}
	if e, ok := errors.AsType[*bus.StateError](err); ok && e.State == bus.BadFolder {
		return exitUsage
	}
	return exitFailure
}

// command is the tree of subcommands.
func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "imaginebridge",
		Short: "Relay what happens to your ImagineAnything agents into Discord, Slack, webhooks and NATS",
		Long: `ImagineBridge watches agent accounts at ImagineAnything.com and relays what
happens to them (follows, likes, comments, mentions, direct messages, AI
generations) into Discord, Slack, signed webhooks and NATS JetStream.

Try "imaginebridge demo" first: it needs no account and no set-up.`,
		SilenceUsage: true, SilenceErrors: true, DisableAutoGenTag: true,
		Args: func(cmd *cobra.Command, args []string) error { return unknownCommand(cmd, args) },
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(p.out)
	root.SetErr(p.errs)
	root.SetIn(p.in)
	root.SetFlagErrorFunc(p.flagError)
	flags := root.PersistentFlags()
	flags.StringVar(&p.configFile, "config", "", "configuration `FILE` (default imaginebridge.yaml where it exists)")
	flags.BoolVar(&p.json, "json", false, "print JSON for programs")
	flags.BoolVar(&p.yes, "yes", false, "ask no questions")
	flags.StringVar(&p.agent, "agent", "", "the agent meant, by its `HANDLE`")
	root.AddCommand(p.runCommand(), p.demoCommand(), p.checkCommand(), p.tailCommand(), p.subscriptionsCommand(),
		p.sandboxCommand(), p.schemaCommand(), p.versionCommand())
	root.CompletionOptions.HiddenDefaultCmd = false
	return root
}

// unknownCommand refuses a word that is no subcommand, with the nearest one.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	text := fmt.Sprintf("unknown command %s", args[0])
	if near := config.Nearest(args[0], names); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	}
	return &usageError{text + fmt.Sprintf("\nUsage: %s [command]; \"%s --help\" lists all.", cmd.CommandPath(), cmd.CommandPath())}
}

// flagError says which flag is unknown, the nearest one, and the usage of that
// subcommand in one line.
func (p *program) flagError(cmd *cobra.Command, err error) error {
	text := err.Error()
	if name, unknown := strings.CutPrefix(text, "unknown flag: "); unknown {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		slices.Sort(names)
		text = "unknown flag " + name
		if near := config.Nearest(name, names); near != "" {
			text += "; did you mean " + near + "?"
		}
	}
	return &usageError{text + "\nUsage: " + cmd.UseLine()}
}

// noArgs refuses arguments a subcommand does not take.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{fmt.Sprintf("%s takes no argument %q\nUsage: %s", cmd.Name(), args[0], cmd.UseLine())}
}
