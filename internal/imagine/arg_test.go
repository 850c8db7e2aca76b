package imagine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// texts is the limit of each text a person writes.
func TestTextsAreMeasuredBeforeSending(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		most, least int
		call        func(context.Context, *imagine.Client, string) error
		over        string
	}{
		"post": {500, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.CreatePost(ctx, imagine.NewPost{Content: s})
			return err
		}, "the text has 501 characters, a post holds 500"},
		"post with media": {500, 0, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.CreatePost(ctx, imagine.NewPost{Content: s, MediaIDs: []string{"u1"}})
			return err
		}, "the text has 501 characters, a post holds 500"},
		"quote": {500, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.Quote(ctx, "p1", s)
			return err
		}, "the text has 501 characters, a post holds 500"},
		"comment": {1000, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.Comment(ctx, "p1", s, "")
			return err
		}, "the text has 1001 characters, a comment holds 1000"},
		"comment on a byte": {500, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.CommentByte(ctx, "b1", s, "")
			return err
		}, "the text has 501 characters, a comment holds 500"},
		"message": {2000, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.SendMessage(ctx, "v1", s)
			return err
		}, "the text has 2001 characters, a direct message holds 2000"},
		"first message": {2000, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.StartConversation(ctx, "nova", s)
			return err
		}, "the text has 2001 characters, a direct message holds 2000"},
		"order message": {5000, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.SendOrderMessage(ctx, "o1", s)
			return err
		}, "the text has 5001 characters, a message holds 5000"},
		"prompt": {1000, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.Generate(ctx, imagine.NewJob{Provider: "OPENAI", Type: "image", Prompt: s})
			return err
		}, "the prompt has 1001 characters, a generation holds 1000"},
		"text beside a generation": {500, 0, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.Generate(ctx, imagine.NewJob{Provider: "OPENAI", Type: "image", Prompt: "x", Content: s})
			return err
		}, "the text has 501 characters, a post holds 500"},
		"caption": {500, 0, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.CreateByte(ctx, "u1", s)
			return err
		}, "the caption has 501 characters, a byte holds 500"},
		"name": {50, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.UpdateMe(ctx, imagine.ProfileChange{Name: &s})
			return err
		}, "the name has 51 characters, a profile holds 50"},
		"bio": {500, 0, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.UpdateMe(ctx, imagine.ProfileChange{Bio: &s})
			return err
		}, "the bio has 501 characters, a profile holds 500"},
		"search": {100, 1, func(ctx context.Context, c *imagine.Client, s string) error {
			_, err := c.Search(ctx, imagine.SearchQuery{Text: s})
			return err
		}, "the search has 101 characters, it holds 100"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := serve(t, answer(200, `{"id":"x","post":{"id":"x"},"comment":{"id":"x"},"message":{"id":"x"},"conversation":{"id":"x"},"byte":{"id":"x"},"agent":{"id":"x"},"agents":[],"posts":[]}`))
			ctx := t.Context()
			require.NoError(t, tc.call(ctx, c, strings.Repeat("x", tc.most)))
			require.NoError(t, tc.call(ctx, c, "  "+strings.Repeat("x", tc.most)+"\n"), "trimmed before it is counted")
			require.NoError(t, tc.call(ctx, c, strings.Repeat("🛰", tc.most/2)), "an emoji is two")
			sent := len(s.all())
			require.Equal(t, 3, sent)

			err := tc.call(ctx, c, strings.Repeat("x", tc.most+1))
			e, ok := errors.AsType[*imagine.ArgError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tc.over, e.Error())
			require.Equal(t, tc.most+1, e.Got)
			require.Equal(t, tc.most, e.Limit)
			require.Error(t, tc.call(ctx, c, strings.Repeat("🛰", tc.most/2)+"x"))
			if tc.least > 0 {
				for _, empty := range []string{"", "  \n", "\u200b\u200d\ufeff"} {
					require.Error(t, tc.call(ctx, c, empty), "%q", empty)
				}
			}
			require.Len(t, s.all(), sent, "refused before sending")
		})
	}
}

func TestIDsAndHandlesThatWouldChangeThePathAreRefused(t *testing.T) {
	t.Parallel()
	s, c := serve(t, answer(200, `{"post":{"id":"x"},"agent":{"id":"x"}}`))
	for _, id := range []string{"", ".", "..", "a/b", `a\b`, "a\nb", "\x00", "\xff", strings.Repeat("x", 129)} {
		_, err := c.Post(t.Context(), id)
		require.Error(t, err, "%q", id)
	}
	for _, handle := range []string{"", "@", "..", "a/b", "a b", "me", "nova?x=1", strings.Repeat("x", 129)} {
		_, err := c.Agent(t.Context(), handle)
		require.Error(t, err, "%q", handle)
	}
	require.Empty(t, s.all())

	for id, path := range map[string]string{"cmlp1": "cmlp1", "a b": "a%20b", "a?b#c": "a%3Fb%23c", "100%": "100%25", "ü": "%C3%BC", strings.Repeat("x", 128): strings.Repeat("x", 128)} {
		_, err := c.Post(t.Context(), id)
		require.NoError(t, err)
		calls := s.all()
		require.Equal(t, "/api/posts/"+path, calls[len(calls)-1].Path)
	}
	_, err := c.Agent(t.Context(), " @Nova-AI")
	require.NoError(t, err)
	calls := s.all()
	require.Equal(t, "/api/agents/Nova-AI", calls[len(calls)-1].Path)
}

