package web_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

func TestNoticeIsPlainTextThatBringsNothingAlong(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	require.NoError(t, web.WriteNotice(w, web.Notice{
		Status: 403, Title: "Nothing was <installed>", Lines: []string{`Slack's word for it: <script src="//evil.example"></script>`},
		Steps: []string{"Do this & that."}, Link: "https://bridge.example.com/slack/install", Label: "Start again",
	}))
	require.Equal(t, 403, w.Code)
	golden.Equal(t, "testdata/notice.golden", w.Body.Bytes())
	csp := w.Header().Get("Content-Security-Policy")
	require.Contains(t, csp, "default-src 'none'")
	require.NotContains(t, csp, "unsafe")
	require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
}

// TestNoticeLinksNowhereElse: a link that is no web address is not followed.
func TestNoticeLinksNowhereElse(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	require.NoError(t, web.WriteNotice(w, web.Notice{Title: "x", Link: "javascript:alert(1)", Label: "y"}))
	require.NotContains(t, w.Body.String(), "javascript:")
}
