package fakeslack_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// raw sends a request as it stands and reads the answer.
func (h *house) raw(t *testing.T, method, path, contentType, auth, body string) (int, http.Header, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.URL()+path, strings.NewReader(body))
	require.NoError(t, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var got map[string]any
	_ = json.Unmarshal(data, &got)
	return res.StatusCode, res.Header, got
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json; charset=utf-8"
)

// call is a JSON call with the bot token, and returns the error name.
func (h *house) call(t *testing.T, method string, fields map[string]any) (string, map[string]any) {
	t.Helper()
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	_, _, got := h.raw(t, http.MethodPost, "/api/"+method, jsonType, "Bearer "+h.team.BotToken(), string(body))
	code, _ := got["error"].(string)
	require.Equal(t, code == "", got["ok"], "%v", got)
	return code, got
}

func TestTokenRules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		contentType, auth, query, body, want string
	}{
		"header":              {jsonType, "Bearer BOT", "", `{}`, ""},
		"form body":           {formType, "", "", "token=BOT", ""},
		"none":                {formType, "", "", "a=1", "not_authed"},
		"query":               {formType, "", "?token=BOT", "", "not_authed"},
		"query beside header": {jsonType, "Bearer BOT", "?token=BOT", "{}", "not_authed"},
		"JSON body":           {jsonType, "", "", `{"token":"BOT"}`, "not_authed"},
		"unknown":             {jsonType, "Bearer xoxb-1", "", `{}`, "invalid_auth"},
		"app-level":           {jsonType, "Bearer APP", "", `{}`, ""},
		"wrong scheme":        {jsonType, "Basic BOT", "", `{}`, "not_authed"},
		"wrong content type":  {"text/plain", "Bearer BOT", "", `{}`, "invalid_post_type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, fakeslack.Options{})
			fill := strings.NewReplacer("BOT", h.team.BotToken(), "APP", h.AppToken()).Replace
			_, _, got := h.raw(t, http.MethodPost, "/api/auth.test"+fill(tc.query), tc.contentType, fill(tc.auth), fill(tc.body))
			code, _ := got["error"].(string)
			require.Equal(t, tc.want, code)
			if tc.want != "" {
				require.Equal(t, []string{tc.want}, h.Codes())
			}
			for _, r := range h.Requests() {
				require.NotContains(t, r.Args, h.team.BotToken())
			}
		})
	}
}

func TestTokenKindsAndStates(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "chat:write")
	_, _, got := h.raw(t, http.MethodPost, "/api/chat.postMessage", jsonType, "Bearer "+h.AppToken(), `{}`)
	require.Equal(t, "not_allowed_token_type", got["error"])
	_, _, got = h.raw(t, http.MethodPost, "/api/apps.connections.open", jsonType, "Bearer "+h.team.BotToken(), `{}`)
	require.Equal(t, "not_allowed_token_type", got["error"])

	old := h.api
	h.team.Reissue()
	_, err := old.AuthTestContext(t.Context())
	require.EqualError(t, err, "token_revoked")
	res, err := h.client(h.team.BotToken()).AuthTestContext(t.Context())
	require.NoError(t, err)
	require.Equal(t, h.team.BotID, res.BotID)
	require.Equal(t, "chat:write", res.Header.Get("X-OAuth-Scopes"))
	h.team.Revoke()
	code, _ := h.call(t, "auth.test", nil)
	require.Equal(t, "token_revoked", code)

	code, _ = h.call(t, "chat.fly", nil)
	require.Equal(t, "unknown_method", code)
}

func TestMissingScopeNamesIt(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "chat:write")
	for method, need := range map[string]string{
		"chat.unfurl": "links:write", "users.info": "users:read", "reactions.add": "reactions:write", "files.getUploadURLExternal": "files:write",
		"conversations.info": "channels:read,groups:read,mpim:read,im:read", "conversations.history": "channels:history,groups:history,mpim:history,im:history",
	} {
		code, got := h.call(t, method, map[string]any{"channel": h.ch})
		require.Equal(t, "missing_scope", code, method)
		require.Equal(t, need, got["needed"])
		require.Equal(t, "chat:write", got["provided"])
	}
	h.team.SetScopes("groups:history")
	_, got := h.call(t, "conversations.history", map[string]any{"channel": h.ch})
	require.Equal(t, "channels:history", got["needed"], "a public channel needs its own scope")
}

