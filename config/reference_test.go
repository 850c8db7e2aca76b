package config

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/golden"
)

//go:generate go test -run TestReferencePage . -update

// TestReferencePage holds docs/config.md to the structs and their comments.
func TestReferencePage(t *testing.T) {
	t.Parallel()
	intro, err := os.ReadFile("testdata/reference.md")
	require.NoError(t, err)
	p := page{t: t, comments: fieldComments(t), examples: exampleValues(t)}
	p.WriteString("<!-- Generated from config/config.go by `go generate ./config`. -->\n\n")
	p.Write(intro)
	p.groups()
	p.variables()
	golden.Equal(t, "../docs/config.md", []byte(p.String()))
}

// example is the file with every key.
const example = "testdata/example.yaml"

func TestTheExampleOfTheReferencePageIsGood(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(example)
	require.NoError(t, err)
	env := func(name string) (string, bool) {
		v, ok := map[string]string{
			"DISCORD_BOT_TOKEN": "a.b.c", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "s", "SLACK_CLIENT_SECRET": "s",
			"IMAGINEANYTHING_CLIENT_ID": "id",
		}[name]
		return v, ok
	}
	secret := func(string) ([]byte, fs.FileMode, error) {
		return []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), 0o600, nil
	}
	_, err = Load(Source{File: strings.NewReader(string(text)), Name: "example.yaml", Env: env, ReadFile: secret}, Checks{})
	require.NoError(t, err)
}

// Every variable that this package or the program asks for is on the page.
func TestThePageNamesEveryVariable(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/config.md")
	require.NoError(t, err)
	variable := regexp.MustCompile(`"((?:IMAGINEANYTHING|IMAGINEBRIDGE|DISCORD|SLACK|NATS)_[A-Z_]+[A-Z]|NO_COLOR)"`)
	found := map[string]bool{}
	for _, folder := range []string{".", "../cmd/imaginebridge"} {
		files, err := filepath.Glob(folder + "/*.go")
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
				found[m[1]] = true
			}
		}
	}
	require.Greater(t, len(found), 20)
	for name := range found {
		require.Contains(t, string(doc), "`"+name+"`")
	}
}

// fieldComments reads the comments of types and fields in config.go, by "Type"
// and "Type.Field".
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	require.NoError(t, err)
	out := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				for _, name := range f.Names {
					out[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
				}
			}
		}
		return true
	})
	return out
}

// exampleValues reads the example file: what stands at each key, as written.
func exampleValues(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(example)
	require.NoError(t, err)
	r := &report{file: example, origins: map[string]origin{}}
	tree := r.parseTree(text)
	require.NotNil(t, tree, r.problems)
	out := map[string]string{}
	var walk func(n *node, path string)
	walk = func(n *node, path string) {
		for _, e := range n.keys {
			walk(e.value, join(path, e.name))
		}
		var texts, pairs []string
		for _, e := range n.keys {
			pairs = append(pairs, quoted(e.name)+": "+quoted(e.value.text))
		}
		for _, item := range n.items {
			walk(item, path)
			texts = append(texts, quoted(item.text))
		}
		switch n.kind {
		case scalar:
			out[path] = quoted(n.text)
		case list:
			out[path] = "[" + strings.Join(texts, ", ") + "]"
		case mapping:
			out[path] = "{" + strings.Join(pairs, ", ") + "}" // asked for where the keys are free
		case null:
		}
	}
	walk(tree, "")
	return out
}

// quoted writes a text as YAML needs it.
func quoted(text string) string {
	if strings.ContainsAny(text, "*{}#") || strings.Count(text, ":") > 0 && !strings.Contains(text, "://") || regexp.MustCompile(`^[0-9.]+$`).MatchString(text) {
		return `"` + text + `"`
	}
	return text
}

// page is the reference page while it is written.
type page struct {
	t *testing.T
	strings.Builder
	comments, examples map[string]string
}

