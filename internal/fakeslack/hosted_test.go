package fakeslack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// fetch asks for a file's bytes and follows nothing.
func (h *house) fetch(t *testing.T, address, auth string) (status int, kind, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Header.Get("Content-Type"), string(data)
}

func object(t *testing.T, raw []byte) (out map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func TestFilesAreHandedToTheBotAlone(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "files:read")
	other := h.AddWorkspace("rivals", "files:read")
	id := h.team.AddFile(h.team.Owner, "a ring.png", "image/png", []byte("\x89PNG ring"))
	require.Empty(t, h.team.AddFile("U0NOBODY", "x.png", "image/png", nil))
	f, _, _, err := h.api.GetFileInfoContext(t.Context(), id, 1, 1)
	require.NoError(t, err)
	require.Equal(t, "a ring.png", f.Name)
	require.Equal(t, "image/png", f.Mimetype)
	require.Equal(t, 9, f.Size)
	good := "Bearer " + h.team.BotToken()
	for _, address := range []string{f.URLPrivate, f.URLPrivateDownload} {
		status, kind, body := h.fetch(t, address, good)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "image/png", kind)
		require.Equal(t, "\x89PNG ring", body)
	}
	require.Empty(t, h.Faults())
	for _, tc := range []struct{ auth, address, code string }{
		{"", f.URLPrivate, "not_authed"},
		{"Bearer xoxb-stolen", f.URLPrivate, "invalid_auth"},
		{"Bearer " + h.AppToken(), f.URLPrivate, "not_allowed_token_type"},
		{"Bearer " + other.BotToken(), f.URLPrivate, "another_workspace"},
		{good, f.URLPrivate + "?token=x", "token_in_query"},
	} {
		status, _, _ := h.fetch(t, tc.address, tc.auth)
		require.Equal(t, http.StatusFound, status, tc.code)
		require.Contains(t, h.Codes(), tc.code)
	}
	h.team.SetScopes("chat:write")
	status, _, _ := h.fetch(t, f.URLPrivate, good)
	require.Equal(t, http.StatusFound, status, "without the scope")
	require.Contains(t, h.Codes(), "missing_scope")
	status, kind, _ := h.fetch(t, h.URL()+"/signin", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, kind, "text/html")
	status, _, _ = h.fetch(t, h.URL()+"/files-pri/T0-F0/x.png", good)
	require.Equal(t, http.StatusNotFound, status)
	_, _, _, err = h.client(other.BotToken()).GetFileInfoContext(t.Context(), id, 1, 1)
	require.EqualError(t, err, "file_not_found")
}

func TestFormsReportWholeFiles(t *testing.T) {
	t.Parallel()
	h := live(t, "chat:write", "files:read")
	a := doors(t, h, nil)
	me := h.team.Owner
	picture := h.team.AddFile(me, "ring.PNG", "image/png", []byte("ring"))
	text := h.team.AddFile(me, "notes.txt", "text/plain", []byte("notes"))
	strangers := h.team.AddFile(h.team.AddUser("ann"), "hers.png", "image/png", []byte("hers"))
	r, err := h.Slash(me, h.ch, "/ia form")
	require.NoError(t, err)
	code, _ := h.call(t, "views.open", map[string]any{"trigger_id": r.TriggerID, "view": map[string]any{
		"type": "modal", "title": map[string]any{"type": "plain_text", "text": "Files"}, "submit": map[string]any{"type": "plain_text", "text": "Send"},
		"blocks": []any{map[string]any{
			"type": "input", "block_id": "files", "label": map[string]any{"type": "plain_text", "text": "Files"},
			"element": map[string]any{"type": "file_input", "action_id": "f", "filetypes": []any{"png"}, "max_files": 1},
		}},
	}})
	require.Empty(t, code)
	for _, ids := range [][]string{{text}, {strangers}, {"F0NONE"}, {picture, picture}, {}} {
		_, err := h.SubmitForm(me, map[string][]string{"files": ids})
		require.Error(t, err, ids)
	}
	_, err = h.SubmitForm(me, map[string][]string{"files": {picture}})
	require.NoError(t, err)
	all := a.deliveries()
	form, err := url.ParseQuery(string(all[len(all)-1].body))
	require.NoError(t, err)
	payload := object(t, []byte(form.Get("payload")))
	values := payload["view"].(map[string]any)["state"].(map[string]any)["values"].(map[string]any)
	held := values["files"].(map[string]any)["f"].(map[string]any)
	require.Equal(t, "file_input", held["type"])
	file := held["files"].([]any)[0].(map[string]any)
	require.Equal(t, picture, file["id"])
	require.Equal(t, "visible", file["file_access"])
	require.Equal(t, "png", file["filetype"])
	require.NotEmpty(t, file["url_private_download"])
	require.Empty(t, h.Faults())
}

func TestMessagesCarryFiles(t *testing.T) {
	t.Parallel()
	h := live(t, "channels:history", "files:read")
	a := doors(t, h, nil)
	h.HideFiles(true)
	id := h.team.AddFile(h.team.Owner, "ring.png", "image/png", []byte("ring"))
	h.SayWith(h.team.Owner, h.ch, "", "look", id)
	h.until(t, func() bool { return len(h.Deliveries()) == 1 })
	event := object(t, a.deliveries()[0].body)["event"].(map[string]any)
	require.Equal(t, "file_share", event["subtype"])
	require.Equal(t, "check_file_info", event["files"].([]any)[0].(map[string]any)["file_access"])
	require.Contains(t, h.Screen(h.ch), "(file: ring.png)")
}
