package bus

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// compile makes a validator of a schema, which must be complete in itself.
func compile(t *testing.T, schema string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("urn:test", doc))
	s, err := c.Compile("urn:test")
	require.NoError(t, err, schema)
	return s
}

// validate checks JSON text against a schema.
func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	return s.Validate(v)
}

func TestSchemasOfTheServiceDescribeWhatItSays(t *testing.T) {
	t.Parallel()
	table := command.Table()
	require.NotEmpty(t, table)
	for i := range table {
		spec := &table[i]
		request, give := compile(t, string(command.RequestSchema(spec))), compile(t, string(command.ReplySchema(spec)))
		require.Error(t, validate(t, request, `[]`), spec.Name())
		require.Error(t, validate(t, request, `{"no_such_argument":1}`), spec.Name())
		for _, a := range []command.Answer{
			{OK: true, Reply: command.Reply{Text: "done", More: map[string]string{"cursor": "c"}, Job: "j"}, Repeat: true},
			{Problem: &command.Problem{Code: 400, Status: "invalid_argument", Field: "text", Message: "text is required", Hint: "add it", Unknown: true}},
			{NeedsConfirm: true, Question: "Delete it?"},
		} {
			msg, err := replyMsg("_INBOX.x", a)
			require.NoError(t, err)
			require.NoError(t, validate(t, give, string(msg.Data)), "%s: %s", spec.Name(), msg.Data)
		}
		require.Error(t, validate(t, give, `{}`), spec.Name())
	}
}
