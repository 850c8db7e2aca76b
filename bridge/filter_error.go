package bridge

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
)

// FilterError says what is wrong with a filter, in a sentence for people.
type FilterError struct {
	Line, Column int // in the expression, from 1; 0 where no place is to blame
	Reason       string
}

// Error implements error.
func (e *FilterError) Error() string { return e.Reason }

// explain turns the library's error into ours.
func explain(text string, patterns []string, env types.Map, err error) *FilterError {
	f, ok := errors.AsType[*file.Error](err)
	if !ok {
		if got, is := strings.CutPrefix(err.Error(), "expected bool, but got "); is {
			return &FilterError{Reason: "a filter is true or false; this one is " + typeName(got) + "."}
		}
		return &FilterError{Reason: brief(err) + "."}
	}
	out := &FilterError{Line: f.Line, Column: f.Column + 1}
	if strings.HasPrefix(f.Message, "unknown name ") || strings.Contains(f.Message, "unknown field ") {
		if reason := unknown(text, patterns, env, f.From); reason != "" {
			out.Reason = reason
			return out
		}
	}
	if f.Message == "unexpected token EOF" {
		return ended(text)
	}
	out.Reason = out.place() + sentence(f.Message)
	return out
}

// ended is the error of an expression that breaks off: the place is where the
// next word would stand.
func ended(text string) *FilterError {
	words := strings.Fields(text)
	if len(words) == 0 {
		return &FilterError{Line: 1, Column: 1, Reason: "the filter is empty; leave it out to let everything through."}
	}
	trimmed := strings.TrimRight(text, " \t\r\n")
	last := trimmed[strings.LastIndexByte(trimmed, '\n')+1:]
	out := &FilterError{Line: strings.Count(trimmed, "\n") + 1, Column: utf8.RuneCountInString(last) + 2}
	out.Reason = out.place() + fmt.Sprintf("a value is missing after %q.", words[len(words)-1])
	if word := words[len(words)-1]; strings.Count(text, "(") > strings.Count(text, ")") && !strings.ContainsAny(word[len(word)-1:], "=<>+-*/%&|(,") {
		out.Reason = out.place() + `a closing ")" is missing.`
	}
	return out
}

func (e *FilterError) place() string {
	if e.Line > 1 {
		return fmt.Sprintf("line %d, column %d: ", e.Line, e.Column)
	}
	return fmt.Sprintf("column %d: ", e.Column)
}

var (
	mismatch = regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types? (.+?)(?: and (.+))?\)$`)
	token    = regexp.MustCompile(`^unexpected token \w+\("(.*)"\)`)
)

// sentence words the library's message for people.
func sentence(message string) string {
	if m := mismatch.FindStringSubmatch(message); m != nil && m[3] != "" {
		return fmt.Sprintf("%q does not go with %s and %s.", m[1], typeName(m[2]), typeName(m[3]))
	}
	if m := token.FindStringSubmatch(message); m != nil {
		if m[1] == "=" {
			return `"=" is not a comparison; write "==".`
		}
		return fmt.Sprintf("%q is not expected here.", m[1])
	}
	if message == "literal not terminated" {
		return "a closing quote is missing."
	}
	if reason, is := strings.CutPrefix(message, "error parsing regexp: "); is {
		return "not a regular expression: " + reason + "."
	}
	return strings.TrimSuffix(message, ".") + "."
}

// typeName says a Go type in words.
func typeName(name string) string {
	switch {
	case name == "bool":
		return "true or false"
	case name == "string":
		return "a text"
	case strings.HasPrefix(name, "int"), strings.HasPrefix(name, "float"):
		return "a number"
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case strings.HasPrefix(name, "map["):
		return "an object"
	case name == "time.Time":
		return "a time"
	case name == "<nil>", name == "nil":
		return "nothing"
	}
	return name
}

// unknown names the field or name at the offset that does not exist, and the
// nearest that does; "" when it can't tell.
func unknown(text string, patterns []string, env types.Map, offset int) string {
	tree, err := parser.Parse(text)
	if err != nil {
		return ""
	}
	finder := &nameFinder{env: env, offset: offset}
	ast.Walk(&tree.Node, finder)
	if finder.builtin != "" {
		return fmt.Sprintf("%q is not for filters.", finder.builtin)
	}
	if finder.path == "" {
		return ""
	}
	reason := fmt.Sprintf("%q does not exist for %s", finder.path, strings.Join(patterns, ", "))
	if near := nearest(finder.name, finder.candidates); near != "" {
		return fmt.Sprintf("%s; did you mean %q?", reason, near)
	}
	return reason + "; there are " + strings.Join(slices.Sorted(slices.Values(finder.candidates)), ", ") + "."
}

// nameFinder finds the node whose name stands at an offset, and which names
// could stand there.
type nameFinder struct {
	env        types.Map
	offset     int
	path, name string
	candidates []string
	builtin    string // of the language, switched off
}

// Visit implements ast.Visitor.
func (f *nameFinder) Visit(n *ast.Node) {
	switch node := (*n).(type) {
	case *ast.BuiltinNode:
		if node.Location().From == f.offset {
			f.builtin = node.Name
		}
	case *ast.IdentifierNode:
		if node.Location().From == f.offset {
			f.found(node.Value, node.Value, f.env)
		}
	case *ast.MemberNode:
		name, ok := node.Property.(*ast.StringNode)
		if !ok || node.Property.Location().From != f.offset && node.Location().From != f.offset {
			return
		}
		if inside, ok := f.typeOf(node.Node).(types.Map); ok {
			f.found(node.Node.String()+"."+name.Value, name.Value, inside)
		}
	}
}

func (f *nameFinder) found(path, name string, in types.Map) {
	f.path, f.name, f.candidates = path, name, nil
	for candidate := range in {
		f.candidates = append(f.candidates, candidate)
	}
}

// typeOf follows names from the top; nil where it can't.
func (f *nameFinder) typeOf(n ast.Node) types.Type {
	switch node := n.(type) {
	case *ast.IdentifierNode:
		return f.env[node.Value]
	case *ast.ChainNode:
		return f.typeOf(node.Node)
	case *ast.MemberNode:
		name, ok := node.Property.(*ast.StringNode)
		inside, isMap := f.typeOf(node.Node).(types.Map)
		if ok && isMap {
			return inside[name.Value]
		}
	}
	return nil
}

// nearest returns the candidate with the fewest changes from name, or "" when
// none is near.
func nearest(name string, candidates []string) string {
	best, least := "", max(1, len(name)/2)+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// brief is the first line of the library's error, without its drawing.
func brief(err error) string {
	if f, ok := errors.AsType[*file.Error](err); ok {
		return f.Message
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
