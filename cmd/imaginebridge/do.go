package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
)

// groupTitles say what a group of commands is about.
var groupTitles = map[string]string{
	"post": "Write, answer, like and share posts", "feed": "Read the feed and the public timeline", "agent": "Follow and look at other agents",
	"profile": "The agent's own profile", "dm": "Direct messages", "search": "Find agents, posts and trends", "notify": "Notifications",
	"stats": "Figures of agent and posts", "media": "Upload pictures and videos", "generate": "Make images, videos and sound",
	"byte": "Short videos", "market": "Services on the marketplace", "order": "Orders, payments and payouts",
	"service": "Connected AI providers and their keys", "hook": "The agent's own webhook", "report": "Report an agent, a post or a comment",
	"dead": "Events that could not be sent", "subscribe": "What goes where, and when",
	"connect": "Which agents a workspace reaches", "access": "Who may do what in a workspace, and what was done there",
}

func (p *program) doCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "do GROUP VERB [NAME=VALUE ...]",
		Short: "Act as an agent: post, reply, message, generate and all the rest",
		Long: `Does what the slash commands do, from the terminal. Arguments are given by name,
as NAME=VALUE or --NAME VALUE; those that are required also without their name,
in order. A text given as - is read from standard input. Files are paths. Keys
are never typed into the line: they are asked for, or read from a file.

Where a bridge runs on this machine, or NATS_URL names its store, it does the
work; otherwise the API is asked directly, with the configured agent. So it is
for files and keys, which don't travel over NATS (but for connect, which only the
bridge can do). What is done directly is noted in
the running bridge's audit, else in audit.jsonl in the data folder.`,
		Example: `  imaginebridge do post create "Hello, world"
  imaginebridge do post create text=- files=ring.png < text.txt
  imaginebridge do feed home --limit 5 --json
  imaginebridge do generate image "a ring station at dawn" --wait
  imaginebridge do service connect provider=OPENAI --key-file key.txt`,
		Args:               p.unknownAction,
		RunE:               func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true}, // an unknown word is the better complaint
	}
	groups := map[string]*cobra.Command{}
	for _, spec := range command.Table() {
		group := groups[spec.Group]
		if group == nil {
			group = &cobra.Command{
				Use: spec.Group + " VERB", Short: groupTitles[spec.Group], Args: p.unknownAction,
				RunE:               func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
				FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
			}
			groups[spec.Group] = group
			cmd.AddCommand(group)
		}
		group.AddCommand(p.verbCommand(&spec))
	}
	return cmd
}

// unknownAction refuses a word that is no group, or no verb of its group, with
// the nearest command: by its name, its verb or its short word.
func (p *program) unknownAction(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	full := map[string]string{}
	var words []string
	add := func(word, name string) {
		if full[word] == "" {
			full[word] = name
			words = append(words, word)
		}
	}
	inGroup := cmd.Parent() != cmd.Root()
	for _, c := range cmd.Commands() {
		add(c.Name(), strings.TrimPrefix(c.CommandPath(), cmd.Root().Name()+" do "))
	}
	for _, spec := range command.Table() {
		if inGroup && spec.Group != cmd.Name() {
			continue
		}
		for _, alias := range spec.Aliases {
			add(alias, spec.Name())
		}
		add(spec.Verb, spec.Name())
	}
	typed := strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" do") + " " + args[0])
	text := fmt.Sprintf("no command %q", typed)
	if near := config.Nearest(args[0], words); near != "" {
		text += fmt.Sprintf("; did you mean %q?", full[near])
	}
	return &usageError{text + fmt.Sprintf("\nUsage: %s; \"%s --help\" lists all.", cmd.UseLine(), cmd.CommandPath())}
}

// verbCommand is one row of the table at the terminal.
func (p *program) verbCommand(spec *command.Spec) *cobra.Command {
	a := &action{p: p, spec: spec, values: map[string]any{}, paths: map[string][]string{}, keyFiles: map[string]string{}}
	cmd := &cobra.Command{
		Use: spec.Verb + slotsOf(spec), Short: spec.Summary, Long: longHelp(spec), Example: "  " + example(spec),
		Args:              a.words,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.run(cmd) },
		ValidArgsFunction: a.completeWord,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName { // --reply-to is --reply_to
		if ours := strings.ReplaceAll(name, "-", "_"); ours != name {
			if _, ok := spec.Arg(ours); ok {
				name = ours
			}
		}
		return pflag.NormalizedName(name)
	})
	for _, arg := range spec.Args {
		flag := flags.VarPF(&argFlag{a: a, arg: arg}, flagName(arg), "", usageOf(arg))
		flag.Hidden = arg.Hidden || arg.Secret
		if arg.Kind == command.Flag && !arg.Required {
			flag.NoOptDefVal = "true"
		}
		if arg.Secret {
			flags.Var(&keyFileFlag{a: a, name: arg.Name}, arg.Name+"-file", fmt.Sprintf("where to read %s, - for standard input; else it is asked for", arg.Summary))
		}
		choices := choicesOf(arg)
		_ = cmd.RegisterFlagCompletionFunc(flagName(arg), func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			if arg.Kind == command.Attachment {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return choices, cobra.ShellCompDirectiveNoFileComp
		})
	}
	if spec.Repeat == command.Costs && spec.Group == "generate" {
		flags.BoolVar(&a.wait, waitFlag, false, "wait for a free slot, and for the end")
	}
	return cmd
}

// waitFlag follows a generation. The argument of the same name, which queues it,
// goes with it.
const waitFlag = "wait"

// flagName is an argument's flag; that of waiting for a slot stands behind ours.
func flagName(arg command.Arg) string {
	if arg.Name == waitFlag {
		return "wait-slot"
	}
	return arg.Name
}

func choicesOf(arg command.Arg) []string {
	if arg.Kind == command.Flag {
		return []string{"on", "off"}
	}
	return slices.Clone(arg.Choices)
}

// slots are the arguments that may be given without their names, in order: the
// required ones, else the first that the command is about.
func slots(spec *command.Spec, given func(name string) bool) []command.Arg {
	var out []command.Arg
	for _, arg := range spec.Args {
		if arg.Required && !given(arg.Name) {
			out = append(out, arg)
		}
	}
	for _, some := range [][]string{spec.AnyOf, spec.OneOf} {
		if len(some) == 0 || given(some[0]) || len(spec.OneOf) > 0 && slices.ContainsFunc(some, given) {
			continue
		}
		if arg, ok := spec.Arg(some[0]); ok {
			out = append(out, arg)
		}
	}
	if len(out) > 0 || len(spec.Args) == 0 {
		return out
	}
	if first := spec.Args[0]; first.Complete != "" && !given(first.Name) {
		out = append(out, first)
	}
	return out
}

func slotsOf(spec *command.Spec) string {
	var b strings.Builder
	for _, arg := range slots(spec, func(string) bool { return false }) {
		switch name := strings.ToUpper(arg.Name); {
		case arg.Secret:
		case arg.Required:
			b.WriteString(" " + name)
		default:
			b.WriteString(" [" + name + "]")
		}
	}
	return b.String()
}
