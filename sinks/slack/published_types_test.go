//go:build slacktypes

package slack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// Every golden message fits the types that Slack publishes for JavaScript.
// .ci/slack-types makes the schema from them and names it in SLACK_TYPES.
func TestGoldenMessagesFitThePublishedTypes(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile(os.Getenv("SLACK_TYPES")) //nolint:forbidigo // the caller says where the schema lies
	require.NoError(t, err)
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	checked := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var message struct{ Blocks []any }
		if json.Unmarshal(raw, &message) != nil {
			continue
		}
		for i, block := range message.Blocks {
			checked++
			withoutOffset(block)
			require.NoError(t, schema.Validate(block), "%s, block %d", file, i)
		}
	}
	require.Greater(t, checked, 50)
	require.Error(t, schema.Validate(map[string]any{"type": "section", "txt": "misspelled"}))
}

// withoutOffset takes out what Slack's reference of rich_text_list names and its
// published types do not.
func withoutOffset(v any) {
	switch v := v.(type) {
	case map[string]any:
		if v["type"] == "rich_text_list" {
			delete(v, "offset")
		}
		for _, inner := range v {
			withoutOffset(inner)
		}
	case []any:
		for _, inner := range v {
			withoutOffset(inner)
		}
	}
}
