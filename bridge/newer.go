package bridge

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strings"
)

// Newer are the fields of a stored record that this version does not know, also those
// of the objects in it: a newer one wrote them, and they are kept where this one stores
// the record again, so that both can work side by side. The elements of lists and maps
// are whole: one that is changed is written as this version knows it. The zero value
// holds nothing.
type Newer struct {
	fields map[string]json.RawMessage
	within map[string]Newer // of objects that this version knows
}

// IsZero reports that there are none.
func (n Newer) IsZero() bool { return len(n.fields) == 0 && len(n.within) == 0 }

// NewerThan finds the fields of a JSON object that the struct type T has no place
// for.
func NewerThan[T any](data []byte) (Newer, error) {
	return newerThan(reflect.TypeFor[T](), data)
}

func newerThan(t reflect.Type, data []byte) (Newer, error) {
	var n Newer
	if err := json.Unmarshal(data, &n.fields); err != nil {
		return Newer{}, err
	}
	for name, kind := range placesIn(t) {
		value, there := n.fields[name]
		delete(n.fields, name)
		inner, can := objectOf(kind)
		if !there || !can || !isObject(value) {
			continue
		}
		deeper, err := newerThan(inner, value)
		if err != nil {
			return Newer{}, err
		}
		if !deeper.IsZero() {
			if n.within == nil {
				n.within = map[string]Newer{}
			}
			n.within[name] = deeper
		}
	}
	if len(n.fields) == 0 {
		n.fields = nil
	}
	return n, nil
}

// placesIn are the names under which a struct is written, with what is there.
func placesIn(t reflect.Type) iter.Seq2[string, reflect.Type] {
	return func(yield func(string, reflect.Type) bool) {
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous && name == "" {
				if inner, can := objectOf(f.Type); can {
					placesIn(inner)(yield)
					continue
				}
			}
			if !yield(cmp.Or(name, f.Name), f.Type) {
				return
			}
		}
	}
}

// objectOf is the struct type that a field holds, where it is written field by field.
func objectOf(t reflect.Type) (reflect.Type, bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	own := reflect.TypeFor[json.Unmarshaler]()
	return t, t.Kind() == reflect.Struct && !t.Implements(own) && !reflect.PointerTo(t).Implements(own)
}

func isObject(data []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) }

// Onto encodes a record and puts the fields beside it. What this version knows wins; of
// an object that it took out nothing stays.
func (n Newer) Onto(record any) ([]byte, error) {
	data, err := json.Marshal(record)
	if err != nil || n.IsZero() {
		return data, err
	}
	if data, err = n.beside(data); err != nil {
		return nil, fmt.Errorf("encode a record of a newer version: %w", err)
	}
	return data, nil
}

func (n Newer) beside(data []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for name, value := range n.fields {
		if _, known := all[name]; !known {
			all[name] = value
		}
	}
	for name, deeper := range n.within {
		if !isObject(all[name]) {
			continue
		}
		var err error
		if all[name], err = deeper.beside(all[name]); err != nil {
			return nil, err
		}
	}
	return json.Marshal(all)
}