func TestChannelStatesRefusePosts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do   func(h *house) string
		want string
	}{
		"unknown":              {func(*house) string { return "C404" }, "channel_not_found"},
		"by name":              {func(*house) string { return "#alerts" }, "channel_not_found"},
		"deleted":              {func(h *house) string { h.DeleteChannel(h.ch); return h.ch }, "channel_not_found"},
		"of another workspace": {func(h *house) string { return h.AddWorkspace("other").AddChannel("x") }, "channel_not_found"},
		"not a member":         {func(h *house) string { return h.team.AddForeignChannel("x") }, "not_in_channel"},
		"kicked":               {func(h *house) string { h.Kick(h.ch); return h.ch }, "not_in_channel"},
		"invited again":        {func(h *house) string { h.Kick(h.ch); h.Invite(h.ch); return h.ch }, ""},
		"private, kicked": {func(h *house) string {
			id := h.team.AddPrivateChannel("x")
			h.Kick(id)
			return id
		}, "channel_not_found"},
		"public scope": {func(h *house) string {
			h.team.SetScopes("chat:write", "chat:write.public")
			return h.team.AddForeignChannel("x")
		}, ""},
		"archived":  {func(h *house) string { h.Archive(h.ch, true); return h.ch }, "is_archived"},
		"a person":  {func(h *house) string { return h.team.AddUser("ann") }, ""},
		"no person": {func(*house) string { return "U404" }, "channel_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, fakeslack.Options{}, "chat:write")
			id := tc.do(h)
			code, _ := h.call(t, "chat.postMessage", map[string]any{"channel": id, "text": "x"})
			require.Equal(t, tc.want, code)
			if tc.want != "" {
				require.Equal(t, []string{tc.want}, h.Codes())
				require.Empty(t, h.Messages(id))
			}
		})
	}
}

func TestPostRefusesWhatSlackRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fields map[string]any
		want   string
	}{
		"nothing":            {map[string]any{}, "no_text"},
		"blocks no JSON":     {map[string]any{"blocks": "[{"}, "invalid_blocks_format"},
		"blocks an object":   {map[string]any{"blocks": map[string]any{}}, "invalid_blocks_format"},
		"bad block":          {map[string]any{"text": "x", "blocks": json.RawMessage(section(""))}, "invalid_blocks"},
		"bad metadata":       {map[string]any{"text": "x", "metadata": map[string]any{"event_type": "a"}}, "invalid_metadata_schema"},
		"metadata no object": {map[string]any{"text": "x", "metadata": "[]"}, "invalid_metadata_format"},
		"attachments":        {map[string]any{"text": "x", "attachments": "{}"}, "invalid_attachments"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, fakeslack.Options{})
			tc.fields["channel"] = h.ch
			code, got := h.call(t, "chat.postMessage", tc.fields)
			require.Equal(t, tc.want, code)
			if tc.want == "invalid_blocks" {
				require.Contains(t, got["errors"].([]any)[0], "[json-pointer:/blocks/0/text/text]")
				require.Contains(t, got["response_metadata"].(map[string]any)["messages"].([]any)[0], "[ERROR] must be more than 0 characters")
			}
		})
	}
}

func TestBadMannersAreServedAndRecorded(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Limits: fakeslack.Limits{Off: true}})
	root := h.post(t, text("root"))
	reply := h.post(t, text("reply"), slack.MsgOptionTS(root))
	for want, fields := range map[string]map[string]any{
		"unknown_argument":         {"text": "x", "color": "red"},
		"missing_text_in_message":  {"blocks": json.RawMessage(section("x"))},
		"text_over_4000":           {"text": rep("x", 4001)},
		"text_cut":                 {"text": rep("x", 40_001)},
		"broadcast_without_thread": {"text": "x", "reply_broadcast": true},
		"thread_ts_of_reply":       {"text": "x", "thread_ts": reply},
	} {
		fields["channel"] = h.ch
		before := len(h.Faults())
		code, _ := h.call(t, "chat.postMessage", fields)
		require.Empty(t, code, want)
		require.Len(t, h.Faults(), before+1)
		last := h.Faults()[before]
		require.Equal(t, want, last.Code)
		require.True(t, last.Served)
	}
	_, _, _ = h.raw(t, http.MethodPost, "/api/api.test", formType, "", "foo=1&foo=2")
	require.Contains(t, h.Codes(), "repeated_argument")
}

