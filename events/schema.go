package events

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"
)

// SchemaID returns the URI that names the JSON Schema of the kind's data, the
// event's dataschema: urn:imaginebridge:schema:<family>.<type>:<version>.
func (k *Kind) SchemaID() string {
	return fmt.Sprintf("urn:imaginebridge:schema:%s:%d", k.Name(), k.Version)
}

// Schema returns the JSON Schema (2020-12) of the kind's data, generated from
// its Go type. Unknown fields are allowed: a newer bridge may add some.
func (k *Kind) Schema() ([]byte, error) {
	r := jsonschema.Reflector{AllowAdditionalProperties: true, ExpandedStruct: true}
	s := r.ReflectFromType(reflect.TypeOf(k.Example))
	s.ID = jsonschema.ID(k.SchemaID())
	s.Title = k.Name()
	s.Description = k.Summary
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", k.Name(), err)
	}
	return out, nil
}
