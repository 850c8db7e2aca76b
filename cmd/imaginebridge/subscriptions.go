package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
)

func (p *program) subscriptionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "subscriptions",
		Short: "List, add, change, pause, replay, preview or remove subscriptions",
		Long: `Looks after subscriptions: which events of which agents go where, and when. All
but list and secret need a running bridge, whose subscriptions they are; what
the configuration file says is changed there. A subscription is meant by its
name or its id.`,
		Example: `  imaginebridge subscriptions list
  imaginebridge subscriptions add preset=public to=discord:123456789012345678
  imaginebridge subscriptions add events=notification.like filter=data.actor.verified to=console
  imaginebridge subscriptions preview team since=24h
  imaginebridge subscriptions pause team until="tomorrow 9:00"
  imaginebridge subscriptions replay 2h subscription=team
  imaginebridge subscriptions why ntf_1234 subscription=team`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List subscriptions: of the running bridge, else of the configuration", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return p.listSubscriptions(cmd.Context()) },
		},
		&cobra.Command{
			Use: "secret NAME", Short: "Print the signing secret of a webhook subscription, for its receiver",
			Args: func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 {
					return &usageError{"secret needs the name of a subscription\nUsage: " + cmd.UseLine()}
				}
				return noArgs(cmd, args[1:])
			},
			RunE: func(cmd *cobra.Command, args []string) error { return p.printSecret(cmd.Context(), args[0]) },
			ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
				return p.signedSubscriptions(args), cobra.ShellCompDirectiveNoFileComp
			},
		},
	)
	for _, spec := range command.Table() {
		if spec.Group == "subscribe" && spec.Verb != "list" {
			verb := p.verbCommand(&spec)
			verb.Example = ""
			cmd.AddCommand(verb)
		}
	}
	return cmd
}

// ofTheBridge asks the running bridge about subscriptions. The error is
// errNotRunning or another where none answers, and what it refused.
func (p *program) ofTheBridge(ctx context.Context, verb string, values map[string]any, result any) error {
	spec, _ := command.Find("subscribe", verb)
	a := &action{p: p, spec: spec, values: values}
	ctx, cancel := context.WithTimeout(ctx, doTime)
	defer cancel()
	w, err := a.worker(ctx)
	if err != nil {
		return err
	}
	defer func() { w.close(ctx) }()
	out, err := w.do(ctx, a, false)
	switch {
	case err != nil:
		return err
	case out.Error != nil:
		return a.failure(out)
	}
	return json.Unmarshal(out.Result, result)
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

func (p *program) listSubscriptions(ctx context.Context) error {
	cfg, err := p.loadForGuest()
	if err != nil {
		return err
	}
	var live command.SubscriptionList
	if err := p.ofTheBridge(ctx, "list", map[string]any{}, &live); err == nil {
		return p.printSubscriptions(live)
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

// printSubscriptions prints those of a running bridge.
func (p *program) printSubscriptions(list command.SubscriptionList) error {
	if p.json {
		enc := json.NewEncoder(p.out)
		for _, v := range list.Items {
			if err := enc.Encode(v); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list.Items) == 0 {
		fmt.Fprintln(p.out, "There are no subscriptions: events are stored and sent nowhere. Add one: imaginebridge subscriptions add --help.")
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tID\tAGENTS\tEVENTS\tTO\tSTATE\tWAITING")
	for _, v := range list.Items {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", v.Name, v.ID, strings.Join(v.Agents, " "), strings.Join(v.Events, " "), plainText(v.To), v.State, v.Waiting)
	}
	return w.Flush()
}

func (p *program) printSecret(ctx context.Context, name string) error {
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
			ring, err := newRing(cfg)
			if err != nil {
				return err
			}
			w := wiring{cfg: cfg, keys: ring}
			for _, secret := range w.signingSecrets(name) {
				fmt.Fprintln(p.out, secret)
			}
			return nil
		}
		names = append(names, s.Name)
	}
	var v command.SubscriptionView
	if err := p.ofTheBridge(ctx, "show", map[string]any{"subscription": name}, &v); err == nil && strings.HasPrefix(v.To, "webhook:") {
		if err := ensureKey(&cfg); err != nil {
			return err
		}
		ring, err := newRing(cfg)
		if err != nil {
			return err
		}
		for _, secret := range (&wiring{keys: ring}).derivedSecrets(v.ID) {
			fmt.Fprintln(p.out, secret)
		}
		return nil
	}
	text := fmt.Sprintf("no subscription is called %q", name)
	if near := config.Nearest(name, names); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	} else {
		text += "."
	}
	return &usageError{text + " \"imaginebridge subscriptions list\" shows all."}
}
