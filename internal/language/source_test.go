package language

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rooms are the files that say sentences to people through the catalogues;
// sources have words that those pass on.
var (
	rooms = []string{
		"bridge/command/*.go", "bridge/layout*.go", "bridge/cards.go", "bridge/fold.go", "bridge/digest.go", "bridge/notice.go", "bridge/preset.go",
		"sinks/slack/answer.go", "sinks/slack/card.go", "sinks/slack/commands.go", "sinks/slack/draft.go", "sinks/slack/form*.go", "sinks/slack/home.go", "sinks/slack/interact.go", "sinks/slack/pages.go", "sinks/slack/said.go",
		"sinks/web/deed.go", "sinks/web/form.go", "sinks/web/lanes.go", "sinks/web/lists.go", "sinks/web/overview.go", "sinks/web/pages.go", "sinks/web/setting.go", "sinks/web/status.go", "sinks/web/voice.go",
		"sinks/discord/answer.go", "sinks/discord/commands.go", "sinks/discord/form.go", "sinks/discord/help.go", "sinks/discord/live.go", "sinks/discord/menu.go", "sinks/discord/visit.go", "sinks/discord/welcome.go", "sinks/discord/wizard*.go",
	}
	sources = []string{"internal/imagine/*.go", "sinks/web/*.go", "sinks/discord/*.go", "sinks/slack/*.go"}

	// programs are files whose words the authors of programs read, in English.
	programs = []string{"given.go", "schema.go"}
)

// said are the functions whose argument at that place is a sentence or a word
// for people; counts are those where it is a noun that is counted.
var (
	said = map[string][]int{
		"Say": {0}, "say": {0}, "Word": {0}, "phrase": {0}, "Later": {0}, "success": {0}, "line": {1}, "said": {1},
		"press": {0}, "open": {0}, "add": {0}, "form": {0}, "next": {0}, "drop": {0}, "generate": {0}, "changed": {0}, "again": {0}, "edit": {0}, "field": {0},
		"idArg": {1}, "choiceArg": {1}, "handleArg": {1}, "textArg": {0}, "making": {1}, "many": {1}, "file": {0}, "onPost": {1, 2}, "ofAgent": {1}, "likes": {1}, "wrong": {1}, "change": {2},
		"headline": {0}, "applause": {2}, "fact": {0}, "stage": {2},
	}
	counts = map[string]int{"Count": 1, "Counted": 1, "counted": 1, "found": 2, "pageReply": 2, "part": 1}
	fields = map[string]bool{"Summary": true, "Holder": true, "Question": true, "Failed": true, "Again": true, "Empty": true, "Label": true, "Message": true, "Hint": true, "Reason": true, "Title": true, "Footnote": true}
)

// machine are the functions whose words programs and operators read.
var machine = regexp.MustCompile(`^(Errorf|New|Error|Warn|Info|Debug)(Context)?$`)

// buttons are functions whose arguments but the first are commands and values.
var buttons = regexp.MustCompile(`^(press|add|form|next|drop)$`)

// excuses are words that stay English, each with the reason.
var excuses = map[string]string{
	"Reply on ImagineAnything": menuNames, "Share as post": menuNames,
	"byte %d: unexpected %s": jsonWords, "byte %d: the JSON ends too early": jsonWords, "the arguments are not a JSON object": jsonWords, "unexpected end": jsonWords,
	`send an object such as {"text":"hello"}`: jsonWords,
	": /ia connect": doorWords, "/ia connect": doorWords, "/ia setup": doorWords, "imaginebridge do ": doorWords, "imaginebridge do --help": doorWords, "/ia help": doorWords,
	"(asks for the ": "usage lines are the same everywhere",
	"/ia dead list":  doorWords, "/ia help ": doorWords, "/ia notify list": doorWords, "imaginebridge dead list": doorWords, "rate limit": serviceWords, "timed out": serviceWords,
	"So many at most: not all of them need have been for this subscription.": "an outcome, for the audit",
}

const (
	menuNames    = "names of commands in a message's menu stay, as all names of commands"
	serviceWords = "what providers say, not we"
	jsonWords    = "programs send JSON, and their authors read what is wrong with it"
	doorWords    = "how a door calls commands, not a sentence"
)

