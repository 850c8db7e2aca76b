package bridge

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/vm"

	"github.com/imaginebridge/imaginebridge/events"
)

// Filter is a compiled expression over an event, such as
//
//	data.actor.verified and len(data.post.hashtags) > 0
//
// It sees the names agent, family ("notification"), type ("like"), id, source,
// subject, time and data, whose fields are spelled as in the event's JSON. Absent
// texts are empty, absent numbers 0, absent objects have empty fields. A kind
// that has no such field at all is let through: the event patterns choose kinds,
// the filter chooses among those it can judge.
//
// The language is that of expr-lang.org without loops inside loops, ranges, the
// current time and anything else that is neither pure nor bounded.
type Filter struct {
	text    string
	program *vm.Program
}

// Bounds of a filter. Lists are cut at maxItems so that a loop is short; no post
// holds as many of anything.
const (
	maxFilterText  = 2000
	maxFilterNodes = 500
	maxItems       = 256
)

// fieldFunc is what a member of data is read by when a filter runs.
const fieldFunc = "__field"

// errAbsent says that the event's kind lacks a field which the filter names.
var errAbsent = errors.New("this kind of event has no such field")

// CompileFilter compiles an expression for the kinds of events that the patterns
// cover. Errors are of type *FilterError and name what is wrong, where, and the
// nearest right word.
func CompileFilter(text string, patterns []string) (*Filter, error) {
	if len(text) > maxFilterText {
		return nil, &FilterError{Reason: fmt.Sprintf("the filter has %d bytes of at most %d.", len(text), maxFilterText)}
	}
	env := envOf(patterns)
	bounds := &bounded{}
	options := []expr.Option{expr.AsBool(), expr.MaxNodes(maxFilterNodes), expr.Patch(bounds), builtins}
	_, err := expr.Compile(text, append(options, expr.Env(env))...)
	if bounds.err != nil {
		return nil, bounds.err
	}
	if err != nil {
		return nil, explain(text, patterns, env, err)
	}
	// Checked above; this time for running, with a function that tells a field
	// which is absent from one that is empty.
	program, err := expr.Compile(text, append(options,
		expr.AllowUndefinedVariables(), expr.Function(fieldFunc, field), expr.Patch(absentFields{}))...)
	if err != nil {
		return nil, explain(text, patterns, env, err)
	}
	return &Filter{text: text, program: program}, nil
}

// String returns the expression as it was written.
func (f *Filter) String() string {
	if f == nil {
		return ""
	}
	return f.text
}

// Match reports whether the filter lets the event through. An error says that it
// broke on this event, which is then let through.
func (f *Filter) Match(e events.Event) (bool, error) {
	if f == nil {
		return true, nil
	}
	out, err := expr.Run(f.program, valuesOf(e))
	switch {
	case errors.Is(err, errAbsent):
		return true, nil
	case err != nil:
		return true, &FilterError{Reason: "broke on " + e.Name() + ": " + brief(err)}
	}
	through, ok := out.(bool)
	return through || !ok, nil
}

// builtins leaves only what is pure, cheap and about texts and lists.
func builtins(c *conf.Config) {
	expr.DisableAllBuiltins()(c)
	for _, name := range [...]string{
		"all", "any", "none", "one", "count", "len", "lower", "upper", "trim", "date", "int", "float", "string", "abs", "min", "max",
	} {
		expr.EnableBuiltin(name)(c)
	}
}

// bounded refuses what could run long or see what it should not.
type bounded struct {
	err error
}

// Visit implements ast.Visitor, children first.
func (b *bounded) Visit(n *ast.Node) {
	at := func(what string) { b.err = &FilterError{Line: 1, Column: (*n).Location().From + 1, Reason: what} }
	switch node := (*n).(type) {
	case *ast.BinaryNode:
		if node.Operator == ".." {
			at(`a range ("..") is not for filters.`)
		}
	case *ast.IdentifierNode:
		if node.Value == "$env" {
			at(`"$env" is not for filters; name the field itself.`)
		}
	case *ast.PredicateNode:
		inner := &loopFinder{}
		ast.Walk(&node.Node, inner)
		if inner.found {
			at("a loop inside a loop is not for filters.")
		}
	}
}

type loopFinder struct{ found bool }

// Visit implements ast.Visitor.
func (l *loopFinder) Visit(n *ast.Node) {
	if _, is := (*n).(*ast.PredicateNode); is {
		l.found = true
	}
}

// absentFields makes data.x a call that fails where there is no x.
type absentFields struct{}

// Visit implements ast.Visitor.
func (absentFields) Visit(n *ast.Node) {
	m, ok := (*n).(*ast.MemberNode)
	if !ok {
		return
	}
	if root, ok := m.Node.(*ast.IdentifierNode); ok && root.Value == "data" {
		ast.Patch(n, &ast.CallNode{Callee: &ast.IdentifierNode{Value: fieldFunc}, Arguments: []ast.Node{m.Node, m.Property}})
	}
}

func field(params ...any) (any, error) {
	data, ok := params[0].(map[string]any)
	if !ok {
		return nil, errAbsent
	}
	name, _ := params[1].(string)
	v, ok := data[name]
	if !ok {
		return nil, errAbsent
	}
	return v, nil
}
