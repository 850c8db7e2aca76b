package slack

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// Pitfalls of slack-go v0.35 that the code here keeps away from: what the library
// does, and that ours does otherwise or never comes near.

// over answers every request as h does, and notes it in asked.
func over(h http.HandlerFunc, asked *[]*http.Request) *http.Client {
	return &http.Client{Transport: carrier(func(r *http.Request) (*http.Response, error) {
		*asked = append(*asked, r)
		w := httptest.NewRecorder()
		h(w, r)
		return w.Result(), nil
	})}
}

// product calls f with every node of this package's own code.
func product(t *testing.T, f func(ast.Node)) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool { f(n); return true })
	}
}

// uses counts the names behind a dot in this package's own code.
func uses(t *testing.T) map[string]int {
	t.Helper()
	out := map[string]int{}
	product(t, func(n ast.Node) {
		if s, ok := n.(*ast.SelectorExpr); ok {
			out[s.Sel.Name]++
		}
	})
	require.Equal(t, 1, out["PostMessageWithResponseContext"], "what is used is found")
	return out
}

// unused expects that this package's own code uses none of the functions.
func unused(t *testing.T, functions ...any) {
	t.Helper()
	used := uses(t)
	for _, f := range functions {
		name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
		require.Zero(t, used[name[strings.LastIndex(name, ".")+1:]], name)
	}
}

// The library's retries sleep inside the call, where nobody else learns of the
// pause. Ours come back at once and tell the others.
func TestLibraryL13_NothingSleepsInsideACall(t *testing.T) {
	t.Parallel()
	unused(t, slackgo.OptionRetry, slackgo.OptionRetryConfig)
	synctest.Test(t, func(t *testing.T) {
		var asked []*http.Request
		limited := over(says(http.StatusTooManyRequests, `{"ok":false,"error":"ratelimited"}`, "20"), &asked)
		begin := time.Now()
		_, _, err := slackgo.New(canaryBot, slackgo.OptionHTTPClient(limited), slackgo.OptionRetry(1)).PostMessageContext(t.Context(), "C1", slackgo.MsgOptionText("x", false))
		require.Error(t, err)
		require.Len(t, asked, 2)
		require.GreaterOrEqual(t, time.Since(begin), 20*time.Second)

		sink, err := New(Options{BotToken: func() string { return canaryBot }, HTTPClient: limited})
		require.NoError(t, err)
		asked, begin = nil, time.Now()
		bad := sink.paced(t.Context(), call{method: methodPost, channel: "C1"}, func(ctx context.Context, api *slackgo.Client) error {
			_, _, err := api.PostMessageContext(ctx, "C1", slackgo.MsgOptionText("x", false))
			return err
		})
		require.GreaterOrEqual(t, bad.pause, 20*time.Second)
		require.Len(t, asked, 1)
		require.Zero(t, time.Since(begin))
		require.GreaterOrEqual(t, sink.pacer.wait(time.Now(), call{method: methodPost, channel: "C2"}), 20*time.Second)
	})
}

// The library sends the token to every https host under slack.com that a file
// names, and to the origin. Ours goes to the host of files and the origin alone,
// and nothing is uploaded.
func TestLibraryL15_FilesCarryTheTokenToSlackAlone(t *testing.T) {
	t.Parallel()
	unused(t, (*slackgo.Client).GetFile, (*slackgo.Client).GetFileContext, (*slackgo.Client).UploadToURL, (*slackgo.Client).UploadFile, (*slackgo.Client).UploadFileContext)
	const origin = "http://slack.test:8080"
	for address, want := range map[string]struct{ theirs, ours bool }{
		"https://files.slack.com/f":          {true, true},
		origin + "/f":                        {true, true},
		"https://any.slack.com/f":            {theirs: true},
		"http://files.slack.com/f":           {},
		"https://slack.test:8080/f":          {},
		"https://files.slack.com.evil.test/": {},
	} {
		var asked []*http.Request
		client := over(says(http.StatusFound, "", ""), &asked)
		theirs := slackgo.New(canaryBot, slackgo.OptionHTTPClient(client), slackgo.OptionAPIURL(origin+"/api/"))
		require.Error(t, theirs.GetFileContext(t.Context(), address, io.Discard))
		require.Equal(t, want.theirs, len(asked) > 0, address)

		sink, err := New(Options{BotToken: func() string { return canaryBot }, HTTPClient: client, APIURL: origin})
		require.NoError(t, err)
		asked = nil
		_, err = sink.web.download(t.Context(), upload{URL: address})
		require.ErrorIs(t, err, errNoFile)
		require.Equal(t, want.ours, len(asked) == 1 && asked[0].Header.Get("Authorization") == "Bearer "+canaryBot, address)
		require.Equal(t, want.ours, len(asked) > 0, address)
	}
}

