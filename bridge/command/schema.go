package command

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// RequestSchema is the JSON Schema (2020-12) of a command's arguments as a
// program sends them: one object, names and limits as in the table. Lengths are
// in characters; the bridge counts UTF-16 units, which are never fewer.
func RequestSchema(spec *Spec) json.RawMessage {
	properties, required := map[string]any{}, []string{}
	for _, a := range spec.Args {
		properties[a.Name] = argSchema(a)
		if a.Required {
			required = append(required, a.Name)
		}
	}
	s := map[string]any{
		"$schema": jsonschema.Version, "$id": "urn:imaginebridge:schema:command." + spec.Group + "." + spec.Verb + ":request:1",
		"title": spec.Name(), "description": spec.Summary, "type": "object", "additionalProperties": false, "properties": properties,
	}
	if len(required) > 0 {
		s["required"] = required
	}
	each := func(names []string) []any {
		var out []any
		for _, name := range names {
			out = append(out, map[string]any{"required": []string{name}})
		}
		return out
	}
	if len(spec.OneOf) > 0 {
		s["oneOf"] = each(spec.OneOf)
	}
	if len(spec.AnyOf) > 0 {
		s["anyOf"] = each(spec.AnyOf)
	}
	return mustJSON(s)
}

func argSchema(a Arg) map[string]any {
	s := map[string]any{"description": a.Summary}
	switch a.Kind {
	case Text:
		s["type"] = "string"
		if a.Min > 0 {
			s["minLength"] = int(a.Min)
		}
		if a.Max > 0 {
			s["maxLength"] = int(a.Max)
		}
		if len(a.Choices) > 0 {
			s["enum"] = a.Choices
			delete(s, "minLength")
			delete(s, "maxLength")
		}
	case Integer, Number:
		s["type"] = map[Kind]string{Integer: "integer", Number: "number"}[a.Kind]
		s["minimum"] = a.Min
		if a.Max > 0 {
			s["maximum"] = a.Max
		}
	case Flag:
		s["type"] = "boolean"
	case List:
		s["type"], s["items"] = "array", map[string]any{"type": "string"}
		limits(s, a)
	case Attachment: // see Given
		word, address := map[string]any{"type": "string"}, map[string]any{"type": "string", "format": "uri"}
		s["type"], s["items"] = "array", map[string]any{"anyOf": []any{
			address,
			map[string]any{"type": "object", "additionalProperties": false, "required": []string{"url"}, "properties": map[string]any{"url": address, "name": word, "content_type": word}},
			map[string]any{"type": "object", "additionalProperties": false, "required": []string{"data"}, "properties": map[string]any{
				"data": map[string]any{"type": "string", "contentEncoding": "base64"}, "name": word, "content_type": word,
			}},
		}}
		limits(s, a)
		s["description"] = fmt.Sprintf("%s: web addresses of %s, or the files themselves", a.Summary, acceptWords(a.Accept))
	}
	if a.Secret {
		s["writeOnly"] = true
	}
	if a.Default != "" {
		s["default"] = defaultOf(a)
	}
	return s
}

func limits(s map[string]any, a Arg) {
	if a.Min > 0 {
		s["minItems"] = int(a.Min)
	}
	if a.Max > 0 {
		s["maxItems"] = int(a.Max)
	}
}

// defaultOf is an argument's default in its own type.
func defaultOf(a Arg) any {
	v, err := parseValue(&Spec{}, a, a.Default)
	if err != nil {
		return a.Default
	}
	return v
}

// ReplySchema is the JSON Schema of a command's reply to programs: {"ok":true,
// "result":…,"text":"…"}, or {"ok":false,"error":{…}}.
func ReplySchema(spec *Spec) json.RawMessage {
	result, defs := map[string]any{}, map[string]any{}
	if spec.Result != nil {
		result, defs = resultSchema(spec.Result)
	}
	word := map[string]any{"type": "string"}
	s := map[string]any{
		"$schema": jsonschema.Version, "$id": "urn:imaginebridge:schema:command." + spec.Group + "." + spec.Verb + ":reply:1",
		"title": spec.Name() + " reply", "type": "object", "required": []string{"ok"},
		"properties": map[string]any{
			"ok": map[string]any{"type": "boolean"}, "result": result, "text": word,
			"error": map[string]any{
				"type": "object", "required": []string{"code", "status", "message"},
				"properties": map[string]any{
					"code": map[string]any{"type": "integer"}, "status": word, "field": word, "message": word, "hint": word, "unknown": map[string]any{"type": "boolean"},
				},
			},
			"next": map[string]any{"type": "object", "additionalProperties": word, "description": "the arguments of the further page"},
			"job":  map[string]any{"type": "string", "description": "the generation to follow"},
		},
	}
	if _, ok := spec.Arg(atName); ok {
		s["properties"].(map[string]any)["scheduled"] = map[string]any{ //nolint:forcetypeassert // set just above
			"type": "object", "description": "it waits for its time: there is no result yet", "required": []string{"id", "at", "agent"},
			"properties": map[string]any{"id": word, "at": map[string]any{"type": "string", "format": "date-time"}, "agent": word, "text": word, "media": map[string]any{"type": "array", "items": word}},
		}
	}
	if len(defs) > 0 {
		s["$defs"] = defs
	}
	return mustJSON(s)
}

// resultSchema reflects a Go type. Definitions are named without package paths,
// which are nobody's business outside.
func resultSchema(zero any) (schema, defs map[string]any) {
	r := jsonschema.Reflector{
		Anonymous: true, AllowAdditionalProperties: true, RequiredFromJSONSchemaTags: true,
		Namer: typeName,
	}
	var out map[string]any
	data := mustJSON(r.Reflect(zero))
	if json.Unmarshal(data, &out) != nil {
		return map[string]any{}, nil
	}
	nullable(out)
	defs, _ = out["$defs"].(map[string]any)
	delete(out, "$defs")
	delete(out, "$schema")
	return out, defs
}

// nullable allows null where Go writes it: for a list that is nil, and for the
// figure that an overview does not tell.
func nullable(schema map[string]any) {
	for name, v := range schema {
		sub, ok := v.(map[string]any)
		if !ok {
			continue
		}
		nullable(sub)
		if sub["type"] == "array" || name == "value" && sub["type"] == "number" {
			sub["type"] = []any{sub["type"], "null"}
		}
	}
}

// typeName writes Page[some/path.Post] as PagePost.
func typeName(t reflect.Type) string {
	name, inner, generic := strings.Cut(t.Name(), "[")
	if !generic {
		return name
	}
	inner = strings.TrimSuffix(inner, "]")
	return name + inner[strings.LastIndexAny(inner, "./")+1:]
}

// mustJSON writes what we built ourselves of maps, strings and numbers.
func mustJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return data
}
