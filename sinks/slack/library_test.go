package slack

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"
)

// S37: pitfalls of slack-go v0.35 that code here works round. A test that fails
// after an upgrade says that the way round may go, or has to change.

// librarys is a client of the library, as it comes, against one answer.
func librarys(t *testing.T, h http.HandlerFunc) (*slackgo.Client, string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return slackgo.New(canaryBot, slackgo.OptionAPIURL(s.URL+"/api/")), s.URL
}

func says(status int, body, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestLibraryL1_UnknownEventsAreErrors(t *testing.T) {
	t.Parallel()
	_, err := slackevents.ParseEvent(json.RawMessage(`{"type":"event_callback","event":{"type":"from_the_future"}}`), slackevents.OptionNoVerifyToken())
	require.Error(t, err)
}

func TestLibraryL2_FiftyEventsAreHeld(t *testing.T) {
	t.Parallel()
	require.Equal(t, 50, cap(socketmode.New(slackgo.New(canaryBot)).Events))
}

func TestLibraryL9_SharedLinksLackTheirUnfurl(t *testing.T) {
	t.Parallel()
	for field := range reflect.TypeFor[slackevents.LinkSharedEvent]().Fields() {
		require.NotContains(t, []string{"unfurl_id", "source", "is_bot_user_member"}, strings.Split(field.Tag.Get("json"), ",")[0])
	}
}

func TestLibraryL10_ARefusalWithoutAReasonIsNoError(t *testing.T) {
	t.Parallel()
	api, _ := librarys(t, says(200, `{"ok":false}`, ""))
	_, _, err := api.PostMessageContext(t.Context(), "C1", slackgo.MsgOptionText("x", false))
	require.NoError(t, err)
}

func TestLibraryL12_OneLimitHasFourShapes(t *testing.T) {
	t.Parallel()
	post := func(h http.HandlerFunc) error {
		api, _ := librarys(t, h)
		_, _, err := api.PostMessageContext(t.Context(), "C1", slackgo.MsgOptionText("x", false))
		return err
	}
	var typed *slackgo.RateLimitedError
	require.ErrorAs(t, post(says(429, "", "1")), &typed)
	var status slackgo.StatusCodeError
	require.ErrorAs(t, post(says(429, "", "")), &status)
	var number *strconv.NumError
	require.ErrorAs(t, post(says(429, "", "1.5")), &number)
	var named slackgo.SlackErrorResponse
	require.ErrorAs(t, post(says(200, `{"ok":false,"error":"ratelimited"}`, "")), &named)
}

func TestLibraryL14_UploadsEndTwice(t *testing.T) {
	t.Parallel()
	var body []byte
	api, url := librarys(t, func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) })
	require.NoError(t, api.UploadToURL(t.Context(), slackgo.UploadToURLParameters{UploadURL: url, Filename: "a.txt", Content: "hello"}))
	first, _, _ := strings.Cut(string(body), "\r\n")
	require.Equal(t, 2, strings.Count(string(body), first+"--"))
	require.NoError(t, api.UploadToURL(t.Context(), slackgo.UploadToURLParameters{UploadURL: url, Filename: "a.txt"}), "nothing to upload is no error")
}

func TestLibraryL18_EmptyListsVanish(t *testing.T) {
	t.Parallel()
	view, err := json.Marshal(slackgo.ModalViewRequest{Type: slackgo.VTModal})
	require.NoError(t, err)
	require.Contains(t, string(view), `"blocks":null`)
	options, err := json.Marshal(slackgo.OptionsResponse{})
	require.NoError(t, err)
	require.Equal(t, `{}`, string(options))
}

func TestLibraryL22_AClickFailsByWhatNobodyReads(t *testing.T) {
	t.Parallel()
	var click slackgo.InteractionCallback
	require.Error(t, json.Unmarshal([]byte(`{"type":"block_actions","is_enterprise_install":"false"}`), &click))
}

func TestLibraryL24_TokensStandInTheForm(t *testing.T) {
	t.Parallel()
	var form string
	api, _ := librarys(t, func(w http.ResponseWriter, r *http.Request) {
		form = r.FormValue("token")
		_, _ = io.WriteString(w, `{"ok":true,"ts":"1.1"}`)
	})
	_, _, err := api.PostMessageContext(t.Context(), "C1", slackgo.MsgOptionText("x", false))
	require.NoError(t, err)
	require.Equal(t, canaryBot, form)
}

func TestLibraryL25_TheDefaultClientHasNoTimeout(t *testing.T) {
	t.Parallel()
	client := reflect.ValueOf(slackgo.New(canaryBot)).Elem().FieldByName("httpclient").Elem().Elem()
	require.Zero(t, client.FieldByName("Timeout").Int())
}

// The library's sender for response_url drops unfurl_links and sends null blocks;
// ours does neither.
func TestLibraryL17_AnswersSayThatLinksStayShut(t *testing.T) {
	t.Parallel()
	var theirs []byte
	api, url := librarys(t, func(w http.ResponseWriter, r *http.Request) {
		theirs, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "ok")
	})
	_, _, err := api.PostMessageContext(t.Context(), "C1", slackgo.MsgOptionResponseURL(url, "ephemeral"), slackgo.MsgOptionText("x", false), slackgo.MsgOptionDisableLinkUnfurl())
	require.NoError(t, err)
	require.NotContains(t, string(theirs), "unfurl_links")
	require.Contains(t, string(theirs), `"blocks":null`)
	ours, err := json.Marshal(response{Text: "x", Type: "ephemeral"})
	require.NoError(t, err)
	require.Contains(t, string(ours), `"unfurl_links":false`)
	require.NotContains(t, string(ours), "null")
}

// A dialer of one's own loses the library's write buffer: larger answers would go
// in pieces, which Slack ignores.
func TestLibraryL27_AcknowledgementsGoInOnePiece(t *testing.T) {
	t.Parallel()
	sink, err := New(Options{BotToken: func() string { return canaryBot }})
	require.NoError(t, err)
	require.Equal(t, 32<<10, sink.dialer().WriteBufferSize)
}
