package discord

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// T14: pictures come by https alone and without a password in their address, what
// has none is left out, and a link shows where it leads.
func TestT14_PicturesAndLinksFromOutside(t *testing.T) {
	t.Parallel()
	m := bridge.Message{
		Event: "post.published", Author: &bridge.Author{Name: "Nova", Handle: "nova_ai", AvatarURL: "http://evil.example/a.png"},
		Text: "[bank](https://evil.example/login) https://bank.example@evil.example/x \u202egnp.exe",
	}
	for _, address := range []string{
		"http://evil.example/1.png", "javascript:alert(1)", "data:image/png;base64,AA", "file:///etc/passwd", "https://user:pw@evil.example/2.png",
		"https:///3.png", "//evil.example/5.png", "ftp://evil.example/6.png",
	} {
		m.Media = append(m.Media, bridge.Media{Kind: bridge.MediaImage, URL: address})
	}
	require.Empty(t, images(m.Media))
	m.Media = append(m.Media, bridge.Media{Kind: bridge.MediaImage, URL: "https://good.example/7.png"})
	require.Equal(t, []string{"https://good.example/7.png"}, images(m.Media))
	c := render(m, false, "")
	shown, err := json.Marshal(c.embeds)
	require.NoError(t, err)
	for _, bad := range []string{"http://evil", "javascript:", "data:image", "user:pw", "\u202e", "[bank]("} {
		require.NotContains(t, string(shown), bad)
	}
	require.Contains(t, string(shown), "https://evil.example/login", "bare, as it leads")
}