// Texts of two options are two texts, their blocks one list. Whatever we send has
// everything once, and without blocks it clears those that were there.
func TestLibraryL16_MessagesSayEverythingOnce(t *testing.T) {
	t.Parallel()
	_, twice, err := slackgo.UnsafeApplyMsgOptions("", "", "", slackgo.MsgOptionText("a", false), slackgo.MsgOptionText("b", false))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, twice["text"])
	synctest.Test(t, func(t *testing.T) {
		var sent url.Values
		var asked []*http.Request
		client := over(func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			sent = r.PostForm
			_, _ = io.WriteString(w, `{"ok":true,"channel":"C0CHANNEL","ts":"1.1","message_ts":"1.1"}`)
		}, &asked)
		theirs := slackgo.New(canaryBot, slackgo.OptionHTTPClient(client))
		line := slackgo.MsgOptionBlocks(slackgo.NewDividerBlock())
		_, _, err := theirs.PostMessageContext(t.Context(), "C1", line, line)
		require.NoError(t, err)
		require.Len(t, blocksOf(t, sent), 2)
		_, _, err = theirs.PostMessageContext(t.Context(), "C1", line, slackgo.MsgOptionBlocks())
		require.NoError(t, err)
		require.Equal(t, []string{"[]"}, sent["blocks"])

		sink, err := New(Options{BotToken: func() string { return canaryBot }, HTTPClient: client})
		require.NoError(t, err)
		ctx, d := t.Context(), (&world{channel: "C0CHANNEL"}).note(1)
		for f := full; f <= textOnly; f++ {
			b := sink.binder().render(d, f, false)
			for _, send := range []func() *fault{
				func() *fault { _, _, bad := sink.say(ctx, "C0CHANNEL", "1.0", b); return bad },
				func() *fault { _, bad := sink.postOnce(ctx, d, b, "1.0"); return bad },
				func() *fault { return sink.whisper(ctx, "C0CHANNEL", "1.0", "U1", b) },
				func() *fault { return sink.change(ctx, "C0CHANNEL", "1.1", b) },
			} {
				asked = nil
				require.Nil(t, send())
				require.Len(t, asked, 1)
				for name, values := range sent {
					require.Len(t, values, 1, "%s %s", asked[0].URL.Path, name)
				}
				require.Equal(t, b.text, sent.Get("text"))
				require.Len(t, blocksOf(t, sent), len(b.blocks), asked[0].URL.Path)
			}
		}
		d.Replaces = bridge.Receipt{Channel: "C0CHANNEL", Message: "1.1"}
		asked = nil
		bad, early := sink.update(ctx, call{method: methodUpdate, channel: "C0CHANNEL", ts: "1.1"}, d)
		require.Nil(t, bad)
		require.Nil(t, early)
		for name, values := range sent {
			require.Len(t, values, 1, name)
		}
	})
}

func blocksOf(t *testing.T, sent url.Values) (blocks []json.RawMessage) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(sent.Get("blocks")), &blocks))
	return blocks
}

// The library looks for ids that occur twice in inputs of opened views alone. Our
// forms have none, and the check that all of them go through finds them anywhere.
func TestLibraryL19_IDsInViewsAreOurOwnCare(t *testing.T) {
	t.Parallel()
	input := slackgo.NewInputBlock("same", plainText("x", maxLabel), nil, slackgo.NewPlainTextInputBlockElement(nil, "x"))
	section := slackgo.NewSectionBlock(plainText("x", maxSection), nil, nil, slackgo.SectionBlockOptionBlockID("same"))
	var asked []*http.Request
	theirs := slackgo.New(canaryBot, slackgo.OptionHTTPClient(over(says(http.StatusOK, `{"ok":true}`, ""), &asked)))
	for name, tc := range map[string]struct {
		block  slackgo.Block
		opened bool
	}{"inputs": {block: input}, "sections": {block: section, opened: true}} {
		v := modal(formOf{}.in, "Twice")
		v.Submit, v.Blocks.BlockSet = plainText("Send", maxFormTitle), []slackgo.Block{tc.block, tc.block}
		_, err := theirs.OpenViewContext(t.Context(), "trigger", v)
		require.Equal(t, tc.opened, err == nil, name)
		_, err = theirs.UpdateViewContext(t.Context(), v, "", "", "V1")
		require.NoError(t, err, name)
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotEmpty(t, fakeslack.ValidateView(raw), name)
	}
	for _, spec := range command.Table() {
		seen := map[string]bool{}
		for _, b := range (formOf{spec: &spec, agents: []string{"a", "b"}, files: true}).view().Blocks.BlockSet {
			require.False(t, b.ID() != "" && seen[b.ID()], "%s: %s", spec.Name(), b.ID())
			seen[b.ID()] = true
		}
	}
}

