package command

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/imaginebridge/imaginebridge/internal/language"
)

// ArgError is an argument that was refused before anything was sent.
type ArgError struct {
	Spec   *Spec
	Arg    string          // its name; "" where several are concerned
	Got    int             // the value's size where a limit decided, else 0
	Limit  int             // that limit, else 0
	Status string          // a stable word: too_long, required, unknown_argument, wrong_type, not_a_choice, out_of_range, empty, one_of, secret_in_open, key_in_text, file, not_a_time, passed, too_far
	Reason language.Phrase // one or two sentences
	Hint   language.Phrase // the next step
}

// Error is the sentence.
func (e *ArgError) Error() string { return e.Reason.String() }

// Parse checks a command's arguments and gives them typed, defaults filled in.
// A string may stand for any kind of value, since most doors have nothing else;
// numbers and booleans may come as JSON has them. The error is the first wrong
// argument in the order of the table, as an *ArgError.
func Parse(spec *Spec, values map[string]any, files map[string][]File) (Args, error) {
	out := Args{values: map[string]any{}, files: map[string][]File{}}
	for _, name := range sortedKeys(values, files) {
		if _, ok := spec.Arg(name); !ok && name != Form {
			return Args{}, unknownArg(spec, name)
		}
	}
	for _, arg := range spec.Args {
		if arg.Kind == Attachment {
			if err := parseFiles(spec, arg, files[arg.Name]); err != nil {
				return Args{}, err
			}
			if len(files[arg.Name]) > 0 {
				out.files[arg.Name] = files[arg.Name]
			}
			continue
		}
		v, given := values[arg.Name]
		if !given || v == nil {
			if arg.Default == "" {
				continue
			}
			v = arg.Default
		}
		value, err := parseValue(spec, arg, v)
		if err != nil {
			return Args{}, err
		}
		if value != nil {
			out.values[arg.Name] = value
		}
	}
	return out, together(spec, out)
}

// together checks what concerns several arguments: required, exactly one, at least one.
func together(spec *Spec, a Args) error {
	for _, arg := range spec.Args {
		if arg.Required && !a.Has(arg.Name) {
			return &ArgError{Spec: spec, Arg: arg.Name, Status: "required", Reason: phrase("%s is required%s", arg.Name, bracketed(arg.holds()))}
		}
	}
	given := func(names []string) int {
		n := 0
		for _, name := range names {
			if a.Has(name) {
				n++
			}
		}
		return n
	}
	if len(spec.OneOf) > 0 && given(spec.OneOf) != 1 {
		return &ArgError{Spec: spec, Status: "one_of", Reason: phrase("Give one of %s, and only one.", anyOf(spec.OneOf))}
	}
	if len(spec.AnyOf) > 0 && given(spec.AnyOf) == 0 {
		if spec.Empty != "" {
			return &ArgError{Spec: spec, Arg: spec.AnyOf[0], Status: "empty", Reason: phrase(spec.Empty)}
		}
		return &ArgError{Spec: spec, Status: "required", Reason: phrase("Give at least one of %s.", anyOf(spec.AnyOf))}
	}
	return nil
}

func bracketed(p language.Phrase) language.Phrase {
	if p.IsZero() || p.String() == "" {
		return language.Phrase{}
	}
	return phrase(" (%s)", p)
}

func unknownArg(spec *Spec, name string) *ArgError {
	var names []string
	for _, a := range spec.Args {
		if !a.Hidden {
			names = append(names, a.Name)
		}
	}
	e := &ArgError{Spec: spec, Arg: cut(name, 64), Status: "unknown_argument", Reason: phrase("%s has no argument %q.", spec.Name(), cut(name, 64))}
	switch near := nearest(name, names); {
	case near != "":
		e.Hint = phrase("Did you mean %q?", near)
	case len(names) > 0:
		e.Hint = phrase("It takes %s.", allOf(names))
	default:
		e.Hint = phrase("It takes none.")
	}
	return e
}

// parseValue gives the typed value; nil where there is nothing.
func parseValue(spec *Spec, arg Arg, v any) (any, error) {
	switch arg.Kind {
	case Text:
		return parseText(spec, arg, v)
	case Integer, Number:
		return parseNumber(spec, arg, v)
	case Flag:
		return parseFlag(spec, arg, v)
	case List:
		return parseList(spec, arg, v)
	case Attachment:
	}
	return nil, wrongType(spec, arg)
}

func wrongType(spec *Spec, arg Arg) *ArgError {
	want := map[Kind]string{Text: "text", Integer: "a whole number", Number: "a number", Flag: "on or off", Attachment: "a file", List: "a list of words"}
	return &ArgError{Spec: spec, Arg: arg.Name, Status: "wrong_type", Reason: phrase("%s is %s%s.", arg.Name, phrase(want[arg.Kind]), bracketed(arg.holds()))}
}

