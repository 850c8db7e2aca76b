package sandbox

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDecodeCursor(f *testing.F) {
	f.Add(encodeCursor("n", "scope", mark{1770385201000, "cmln2"}))
	f.Add(encodeCursor("n", "scope", mark{-1, "x"}))
	f.Add("bjoxNzcwMzg1MjAxMDAwOmNtbG4y")
	f.Add("")
	f.Add("%%%")
	f.Fuzz(func(t *testing.T, cursor string) {
		m, good := decodeCursor(cursor, "n", "scope")
		if !good {
			return
		}
		again, good := decodeCursor(encodeCursor("n", "scope", m), "n", "scope")
		require.True(t, good)
		require.Equal(t, m, again)
	})
}

func FuzzProbe(f *testing.F) {
	f.Add(filmMP4("film", 7))
	f.Add([]byte("\x1aE\xdf\xa3\x80\x18\x53\x80\x67\x8b\x15\x49\xa9\x66\x86\x44\x89\x84\x45\x7a\x00\x00webm"))
	f.Add(drawPNG("picture"))
	f.Add([]byte("\x00\x00\x00\x08ftyp\x00\x00\x00\x01moov\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8 "))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, kind := range []string{sniff(b), "video/mp4", "video/webm"} {
			info := probe(b, kind)
			require.GreaterOrEqual(t, info.seconds, 0.0)
			require.GreaterOrEqual(t, info.width, 0)
		}
	})
}
