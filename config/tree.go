package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a configuration file in bytes, maxDepth its nesting.
const (
	maxFile  = 1 << 20
	maxDepth = 32
)

// node is a YAML value with its place, freed of the library's many node types.
type node struct {
	line, column int
	keys         []entry // of a mapping
	items        []*node // of a list
	text         string  // of a scalar
	kind         nodeKind
}

type entry struct {
	name         string
	line, column int
	value        *node
}

type nodeKind int

const (
	scalar nodeKind = iota
	mapping
	list
	null
)

// parseTree reads YAML into nodes. Problems go to the report; nil means there
// is nothing to go on with.
func (r *report) parseTree(src []byte) *node {
	if len(src) > maxFile {
		r.fault(1, 1, fmt.Sprintf("the file has %d bytes; a configuration may have %d.", len(src), maxFile))
		return nil
	}
	number := 0
	for line := range strings.SplitSeq(string(src), "\n") {
		number++
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if i := strings.IndexByte(indent, '\t'); i >= 0 && strings.TrimSpace(line) != "" {
			r.fault(number, i+1, "tabs can't indent YAML; use spaces.")
			return nil
		}
	}
	file, err := parseYAML(src)
	if err != nil {
		r.syntax(err)
		return nil
	}
	switch {
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return &node{kind: mapping}
	case len(file.Docs) > 1:
		r.fault(1, 1, "a configuration is one YAML document; remove what follows the second ---.")
		return nil
	}
	return r.convert(file.Docs[0].Body, 0)
}

// parseYAML turns a panic of the library on odd input into an error.
func parseYAML(src []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the YAML library gave up")
		}
	}()
	return parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
}

// syntax reports an error of the YAML library with the place it names.
func (r *report) syntax(err error) {
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil {
		at := e.GetToken().Position
		r.fault(at.Line, at.Column, "not valid YAML: "+inWords(e.GetMessage())+".")
		return
	}
	r.fault(1, 1, "not valid YAML.")
}

// inWords says what people mean by an error of the YAML library that they meet
// often.
func inWords(message string) string {
	if strings.HasPrefix(message, "non-map value is specified") {
		return "a key ends with a colon and a space, such as \"handle: luna\""
	}
	return message
}

// fault reports a problem of the file itself.
func (r *report) fault(line, column int, text string) {
	r.problems = append(r.problems, Problem{Place: fmt.Sprintf("%s:%d:%d: ", r.file, line, column), Text: text, line: line, column: column})
}

func (r *report) convert(in ast.Node, depth int) *node {
	line, column := place(in)
	out := &node{line: line, column: column}
	if depth > maxDepth {
		r.fault(line, column, fmt.Sprintf("nested deeper than %d levels.", maxDepth))
		return out
	}
	switch v := in.(type) {
	case *ast.MappingNode:
		out.kind = mapping
		for _, pair := range v.Values {
			r.convertPair(out, pair, depth)
		}
	case *ast.MappingValueNode:
		out.kind = mapping
		r.convertPair(out, v, depth)
	case *ast.SequenceNode:
		out.kind = list
		for _, item := range v.Values {
			out.items = append(out.items, r.convert(item, depth+1))
		}
	case *ast.NullNode:
		out.kind = null
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		out.kind = null
		r.fault(line, column, "anchors, aliases and tags are not read here; write the value out.")
	case *ast.LiteralNode:
		out.text = v.Value.Value
	case *ast.StringNode:
		out.text = v.Value
	case ast.ScalarNode:
		out.text = v.GetToken().Value
	default:
		out.kind = null
		r.fault(line, column, "this kind of YAML value is not read here; write it plainly.")
	}
	return out
}

func (r *report) convertPair(out *node, pair *ast.MappingValueNode, depth int) {
	key := pair.Key.GetToken()
	name := key.Value
	value := &node{kind: null, line: key.Position.Line, column: key.Position.Column}
	if pair.Value != nil {
		value = r.convert(pair.Value, depth+1)
	}
	out.keys = append(out.keys, entry{name: name, line: key.Position.Line, column: key.Position.Column, value: value})
}

func place(n ast.Node) (line, column int) {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1, 1
	}
	// A mapping's own token is its first colon; its first key is where it begins.
	switch v := n.(type) {
	case *ast.MappingNode:
		if len(v.Values) > 0 && !v.IsFlowStyle {
			return place(v.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return place(v.Key)
	}
	at := n.GetToken().Position
	return at.Line, at.Column
}
