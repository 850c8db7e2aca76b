package check

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// shown is how many facts of each bad kind are told with their path.
const shown = 3

// Step is one thing known of a fact's way: polled, published, attempted, received.
type Step struct {
	At   time.Time
	What string
}

// Report prints counts for each place and, for the first three of each bad kind
// there, the fact's whole path. It returns how many are bad.
func Report(out io.Writer, findings []Finding, path func(place, fact string) []Step) int {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	bad := 0
	var first []Finding
	for _, place := range places(findings) {
		counts := map[Verdict]int{}
		for _, f := range findings {
			if f.Place != place {
				continue
			}
			counts[f.Verdict]++
			if f.Verdict.Bad() {
				bad++
				if counts[f.Verdict] <= shown {
					first = append(first, f)
				}
			}
		}
		var parts []string
		for _, v := range verdicts {
			if counts[v] > 0 || always(v, counts) {
				parts = append(parts, fmt.Sprintf("%s %d", v, counts[v]))
			}
		}
		fmt.Fprintf(w, "%s\t%s\n", place, strings.Join(parts, " · "))
	}
	_ = w.Flush()
	for _, f := range first {
		fmt.Fprintf(out, "\n%s: %s is %s: %s\n", f.Place, f.Fact, f.Verdict, f.Detail)
		steps := path(f.Place, f.Fact)
		slices.SortStableFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
		for _, s := range steps {
			fmt.Fprintf(out, "  %s  %s\n", clock(s.At), s.What)
		}
	}
	return bad
}

// verdicts in the order in which they are printed.
var verdicts = []Verdict{
	OK, Lost, Doubled, Reordered, Early, Stale, Misrouted, Invented, Repeated, Excused,
	Answered, FalselyDone, DoneTwice, FalselyRefused, Silent, Refused, NotTaken, Doubtful,
}

// always reports a verdict whose absence is the news.
func always(v Verdict, counts map[Verdict]int) bool {
	if ofCommands(counts) {
		return v == FalselyDone || v == DoneTwice
	}
	return v == Lost || v == Doubled || v == Reordered
}

func ofCommands(counts map[Verdict]int) bool {
	return slices.ContainsFunc(verdicts[slices.Index(verdicts, Answered):], func(v Verdict) bool { return counts[v] > 0 })
}

func places(findings []Finding) (out []string) {
	for _, f := range findings {
		if !slices.Contains(out, f.Place) {
			out = append(out, f.Place)
		}
	}
	return out
}
