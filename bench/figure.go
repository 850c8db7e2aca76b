package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one thing measured.
type figure struct {
	Section string  `json:"section"`
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Most    float64 `json:"most,omitempty"`    // what it may be; 0 where nothing is promised
	None    bool    `json:"none,omitempty"`    // it has to be zero
	Samples int     `json:"samples,omitempty"` // behind the value
	Over    bool    `json:"over"`
}

// judged marks a figure that is over its target.
func (f figure) judged() figure {
	f.Over = f.Most > 0 && f.Value > f.Most || f.None && f.Value > 0
	return f
}

func (f figure) text() string {
	switch f.Unit {
	case "s", "%", "times":
		return fmt.Sprintf("%.2f %s", f.Value, f.Unit)
	case "MiB", "reads/min":
		return fmt.Sprintf("%.1f %s", f.Value, f.Unit)
	}
	return strings.TrimSpace(fmt.Sprintf("%.0f %s", f.Value, f.Unit))
}

func (f figure) target() (target, mark string) {
	switch {
	case f.None:
		target = "0"
	case f.Most > 0:
		f.Value = f.Most
		target = "≤ " + f.text()
	default:
		return "", ""
	}
	if f.Over {
		return target, "OVER"
	}
	return target, "ok"
}

// printTable prints figures for people.
func printTable(out io.Writer, figures []figure) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tmeasured\ttarget\t\tsamples")
	last := ""
	for _, f := range figures {
		if f.Section != last {
			fmt.Fprintf(w, "%s\t\t\t\t\n", f.Section)
			last = f.Section
		}
		target, mark := f.judged().target()
		samples := ""
		if f.Samples > 0 {
			samples = strconv.Itoa(f.Samples)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", f.What, f.text(), target, mark, samples)
	}
	_ = w.Flush()
}

// printJSON prints figures for programs.
func printJSON(out io.Writer, figures []figure) error {
	for i := range figures {
		figures[i] = figures[i].judged()
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(figures)
}

// quantile returns the value below which the given share of the samples lies:
// the nearest rank, so that it is always one that was measured.
func quantile(samples []time.Duration, share float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	rank := int(share*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

func median(samples []time.Duration) time.Duration { return quantile(samples, 0.5) }
