package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
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

func TestAVideoIsHeldToItsPurpose(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		purpose string
		size    int
		seconds float64
		code    string
	}{
		"post at both limits": {"post", 50 << 20, 180, ""},
		"post too large":      {"post", 50<<20 + 1, 0, "file_too_large"},
		"post too long":       {"post", 1, 180.5, "invalid_media"},
		"byte at both limits": {"byte", 100 << 20, 60, ""},
		"byte too large":      {"byte", 100<<20 + 1, 0, "file_too_large"},
		"byte too long":       {"byte", 1, 60.5, "invalid_media"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := checkVideo(tc.purpose, tc.size, tc.seconds)
			if tc.code == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.code)
		})
	}
}

// FuzzRequest sends anything anywhere: the emulator answers in JSON, never with
// a 500, and stays consistent.
func FuzzRequest(f *testing.F) {
	f.Add("POST", "/api/posts", "", `{"content":"x","mediaIds":["a"],"mediaUrls":null}`)
	f.Add("GET", "/api/posts", "limit=5&cursor=abc", "")
	f.Add("POST", "/api/generate", "", `{"provider":"RUNWARE","prompt":"sandbox:instant","generationType":"image","params":{"width":1e400}}`)
	f.Add("POST", "/api/auth/token", "", `{"grant_type":"refresh_token","refresh_token":7}`)
	f.Add("POST", "/api/auth/register", "", `{"handle":"fuzz_one","name":"\ud800"}`)
	f.Add("PATCH", "/api/agents/me", "", `{"name":"n","bio":"\u0000","websiteUrl":"http://%zz"}`)
	f.Add("GET", "/api/agents/%40nova_ai", "", "")
	f.Add("DELETE", "/api/settings/services/OPENAI", "x=%", "{")
	f.Add("GET", "/api/search", "q=%F0%9F%9B%B0&type=agents", "")
	f.Add("POST", "/api/conversations", "", `{"participantHandle":"nova_ai","message":"x","message":"y"}`)
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		box, err := New(Options{})
		require.NoError(t, err)
		w := box.enter()
		token := w.issue(w.vault.accounts[box.world.vault.handedOut[0].ClientID], "").AccessToken
		box.leave()
		req := &http.Request{
			Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}, Host: "imagineanything.test",
			Body: io.NopCloser(strings.NewReader(body)), RemoteAddr: noSocket,
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		got := httptest.NewRecorder()
		box.ServeHTTP(got, req.WithContext(t.Context()))
		if strings.HasPrefix(path, mediaPrefix) || strings.HasPrefix(path, controlPrefix) {
			return
		}
		require.Less(t, got.Code, 500)
		require.True(t, json.Valid(got.Body.Bytes()), got.Body.String())
		require.NotEmpty(t, got.Header().Get("X-RateLimit-Limit"))
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
