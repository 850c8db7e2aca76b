package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/sinks/console"
)

func (p *program) tailCommand() *cobra.Command {
	var since config.Duration
	cmd := &cobra.Command{
		Use:   "tail [PATTERN ...]",
		Short: "Show the events of a running bridge, live",
		Long: `Shows the events that a running bridge stores, as they come, until Ctrl-C.
Patterns are *, family.* or family.type; without any all events are shown.`,
		Example: `  imaginebridge tail
  imaginebridge tail --since 24h message.received
  imaginebridge tail --json --agent luna 'notification.*'`,
		ValidArgs: events.Patterns(),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, pattern := range args {
				if !events.CheckPattern(pattern) {
					return unknownEvent(pattern, events.Patterns())
				}
			}
			return p.tail(cmd.Context(), args, since.Std())
		},
	}
	cmd.Flags().VarPF(&since, "since", "", "begin this `LONG` ago, such as 24h or 7d (default: from now on)").DefValue = ""
	return cmd
}

func (p *program) tail(ctx context.Context, patterns []string, since time.Duration) (err error) {
	cfg, err := p.loadForGuest()
	if err != nil {
		return err
	}
	p.noteUnknownAgent(cfg)
	b, err := p.openGuest(ctx, cfg, p.logger(cfg.Runtime))
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, b.Close(ending))
	}()
	query := bus.Query{Events: patterns}
	if p.agent != "" {
		query.Agents = []string{p.agent}
	}
	if since > 0 {
		query.Since = time.Now().Add(-since)
	}
	screen := console.New(console.Options{Out: p.out, Color: p.colour()})
	err = b.Tail(ctx, query, func(e events.Event, at bus.Stored) {
		switch {
		case p.json:
			fmt.Fprintf(p.out, "%s\n", at.Raw)
		case at.Err != nil:
			fmt.Fprintf(p.errs, "%s: not an event: %v\n", at.Subject, at.Err)
		default:
			_, _ = screen.Send(ctx, bridge.Delivery{Event: e, Message: bridge.Layout(e)})
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// noteUnknownAgent says where --agent names none that is configured here. The
// store may know more agents than this configuration, so it is no error.
func (p *program) noteUnknownAgent(cfg config.Config) {
	var known []string
	for _, a := range cfg.Agents {
		known = append(known, a.Handle)
	}
	if p.agent == "" || len(known) == 0 || slices.Contains(known, "") || slices.Contains(known, p.agent) {
		return
	}
	text := fmt.Sprintf("no agent %q is configured here", p.agent)
	if near := config.Nearest(p.agent, known); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	} else {
		text += "."
	}
	fmt.Fprintln(p.errs, text)
}
