package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/sinks/console"
)

func (p *program) tailCommand() *cobra.Command {
	var since time.Duration
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
					text := fmt.Sprintf("no event is called %q", pattern)
					if near := config.Nearest(pattern, events.Patterns()); near != "" {
						text += fmt.Sprintf("; did you mean %q?", near)
					}
					return &usageError{text + " \"imaginebridge schema --list\" shows all."}
				}
			}
			return p.tail(cmd.Context(), args, since)
		},
	}
	cmd.Flags().DurationVar(&since, "since", 0, "begin so `LONG` ago, such as 24h (default: from now on)")
	return cmd
}

func (p *program) tail(ctx context.Context, patterns []string, since time.Duration) (err error) {
	cfg, err := p.loadForGuest()
	if err != nil {
		return err
	}
	b, err := p.openGuest(ctx, cfg)
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
