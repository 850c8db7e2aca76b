package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/events"
)

func (p *program) schemaCommand() *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "schema [FAMILY.TYPE]",
		Short: "Print the JSON Schema of an event's data, or list all events",
		Example: `  imaginebridge schema --list
  imaginebridge schema notification.like`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return noArgs(cmd, args[1:])
			}
			return nil
		},
		ValidArgs: events.Patterns()[1:],
		RunE: func(_ *cobra.Command, args []string) error {
			if list || len(args) == 0 {
				return p.listKinds()
			}
			return p.printSchema(args[0])
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "list all events")
	return cmd
}

func (p *program) listKinds() error {
	kinds := slices.Collect(events.Kinds())
	if p.json {
		enc := json.NewEncoder(p.out)
		for _, k := range kinds {
			if err := enc.Encode(map[string]any{"name": k.Name(), "summary": k.Summary, "schema": k.SchemaID(), "opt_in": k.OptIn}); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
	for _, k := range kinds {
		note := ""
		if k.OptIn {
			note = " (opt-in)"
		}
		fmt.Fprintf(w, "%s\t%s%s\n", k.Name(), k.Summary, note)
	}
	return w.Flush()
}

func (p *program) printSchema(name string) error {
	var names []string
	for k := range events.Kinds() {
		if k.Name() == name {
			schema, err := k.Schema()
			if err != nil {
				return err
			}
			fmt.Fprintln(p.out, string(schema))
			return nil
		}
		names = append(names, k.Name())
	}
	return unknownEvent(name, names)
}

// unknownEvent refuses a name or pattern that stands for no event.
func unknownEvent(name string, known []string) error {
	text := fmt.Sprintf("no event is called %q", name)
	if near := config.Nearest(name, known); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	} else {
		text += "."
	}
	return &usageError{text + " \"imaginebridge schema --list\" shows all."}
}
