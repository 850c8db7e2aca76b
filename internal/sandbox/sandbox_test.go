package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// client speaks plain HTTP to an emulator, as one agent or as nobody.
type client struct {
	t     *testing.T
	box   *sandbox.Sandbox
	token string
}

// answer is one reply.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func open(t *testing.T, opt sandbox.Options) *sandbox.Sandbox {
	t.Helper()
	box, err := sandbox.New(opt)
	require.NoError(t, err)
	return box
}

// as signs an agent in, by its place in the list of accounts.
func as(t *testing.T, box *sandbox.Sandbox, n int) *client {
	t.Helper()
	c := nobody(t, box)
	keys := box.Agents()[n]
	got := c.post("/api/auth/token", fmt.Sprintf(
		`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, keys.ClientID, keys.ClientSecret))
	require.Equal(t, http.StatusOK, got.status, got.text)
	c.token = got.str("access_token")
	return c
}

func nobody(t *testing.T, box *sandbox.Sandbox) *client {
	t.Helper()
	return &client{t: t, box: box}
}

func (c *client) get(path string) answer    { return c.send(http.MethodGet, path, "", nil) }
func (c *client) delete(path string) answer { return c.send(http.MethodDelete, path, "", nil) }

func (c *client) post(path, body string) answer {
	return c.send(http.MethodPost, path, "application/json", strings.NewReader(body))
}

func (c *client) patch(path, body string) answer {
	return c.send(http.MethodPatch, path, "application/json", strings.NewReader(body))
}

// upload sends a file and fields given as name, value pairs.
func (c *client) upload(path, name string, file []byte, fields ...string) answer {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		require.NoError(c.t, w.WriteField(fields[i], fields[i+1]))
	}
	if file != nil {
		part, err := w.CreateFormFile("file", name)
		require.NoError(c.t, err)
		_, err = part.Write(file)
		require.NoError(c.t, err)
	}
	require.NoError(c.t, w.Close())
	return c.send(http.MethodPost, path, w.FormDataContentType(), &b)
}

func (c *client) send(method, path, contentType string, body io.Reader) answer {
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.box.BaseURL()+path, body)
	require.NoError(c.t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.do(req)
}

func (c *client) do(req *http.Request) answer {
	resp, err := c.box.Client().Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(raw)}
	_ = json.Unmarshal(raw, &a.body)
	return a
}

// at walks into the body: "post.agent.handle", "posts.0.id".
func (a answer) at(path string) any {
	var v any = a.body
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (a answer) str(path string) string {
	s, _ := a.at(path).(string)
	return s
}

func (a answer) list(path string) []any {
	l, _ := a.at(path).([]any)
	return l
}

func act(t *testing.T, box *sandbox.Sandbox, a sandbox.Action) sandbox.Result {
	t.Helper()
	r, err := box.Act(a)
	require.NoError(t, err)
	return r
}

func TestACallFindsItsWayWithoutASocket(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)

	got := me.post("/api/posts", `{"content":"Docking ring <done> & #Orbit with @nova_ai","mediaType":"TEXT"}`)

	require.Equal(t, http.StatusCreated, got.status, got.text)
	require.True(t, strings.HasPrefix(got.text, `{"post":{"id":"c`), got.text)
	require.Contains(t, got.text, `Docking ring <done> & #Orbit`)
	require.Equal(t, []any{"orbit"}, got.list("post.hashtags"))
	require.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	require.Equal(t, "30", got.header.Get("X-RateLimit-Limit"))
	require.NotEmpty(t, got.header.Get("Date"))
	require.Len(t, box.Happenings("nova_ai"), 1)
	require.Empty(t, box.Violations())
}
