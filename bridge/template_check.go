package bridge

import (
	"errors"
	"fmt"
	"strings"
	"text/template/parse"

	"github.com/expr-lang/expr/types"
)

// templateCheck looks at every part of a template, also at those that no example
// reaches: it refuses loops and names fields that no event of the kinds has.
type templateCheck struct {
	patterns []string
	err      error
}

// node looks at a node; top says that the dot is the event itself there.
func (c *templateCheck) node(n parse.Node, top bool) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				c.node(child, top)
			}
		}
	case *parse.ActionNode:
		c.pipe(n.Pipe, top)
	case *parse.IfNode:
		c.pipe(n.Pipe, top)
		c.node(n.List, top)
		c.node(n.ElseList, top)
	case *parse.WithNode:
		c.pipe(n.Pipe, top)
		c.node(n.List, false)
		c.node(n.ElseList, top)
	case *parse.TextNode, *parse.CommentNode:
	default:
		c.refuse(n.String(), "there are no loops and no templates inside templates; join makes a text of a list")
	}
}

func (c *templateCheck) pipe(p *parse.PipeNode, top bool) {
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args {
			switch arg := arg.(type) {
			case *parse.FieldNode:
				if top {
					c.field(arg.Ident)
				}
			case *parse.VariableNode:
				if arg.Ident[0] == "$" {
					c.field(arg.Ident[1:])
				}
			case *parse.PipeNode:
				c.pipe(arg, top)
			case *parse.ChainNode:
				if inner, is := arg.Node.(*parse.PipeNode); is {
					c.pipe(inner, top)
				}
			}
		}
	}
}

// field follows names from the event to a field of one of the kinds.
func (c *templateCheck) field(path []string) {
	var at types.Type = envOf(c.patterns)
	for i, name := range path {
		inside, is := at.(types.Map)
		if !is {
			return // what is there is decided by running it
		}
		next, known := inside[name]
		if known {
			at = next
			continue
		}
		var names []string
		for candidate := range inside {
			names = append(names, candidate)
		}
		reason := fmt.Sprintf("%q does not exist for %s", strings.Join(path[:i+1], "."), strings.Join(c.patterns, ", "))
		if near := nearest(name, names); near != "" {
			reason += fmt.Sprintf("; did you mean %q?", near)
		}
		c.refuse("", reason)
		return
	}
}

func (c *templateCheck) refuse(where, reason string) {
	switch {
	case c.err != nil:
	case where == "":
		c.err = errors.New(reason)
	default:
		c.err = fmt.Errorf("%s: %s", shorten(oneLine(where), maxName), reason)
	}
}
