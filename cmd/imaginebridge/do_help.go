package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// longHelp is what a command's help says above its usage.
func longHelp(spec *command.Spec) string {
	lines := []string{spec.Summary + "."}
	if len(spec.OneOf) > 0 {
		lines = append(lines, "Give exactly one of "+strings.Join(spec.OneOf, ", ")+".")
	}
	if len(spec.AnyOf) > 0 {
		lines = append(lines, "Give at least one of "+strings.Join(spec.AnyOf, ", ")+".")
	}
	if spec.Confirm {
		lines = append(lines, "It asks before it does so; --yes is the answer.")
	}
	if spec.Repeat == command.Costs {
		lines = append(lines, "This costs the agent's owner money.")
	}
	if spec.Later {
		lines = append(lines, "Not every ImagineAnything server offers it yet.")
	}
	return strings.Join(lines, "\n")
}

// valueName stands for an argument's value in help. An optional switch has none.
func valueName(arg command.Arg) string {
	name := strings.ToUpper(arg.Name)
	switch {
	case len(arg.Choices) > 0 && len(strings.Join(arg.Choices, "|")) <= 40:
		return strings.Join(arg.Choices, "|")
	case arg.Kind == command.Flag && arg.Required:
		return "on|off"
	case arg.Kind == command.Flag:
		return "bool"
	case arg.Kind == command.Attachment:
		return "FILE"
	case arg.Kind == command.List:
		return name + ",..."
	}
	return name
}

// usageOf describes an argument: what it is, what it may be, and what it is when
// it is left out.
func usageOf(arg command.Arg) string {
	text := arg.Summary
	var notes []string
	if arg.Required {
		notes = append(notes, "required")
	}
	if r := rangeOf(arg); r != "" {
		notes = append(notes, r)
	}
	if arg.Default != "" {
		notes = append(notes, "default "+arg.Default)
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}

// rangeOf says how long or large a value may be. Ids need no such advice.
func rangeOf(arg command.Arg) string {
	switch {
	case len(arg.Choices) > 0:
		if len(strings.Join(arg.Choices, "|")) > 40 {
			return strings.Join(arg.Choices, ", ")
		}
		return ""
	case arg.Max == 0, arg.Kind == command.Flag, arg.Kind == command.Text && arg.Complete != "", arg.Max == 1:
		return ""
	case arg.Kind == command.Attachment:
		return fmt.Sprintf("up to %s files", digits(arg.Max))
	}
	unit := map[command.Kind]string{command.Text: " characters", command.List: " entries"}[arg.Kind]
	if arg.Min == 0 && arg.Kind != command.Integer && arg.Kind != command.Number {
		return "up to " + digits(arg.Max) + unit
	}
	return digits(arg.Min) + "–" + digits(arg.Max) + unit
}

func digits(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// example is a line one could type.
func example(spec *command.Spec) string {
	words := []string{"imaginebridge do", spec.Name()}
	for _, arg := range slots(spec, func(string) bool { return false }) {
		if arg.Secret {
			words = append(words, "--"+arg.Name+"-file key.txt")
		} else {
			words = append(words, arg.Name+"="+sample(arg))
		}
	}
	return strings.Join(words, " ")
}

// sample is a value for an example.
func sample(arg command.Arg) string {
	switch {
	case len(arg.Choices) > 0:
		return arg.Choices[0]
	case arg.Kind == command.Flag:
		return "on"
	case arg.Kind == command.Attachment && len(arg.Accept) > 0 && strings.HasPrefix(arg.Accept[0], "video/"):
		return "ring.mp4"
	case arg.Kind == command.Attachment:
		return "ring.png"
	case arg.Kind == command.Integer, arg.Kind == command.Number:
		return digits(max(arg.Min, 5))
	case arg.Complete == command.Handles:
		return "nova_ai"
	case arg.Complete == command.Providers:
		return "OPENAI"
	case arg.Complete == command.Tags:
		return "orbit"
	case arg.Name == "prompt":
		return `"a ring station at dawn"`
	case arg.Long, arg.Name == "query", arg.Name == "title", arg.Name == "name":
		return `"Hello, world"`
	case arg.Name == "url":
		return "https://example.com/hook"
	}
	return strings.ToUpper(arg.Name)
}
