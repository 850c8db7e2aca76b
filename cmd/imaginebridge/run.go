package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/config"
)

// roles are the parts of the work that processes can share out.
var roles = []string{"poll", "deliver", "receive", "console"}

func (p *program) runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the bridge",
		Long: `Runs the bridge until it is told to stop (Ctrl-C or SIGTERM): it then finishes
what is in hand within ten seconds. A second signal ends it at once.

A changed configuration is applied while it runs, and on SIGHUP; a wrong one
changes nothing.

Without a file the environment alone is enough for one agent and one channel:
IMAGINEANYTHING_CLIENT_ID, IMAGINEANYTHING_CLIENT_SECRET, and DISCORD_BOT_TOKEN
with DISCORD_CHANNEL_ID, or SLACK_BOT_TOKEN with SLACK_CHANNEL_ID. DISCORD_BOT_TOKEN
alone is enough too: agents and channels can be connected in Discord.`,
		Example: `  imaginebridge run
  imaginebridge run --config imaginebridge.yaml
  imaginebridge run --roles poll,deliver`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.checkRoles(); err != nil {
				return err
			}
			l, err := p.read()
			if err != nil {
				return err
			}
			return p.bridge(cmd.Context(), l.cfg, nil, func(pr *process) {
				pr.reread, pr.files, pr.fromFile = p.read, l.files, l.fromFile
			})
		},
	}
	cmd.Flags().StringSliceVar(&p.roles, "roles", roles, "`ROLES` of this process, separated by commas")
	return cmd
}

func (p *program) checkRoles() error {
	for _, r := range p.roles {
		if !slices.Contains(roles, r) {
			text := fmt.Sprintf("no role is called %q; the roles are %s", r, strings.Join(roles, ", "))
			if near := config.Nearest(r, roles); near != "" {
				text += fmt.Sprintf("; did you mean %q?", near)
			}
			return &usageError{text}
		}
	}
	return nil
}

// bridge runs the bridge with a checked configuration until ctx ends. hint are the
// last lines of the console page; started is called once everything was built.
// Both may be nil.
func (p *program) bridge(ctx context.Context, cfg config.Config, hint []string, started func(*process)) error {
	if err := ensureKey(&cfg); err != nil {
		return err
	}
	log := p.logger(cfg.Runtime)
	for _, n := range cfg.Notices {
		if n.Warning {
			log.Warn("configuration", "notice", n.Text)
		} else {
			log.Info("configuration", "notice", n.Text)
		}
	}
	most, known := openFiles()
	if few := fewHandles(cfg, most, known); few != "" {
		log.Warn("few open files are allowed", "reason", few)
	}
	pr, err := newProcess(ctx, cfg, p, log, hint)
	if err != nil && ctx.Err() != nil {
		log.Info("told to end before it had started", "err", err)
		return nil //nolint:nilerr // who was told to end has done nothing wrong
	}
	if err != nil {
		return err
	}
	if started != nil {
		started(pr)
	}
	err = pr.run(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return err
}
