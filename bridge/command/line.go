package command

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// maxLine is the longest line a person may type, in characters (docs/reliability.md, limits).
const maxLine = 4000

// Line is a command as somebody typed it in one line.
type Line struct {
	Help   bool     // asks for help: about Words, or everything
	Words  []string // what help is asked about
	Group  string
	Verb   string
	Agent  string // of agent:HANDLE
	Values map[string]any

	// Instead is another reading of the line: "post show me" shows a post, but may have been meant as the text of one.
	Instead *bridge.Action
}

// ParseLine reads GROUP VERB and its arguments, forgivingly:
//
//	post comment cmlp0b2 "How heavy?"      values fill the arguments in order
//	dm start nova See you at dock 3        the last text takes the rest of the line
//	agent list type:CREATIVE --limit 5     name:value, --name value, --name=value
//	like last                              a short word, and the newest thing shown here
//
// Words are case-insensitive, quotation marks of any kind hold values together,
// "--" ends the options. last gives the newest thing of a kind shown in this
// place, "" where there is none; nil knows none. Problems speak the language of in. What is missing is left to the
// door's form, what is wrong to Parse.
func ParseLine(in language.Speaker, line string, last func(Source) string) (Line, *Problem) {
	line = strings.ToValidUTF8(line, "\uFFFD")
	if n := utf8.RuneCountInString(line); n > maxLine {
		return Line{}, &Problem{Code: 400, Status: "too_long", Message: in.Say("That is %d characters; a command holds %d.", n, maxLine)}
	}
	list := tokens(line)
	if len(list) == 0 || list[0].text == "?" || strings.EqualFold(list[0].text, "help") || strings.EqualFold(list[0].text, "--help") {
		l := Line{Help: true}
		for _, t := range list[min(1, len(list)):] {
			l.Words = append(l.Words, strings.ToLower(t.text))
		}
		return l, nil
	}
	spec, used := command(list)
	if spec == nil {
		second := ""
		if len(list) > 1 {
			second = list[1].text
		}
		p := unknownCommand(in, list[0].text, second)
		if !isGroup(strings.ToLower(list[0].text)) { // the rest was an argument or a text
			p.Message = in.Say("No command %q.", cut(list[0].text, 64))
		}
		return Line{}, p
	}
	if p := misspelt(in, line, list, spec, used); p != nil {
		return Line{}, p
	}
	l := Line{Group: spec.Group, Verb: spec.Verb, Values: map[string]any{}}
	rest, p := l.options(in, spec, list[used:])
	if p != nil {
		return Line{}, p
	}
	if p := l.positions(in, spec, line, rest); p != nil {
		if instead := asText(in, line, list); used == 2 && instead != nil {
			p.Buttons = append(p.Buttons, *instead)
		}
		return Line{}, p
	}
	if p := l.resolve(in, spec, last); p != nil {
		return Line{}, p
	}
	if used == 2 {
		l.Instead = asText(in, line, list)
	}
	return l, nil
}

// asText reads all behind a first word that is also a short word as its text.
func asText(in language.Speaker, line string, list []token) *bridge.Action {
	s, n := command(list[:1])
	if n != 1 || s.rest() == "" {
		return nil
	}
	text := strings.TrimSpace(line[list[1].start:])
	return &bridge.Action{Label: in.Say("%s this text", upper(s.Group)), Command: s.Name(), Args: map[string]string{s.rest(): text}}
}

// misspelt asks before "post creat hello" becomes a post of these two words.
func misspelt(in language.Speaker, line string, list []token, spec *Spec, used int) *Problem {
	if used != 1 || len(list) < 2 || list[1].quoted || !isGroup(strings.ToLower(list[0].text)) {
		return nil
	}
	typed := strings.ToLower(list[1].text)
	for _, s := range table() {
		if s.Group != spec.Group || len(s.Verb) < 5 || levenshtein.ComputeDistance(typed, s.Verb) != 1 {
			continue
		}
		p := &Problem{Code: 404, Status: "unknown_command", Message: in.Say("No command %q.", s.Group+" "+cut(typed, 64)), Hint: in.Say("Did you mean /ia %s? /ia help lists all.", s.Name())}
		if instead := asText(in, line, list); instead != nil {
			p.Buttons = []bridge.Action{*instead}
		}
		return p
	}
	return nil
}

// command finds the row that the first words name: a verb after a group wins
// over a short word, and a short word over nothing.
func command(list []token) (*Spec, int) {
	first := strings.ToLower(list[0].text)
	if len(list) > 1 && !list[1].quoted {
		if s, ok := Find(first, strings.ToLower(list[1].text)); ok {
			return s, 2
		}
	}
	all := table()
	for i := range all {
		if slices.Contains(all[i].Aliases, first) {
			s := all[i]
			return &s, 1
		}
	}
	return nil, 0
}

func isGroup(word string) bool {
	for _, s := range table() {
		if s.Group == word {
			return true
		}
	}
	return false
}