func TestImageMustBeReachable(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	blocks := json.RawMessage(`[{"type":"image","image_url":"https://cdn.test/a.png","alt_text":"x"}]`)
	h.BreakImages("https://cdn.test/")
	code, _ := h.call(t, "chat.postMessage", map[string]any{"channel": h.ch, "text": "x", "blocks": blocks})
	require.Equal(t, "invalid_blocks", code)
	require.Contains(t, h.Faults()[0].Detail, "downloading image failed")
	h.BreakImages("https://elsewhere.test/")
	h.clock.Add(time.Second)
	code, _ = h.call(t, "chat.postMessage", map[string]any{"channel": h.ch, "text": "x", "blocks": blocks})
	require.Empty(t, code)
}

func TestReplyToADeletedParentIsUnthreaded(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	root := h.post(t, text("root"))
	require.True(t, h.DeleteMessage(h.ch, root))
	require.False(t, h.DeleteMessage(h.ch, root))
	_, got := h.call(t, "chat.postMessage", map[string]any{"channel": h.ch, "text": "x", "thread_ts": root})
	require.NotContains(t, got["message"], "thread_ts")
	require.Empty(t, h.Messages(h.ch)[0].ThreadTS)
	require.Empty(t, h.Faults())
}

func TestUpdateRules(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{EditWindow: time.Hour})
	blocks := json.RawMessage(section("*bold*"))
	_, got := h.call(t, "chat.postMessage", map[string]any{
		"channel": h.ch, "text": "one", "blocks": blocks, "metadata": map[string]any{"event_type": "e", "event_payload": map[string]any{"s": 1}},
	})
	ts := got["ts"].(string)
	update := func(fields map[string]any) string {
		fields["channel"], fields["ts"] = h.ch, ts
		code, _ := h.call(t, "chat.update", fields)
		return code
	}
	now := func() fakeslack.Message { return h.Messages(h.ch)[0] }

	require.Empty(t, update(map[string]any{"text": "two", "blocks": blocks}))
	require.Equal(t, "two", now().Text)
	require.False(t, now().Edited, "with blocks there is no mark")
	require.NotNil(t, now().Metadata, "left out is kept")
	require.Empty(t, update(map[string]any{"text": "three", "metadata": map[string]any{}}))
	require.Empty(t, now().Blocks, "text alone takes the blocks away")
	require.Equal(t, "client", now().Parse, "the default of an update")
	require.True(t, now().Edited)
	require.Nil(t, now().Metadata, "{} removes")
	require.Equal(t, 2, now().Edits)

	require.Equal(t, "no_text", update(map[string]any{}))
	require.Equal(t, "msg_too_long", update(map[string]any{"text": rep("x", 4001)}))
	require.Equal(t, "invalid_blocks", update(map[string]any{"text": "x", "blocks": json.RawMessage(section(""))}))
	code, _ := h.call(t, "chat.update", map[string]any{"channel": h.team.Owner, "ts": ts, "text": "x"})
	require.Equal(t, "channel_not_found", code, "a user id is no channel")
	code, _ = h.call(t, "chat.update", map[string]any{"channel": h.ch, "ts": "1.000000", "text": "x"})
	require.Equal(t, "message_not_found", code)
	theirs := h.Say(h.team.Owner, h.ch, "", "mine")
	code, _ = h.call(t, "chat.update", map[string]any{"channel": h.ch, "ts": theirs, "text": "x"})
	require.Equal(t, "cant_update_message", code)
	code, _ = h.call(t, "chat.delete", map[string]any{"channel": h.ch, "ts": theirs})
	require.Equal(t, "cant_delete_message", code)
	h.clock.Add(2 * time.Hour)
	require.Equal(t, "edit_window_closed", update(map[string]any{"text": "x"}))
	code, _ = h.call(t, "chat.delete", map[string]any{"channel": h.ch, "ts": ts})
	require.Empty(t, code)
	require.Len(t, h.Messages(h.ch), 1)
	require.Equal(t, "message_not_found", update(map[string]any{"text": "x"}))
}