// The library's parsers take the body, which is gone for whoever verifies after
// them. Ours reads what was verified, whatever the headers call it.
func TestLibraryL21_WhatIsVerifiedIsWhatIsRead(t *testing.T) {
	t.Parallel()
	unused(t, slackgo.SlashCommandParse, slackgo.InteractionCallbackParse, (*http.Request).ParseForm, (*http.Request).ParseMultipartForm, (*http.Request).FormValue, (*http.Request).PostFormValue)
	d := openDoor(t, "http", fine, nil)
	body := url.Values{"command": {"/ia"}, "text": {"like p1"}, "team_id": {d.team.ID}, "user_id": {d.ann}, "channel_id": {d.channel}, "trigger_id": {"t"}}.Encode()
	request := func(kind string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/slack/commands?text=like+p2&user_id=U0OTHER", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		fakeslack.Sign(r.Header, signingSecret, time.Now(), []byte(body))
		return r
	}
	theirs := request("application/x-www-form-urlencoded")
	_, err := slackgo.SlashCommandParse(theirs)
	require.NoError(t, err)
	left, err := io.ReadAll(theirs.Body)
	require.NoError(t, err)
	require.Empty(t, left)
	w := httptest.NewRecorder()
	d.sink.Handler().ServeHTTP(w, request("multipart/form-data; boundary=x"))
	require.Equal(t, http.StatusOK, w.Code)
	require.NoError(t, d.sink.Drain(t.Context()))
	require.Len(t, d.hands.effects(), 1)
	require.Equal(t, "p1", d.hands.effects()[0].Values["post"])
	require.Equal(t, d.ann, d.hands.effects()[0].Principal.User)
}

// Preformatted text grows a border, and of two kinds of metadata the last wins.
// We write neither: one place gives our messages their metadata.
func TestLibraryL28_NothingOfOursChangesOnItsWay(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(slackgo.RichTextPreformatted{Type: slackgo.RTEPreformatted})
	require.NoError(t, err)
	require.Contains(t, string(raw), `"border":0`)
	_, last, err := slackgo.UnsafeApplyMsgOptions("", "", "", slackgo.MsgOptionMetadata(metadata(bridge.Delivery{Key: "k"})), slackgo.MsgOptionWorkObjectMetadata(slackgo.WorkObjectMetadata{}))
	require.NoError(t, err)
	require.NotContains(t, last.Get("metadata"), eventType)
	unused(t, slackgo.MsgOptionWorkObjectMetadata, slackgo.MsgOptionWorkObjectEntity)
	used := uses(t)
	require.Zero(t, used[reflect.TypeFor[slackgo.RichTextPreformatted]().Name()])
	require.Zero(t, used["RTEPreformatted"])
	require.Equal(t, 1, used["MsgOptionMetadata"])
}

// Two methods that the library does not know are not called either: whoever
// begins to has to write the call.
func TestLibraryL29_NothingCallsWhatTheLibraryLacks(t *testing.T) {
	t.Parallel()
	literals := 0
	product(t, func(n ast.Node) {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return
		}
		literals++
		said, err := strconv.Unquote(lit.Value)
		require.NoError(t, err)
		require.NotContains(t, said, "blocks.validate")
		require.NotContains(t, said, "oauth.v2.exchange")
	})
	require.NotZero(t, literals)
}

// The library's own fake takes everything. Ours stands in its place everywhere,
// and refuses.
func TestLibraryL30_TestsCanFail(t *testing.T) {
	t.Parallel()
	read := 0
	for _, room := range []string{".", "../../internal/fakeslack", "../../cmd/imaginebridge"} {
		files, err := filepath.Glob(filepath.Join(room, "*.go"))
		require.NoError(t, err)
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			require.NoError(t, err)
			for _, i := range file.Imports {
				read++
				require.NotContains(t, i.Path.Value, "slack-go/slack/slacktest", name)
			}
		}
	}
	require.NotZero(t, read)
	w := onSockets(t, settings{})
	_, _, bad := w.sink.say(t.Context(), "C0NOWHERE", "", body{text: "x"})
	require.Equal(t, "channel_not_found", bad.code)
	_, _, bad = w.sink.say(t.Context(), w.channel, "", body{text: "x", blocks: []slackgo.Block{slackgo.NewHeaderBlock(plainText(strings.Repeat("x", 200), maxSection))}})
	require.Equal(t, "invalid_blocks", bad.code)
	require.Empty(t, w.shown())
}
