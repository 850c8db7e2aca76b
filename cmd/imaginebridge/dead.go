package main

import (
	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// deadCommand is the group dead of the command table, at hand without "do": it is
// what an operator looks at.
func (p *program) deadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "List, show, replay or drop events that could not be sent",
		Long: `Looks after dead letters: events that a destination refused for good, kept with
the reason for 90 days. It needs a running bridge. A replay leaves the dead
letters when it was sent; its webhook-id ends in _r and a number, so that no
receiver takes it for one it has.`,
		Example: `  imaginebridge dead list
  imaginebridge dead list --subscription team --reason "too large"
  imaginebridge dead show 4711
  imaginebridge dead replay 4711
  imaginebridge dead replay all --subscription team
  imaginebridge dead drop all --reason blocked --yes`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, spec := range command.Table() {
		if spec.Group == "dead" {
			verb := p.verbCommand(&spec)
			verb.Example = ""
			cmd.AddCommand(verb)
		}
	}
	return cmd
}
