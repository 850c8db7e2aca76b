package fakediscord_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

const agent = "DiscordBot (https://github.com/imaginebridge/imaginebridge, 0.1.0)"

const (
	waiting = 30 * time.Second
	step    = time.Millisecond
)

// quick are the options of tests that aren't about limits: none.
func quick() fakediscord.Options {
	return fakediscord.Options{
		GlobalPerSecond: -1,
		OpenAPI:         os.Getenv("DISCORD_OPENAPI"), //nolint:forbidigo // the official document, where a machine has it
		Limits: map[string]fakediscord.Limit{
			createMessage: {}, editMessage: {}, listMessages: {}, startThread: {}, followup: {},
		},
	}
}

const (
	createMessage = "POST /channels/{channel_id}/messages"
	editMessage   = "PATCH /channels/{channel_id}/messages/{message_id}"
	startThread   = "POST /channels/{channel_id}/messages/{message_id}/threads"
	followup      = "POST /webhooks/{webhook_id}/{webhook_token}"
	listMessages  = "GET /channels/{channel_id}/messages"
)

// start runs an emulator with one guild and one channel.
func start(t *testing.T, o fakediscord.Options) (fake *fakediscord.Server, channel string) {
	t.Helper()
	fake, err := fakediscord.New(o)
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	return fake, fake.Channel(fake.Guild("Lab"), "agents")
}

// answer is a reply to one plain HTTP request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) code(t *testing.T) int {
	t.Helper()
	var e struct {
		Code int `json:"code"`
	}
	require.NoError(t, json.Unmarshal(a.body, &e), "%s", a.body)
	return e.Code
}

func (a answer) id(t *testing.T) string {
	t.Helper()
	var m struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal(a.body, &m), "%s", a.body)
	return m.ID
}

func newRequest(t *testing.T, fake *fakediscord.Server, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, fake.URL()+"/api/v10"+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bot "+fakediscord.DefaultToken)
	r.Header.Set("User-Agent", agent)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func send(t *testing.T, r *http.Request) answer {
	t.Helper()
	a, err := try(r)
	require.NoError(t, err)
	return a
}

func try(r *http.Request) (answer, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, body}, err
}

func do(t *testing.T, fake *fakediscord.Server, method, path, body string) answer {
	t.Helper()
	return send(t, newRequest(t, fake, method, path, body))
}

// quiet is a body that pings nobody.
func quiet(fields string) string {
	if fields != "" {
		fields = "," + fields
	}
	return `{"allowed_mentions":{"parse":[]}` + fields + `}`
}

func upload(t *testing.T, fake *fakediscord.Server, path, payload string, files map[string]string) *http.Request {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	require.NoError(t, w.WriteField("payload_json", payload))
	for field, content := range files {
		name, file, _ := strings.Cut(field, "=")
		part, err := w.CreateFormFile(name, file)
		require.NoError(t, err)
		_, err = part.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	r := newRequest(t, fake, http.MethodPost, path, buf.String())
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// rules names the rules broken so far, each once, in order.
func rules(fake *fakediscord.Server) []string {
	out := []string{}
	for _, v := range fake.Faults() {
		if len(out) == 0 || out[len(out)-1] != v.Rule {
			out = append(out, v.Rule)
		}
	}
	return out
}
