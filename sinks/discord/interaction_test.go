package discord

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	sampleHead = `"application_id":"1100","token":"aW50ZXJhY3Rpb24","version":1,"guild_id":"1200000000000000001","channel":{"id":"1200000000000000002","type":0},"channel_id":"1200000000000000002","member":{"user":{"id":"80351110224678912","username":"grace","global_name":"Grace","avatar":null},"roles":["41771983423143936"],"permissions":"2147483647"},"locale":"de","authorizing_integration_owners":{"0":"1200000000000000001"}`
	sampleBody = `"message":{"id":"1205000000000000001","flags":64,"edited_timestamp":null,"embeds":[{"type":"rich"}],"components":[{"type":1,"id":1,"components":[{"type":2,"id":2,"style":1,"label":"Reply","custom_id":"ia1:m.post.comment:my_agent:post=p1"}]}]}`
)

// samples are interactions as Discord sends them.
func samples() map[string]string {
	return map[string]string{
		"ping":         `{"id":"1210000000000000000","application_id":"1100","type":1,"token":"t","version":1,"entitlements":[]}`,
		"slash":        `{"id":"1210000000000000001","type":2,` + sampleHead + `,"data":{"id":"13","name":"ia","type":1,"options":[{"name":"post","type":2,"options":[{"name":"create","type":1,"options":[{"name":"text","type":3,"value":"hello **world**"},{"name":"file1","type":11,"value":"1400"}]}]}],"resolved":{"attachments":{"1400":{"id":"1400","filename":"cat.png","content_type":"image/png","size":123456,"url":"https://cdn.discordapp.com/ephemeral-attachments/1/2/cat.png?ex=1"}}}}}`,
		"autocomplete": `{"id":"1210000000000000001","type":4,` + sampleHead + `,"data":{"name":"ia","type":1,"options":[{"name":"post","type":2,"options":[{"name":"like","type":1,"options":[{"name":"post","type":3,"value":"orb","focused":true}]}]}]}}`,
		"button":       `{"id":"1210000000000000001","type":3,` + sampleHead + `,"data":{"id":2,"component_type":2,"custom_id":"ia1:m.post.comment:my_agent:post=p1"},` + sampleBody + `}`,
		"select":       `{"id":"1210000000000000001","type":3,` + sampleHead + `,"data":{"id":2,"component_type":8,"custom_id":"ia1:choose","values":["1200"],"resolved":{"channels":{"1200":{"id":"1200"}}}},` + sampleBody + `}`,
		"labels":       `{"id":"1210000000000000001","type":5,` + sampleHead + `,"data":{"custom_id":"ia1:post.comment:my_agent:post=p1","components":[{"type":18,"id":1,"component":{"type":4,"id":2,"custom_id":"text","value":"Thank you, Ada!"}},{"type":18,"id":3,"component":{"type":19,"id":4,"custom_id":"files","values":["1400"]}},{"type":99,"future":{"custom_id":7}}],"resolved":{"attachments":{"1400":{"id":"1400","filename":"a.webp","content_type":"image/webp","size":5120,"url":"https://cdn.discordapp.com/x"}}}},` + sampleBody + `}`,
		"rows":         `{"id":"1210000000000000001","type":5,` + sampleHead + `,"data":{"custom_id":"ia1:post.create:my_agent","components":[{"type":1,"components":[{"type":4,"custom_id":"text","value":"old style"}]}]}}`,
		"menu":         `{"id":"1210000000000000001","type":2,` + sampleHead + `,"data":{"id":"13","name":"Share as post","type":3,"target_id":"1205","resolved":{"messages":{"1205":{"id":"1205","author":{"id":"80","username":"grace"},"content":"worth sharing","type":0}}}}}`,
		"user's own":   `{"id":"1210000000000000001","type":2,"application_id":"1100","token":"t","authorizing_integration_owners":{"1":"80"},"data":{"name":"ia","type":1}}`,
		"unknown":      `{"id":"1210000000000000001","type":3,` + sampleHead + `,"data":{"id":7,"component_type":99,"custom_id":"x"},"message":{"id":"1205","components":[{"type":99,"id":1,"future":{"a":1}}]}}`,
		"other types":  `{"id":1210000000000000001,"application_id":1100,"type":"2","token":"t","guild_id":12,"channel_id":13,"member":{"user":{"id":80,"username":"grace"},"roles":[{"id":"5"},6,null,{}],"permissions":32},"data":{"name":"ia","options":[{"name":"limit","type":4,"value":7}]}}`,
	}
}

func TestInteractionsAreReadWhateverTheyHold(t *testing.T) {
	t.Parallel()
	read := func(name string) interaction {
		in, ok := decode([]byte(samples()[name]))
		require.True(t, ok, name)
		return in
	}
	in := read("slash")
	require.Equal(t, []string{"post", "create"}, in.Path)
	require.Equal(t, map[string]any{"text": "hello **world**"}, in.Values)
	require.Equal(t, []attachment{{Name: "cat.png", Type: "image/png", URL: "https://cdn.discordapp.com/ephemeral-attachments/1/2/cat.png?ex=1", Size: 123456}}, in.Files["file1"])
	require.Equal(t, sender{ID: "80351110224678912", Name: "Grace", Roles: []string{"41771983423143936"}, Manages: true}, in.User)
	require.True(t, in.GuildInstalled)
	require.Equal(t, "post", read("autocomplete").Focused)
	require.True(t, read("button").Message.Private)
	require.Equal(t, []string{"1200"}, read("select").Chosen)
	in = read("labels")
	require.Equal(t, map[string]any{"text": "Thank you, Ada!"}, in.Values)
	require.Len(t, in.Files["files"], 1)
	require.Equal(t, map[string]any{"text": "old style"}, read("rows").Values)
	require.Equal(t, "worth sharing", readSpoken(read("menu").Target).Content)
	require.False(t, read("user's own").GuildInstalled)
	require.Equal(t, visitPress, read("unknown").Kind)
	in = read("other types")
	require.Equal(t, []string{"5", "6"}, in.User.Roles)
	require.True(t, in.User.Manages)
	require.Equal(t, map[string]any{"limit": json.Number("7")}, in.Values)
	require.Equal(t, visitPing, read("ping").Kind)
}

func FuzzInteraction(f *testing.F) {
	for _, s := range samples() {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"id":"1","type":5,"token":"a/../b","data":{"components":[[[[]]]]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, ok := decode(data)
		if !ok {
			return
		}
		require.True(t, in.Kind == visitPing || tokenShaped(in.Token))
		require.True(t, isSnowflake(in.ID))
		require.LessOrEqual(t, len(in.Values), maxInForm+maxOptions*maxOptions)
		disable(in.Message.Rows, "")
	})
}
