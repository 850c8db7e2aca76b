package fakediscord_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// Whatever the body, the answer is one of Discord's and nothing breaks.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		`{"content":"c","nonce":"a\"b","enforce_nonce":true,"allowed_mentions":{"parse":[]}}`,
		`{"Content":5,"EMBEDS":"x"}`,
		`{"embeds":7,"embeds":[{"title":"t","fields":[{"name":"n","value":"v"}]}]}`,
		`{"embeds":[{"color":1e999,"image":{"url":"attachment://a"}}]}`,
		`{"components":[{"type":1,"components":[{"type":3,"custom_id":"m","options":[{"label":"l","value":"v"}]}]}],"content":"c"}`,
		`{"flags":32768,"components":[{"type":17,"components":[{"type":10,"content":"t"}]}]}`,
		`{"attachments":[{"id":0},{"id":"1"}],"message_reference":{"message_id":"1"}}`,
		`[{"name":"ia","description":"d","name_localizations":{"de":5},"options":[{"type":10,"name":"n","description":"d","min_value":1e999}]}]`,
		`{"type":4,"data":{"content":"c"}}`, `{"name":"n","message":{"content":"c"}}`, `null`, `[]`, `7`,
	} {
		f.Add(seed)
	}
	fake, err := fakediscord.NewUnbound(freely())
	require.NoError(f, err)
	ch := fake.Channel(fake.Guild("Lab"), "agents")
	forum := fake.ChannelOf(fake.Guild("Board"), "ideas", fakediscord.ChannelForum)
	f.Fuzz(func(t *testing.T, body string) {
		for _, target := range []string{
			"POST /channels/" + ch + "/messages", "PUT " + commands, "POST /channels/" + forum + "/threads",
			"POST /interactions/1/t/callback", "PATCH /webhooks/" + fakediscord.DefaultApplicationID + "/t/messages/@original",
		} {
			method, path, _ := strings.Cut(target, " ")
			r, err := http.NewRequestWithContext(t.Context(), method, "http://x/api/v10"+path, strings.NewReader(body))
			require.NoError(t, err)
			r.Header.Set("Authorization", "Bot "+fakediscord.DefaultToken)
			r.Header.Set("Content-Type", "application/json")
			resp, err := fake.Transport().RoundTrip(r)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.True(t, slices.Contains([]int{200, 201, 400, 401, 404, 429}, resp.StatusCode), "%s: %d", target, resp.StatusCode)
		}
	})
}