// sentence is what looks like words for people.
var sentence = regexp.MustCompile(`[A-Za-z’']{2,},? [a-zA-Z]{2,}`)

// source is what the code says.
type source struct {
	literals  map[string]bool
	sentences map[string]string // by the place where each is first
	nouns     map[string]string
	listed    []string // nouns of which there may be none
}

// derived are keys that the code puts together.
func (s source) derived(text string) bool {
	state := strings.ToUpper(strings.ReplaceAll(text, " ", "_")) // as the API names it
	return slices.Contains(months, text) || s.literals[state] || strings.HasPrefix(text, "%[1]d %[2]s") || s.literals[strings.ToLower(text[:1])+text[1:]]
}

var months = []string{
	"Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
	"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
}

func readSource(t *testing.T) *source {
	t.Helper()
	out := &source{literals: map[string]bool{}, sentences: map[string]string{}, nouns: map[string]string{}}
	for _, room := range append(rooms, sources...) {
		files, err := filepath.Glob(filepath.Join("../..", room))
		require.NoError(t, err)
		require.NotEmpty(t, files, room)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			require.NoError(t, err)
			w := walk{source: out, set: set, quiet: map[ast.Node]bool{}, wordsOnly: slices.Contains(sources, room) || slices.Contains(programs, filepath.Base(name))}
			ast.Inspect(file, w.visit)
		}
	}
	readTemplates(t, out)
	return out
}

type walk struct {
	*source

	set   *token.FileSet
	quiet map[ast.Node]bool // literals that no person reads

	wordsOnly bool // what is said here need not be translated
}

func (w walk) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec, *ast.StructType:
		return false
	case *ast.CallExpr:
		w.call(n)
	case *ast.KeyValueExpr:
		w.field(n)
	case *ast.CompositeLit:
		w.fact(n)
	case *ast.BasicLit:
		if text, ok := text(n); ok {
			w.literals[text] = true
			if !w.quiet[n] && sentence.MatchString(verb.ReplaceAllString(text, "")) {
				w.keep(w.sentences, n)
			}
		}
	}
	return true
}

func (w walk) call(n *ast.CallExpr) {
	name := ""
	switch f := n.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.IndexExpr:
		if id, ok := f.X.(*ast.Ident); ok {
			name = id.Name
		}
	}
	if machine.MatchString(name) {
		for _, a := range n.Args {
			w.quiet[a] = true
		}
	}
	if buttons.MatchString(name) {
		for _, a := range n.Args[min(1, len(n.Args)):] {
			w.quiet[a] = true
		}
	}
	for _, i := range said[name] {
		if i < len(n.Args) {
			w.keep(w.sentences, n.Args[i])
		}
	}
	if i, ok := counts[name]; ok && i < len(n.Args) {
		w.keep(w.nouns, n.Args[i])
		if noun, ok := text(n.Args[i]); ok && i == 2 {
			w.listed = append(w.listed, noun)
		}
	}
}

func (w walk) field(n *ast.KeyValueExpr) {
	key, _ := n.Key.(*ast.Ident)
	switch {
	case key == nil:
	case key.Name == "Calls", key.Name == "Command":
		ast.Inspect(n.Value, func(n ast.Node) bool {
			if n != nil {
				w.quiet[n] = true
			}
			return true
		})
	case fields[key.Name]:
		w.keep(w.sentences, n.Value)
	}
}

// fact keeps the names of facts: {Name: "Followers", Value: …}.
func (w walk) fact(n *ast.CompositeLit) {
	of := map[string]ast.Expr{}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok {
				of[key.Name] = kv.Value
			}
		}
	}
	if of["Name"] != nil && of["Value"] != nil {
		w.keep(w.sentences, of["Name"])
	}
}

func (w walk) keep(list map[string]string, n ast.Node) {
	if w.wordsOnly {
		return
	}
	if s, ok := text(n); ok && strings.IndexFunc(verb.ReplaceAllString(s, ""), isLetter) >= 0 && list[s] == "" {
		list[s] = w.set.Position(n.Pos()).String()
	}
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func text(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil && s != ""
}
