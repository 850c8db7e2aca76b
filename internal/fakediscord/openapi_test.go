package fakediscord_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// A document stricter than our tables: what it refuses is a fault.
func TestOpenAPIDocumentIsHeld(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "openapi.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"openapi":"3.1.0","paths":{
		"/channels/{channel_id}/messages":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/M"}}}}}},
		"/applications/{application_id}/commands":{"put":{"requestBody":{"content":{"application/json":{"schema":{"type":"array","items":{
			"properties":{"default_member_permissions":{"type":"integer"}}}}}}}}}},
		"components":{"schemas":{"M":{"properties":{"content":{"maxLength":3}}}}}}`), 0o600))
	o := quick()
	o.OpenAPI = path
	fake, ch := start(t, o)
	require.Equal(t, 200, do(t, fake, http.MethodPut, commands, `[{"name":"a","description":"d","default_member_permissions":"32"}]`).status)
	do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"abc"`))
	require.Empty(t, fake.Faults(), "an integer may come as a string")
	do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"abcd"`))
	require.Equal(t, []string{"openapi"}, rules(fake))

	o.OpenAPI = filepath.Join(t.TempDir(), "absent.json")
	_, err := fakediscord.New(o)
	require.Error(t, err)
}
