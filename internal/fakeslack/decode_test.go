package fakeslack

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBodiesAreReadByTheirContentType(t *testing.T) {
	t.Parallel()
	const form, object = "application/x-www-form-urlencoded", "application/json"
	for name, tc := range map[string]struct {
		contentType, body, code string
		want                    args
	}{
		"form":             {form, "a=1&b=%7B%7D", "", args{"a": "1", "b": "{}"}},
		"JSON":             {object + "; charset=utf-8", `{"a":"1"}`, "", args{"a": "1"}},
		"null":             {object, `null`, "", args{}},
		"nothing":          {"", "", "", args{}},
		"multipart":        {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n", "", args{"a": "1"}},
		"no content type":  {"", "a=1", "missing_post_type", nil},
		"text":             {"text/plain", "a=1", "invalid_post_type", nil},
		"broken type":      {"a/b/c;", "a=1", "invalid_post_type", nil},
		"foreign charset":  {object + "; charset=utf-16", `{}`, "invalid_charset", nil},
		"broken form":      {form, "a=%zz", "invalid_form_data", nil},
		"broken multipart": {"multipart/form-data; boundary=x", "--x\r\nrubbish", "invalid_form_data", nil},
		"broken JSON":      {object, `{"a":`, "invalid_json", nil},
		"two values":       {object, `{} {}`, "invalid_json", nil},
		"JSON list":        {object, `[]`, "json_not_object", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, err := decodeArgs(tc.contentType, []byte(tc.body))
			if tc.code == "" {
				require.NoError(t, err)
				require.Equal(t, tc.want, got)
				return
			}
			var bad *decodeError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, tc.code, bad.code)
		})
	}
}

func TestArgumentGivenTwiceIsTold(t *testing.T) {
	t.Parallel()
	_, twice, err := decodeArgs("application/x-www-form-urlencoded", []byte("text=a&text=b&ts=1"))
	require.NoError(t, err)
	require.Equal(t, []string{"text"}, twice)
}

func TestRequestLogMasksSecrets(t *testing.T) {
	t.Parallel()
	a := args{"token": "xoxb-1", "client_secret": "s", "refresh_token": "r", "code": "c", "blocks": `[{"type":"divider"}]`, "text": "[x"}
	shown := a.shown()
	for _, key := range []string{"token", "client_secret", "refresh_token", "code"} {
		require.Equal(t, "…", shown[key])
	}
	require.IsType(t, []any{}, shown["blocks"])
	require.Equal(t, "[x", shown["text"])
}

func TestUploadHasOneClosingBoundary(t *testing.T) {
	t.Parallel()
	const good = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nbytes\r\n--x--\r\n"
	data, err := fileBytes("multipart/form-data; boundary=x", []byte(good))
	require.NoError(t, err)
	require.Equal(t, "bytes", string(data))
	_, err = fileBytes("multipart/form-data; boundary=x", []byte(good+"\r\n--x--\r\n"))
	require.ErrorContains(t, err, "2 closing boundaries")
	_, err = fileBytes("multipart/form-data; boundary=x", []byte("--x--\r\n"))
	require.ErrorContains(t, err, "no file")
}

func FuzzBodies(f *testing.F) {
	f.Add("application/json", `{"channel":"C1","blocks":"[{}]"}`)
	f.Add("application/x-www-form-urlencoded", "token=xoxb-1&blocks=%5B%5D&metadata={}")
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nb\r\n--x--\r\n")
	f.Fuzz(func(_ *testing.T, contentType, body string) {
		a, _, err := decodeArgs(contentType, []byte(body))
		if err == nil {
			a.shown()
			a.json("blocks")
		}
		_, _ = fileBytes(contentType, []byte(body))
	})
}

// FuzzCalls sends anything to every method and wants an answer, never a crash.
func FuzzCalls(f *testing.F) {
	s, err := New(Options{Limits: Limits{Off: true}})
	require.NoError(f, err)
	f.Cleanup(s.Close)
	w := s.AddWorkspace("acme", append(DefaultScopes(), "channels:history", "files:write", "reactions:write", "channels:read")...)
	ch := w.AddChannel("alerts")
	for name := range methodTable() {
		f.Add(name, `{"channel":"`+ch+`","text":"x","blocks":[{"type":"divider"}],"view":{"type":"home","blocks":[]},"user_id":"`+w.Owner+`"}`)
	}
	handler := s.routes()
	f.Fuzz(func(t *testing.T, name, body string) {
		if strings.ContainsAny(name, "/?#% ") || name == "" || strings.Trim(name, ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ2") != "" {
			return
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/"+name, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+w.BotToken())
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		if rec.Code == http.StatusOK {
			require.Contains(t, rec.Body.String(), `"ok":`)
		}
	})
}
