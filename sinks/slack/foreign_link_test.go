package slack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// T14: pictures and links have no password and no letters that look like others in
// their address, and a link under our own words names its host.
func TestT14_PicturesAndLinksFromOutside(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		d := w.note(1)
		d.Message.Text = "<https://evil.example|bank> [bank](https://evil.example/login) \u202egnp.exe"
		for _, address := range []string{"https://films.example/7.mp4", "javascript:alert(1)", "https://user:pw@evil.example/2.png", "https://b\u0430nk.example/4.png"} {
			d.Message.Media = append(d.Message.Media, bridge.Media{Kind: bridge.MediaVideo, URL: address})
		}
		w.must(d)
		require.Len(w, w.shown(), 1)
		shown := string(w.shown()[0].Blocks)
		for _, bad := range []string{"javascript:", "user:pw", "\u202e", "b\u0430nk", "|bank>"} {
			require.NotContains(w, shown, bad)
		}
		require.Contains(w, shown, "Watch the video (films.example)")
		w.clean()
	})
}