func TestEphemeralReachesOnePerson(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	_, err := h.api.PostEphemeralContext(t.Context(), h.ch, h.team.Owner, text("psst"))
	require.NoError(t, err)
	m := h.Messages(h.ch)[0]
	require.Equal(t, h.team.Owner, m.Ephemeral)
	code, _ := h.call(t, "chat.update", map[string]any{"channel": h.ch, "ts": m.TS, "text": "x"})
	require.Equal(t, "message_not_found", code, "it has no history")
	code, _ = h.call(t, "chat.postEphemeral", map[string]any{"channel": h.ch, "user": "U404", "text": "x"})
	require.Equal(t, "user_not_in_channel", code)
}

func TestHistoryPagesAndWindows(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "chat:write", "channels:history")
	var ts []string
	for range 5 {
		ts = append(ts, h.post(t, text("m")))
	}
	page, err := h.api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: h.ch, Limit: 2})
	require.NoError(t, err)
	require.True(t, page.HasMore)
	require.Equal(t, ts[4], page.Messages[0].Timestamp, "newest first")
	page, err = h.api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: h.ch, Limit: 9, Cursor: page.ResponseMetaData.NextCursor})
	require.NoError(t, err)
	require.Len(t, page.Messages, 3)
	page, err = h.api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: h.ch, Oldest: ts[2]})
	require.NoError(t, err)
	require.Len(t, page.Messages, 2)
	for want, fields := range map[string]map[string]any{
		"invalid_limit":     {"limit": 1000},
		"invalid_cursor":    {"cursor": "x"},
		"invalid_ts_oldest": {"oldest": "yesterday"},
	} {
		fields["channel"] = h.ch
		code, _ := h.call(t, "conversations.history", fields)
		require.Equal(t, want, code)
	}
	code, _ := h.call(t, "conversations.replies", map[string]any{"channel": h.ch, "ts": "1.000000"})
	require.Equal(t, "thread_not_found", code)
	h.Kick(h.ch)
	code, _ = h.call(t, "conversations.history", map[string]any{"channel": h.ch})
	require.Equal(t, "not_in_channel", code)
}

func TestConversationsAndPeopleAreFound(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "channels:read", "im:write", "users:read", "chat:write", "reactions:write")
	ann := h.team.AddUser("ann")
	info, err := h.api.GetConversationInfoContext(t.Context(), &slack.GetConversationInfoInput{ChannelID: h.ch})
	require.NoError(t, err)
	require.Equal(t, "alerts", info.Name)
	require.True(t, info.IsMember)
	list, _, err := h.api.GetConversationsContext(t.Context(), &slack.GetConversationsParameters{Types: []string{"public_channel"}, ExcludeArchived: true})
	require.NoError(t, err)
	require.Len(t, list, 1)
	dm, _, _, err := h.api.OpenConversationContext(t.Context(), &slack.OpenConversationParameters{Users: []string{ann}})
	require.NoError(t, err)
	require.Equal(t, h.team.DM(ann), dm.ID)
	who, err := h.api.GetUserInfoContext(t.Context(), ann)
	require.NoError(t, err)
	require.Equal(t, "ann", who.Name)
	require.Equal(t, "Europe/Berlin", who.TZ)
	require.Equal(t, "en-US", who.Locale, "the library always asks for it")
	h.Settle(ann, "Asia/Kolkata", "hi-IN")
	_, got := h.call(t, "users.info", map[string]any{"user": ann})
	user := got["user"].(map[string]any)
	require.Equal(t, "Asia/Kolkata", user["tz"])
	require.InDelta(t, 19800, user["tz_offset"], 0)
	require.NotContains(t, user, "locale", "only where it is asked for")
	_, got = h.call(t, "users.info", map[string]any{"user": ann, "include_locale": true})
	require.Equal(t, "hi-IN", got["user"].(map[string]any)["locale"])
	ts := h.post(t, text("x"))
	require.NoError(t, h.api.AddReactionContext(t.Context(), "eyes", slack.NewRefToMessage(h.ch, ts)))
	require.Equal(t, []string{"eyes"}, h.Messages(h.ch)[0].Reactions)
	require.EqualError(t, h.api.AddReactionContext(t.Context(), "eyes", slack.NewRefToMessage(h.ch, ts)), "already_reacted")
}

