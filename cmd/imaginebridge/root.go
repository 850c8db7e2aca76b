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
	if e, ok := errors.AsType[*bus.StateError](err); ok && slices.Contains([]bus.State{bus.BadFolder, bus.OtherKey, bus.TooNew, bus.Halfway}, e.State) {
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
		Version:      versionText(),
		SilenceUsage: true, SilenceErrors: true, DisableAutoGenTag: true,
		Args: unknownCommand,
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
	root.AddCommand(p.runCommand(), p.demoCommand(), p.checkCommand(), p.doCommand(), p.tailCommand(), p.subscriptionsCommand(), p.deadCommand(),
		p.readyCommand(), p.backupCommand(), p.restoreCommand(), p.keyCommand(), p.sandboxCommand(), p.schemaCommand(), p.manifestCommand(), p.versionCommand())
	root.SetVersionTemplate(versionLine())
	root.SetHelpCommand(helpCommand())
	strictCompletion(root)
	return root
}

// helpCommand is the library's, but for words that are no command: they are told.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			at := cmd.Root()
			for _, name := range args {
				i := slices.IndexFunc(at.Commands(), func(c *cobra.Command) bool { return c.Name() == name })
				if i < 0 {
					return unknownCommand(at, []string{name})
				}
				at = at.Commands()[i]
			}
			at.InitDefaultHelpFlag()
			at.InitDefaultVersionFlag()
			return at.Help()
		},
	}
}

// strictCompletion makes the library's completion command refuse what it does
// not know, as the others do.
func strictCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args = unknownCommand
		c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		for _, shell := range c.Commands() {
			shell.Args = noArgs
		}
	}
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
	text := "unknown command " + args[0]
	if near := config.Nearest(args[0], names); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	}
	return &usageError{text + fmt.Sprintf("\nUsage: %s [command]; \"%s --help\" lists all.", cmd.CommandPath(), cmd.CommandPath())}
}

// flagError says what is wrong with a flag, the nearest one where it is unknown,
// and the usage of that subcommand in one line.
func (p *program) flagError(cmd *cobra.Command, err error) error {
	text := err.Error()
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		text = unknownFlag(cmd, e)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		name, _ := pflag.UnquoteUsage(e.GetFlag())
		text = fmt.Sprintf("--%s needs a value: --%s %s", e.GetFlag().Name, e.GetFlag().Name, name)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		text = fmt.Sprintf("--%s: %s", e.GetFlag().Name, badValue(e))
	}
	return &usageError{text + "\nUsage: " + cmd.UseLine()}
}

func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) string {
	name := "--" + e.GetSpecifiedName()
	if short := e.GetSpecifiedShortnames(); short != "" {
		name = "-" + short // also what somebody means by -config
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	slices.Sort(names)
	text := "unknown flag " + name
	if near := config.Nearest("--"+strings.TrimLeft(name, "-"), names); near != "" && len(name) > 2 {
		text += "; did you mean " + near + "?"
	}
	return text
}

func badValue(e *pflag.InvalidValueError) string {
	switch e.GetFlag().Value.Type() {
	case "bool":
		return fmt.Sprintf("%q is neither true nor false.", e.GetValue())
	case "uint64":
		return fmt.Sprintf("%q is not a whole number.", e.GetValue())
	}
	return e.Unwrap().Error() + "."
}

// noArgs refuses arguments beyond those that a subcommand takes.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{fmt.Sprintf("unexpected argument %q\nUsage: %s", args[0], cmd.UseLine())}
}
