package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/internal/language"
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
func Help(in language.Speaker, group string) string {
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
		b.WriteString(Usage(&s) + "\n    " + in.Say("%s. Needs %s access.", in.Say(s.Summary), s.Access))
		if s.Later {
			b.WriteString(" " + in.Say("Not every server offers it."))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// HelpVerb is what to read about one command: usage, arguments, who may, its short words.
func HelpVerb(in language.Speaker, spec *Spec) string {
	var b strings.Builder
	b.WriteString(Usage(spec) + "\n" + in.Say("%s. Needs %s access.", in.Say(spec.Summary), spec.Access))
	if spec.Confirm {
		b.WriteString(" " + in.Say("Asks first."))
	}
	if spec.Later {
		b.WriteString(" " + in.Say("Not every server offers it."))
	}
	b.WriteString("\n")
	for _, a := range spec.Args {
		if a.Hidden {
			continue
		}
		need := ""
		if a.Required {
			need = in.Say("required") + "; "
		}
		fmt.Fprintf(&b, "  %-13s %s%s\n", a.Name, need, a.Describe(in))
	}
	if len(spec.OneOf) > 0 {
		b.WriteString(in.Say("Exactly one of %s.", allOf(spec.OneOf)) + "\n")
	}
	if len(spec.AnyOf) > 0 {
		b.WriteString(in.Say("At least one of %s.", allOf(spec.AnyOf)) + "\n")
	}
	if len(spec.Aliases) > 0 {
		b.WriteString(in.Say("Short: %s", anyOf(spec.Aliases)) + "\n")
	}
	return b.String()
}

// Describe is an argument in one line: "what to say; 1–500 characters".
func (a Arg) Describe(in language.Speaker) string {
	parts := []string{in.Say(a.Summary)}
	if h := in.Speak(a.holds()); h != "" {
		parts = append(parts, h)
	}
	switch a.Kind {
	case Flag:
		parts = append(parts, in.Say("on or off"))
	case Attachment:
		parts = append(parts, in.Speak(acceptWords(a.Accept)))
		if a.Bytes > 0 {
			parts = append(parts, megabytes(a.Bytes)+" MB")
		}
	case List:
		parts = append(parts, in.Say("several, with commas"))
	case Text, Integer, Number:
	}
	if a.Default != "" {
		parts = append(parts, in.Say("usually %s", a.Default))
	}
	if a.Secret {
		parts = append(parts, in.Say("secret: typed into a form, or read from the terminal or a file"))
	}
	return strings.Join(parts, "; ")
}