func TestOnlyTheStrictFormIsSent(t *testing.T) {
	t.Parallel()
	s, c := serve(t, answer(200, `{"id":"x","post":{"id":"x"},"conversation":{"id":"x"},"agent":{"id":"x"},"service":{"provider":"OPENAI"}}`))
	ctx := t.Context()
	must := func(err error) { require.NoError(t, err) }
	last := func() seen { calls := s.all(); return calls[len(calls)-1] }

	_, err := c.StartConversation(ctx, "@nova_ai", " hi ")
	must(err)
	require.JSONEq(t, `{"participantHandle":"nova_ai","message":"hi"}`, last().Body)
	_, err = c.CreatePost(ctx, imagine.NewPost{Content: "x", MediaType: "IMAGE", MediaIDs: []string{"u1"}})
	must(err)
	require.JSONEq(t, `{"content":"x","mediaType":"IMAGE","mediaIds":["u1"]}`, last().Body)
	require.Equal(t, "application/json", last().Type)
	_, err = c.Generate(ctx, imagine.NewJob{Provider: "RUNWARE", Type: "video", Prompt: "x", Params: map[string]any{"CFGScale": 3.5, "duration": 5}})
	must(err)
	require.JSONEq(t, `{"provider":"RUNWARE","generationType":"video","prompt":"x","params":{"CFGScale":3.5,"duration":5}}`, last().Body)
	_, err = c.UpdateMe(ctx, imagine.ProfileChange{Bio: new("")})
	must(err)
	require.JSONEq(t, `{"bio":""}`, last().Body, "an empty text clears, what is not named stays out")
	must(c.MarkNotificationsRead(ctx, "n1", "n2"))
	require.JSONEq(t, `{"ids":["n1","n2"]}`, last().Body)
	must(c.MarkAllNotificationsRead(ctx))
	require.JSONEq(t, `{"all":true}`, last().Body)
	_, err = c.SetServiceActive(ctx, "OPENAI", false)
	must(err)
	require.JSONEq(t, `{"isActive":false}`, last().Body)
	_, err = c.Like(ctx, "p1")
	must(err)
	require.Empty(t, last().Body)
	require.Empty(t, last().Type, "no body, no content type")
}

func TestArgumentsOutsideTheListsAreRefused(t *testing.T) {
	t.Parallel()
	s, c := serve(t, answer(200, `{}`))
	ctx := t.Context()
	many := make([]string, 101)
	for i := range many {
		many[i] = "n"
	}
	for name, err := range map[string]error{
		"nothing to mark":         c.MarkNotificationsRead(ctx),
		"101 to mark":             c.MarkNotificationsRead(ctx, many...),
		"five images":             second(c.CreatePost(ctx, imagine.NewPost{MediaIDs: many[:5]})),
		"two videos":              second(c.CreatePost(ctx, imagine.NewPost{MediaIDs: many[:2], MediaType: "VIDEO"})),
		"kind a provider lacks":   second(c.Generate(ctx, imagine.NewJob{Provider: "ELEVENLABS", Type: "image", Prompt: "x"})),
		"unknown kind":            second(c.Generate(ctx, imagine.NewJob{Provider: "OPENAI", Type: "smell", Prompt: "x"})),
		"no kind":                 second(c.Generate(ctx, imagine.NewJob{Provider: "OPENAI", Prompt: "x"})),
		"provider in small":       second(c.TestService(ctx, "openai")),
		"no key":                  second(c.ConnectService(ctx, "OPENAI", "  ")),
		"nothing to change":       second(c.UpdateMe(ctx, imagine.ProfileChange{})),
		"agent type":              second(c.UpdateMe(ctx, imagine.ProfileChange{AgentType: new("ROBOT")})),
		"website":                 second(c.UpdateMe(ctx, imagine.ProfileChange{WebsiteURL: new("ftp://x")})),
		"range":                   second(c.Overview(ctx, "1y")),
		"sort":                    second(c.PostStats(ctx, "beauty", 1)),
		"section":                 second(c.Explore(ctx, "moon", 1)),
		"paging over two lists":   second(c.Search(ctx, imagine.SearchQuery{Text: "x", PageQuery: imagine.PageQuery{Cursor: "c"}})),
		"media type":              second(c.Media(ctx, imagine.MediaQuery{Type: "image"})),
		"rating":                  second(c.Review(ctx, imagine.NewReview{OrderID: "o", Rating: 6})),
		"payment":                 second(c.PlaceOrder(ctx, "s", "", "BARTER")),
		"order step":              second(c.UpdateOrder(ctx, "o", "hurry", "")),
		"webhook over http":       second(c.SetWebhook(ctx, imagine.WebhookChange{URL: "http://x.example"})),
		"report of nothing":       second(c.Report(ctx, imagine.NewReport{Reason: "SPAM"})),
		"report without a reason": second(c.Report(ctx, imagine.NewReport{PostID: "p"})),
		"handle to register":      second(c.Register(ctx, imagine.NewAgent{Handle: "No-va", Name: "x"})),
	} {
		_, ok := errors.AsType[*imagine.ArgError](err)
		require.True(t, ok, "%s: %v", name, err)
	}
	require.Empty(t, s.all())
}

func second[T any](_ T, err error) error { return err }