func TestUploadRules(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "files:write", "chat:write")
	ticket, err := h.api.GetUploadURLExternalContext(t.Context(), slack.GetUploadURLExternalParameters{FileName: "a.png", FileSize: 5})
	require.NoError(t, err)
	put := func(body, auth string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ticket.UploadURL, bytes.NewReader([]byte(body)))
		require.NoError(t, err)
		if auth != "" {
			r.Header.Set("Authorization", auth)
		}
		res, err := (&http.Client{Timeout: 30 * time.Second}).Do(r)
		require.NoError(t, err)
		_ = res.Body.Close()
		return res.StatusCode
	}
	complete := func() (string, map[string]any) {
		return h.call(t, "files.completeUploadExternal", map[string]any{"channel_id": h.ch, "files": []any{map[string]any{"id": ticket.FileID, "title": "A"}}})
	}
	require.Equal(t, http.StatusBadRequest, put("four", ""))
	code, _ := complete()
	require.Equal(t, "file_not_found", code, "no bytes yet")
	require.Equal(t, http.StatusOK, put("bytes", "Bearer x"))
	code, got := complete()
	require.Empty(t, code)
	require.NotContains(t, got, "ts")
	require.Equal(t, []string{"A a.png"}, h.Messages(h.ch)[0].Files)
	code, _ = complete()
	require.Equal(t, "file_not_found", code, "completed once")
	require.Equal(t, []string{"length_mismatch", "file_not_found", "token_sent_to_upload", "file_not_found"}, h.Codes())

	for _, fields := range []map[string]any{{"length": 5}, {"filename": "a"}, {"filename": "a", "length": 0}} {
		code, _ = h.call(t, "files.getUploadURLExternal", fields)
		require.Equal(t, "invalid_arguments", code)
	}
	err = h.api.UploadToURL(t.Context(), slack.UploadToURLParameters{UploadURL: ticket.UploadURL, Content: "bytes", Filename: "a"})
	require.Error(t, err, "the library writes two closing boundaries")
}

func TestValidateMethods(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	for _, tc := range []struct {
		field string
		value string
		want  string
	}{
		{"blocks", section("x"), ""},
		{"blocks", section(""), "invalid_blocks"},
		{"message", `{"text":"x"}`, ""},
		{"message", `{}`, "invalid_message"},
		{"view", `{"type":"home","blocks":[]}`, ""},
		{"view", `{"type":"modal","blocks":[]}`, "invalid_view"},
	} {
		code, got := h.call(t, "blocks.validate", map[string]any{tc.field: json.RawMessage(tc.value)})
		require.Equal(t, tc.want, code, tc.value)
		if code != "" {
			require.Contains(t, got["errors"].([]any)[0], "pointer")
		}
	}
	_, err := h.api.ValidateManifestRawContext(t.Context(), json.RawMessage(`{"display_information":{"name":"x"}}`), h.ConfigToken(), "")
	require.NoError(t, err)
	_, err = h.api.ValidateManifestRawContext(t.Context(), json.RawMessage(`{}`), h.ConfigToken(), "")
	require.EqualError(t, err, "invalid_manifest")
}

func TestTolerated(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Limits: fakeslack.Limits{Off: true}})
	for name, body := range map[string]string{
		"token in a form":       url.Values{"token": {h.team.BotToken()}, "channel": {h.ch}, "text": {"x"}, "blocks": {section("x")}}.Encode(),
		"empty blocks argument": url.Values{"token": {h.team.BotToken()}, "channel": {h.ch}, "text": {"x"}, "blocks": {""}}.Encode(),
	} {
		_, _, got := h.raw(t, http.MethodPost, "/api/chat.postMessage", formType, "", body)
		require.Equal(t, true, got["ok"], name)
	}
	code, _ := h.call(t, "chat.postMessage", map[string]any{"channel": h.ch, "text": "x", "blocks": section("as a string")})
	require.Empty(t, code)
	code, _ = h.call(t, "chat.postMessage", map[string]any{"channel": h.ch, "text": "x", "blocks": nil})
	require.Empty(t, code)
	require.Empty(t, h.Faults())
}
