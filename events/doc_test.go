package events_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

//go:generate go test -run Golden . -update

func TestGoldenReferencePage(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Events

Generated from the catalogue in ` + "`events/catalog.go`" + `; do not edit.

Every event is a [CloudEvent](https://cloudevents.io) 1.0 in structured JSON, one per NATS message, on the subject
` + "`ia.event.<agent>.<family>.<type>`" + ` with the header ` + "`Content-Type: application/cloudevents+json`" + `. ` + "`id`" + ` comes from the
occurrence, never from chance, and is also the ` + "`Nats-Msg-Id`" + ` and the ` + "`webhook-id`" + `: whoever has handled an id may skip it.
Fields may be added to a type; a change that breaks readers gets a new type. ` + "`imaginebridge schema FAMILY.TYPE`" + ` prints
the JSON Schema of ` + "`data`" + `.

| event | what happened | id | learned from | on by default |
|---|---|---|---|---|
`)
	for k := range events.Kinds() {
		on := "yes"
		if k.OptIn {
			on = "no"
		}
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | `%s` | %s | %s |\n", k.Name(), strings.ReplaceAll(k.Name(), ".", ""), k.Summary, k.ID, k.Source, on)
	}
	for k := range events.Kinds() {
		var pretty bytes.Buffer
		require.NoError(t, json.Indent(&pretty, encode(t, exampleOf(k)), "", "  "))
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```json\n%s\n```\n", k.Name(), k.Summary, pretty.String())
	}
	golden.Equal(t, "../docs/events.md", []byte(b.String()))
}

func TestGoldenSchemas(t *testing.T) {
	for k := range events.Kinds() {
		raw, err := k.Schema()
		require.NoError(t, err)
		golden.Equal(t, "testdata/schema/"+k.Name()+".json", append(raw, '\n'))
	}
}
