package bridge

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/types"

	"github.com/imaginebridge/imaginebridge/events"
)

// maxNesting is how often a type may appear inside itself: a post that shares a
// post, but not a third.
const maxNesting = 2

// envOf returns the names a filter may use: data has the fields of every kind
// that the patterns cover.
func envOf(patterns []string) types.Map {
	fields := types.Map{}
	for k := range events.Kinds() {
		if !slices.ContainsFunc(patterns, func(p string) bool { return events.MatchPattern(p, k.Name()) }) {
			continue
		}
		for name, t := range fieldsOf(reflect.TypeOf(k.Example), nil) {
			if had, twice := fields[name]; twice && !had.Equal(t) {
				t = types.Any
			}
			fields[name] = t
		}
	}
	text := types.String
	return types.Map{
		"agent": text, "family": text, "type": text, "id": text, "source": text, "subject": text,
		"time": types.TypeOf(time.Time{}), "data": fields,
	}
}

// valuesOf is the event under the names of envOf.
func valuesOf(e events.Event) map[string]any {
	family, name, _ := strings.Cut(e.Name(), ".")
	return map[string]any{
		"agent": e.Agent(), "family": family, "type": name, "id": e.ID, "source": e.Source, "subject": e.About,
		"time": e.Time, "data": valueOf(reflect.ValueOf(e.Data), nil),
	}
}

func typeOf(t reflect.Type, inside []reflect.Type) types.Type {
	switch t.Kind() {
	case reflect.Pointer:
		return typeOf(t.Elem(), inside)
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return types.TypeOf(time.Time{})
		}
		return fieldsOf(t, inside)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 { // raw JSON
			return types.String
		}
		return types.Array(typeOf(t.Elem(), inside))
	default:
		return types.TypeOf(reflect.Zero(t).Interface())
	}
}

func fieldsOf(t reflect.Type, inside []reflect.Type) types.Map {
	out := types.Map{}
	inside = append(slices.Clone(inside), t)
	for f := range jsonFields(t, inside) {
		out[jsonName(f)] = typeOf(f.Type, inside)
	}
	return out
}

// valueOf gives v the shape of typeOf: objects as maps, nothing absent.
func valueOf(v reflect.Value, inside []reflect.Type) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return valueOf(reflect.Zero(v.Type().Elem()), inside)
		}
		return valueOf(v.Elem(), inside)
	case reflect.Struct:
		if t, ok := reflect.TypeAssert[time.Time](v); ok {
			return t
		}
		out := map[string]any{}
		inside = append(slices.Clone(inside), v.Type())
		for f := range jsonFields(v.Type(), inside) {
			out[jsonName(f)] = valueOf(v.FieldByIndex(f.Index), inside)
		}
		return out
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return string(v.Bytes())
		}
		out := make([]any, min(v.Len(), maxItems))
		for i := range out {
			out[i] = valueOf(v.Index(i), inside)
		}
		return out
	case reflect.Invalid:
		return nil
	default:
		return v.Interface()
	}
}

// jsonFields yields the fields of t that a filter sees: those with a name in
// JSON, unless they would nest a type too often.
func jsonFields(t reflect.Type, inside []reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for f := range t.Fields() {
			if jsonName(f) == "" || tooDeep(f.Type, inside) {
				continue
			}
			if !yield(f) {
				return
			}
		}
	}
}

func tooDeep(t reflect.Type, inside []reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	n := 0
	for _, outer := range inside {
		if outer == t {
			n++
		}
	}
	return n >= maxNesting
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}
