package fakeslack_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func TestScreenShowsWhatPeopleSee(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "chat:write", "reactions:write")
	body, err := os.ReadFile("testdata/messages/comment.json")
	require.NoError(t, err)
	var msg map[string]any
	require.NoError(t, json.Unmarshal(body, &msg))
	msg["channel"] = h.ch
	code, got := h.call(t, "chat.postMessage", msg)
	require.Empty(t, code)
	root := got["ts"].(string)
	h.clock.Add(1e9)
	other := h.post(t, text("unrelated"))
	h.Say(h.team.Owner, h.ch, root, "thanks")
	_, _, _, err = h.api.UpdateMessageContext(t.Context(), h.ch, other, text("changed"))
	require.NoError(t, err)
	require.NoError(t, h.api.AddReactionContext(t.Context(), "eyes", slack.NewRefToMessage(h.ch, other)))
	_, err = h.api.PostEphemeralContext(t.Context(), h.ch, h.team.Owner, text("psst"))
	require.NoError(t, err)
	require.Equal(t, `#alerts

imaginebridge [app]
  :speech_balloon: *@luna_works* commented on <https://imagineanything.com/post/p_1|your post>
  > I am in <!here> & have *maps* https://example.com/atlas
  [Reply] [Open]
  ~ atlas · comment · reply in this thread to answer

    owner
      thanks

imaginebridge [app] (edited)
  changed
  :eyes:

imaginebridge [app] (only visible to owner)
  psst
`, h.Screen(h.ch))
	require.Equal(t, "(no such channel)\n", h.Screen("C404"))
}

func TestMentionsAndLinksAreWhatMarkupDoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text, blocks string
		mentions     []string
		links        []fakeslack.Link
	}{
		"escaped":           {"&lt;!here&gt; &lt;@U1&gt;", "", nil, nil},
		"user":              {"<@U1|ann> <!here> <!subteam^S1>", "", []string{"U1", "here", "subteam:S1"}, nil},
		"channel":           {"<#C1|general>", "", []string{"#C1"}, nil},
		"plain":             {"@here and https://a.test/?x=1&amp;y=2", "", []string{"here"}, []fakeslack.Link{{Label: "https://a.test/?x=1&y=2", URL: "https://a.test/?x=1&y=2"}}},
		"masked":            {"<https://a.test|https://b.test>", "", nil, []fakeslack.Link{{Label: "https://b.test", URL: "https://a.test"}}},
		"date with link":    {"<!date^1^{ago}^https://a.test|then>", "", nil, []fakeslack.Link{{Label: "then", URL: "https://a.test"}}},
		"date":              {"<!date^1^{ago}|then>", "", nil, nil},
		"verbatim":          {"x", `[{"type":"section","text":{"type":"mrkdwn","verbatim":true,"text":"@here https://a.test"}}]`, nil, nil},
		"plain_text":        {"x", `[{"type":"section","text":{"type":"plain_text","text":"<!here> https://a.test"}}]`, nil, nil},
		"rich text":         {"x", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"<!here> https://a.test"},{"type":"link","url":"https://b.test"}]}]}]`, nil, []fakeslack.Link{{Label: "https://b.test", URL: "https://b.test"}}},
		"rich text pinging": {"x", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"broadcast","range":"here"},{"type":"user","user_id":"U1"}]}]}]`, []string{"here", "U1"}, nil},
	} {
		m := fakeslack.Message{Text: tc.text, Blocks: json.RawMessage(tc.blocks)}
		require.Equal(t, tc.mentions, m.Mentions(), name)
		require.Equal(t, tc.links, m.Links(), name)
	}
}

func TestFormatsAreWhatMrkdwnShowsOtherwise(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"*bold* and _this_, ~that~ `code` :tada:": {"*bold*", "_this_", "~that~", "`code`", ":tada:"},
		"2*3*4, snake_case_name, a ~ b, 12:30:45": nil,
		"&gt; quoted":          {"&gt; quoted"},
		"<https://a.test|*x*>": nil,
	} {
		require.Equal(t, want, fakeslack.Message{Text: text}.Formats(), text)
	}
	m := fakeslack.Message{Text: "*fallback*", Blocks: json.RawMessage(`[{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[{"type":"text","text":"*plain*"}]}]}]`)}
	require.Empty(t, m.Formats())
}
