// Package archtest holds the rules of the house as a test: who may import whom,
// which library has which owner, where goroutines and init may be, and that
// every package says what it is for. The tables in rules.go are the rules;
// docs/architecture.md explains them.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/imaginebridge/imaginebridge/"

// file is one Go file of the tree as far as the rules look at it.
type file struct {
	path    string // from the root, with slashes
	room    string // its folder
	test    bool
	syntax  *ast.File
	fileSet *token.FileSet
}

// walk parses every Go file below root.
func walk(root string) ([]file, error) {
	var out []file
	fileSet := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != root || d.Name() == "testdata" || name != root && isModule(name)):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		src, err := os.ReadFile(name) //nolint:gosec // the tree under test is our own
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		syntax, err := parser.ParseFile(fileSet, rel, src, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, file{path: rel, room: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), syntax: syntax, fileSet: fileSet})
		return nil
	})
	return out, err
}

// imports returns what a file imports, with the line.
func (f file) imports() map[string]int {
	out := map[string]int{}
	for _, spec := range f.syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			out[p] = f.fileSet.Position(spec.Pos()).Line
		}
	}
	return out
}

// row returns the row of the import table that a room belongs to: its own, or
// that of its parent folder with /*.
func row(room string) (string, bool) {
	if _, ok := mayImport[room]; ok {
		return room, true
	}
	if wild := path.Dir(room) + "/*"; mayImport[wild] != nil {
		return wild, true
	}
	return "", false
}

// checkImports reports imports of ours that point where they must not, and
// libraries used by others than their owner.
func checkImports(f file) (broken []string) {
	name, ok := row(f.room)
	if !ok {
		return []string{fmt.Sprintf("%s: the room %s has no row in the import table", f.path, f.room)}
	}
	for p, line := range f.imports() {
		if inner, ours := strings.CutPrefix(p, module); ours {
			if !f.test && inner != f.room && !slices.Contains(mayImport[name], inner) && !slices.Contains(mayImport[name], "*") {
				broken = append(broken, fmt.Sprintf("%s:%d: %s may not import %s", f.path, line, f.room, inner))
			}
			continue
		}
		for library, rule := range owners {
			if (p == library || strings.HasPrefix(p, library+"/")) && !f.test && !slices.Contains(rule.rooms, f.room) {
				broken = append(broken, fmt.Sprintf("%s:%d: %s belongs to %s (%s)", f.path, line, library, strings.Join(rule.rooms, ", "), rule.why))
			}
		}
	}
	return broken
}

// checkPlaces reports go statements, init functions and testing.T sleeps in
// places that are not excused.
func checkPlaces(f file) (broken []string) {
	for _, decl := range f.syntax.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		place := f.room + " " + fn.Name.Name
		if fn.Name.Name == "init" && fn.Recv == nil && !excused(place) {
			broken = append(broken, fmt.Sprintf("%s:%d: init is hidden order; excuse %q with a reason or do without", f.path, f.line(fn), place))
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok && !f.test && !excused(place) {
				broken = append(broken, fmt.Sprintf("%s:%d: a goroutine without a known owner; excuse %q with a reason or let the caller start it", f.path, f.line(g), place))
			}
			return true
		})
	}
	return broken
}

func (f file) line(n ast.Node) int { return f.fileSet.Position(n.Pos()).Line }

func excused(place string) bool {
	_, ok := excuses[place]
	return ok
}

// checkNames reports package and file names that say nothing.
func checkNames(f file) (broken []string) {
	base := strings.TrimSuffix(path.Base(f.path), ".go")
	if slices.Contains(emptyNames, base) || slices.Contains(emptyNames, f.syntax.Name.Name) {
		broken = append(broken, fmt.Sprintf("%s: a name that says nothing; name it for its main noun or verb", f.path))
	}
	return broken
}

// isModule reports that a folder is a module of its own, which is none of ours.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}
