package bridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
)

// Newer are the fields of a stored record that this version does not know: a newer
// one wrote them, and they are kept where this one stores the record again, so that
// both can work side by side.
type Newer map[string]json.RawMessage

// NewerThan finds the fields of a JSON object that the struct type T has no place
// for; nil where there are none.
func NewerThan[T any](data []byte) (Newer, error) {
	var all Newer
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for f := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		delete(all, name)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// Onto encodes a record and puts the fields beside it. What this version knows wins.
func (n Newer) Onto(record any) ([]byte, error) {
	data, err := json.Marshal(record)
	if err != nil || len(n) == 0 {
		return data, err
	}
	all := maps.Clone(n)
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("encode a record of a newer version: %w", err)
	}
	return json.Marshal(all)
}