func parseText(spec *Spec, arg Arg, v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		switch n := v.(type) {
		case float64, int, int64, json.Number, bool:
			if arg.Complete == "" && len(arg.Choices) == 0 {
				return nil, wrongType(spec, arg)
			}
			s = typed(n) // an id or a word that a program took for a number
		default:
			return nil, wrongType(spec, arg)
		}
	}
	s = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD"))
	if blank(s) {
		if arg.Clears && s == "" {
			return s, nil
		}
		return nil, nil
	}
	switch arg.Complete {
	case Handles, Agents:
		s = bareHandle(s)
	case Tags:
		s = strings.TrimLeft(s, "#＃")
	case Posts:
		s = pastedID(s, "post")
	default:
	}
	if len(arg.Choices) > 0 {
		i := slices.IndexFunc(arg.Choices, func(c string) bool { return strings.EqualFold(c, s) })
		if i < 0 {
			return nil, notAChoice(spec, arg, s)
		}
		return arg.Choices[i], nil
	}
	n := units(s)
	switch {
	case arg.Max > 0 && n > int(arg.Max):
		return nil, tooLong(spec, arg, n)
	case n < int(arg.Min):
		return nil, &ArgError{Spec: spec, Arg: arg.Name, Got: n, Limit: int(arg.Min), Status: "out_of_range", Reason: phrase("%s is too short%s.", arg.Name, bracketed(arg.holds()))}
	}
	return s, nil
}

// tooLong words a text over its limit by what holds it.
func tooLong(spec *Spec, arg Arg, n int) *ArgError {
	e := &ArgError{Spec: spec, Arg: arg.Name, Got: n, Limit: int(arg.Max), Status: "too_long"}
	if arg.Holder != "" {
		e.Reason = phrase("That is %d characters; %s holds %d.", n, phrase(arg.Holder), e.Limit)
	} else {
		e.Reason = phrase("The %s has %d characters of %d.", strings.ReplaceAll(arg.Name, "_", " "), n, e.Limit)
	}
	return e
}

func notAChoice(spec *Spec, arg Arg, got string) *ArgError {
	e := &ArgError{Spec: spec, Arg: arg.Name, Status: "not_a_choice", Reason: phrase("%s is one of %s.", arg.Name, anyOf(arg.Choices))}
	if near := nearest(got, arg.Choices); near != "" {
		e.Hint = phrase("Did you mean %q?", near)
	}
	return e
}

func parseNumber(spec *Spec, arg Arg, v any) (any, error) {
	var f float64
	switch n := v.(type) {
	case float64:
		f = n
	case int:
		f = float64(n)
	case int64:
		f = float64(n)
	case json.Number:
		return parseNumber(spec, arg, n.String())
	case string:
		if strings.TrimSpace(n) == "" {
			return nil, nil
		}
		var err error
		if f, err = strconv.ParseFloat(strings.TrimSpace(n), 64); err != nil {
			return nil, wrongType(spec, arg)
		}
	default:
		return nil, wrongType(spec, arg)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) || arg.Kind == Integer && f != math.Trunc(f) {
		return nil, wrongType(spec, arg)
	}
	if f < arg.Min || arg.Max > 0 && f > arg.Max {
		return nil, &ArgError{Spec: spec, Arg: arg.Name, Status: "out_of_range", Reason: phrase("%s goes from %v to %v.", arg.Name, number(arg.Min), number(arg.Max))}
	}
	if arg.Kind == Integer {
		return int(f), nil
	}
	return f, nil
}

func parseFlag(spec *Spec, arg Arg, v any) (any, error) {
	switch b := v.(type) {
	case bool:
		return b, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(b)) {
		case "":
			return nil, nil
		case "on", "yes", "true", "y", "1", "ja", "an":
			return true, nil
		case "off", "no", "false", "n", "0", "nein", "aus":
			return false, nil
		}
	}
	return nil, wrongType(spec, arg)
}

func parseList(spec *Spec, arg Arg, v any) (any, error) {
	var words []string
	switch l := v.(type) {
	case string:
		words = strings.FieldsFunc(l, func(r rune) bool { return r == ',' || r == ';' || arg.Complete != "" && unicode.IsSpace(r) })
	case []string:
		words = slices.Clone(l)
	case []any:
		for _, w := range l {
			s, ok := w.(string)
			if !ok {
				return nil, wrongType(spec, arg)
			}
			words = append(words, s)
		}
	default:
		return nil, wrongType(spec, arg)
	}
	for i, w := range words {
		words[i] = strings.TrimSpace(strings.ToValidUTF8(w, "\uFFFD"))
	}
	words = slices.DeleteFunc(words, blank)
	switch n := len(words); {
	case n == 0 && arg.Clears:
		return []string{}, nil
	case n == 0:
		return nil, nil
	case arg.Max > 0 && n > int(arg.Max), n < int(arg.Min):
		return nil, &ArgError{Spec: spec, Arg: arg.Name, Got: n, Limit: int(arg.Max), Status: "out_of_range", Reason: phrase("%s holds %s entries; there are %d.", arg.Name, arg.holds(), n)}
	}
	return words, nil
}

// holds says what a value may be: "1–500 characters", "1–100", "a or b".
func (a Arg) holds() language.Phrase {
	var span language.Phrase
	switch {
	case a.Complete != "" && a.Kind == Text: // an id or a handle: its length tells nobody anything
	case a.Max > 0 && a.Min == 0 && (a.Kind == Text || a.Kind == List):
		span = phrase("up to %v", number(a.Max))
	case a.Max > 0 && a.Max != a.Min:
		span = phrase("%v–%v", number(a.Min), number(a.Max))
	case a.Max > 0:
		span = phrase("%v", number(a.Max))
	}
	switch {
	case len(a.Choices) > 0:
		return anyOf(a.Choices)
	case span.IsZero(), a.Kind == Attachment, a.Kind == Flag:
		return language.Phrase{}
	case a.Kind == Text:
		return phrase("%s characters", span)
	}
	return span
}

// units counts text as the API does: in UTF-16 units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// blank reports a text of nothing but spaces and characters without width.
func blank(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) }) < 0
}
