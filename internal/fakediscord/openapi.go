package fakediscord

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas checks bodies against Discord's OpenAPI document. The nil value
// checks nothing.
type schemas struct {
	compiler *jsonschema.Compiler
	mu       sync.Mutex // guards compiled; compiling isn't safe for several at once
	compiled map[string]*jsonschema.Schema
}

const schemaURL = "file:///discord-openapi.json"

func loadSchemas(path string) (*schemas, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	defer func() { _ = f.Close() }() // read only
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		return nil, fmt.Errorf("read OpenAPI document %s: %w", path, err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("read OpenAPI document %s: %w", path, err)
	}
	return &schemas{compiler: c, compiled: map[string]*jsonschema.Schema{}}, nil
}

// check gives the first lines of what the document has against a body, or "".
func (s *schemas) check(rt *route, body any) string {
	if s == nil {
		return ""
	}
	schema, err := s.schema(rt)
	if err != nil {
		return err.Error()
	}
	if err := schema.Validate(normal("", body)); err != nil {
		lines := strings.SplitN(err.Error(), "\n", 8)
		return strings.Join(lines[:min(len(lines), 7)], " | ")
	}
	return ""
}

func (s *schemas) schema(rt *route) (*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if got, ok := s.compiled[rt.String()]; ok {
		return got, nil
	}
	pointer := strings.NewReplacer("~", "~0", "/", "~1").Replace(rt.path)
	got, err := s.compiler.Compile(schemaURL + "#/paths/" + pointer + "/" + strings.ToLower(rt.method) +
		"/requestBody/content/application~1json/schema")
	if err != nil {
		return nil, fmt.Errorf("compile schema of %s: %w", rt, err)
	}
	s.compiled[rt.String()] = got
	return got, nil
}

// normal is the body as the document wants it where the API takes more: the
// integer default_member_permissions may come as a string, an attachment's id
// as a number.
func normal(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = normal(k, x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			if m, ok := x.(map[string]any); ok && key == "attachments" {
				if n, isNumber := m["id"].(json.Number); isNumber {
					x = merged(m, "id", n.String())
				}
			}
			out[i] = normal("", x)
		}
		return out
	case string:
		if _, err := strconv.ParseInt(v, 10, 64); err == nil && key == "default_member_permissions" {
			return json.Number(v)
		}
	}
	return v
}

func merged(m map[string]any, key string, value any) map[string]any {
	out := make(map[string]any, len(m))
	maps.Copy(out, m)
	out[key] = value
	return out
}
