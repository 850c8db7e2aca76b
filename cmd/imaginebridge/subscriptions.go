package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/config"
)

func (p *program) subscriptionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "subscriptions",
		Short: "List subscriptions, show the signing secret of a webhook",
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the configured subscriptions", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return p.listSubscriptions() },
		},
		&cobra.Command{
			Use: "secret NAME", Short: "Print the signing secret of a webhook subscription, for its receiver",
			Args: func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 {
					return &usageError{"secret needs the name of a subscription\nUsage: " + cmd.UseLine()}
				}
				return noArgs(cmd, args[1:])
			},
			RunE: func(_ *cobra.Command, args []string) error { return p.printSecret(args[0]) },
			ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
				return p.signedSubscriptions(args), cobra.ShellCompDirectiveNoFileComp
			},
		},
	)
	return cmd
}

// signedSubscriptions completes the one argument of secret.
func (p *program) signedSubscriptions(args []string) []string {
	cfg, err := p.loadForGuest()
	if err != nil || len(args) > 0 {
		return nil
	}
	var names []string
	for _, s := range cfg.Subscriptions {
		if strings.HasPrefix(s.To, "webhook:") {
			names = append(names, s.Name)
		}
	}
	return names
}

func (p *program) listSubscriptions() error {
	cfg, err := p.loadForGuest()
	if err != nil {
		return err
	}
	if p.json {
		enc := json.NewEncoder(p.out)
		for _, s := range cfg.Subscriptions {
			row := map[string]any{"name": s.Name, "agents": s.Agents, "events": s.Events, "filter": s.Filter, "to": bridge.ParseDestination(s.To).Label()}
			if err := enc.Encode(row); err != nil {
				return err
			}
		}
		return nil
	}
	if len(cfg.Subscriptions) == 0 {
		fmt.Fprintln(p.out, "No subscription is configured: events are stored and sent nowhere. Add one to the file, or set DISCORD_CHANNEL_ID or SLACK_CHANNEL_ID.")
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tAGENTS\tEVENTS\tTO")
	for _, s := range cfg.Subscriptions {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Name, strings.Join(s.Agents, " "), strings.Join(s.Events, " "), bridge.ParseDestination(s.To).Label())
	}
	return w.Flush()
}

func (p *program) printSecret(name string) error {
	cfg, err := p.loadForGuest()
	if err != nil {
		return err
	}
	var names []string
	for _, s := range cfg.Subscriptions {
		if s.Name == name {
			if !strings.HasPrefix(s.To, "webhook:") {
				return &usageError{fmt.Sprintf("%s goes to %s; only webhooks are signed.", name, bridge.ParseDestination(s.To).Label())}
			}
			if err := ensureKey(&cfg); err != nil {
				return err
			}
			w := wiring{cfg: cfg}
			for _, secret := range w.signingSecrets(name) {
				fmt.Fprintln(p.out, secret)
			}
			return nil
		}
		names = append(names, s.Name)
	}
	text := fmt.Sprintf("no subscription is called %q", name)
	if near := config.Nearest(name, names); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	} else {
		text += "."
	}
	return &usageError{text + " \"imaginebridge subscriptions list\" shows all."}
}