// options takes name:value and --name out and leaves the other words.
func (l *Line) options(in language.Speaker, spec *Spec, list []token) ([]token, *Problem) {
	var rest []token
	for i := 0; i < len(list); i++ {
		t := list[i]
		if t.text == "--" && !t.quoted {
			return append(rest, list[i+1:]...), nil
		}
		arg, known := spec.Arg(t.name)
		switch {
		case t.name == "" || t.quoted:
			rest = append(rest, t)
			continue
		case t.name == "agent" && !known:
			arg = Arg{Name: "agent", Complete: Agents}
		case !known && t.dashes && spec.rest() == "":
			e := unknownArg(spec, t.name)
			return nil, explain(where{in: in, spec: spec}, e)
		case !known: // words that only look like an option
			rest = append(rest, t)
			continue
		}
		value := t.value
		if !t.hasValue {
			value = "on"
			if next := i + 1; next < len(list) && (arg.Kind != Flag || isFlag(list[next].text)) {
				value, i = list[next].text, next
			} else if arg.Kind != Flag {
				return nil, &Problem{Code: 400, Status: "invalid_argument", Field: arg.Name, Message: in.Say("--%s needs a value.", arg.Name), Hint: Usage(spec)}
			}
		}
		if arg.Name == "agent" {
			l.Agent = bareHandle(value)
			continue
		}
		l.Values[arg.Name] = value
	}
	return rest, nil
}

func isFlag(s string) bool {
	v, err := parseFlag(nil, Arg{}, s)
	return err == nil && v != nil
}

// ordered are the arguments that plain words fill, in order: first those that
// must be there, then the others.
func (s *Spec) ordered() []Arg {
	var must, may []Arg
	for _, a := range s.Args {
		switch {
		case a.Hidden || a.Secret || a.Kind == Attachment:
		case a.Required:
			must = append(must, a)
		default:
			may = append(may, a)
		}
	}
	if n := len(must); n > 0 && must[n-1].takesRest() {
		return must
	}
	return append(must, may...)
}

// takesRest reports free text, which needs no quotes at the end of a line.
func (a Arg) takesRest() bool {
	return a.Kind == List || a.Kind == Text && a.Complete == "" && len(a.Choices) == 0 && (a.Long || a.Required)
}

// rest is the name of the free text that takes the rest of a line; "" for none.
func (s *Spec) rest() string {
	for i, a := range s.ordered() {
		last := i == len(s.ordered())-1 || !s.ordered()[i+1].Required
		if a.takesRest() && last {
			return a.Name
		}
	}
	return ""
}

// positions gives the plain words to the arguments that have no value yet.
func (l *Line) positions(in language.Speaker, spec *Spec, line string, words []token) *Problem {
	taker := spec.rest()
	for _, arg := range spec.ordered() {
		if len(words) == 0 {
			return nil
		}
		if _, given := l.Values[arg.Name]; given {
			continue
		}
		if arg.Name == taker {
			l.Values[arg.Name] = joined(line, words)
			return nil
		}
		l.Values[arg.Name] = words[0].text
		words = words[1:]
	}
	if len(words) == 0 {
		return nil
	}
	for _, arg := range spec.Args { // a key typed in the open: the runner refuses it with the right advice
		if _, given := l.Values[arg.Name]; arg.Secret && !given {
			l.Values[arg.Name] = joined(line, words)
			return nil
		}
	}
	if taken, ok := l.Values[taker].(string); ok && taker != "" {
		l.Values[taker] = taken + " " + joined(line, words) // text:two words
		return nil
	}
	return &Problem{Code: 400, Status: "invalid_argument", Message: in.Say("I don't know what to do with %q.", cut(words[0].text, 64)), Hint: Usage(spec)}
}

// joined gives the words as they were typed, with the spaces between them; one
// quotation alone loses its marks.
func joined(line string, words []token) string {
	if len(words) == 1 {
		return words[0].text
	}
	var b strings.Builder
	for i, t := range words {
		if i > 0 {
			gap := line[words[i-1].end:t.start]
			if strings.TrimSpace(gap) != "" { // an option stood there
				gap = " "
			}
			b.WriteString(gap)
		}
		b.WriteString(line[t.start:t.end])
	}
	return b.String()
}

// resolve puts the newest thing shown here in the place of "last".
func (l *Line) resolve(in language.Speaker, spec *Spec, last func(Source) string) *Problem {
	for _, arg := range spec.Args {
		if v, ok := l.Values[arg.Name].(string); !ok || !strings.EqualFold(v, "last") || arg.Complete == "" {
			continue
		}
		id := ""
		if last != nil {
			id = last(arg.Complete)
		}
		if id == "" {
			return &Problem{Code: 404, Status: "nothing_last", Field: arg.Name, Message: in.Say("Nothing here yet that “last” could mean for %s.", arg.Name), Hint: Usage(spec)}
		}
		l.Values[arg.Name] = id
	}
	return nil
}
