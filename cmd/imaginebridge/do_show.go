package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// show prints what became of the command. A failure is the returned error, and
// JSON besides where programs read.
func (a *action) show(out outcome) error {
	if a.p.json {
		if err := a.p.printJSON(out); err != nil {
			return err
		}
	}
	if out.Error != nil {
		return a.failure(out)
	}
	if a.p.json {
		return nil
	}
	if out.Text != "" {
		fmt.Fprintln(a.p.out, plainText(out.Text))
	}
	if err := printResult(a.p.out, out.Result, a.p.zone()); err != nil {
		return err
	}
	if out.Next != nil {
		fmt.Fprintln(a.p.out, "\nMore: "+a.line(bridge.Action{Command: a.spec.Name(), Args: out.Next}))
	}
	if out.undo != nil && out.undo.Command != "" {
		fmt.Fprintln(a.p.out, "Undo: "+a.line(*out.undo))
	}
	return nil
}

// printJSON prints an outcome in one line.
func (p *program) printJSON(out outcome) error {
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// usageStatuses are failures of what was typed, not of what was done.
var usageStatuses = []string{"invalid_argument", "invalid_json", "unknown_agent", "agent_required", "unknown_command", "key_in_text", "secret_in_open", "public_channel"}

// failure is a problem as one sentence with the next step, and the commands that
// may be next.
func (a *action) failure(out outcome) error {
	lines := []string{doSentence(out.Error)}
	for _, step := range out.steps {
		switch {
		case step.URL != "":
			lines = append(lines, "  "+plainText(step.Label)+": "+plainText(step.URL))
		case step.Command != "" && step.Args[command.Form] == "":
			lines = append(lines, "  "+plainText(step.Label)+": "+a.line(step))
		}
	}
	text := strings.Join(lines, "\n")
	if slices.Contains(usageStatuses, out.Error.Status) {
		return &usageError{text}
	}
	return errors.New(text)
}

// doSentence is what happened and the next step, worded for a terminal.
func doSentence(p *doProblem) string {
	hint := p.Hint
	switch {
	case strings.Contains(hint, "/ia connect"):
		hint = `"imaginebridge check" tells more.`
	case strings.Contains(hint, "/ia"):
		hint = strings.NewReplacer("/ia-admin ", "imaginebridge do ", "/ia ", "imaginebridge do ").Replace(hint)
	}
	return strings.TrimSpace(oneSentence(p.Message) + " " + oneSentence(hint))
}

// line is a command as one would type it.
func (a *action) line(step bridge.Action) string {
	words := []string{"imaginebridge do " + step.Command}
	if a.p.agent != "" {
		words = append(words, "--agent "+quoted(a.p.agent))
	}
	for _, name := range slices.Sorted(maps.Keys(step.Args)) {
		if name != "agent" && name != command.Form {
			words = append(words, name+"="+quoted(step.Args[name]))
		}
	}
	return strings.Join(words, " ")
}

// quoted is a value that a shell takes for one word.
func quoted(s string) string {
	s = plainText(s)
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.,:/@%+=", r)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// plainText takes out what a terminal would obey; line ends stay.
func plainText(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// oneSentence is a text without line ends.
func oneSentence(text string) string { return strings.Join(strings.Fields(plainText(text)), " ") }
