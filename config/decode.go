package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// parsed is a scalar type with a form of its own.
type parsed interface{ parse(text string) error }

// decode fills a Go value from a node, strictly: unknown keys, wrong types and
// doubled keys are problems. Values keep their place for later checks.
func (r *report) decode(n *node, into reflect.Value, path string, x expander) {
	if n.kind == null {
		return
	}
	if p, ok := reflect.TypeAssert[parsed](into.Addr()); ok {
		if text, ok := r.scalar(n, path, x); ok {
			if err := p.parse(text); err != nil {
				r.add(path, "%s", sentence(err.Error()))
			}
		}
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		r.decodeStruct(n, into, path, x)
	case reflect.Slice:
		r.decodeList(n, into, path, x)
	case reflect.Map:
		r.decodeTexts(n, into, path, x)
	case reflect.String:
		if text, ok := r.scalar(n, path, x); ok {
			into.SetString(text)
		}
	case reflect.Bool:
		if text, ok := r.scalar(n, path, x); ok {
			v, err := strconv.ParseBool(text)
			if err != nil || text != "true" && text != "false" {
				r.add(path, "%q is neither true nor false.", text)
				return
			}
			into.SetBool(v)
		}
	default:
		panic(fmt.Sprintf("config: no decoding for %s", into.Type()))
	}
}

func (r *report) decodeStruct(n *node, into reflect.Value, path string, x expander) {
	if n.kind != mapping && path == "" {
		r.fault(n.line, n.column, fmt.Sprintf("a configuration is a group of keys, such as %q.", firstKey(into.Type())+": …"))
		return
	}
	if n.kind != mapping {
		r.add(path, "a group of keys belongs here, such as %q.", firstKey(into.Type())+": …")
		return
	}
	seen := map[string]entry{}
	for _, e := range n.keys {
		at := join(path, e.name)
		if first, twice := seen[e.name]; twice {
			r.at(at, origin{line: e.line, column: e.column})
			r.add(at, "set twice (first at line %d); keep one.", first.line)
			continue
		}
		seen[e.name] = e
		index, ok := fieldNamed(into.Type(), e.name)
		if !ok {
			r.at(at, origin{line: e.line, column: e.column})
			r.add(at, "unknown key%s", cmp.Or(elsewhere(at), meant(e.name, keysOf(into.Type())), "; the keys here are "+strings.Join(keysOf(into.Type()), ", ")+"."))
			continue
		}
		r.at(at, origin{line: e.value.line, column: e.value.column})
		r.decode(e.value, into.Field(index), at, x)
	}
}

// decodeTexts fills a map of texts, whose keys are free.
func (r *report) decodeTexts(n *node, into reflect.Value, path string, x expander) {
	if n.kind != mapping {
		r.add(path, "a group of keys belongs here, such as { key: value }.")
		return
	}
	out := map[string]string{}
	for _, e := range n.keys {
		at := join(path, e.name)
		r.at(at, origin{line: e.value.line, column: e.value.column})
		if _, twice := out[e.name]; twice {
			r.add(at, "set twice; keep one.")
			continue
		}
		if text, ok := r.scalar(e.value, at, x); ok {
			out[e.name] = text
		}
	}
	into.Set(reflect.ValueOf(out))
}

// elsewhere names the variable that decides what somebody looked for in the file.
func elsewhere(path string) string {
	variable := map[string]string{
		"data": "IMAGINEBRIDGE_DATA_DIR", "data_dir": "IMAGINEBRIDGE_DATA_DIR", "key": "IMAGINEBRIDGE_KEY",
		"log": "IMAGINEBRIDGE_LOG", "log_level": "IMAGINEBRIDGE_LOG", "log_format": "IMAGINEBRIDGE_LOG_FORMAT",
	}[path]
	if variable == "" {
		return ""
	}
	return "; the environment decides this: set " + variable + "."
}

func (r *report) decodeList(n *node, into reflect.Value, path string, x expander) {
	if n.kind != list {
		r.add(path, "a list belongs here; write [ ] around it, or one line with - for each.")
		return
	}
	out := reflect.MakeSlice(into.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.at(at, origin{line: item.line, column: item.column})
		r.decode(item, out.Index(i), at, x)
	}
	into.Set(out)
}

// scalar returns the text of a plain value with its variables filled in.
func (r *report) scalar(n *node, path string, x expander) (string, bool) {
	if n.kind != scalar {
		r.add(path, "a single value belongs here.")
		return "", false
	}
	text, warning, err := x.expand(n.text)
	if warning != "" {
		r.warn(path, warning)
	}
	if err != nil {
		r.add(path, "%s", err.Error())
		return "", false
	}
	return text, true
}

// fieldNamed returns the index of the struct field with the given key.
func fieldNamed(t reflect.Type, key string) (int, bool) {
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name == key && name != "-" {
			return i, true
		}
	}
	return 0, false
}

func keysOf(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		if name := f.Tag.Get("yaml"); name != "-" {
			out = append(out, name)
		}
	}
	return out
}

func firstKey(t reflect.Type) string { return keysOf(t)[0] }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// sentence makes sure that a phrase ends like one.
func sentence(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}
