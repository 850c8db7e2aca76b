package command

import (
	"fmt"
	"slices"
	"strings"
)

// Usage is one line: "post comment POST TEXT [reply_to:…]". In the order in
// which a line's plain words fill the arguments.
func Usage(spec *Spec) string {
	parts := []string{spec.Name()}
	words := spec.ordered()
	for _, a := range words {
		if a.Required {
			parts = append(parts, strings.ToUpper(a.Name))
		}
	}
	for _, a := range spec.Args {
		switch {
		case a.Hidden || a.Required && !a.Secret && a.Kind != Attachment:
		case a.Kind == Attachment:
			parts = append(parts, optional(a, a.Name+":FILE"))
		case a.Secret:
			parts = append(parts, "(asks for the "+a.Name+")")
		default:
			parts = append(parts, optional(a, a.Name+":…"))
		}
	}
	return strings.Join(parts, " ")
}

func optional(a Arg, s string) string {
	if a.Required {
		return s
	}
	return "[" + s + "]"
}

// Groups lists the groups in the table's order.
func Groups() []string {
	var out []string
	for _, s := range table() {
		if !slices.Contains(out, s.Group) {
			out = append(out, s.Group)
		}
	}
	return out
}

// Help is what to read about a group: a line for each verb. "" gives all groups
// with an example each. A group that does not exist gives nothing.
func Help(group string) string {
	var b strings.Builder
	if group == "" {
		for _, g := range Groups() {
			i := slices.IndexFunc(table(), func(s Spec) bool { return s.Group == g })
			fmt.Fprintf(&b, "%-9s %s\n", g, Usage(&table()[i]))
		}
		return b.String()
	}
	for _, s := range table() {
		if s.Group != group {
			continue
		}
		fmt.Fprintf(&b, "%s\n    %s. Needs %s access.", Usage(&s), s.Summary, s.Access)
		if s.Later {
			b.WriteString(" Not every server offers it.")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// HelpVerb is what to read about one command: usage, arguments, who may, its short words.
func HelpVerb(spec *Spec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s. Needs %s access.", Usage(spec), spec.Summary, spec.Access)
	if spec.Confirm {
		b.WriteString(" Asks first.")
	}
	if spec.Later {
		b.WriteString(" Not every server offers it.")
	}
	b.WriteString("\n")
	for _, a := range spec.Args {
		if a.Hidden {
			continue
		}
		need := ""
		if a.Required {
			need = "required; "
		}
		fmt.Fprintf(&b, "  %-13s %s%s\n", a.Name, need, a.Describe())
	}
	if len(spec.OneOf) > 0 {
		fmt.Fprintf(&b, "Exactly one of %s.\n", join(spec.OneOf, "and"))
	}
	if len(spec.AnyOf) > 0 {
		fmt.Fprintf(&b, "At least one of %s.\n", join(spec.AnyOf, "and"))
	}
	if len(spec.Aliases) > 0 {
		fmt.Fprintf(&b, "Short: %s\n", join(spec.Aliases, "or"))
	}
	return b.String()
}

// Describe is an argument in one line: "what to say; 1–500 characters".
func (a Arg) Describe() string {
	parts := []string{a.Summary}
	if h := a.holds(); h != "" {
		parts = append(parts, h)
	}
	switch a.Kind {
	case Flag:
		parts = append(parts, "on or off")
	case Attachment:
		parts = append(parts, acceptWords(a.Accept))
		if a.Bytes > 0 {
			parts = append(parts, megabytes(a.Bytes)+" MB")
		}
	case List:
		parts = append(parts, "several, with commas")
	case Text, Integer, Number:
	}
	if a.Default != "" {
		parts = append(parts, "usually "+a.Default)
	}
	if a.Secret {
		parts = append(parts, "secret: typed into a form, or read from the terminal or a file")
	}
	return strings.Join(parts, "; ")
}
