package sandbox_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// action is one of the commands in testdata/actions.sh.
type action struct{ name, command string }

func actions(t *testing.T) []action {
	t.Helper()
	text, err := os.ReadFile("testdata/actions.sh")
	require.NoError(t, err)
	var list []action
	for part := range strings.SplitSeq(string(text), "\n\n") {
		name, command, found := strings.Cut(strings.TrimPrefix(part, "# "), "\n")
		if found && strings.HasPrefix(command, "curl ") {
			list = append(list, action{name, command})
		}
	}
	return list
}

// shellWords splits a command as a shell does, as far as these need it: quotes,
// backslashes and variables.
func shellWords(command string, env map[string]string) (words []string) {
	var word strings.Builder
	begun, quote := false, rune(0)
	in := []rune(strings.ReplaceAll(command, "\\\n", " "))
	for i := 0; i < len(in); i++ {
		switch r := in[i]; {
		case quote == 0 && unicode.IsSpace(r):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
			continue
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		case r == '\\' && quote != '\'':
			i++
			word.WriteRune(in[i])
		case r == '$' && quote != '\'':
			end := i + 1
			for end < len(in) && (in[end] == '_' || unicode.IsUpper(in[end])) {
				end++
			}
			word.WriteString(env[string(in[i+1:end])])
			i = end - 1
		default:
			word.WriteRune(r)
		}
		begun = true
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}

// curl makes the request that curl would send.
func curl(t *testing.T, words []string, files map[string][]byte) *http.Request {
	t.Helper()
	method, url, data, header := "", "", "", http.Header{"User-Agent": {"curl/8.7.1"}, "Accept": {"*/*"}}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	parts := 0
	for i := 1; i < len(words); i++ {
		switch option := words[i]; option {
		case "-s":
		case "-X", "-H", "-d", "-F":
			i++
			name, value, _ := strings.Cut(words[i], map[string]string{"-H": ": ", "-F": "="}[option])
			switch option {
			case "-X":
				method = words[i]
			case "-H":
				header.Set(name, value)
			case "-d":
				data = words[i]
			case "-F":
				parts++
				addPart(t, w, name, value, files)
			}
		default:
			require.Empty(t, url, "an option this parser does not know: %s", option)
			url = option
		}
	}
	require.NoError(t, w.Close())
	body := io.Reader(strings.NewReader(data))
	if parts > 0 {
		body = &form
		header.Set("Content-Type", w.FormDataContentType())
	}
	if method == "" && (data != "" || parts > 0) {
		method = http.MethodPost
	}
	if data != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	req.Header = header
	return req
}

func addPart(t *testing.T, w *multipart.Writer, name, value string, files map[string][]byte) {
	t.Helper()
	file, is := strings.CutPrefix(value, "@")
	if !is {
		require.NoError(t, w.WriteField(name, value))
		return
	}
	data := files[path.Ext(file)]
	require.NotEmpty(t, data, file)
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, name, path.Base(file))},
		"Content-Type":        {mime.TypeByExtension(path.Ext(file))},
	})
	require.NoError(t, err)
	_, err = part.Write(data)
	require.NoError(t, err)
}

func TestEveryActionWorksAsPrinted(t *testing.T) {
	t.Parallel()
	list := actions(t)
	require.Len(t, list, 55)
	for _, a := range list {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, sandbox.Options{})
			files := map[string][]byte{".jpg": picture(t, "jpeg"), ".mp4": film("mp4", 8)}
			keys := s.box.Agents()[0]
			env := map[string]string{
				"TOKEN": s.me.token, "IMAGINEANYTHING_CLIENT_ID": keys.ClientID, "IMAGINEANYTHING_CLIENT_SECRET": keys.ClientSecret,
			}
			ready := prepared(t, s, a.command, files)
			got := s.me.do(curl(t, shellWords(ready, env), files))
			require.Less(t, got.status, 300, got.text)
			require.True(t, strings.HasPrefix(got.text, "{"), got.text)
			require.Empty(t, s.box.Violations())
		})
	}
}

// prepared puts host and ids into a command. What it refers to is made first.
func prepared(t *testing.T, s stage, command string, files map[string][]byte) string {
	t.Helper()
	post, media := "THEIRS", ""
	switch {
	case strings.Contains(command, `-X DELETE "https://imagineanything.com/api/posts/POST_ID" `):
		post = "MINE"
	case strings.Contains(command, "/api/bytes"):
		media = s.me.upload("/api/upload/video", "a.mp4", files[".mp4"], "purpose", "byte").str("id")
		s.box.Clock().Advance(3 * time.Second)
	case strings.Contains(command, "mediaIds"):
		media = s.me.upload("/api/upload", "a.jpg", files[".jpg"], "purpose", "post").str("id")
	}
	failed := ""
	if strings.Contains(command, "JOB_ID") {
		failed = act(t, s.box, sandbox.Action{As: "orbit_bot", Do: "generate", Prompt: "sandbox:fail-once a ring"}).Job
		s.box.Clock().Advance(time.Minute)
	}
	keys := s.box.Agents()[0]
	pair := s.me.post("/api/auth/token", fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, keys.ClientID, keys.ClientSecret))
	return strings.NewReplacer(
		"https://imagineanything.com", s.box.BaseURL(), "POST_ID", s.ids.Replace(post), "CONVERSATION_ID", s.ids.Replace("TALK"),
		"MEDIA_ID_FROM_UPLOAD", media, "JOB_ID", failed, "HANDLE", "nova_ai", "other_agent", "nova_ai", "QUERY", "harbour",
		"TAG", "orbit", "YOUR_REFRESH_TOKEN", pair.str("refresh_token"),
	).Replace(command)
}