func (p *page) groups() {
	cfg := defaults()
	cfg.Subscriptions = []Subscription{{Agents: []string{"*"}, Start: "new"}}
	cfg.Agents = []Agent{{}}
	byPath := map[string]string{}
	for _, v := range variables(&cfg) {
		byPath[v.path] = v.name
	}
	root := reflect.ValueOf(cfg)
	for i := range root.NumField() {
		key := root.Type().Field(i).Tag.Get("yaml")
		if key == "-" {
			continue
		}
		value, list := root.Field(i), ""
		if value.Kind() == reflect.Slice {
			value, list = value.Index(0), " (a list)"
		}
		fmt.Fprintf(p, "\n## `%s`%s\n\n%s\n\n", key, list, p.meaning("Config", root.Type().Field(i).Name, key))
		p.WriteString("| key | type | default | meaning | example | variable |\n|---|---|---|---|---|---|\n")
		p.rows(value, key, "", byPath)
	}
}

// rows writes a row for each key of a group, those of groups within it too.
func (p *page) rows(group reflect.Value, path, within string, byPath map[string]string) {
	for i := range group.NumField() {
		f := group.Type().Field(i)
		key := f.Tag.Get("yaml")
		at, name := path+"."+key, within+key
		if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[Secret]() && f.Type != reflect.TypeFor[Sync]() {
			p.rows(group.Field(i), at, name+".", byPath)
			continue
		}
		require.NotEmpty(p.t, p.examples[at], "%s is not in %s", at, example)
		fmt.Fprintf(p, "| `%s` | %s | %s | %s | %s | %s |\n", name, typeName(f.Type), codeOrNone(defaultText(group.Field(i))),
			p.meaning(group.Type().Name(), f.Name, key), code(p.examples[at]), codeOrNone(byPath[at]))
	}
}

// meaning is a field's comment as a sentence of the page.
func (p *page) meaning(owner, field, key string) string {
	p.t.Helper()
	text := p.comments[owner+"."+field]
	require.NotEmpty(p.t, text, "%s.%s has no comment", owner, field)
	rest, ok := strings.CutPrefix(text, field+" ")
	require.True(p.t, ok, "the comment of %s.%s begins with its name", owner, field)
	for _, verb := range []string{"is ", "are "} {
		if after, ok := strings.CutPrefix(rest, verb); ok {
			return escaped(strings.ToUpper(after[:1]) + after[1:])
		}
	}
	return escaped("`" + key + "` " + rest)
}

func escaped(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`).Replace(text)
}

func (p *page) variables() {
	cfg := defaults()
	p.WriteString("\n## The environment alone\n\nThese have no key in the file.\n\n| variable | default | meaning |\n|---|---|---|\n")
	runtime := reflect.ValueOf(&cfg.Runtime).Elem()
	for _, v := range variables(&cfg) {
		for i := range runtime.NumField() {
			if runtime.Field(i).Addr().Interface() == v.field {
				f := runtime.Type().Field(i)
				fmt.Fprintf(p, "| `%s` | %s | %s |\n", v.name, codeOrNone(defaultText(runtime.Field(i))), p.meaning("Runtime", f.Name, v.name))
			}
		}
	}
	special := map[string]string{
		idVariable:           "With the secret, the one agent, where the file has no `agents`.",
		secretVariable:       "The other half.",
		"DISCORD_CHANNEL_ID": "A subscription named `discord` to this channel, where the file has no `subscriptions`: `notification.*`, `message.received` and `generation.*` of every agent.",
		"SLACK_CHANNEL_ID":   "The same for Slack, named `slack`.",
		"NO_COLOR":           "Anything but empty: no colours on the terminal.",
	}
	for _, name := range slices.Sorted(maps.Keys(special)) {
		fmt.Fprintf(p, "| `%s` | – | %s |\n", name, special[name])
	}
	p.WriteString("\nEach variable in the tables above overrides its key of the file; that is told once at start. An empty variable is an unset one.\n")
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return "duration"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[Count]():
		return "number"
	case reflect.TypeFor[Sync]():
		return "duration or `always`"
	case reflect.TypeFor[Secret]():
		return "secret"
	}
	return map[reflect.Kind]string{reflect.String: "text", reflect.Bool: "true or false", reflect.Slice: "list of texts", reflect.Map: "texts by key"}[t.Kind()]
}

func defaultText(v reflect.Value) string {
	if v.Kind() == reflect.Slice {
		if v.Len() == 0 {
			return ""
		}
		return fmt.Sprintf("[%q]", v.Index(0).String())
	}
	if v.Kind() == reflect.Map {
		return ""
	}
	return fmt.Sprint(v.Interface())
}

func code(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }

func codeOrNone(text string) string {
	if text == "" {
		return "–"
	}
	return code(text)
}
