package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// maxShown bounds how many problems one report prints.
const maxShown = 20

// Problem is one thing that is wrong, with its place and what to do.
type Problem struct {
	Place        string // "imaginebridge.yaml:14:5: subscriptions[0].events: ", or the name of an environment variable; may be empty
	Text         string
	line, column int
}

// String is the line a person reads.
func (p Problem) String() string {
	if p.Place == "" {
		return p.Text
	}
	return p.Place + p.Text
}

// ReportError holds every problem of a configuration, in the order of the file.
type ReportError struct{ Problems []Problem }

// Error prints one line a problem, at most 20.
func (e *ReportError) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i == maxShown {
			fmt.Fprintf(&b, "\n… and %d more", len(e.Problems)-maxShown)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// origin is where a value came from.
type origin struct {
	line, column int
	env          string // the variable that set it, instead of a line
}

// report collects problems and knows where every value came from.
type report struct {
	file     string
	origins  map[string]origin
	problems []Problem
	notices  []Notice
}

// warn notes something about the value at path that is no reason to refuse.
func (r *report) warn(path, text string) {
	r.add(path, "%s", text)
	last := len(r.problems) - 1
	r.notices = append(r.notices, Notice{Warning: true, Text: r.problems[last].String()})
	r.problems = r.problems[:last]
}

// at records where the value of a path came from.
func (r *report) at(path string, o origin) { r.origins[path] = o }

// add reports a problem with the value at path: "what is wrong; what to do".
func (r *report) add(path, format string, args ...any) {
	o := r.nearest(path)
	place := path
	switch {
	case o.env != "":
		place = o.env
	case o.line > 0:
		place = fmt.Sprintf("%s:%d:%d: %s", r.file, o.line, o.column, path)
	}
	r.problems = append(r.problems, Problem{Place: place + ": ", Text: fmt.Sprintf(format, args...), line: o.line, column: o.column})
}

// addVerb reports a problem whose text is a phrase that follows the name of an
// environment variable without a colon: "DISCORD_BOT_TOKEN does not look like…".
func (r *report) addVerb(path, format string, args ...any) {
	r.add(path, format, args...)
	if o := r.nearest(path); o.env != "" {
		r.problems[len(r.problems)-1].Place = o.env + " "
	}
}

// reported tells whether something was already said of exactly this path.
func (r *report) reported(path string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool { return strings.HasSuffix(p.Place, path+": ") })
}

// nearest returns the origin of path or of what contains it.
func (r *report) nearest(path string) origin {
	for {
		if o, ok := r.origins[path]; ok {
			return o
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return origin{}
		}
		path = path[:i]
	}
}

// err returns the report, or nil when nothing is wrong.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(a.line-b.line, a.column-b.column)
	})
	return &ReportError{Problems: r.problems}
}

// Nearest returns the candidate that a misspelled word most likely means, or ""
// when none is near. One part of a dotted name means that name: "like" means
// "notification.like".
func Nearest(word string, candidates []string) string {
	for _, c := range candidates {
		if strings.HasSuffix(c, "."+word) || c == word+".*" {
			return c
		}
	}
	best, distance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c)); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// meant turns the nearest candidate into the end of a sentence, or "".
func meant(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}
