package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestPostsOutOfRuleAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 501)
	testRefusals(t, sandbox.Options{}, map[string]wrong{
		"empty":               {"POST", "/api/posts", `{"content":""}`, 400, "validation_error", "content must be 1 to 500 characters"},
		"no content":          {"POST", "/api/posts", `{}`, 400, "validation_error", "content"},
		"too long":            {"POST", "/api/posts", `{"content":"` + long + `"}`, 400, "validation_error", "content"},
		"media type":          {"POST", "/api/posts", `{"content":"x","mediaType":"GIF"}`, 400, "validation_error", "mediaType"},
		"unknown media":       {"POST", "/api/posts", `{"content":"x","mediaIds":["none"]}`, 400, "invalid_media", "none"},
		"media link":          {"POST", "/api/posts", `{"content":"x","mediaUrls":["ftp://a"]}`, 400, "invalid_media", "mediaUrls"},
		"five links":          {"POST", "/api/posts", `{"content":"x","mediaUrls":["https://a.example","https://a.example","https://a.example","https://a.example","https://a.example"]}`, 400, "validation_error", "mediaUrls"},
		"show unknown":        {"GET", "/api/posts/none", "", 404, "not_found", "post"},
		"like unknown":        {"POST", "/api/posts/none/like", "", 404, "not_found", "post"},
		"unlike unknown":      {"DELETE", "/api/posts/none/like", "", 404, "not_found", "post"},
		"comment unknown":     {"POST", "/api/posts/none/comments", `{"content":"x"}`, 404, "not_found", "post"},
		"comments of unknown": {"GET", "/api/posts/none/comments", "", 404, "not_found", "post"},
		"comment empty":       {"POST", "/api/posts/THEIRS/comments", `{"content":" "}`, 400, "validation_error", "content must be 1 to 1000"},
		"comment long":        {"POST", "/api/posts/THEIRS/comments", `{"content":"` + strings.Repeat("x", 1001) + `"}`, 400, "validation_error", "content"},
		"comment parent":      {"POST", "/api/posts/THEIRS/comments", `{"content":"x","parentId":"REMARK"}`, 400, "validation_error", "parentId"},
		"comment orphan":      {"POST", "/api/posts/THEIRS/comments", `{"content":"x","parentId":"none"}`, 400, "validation_error", "parentId"},
		"repost unknown":      {"POST", "/api/posts/none/repost", "", 404, "not_found", "post"},
		"quote unknown":       {"POST", "/api/posts/none/quote", `{"content":"x"}`, 404, "not_found", "post"},
		"quote empty":         {"POST", "/api/posts/THEIRS/quote", `{"content":""}`, 400, "validation_error", "content"},
		"quote long":          {"POST", "/api/posts/THEIRS/quote", `{"content":"` + long + `"}`, 400, "validation_error", "content"},
		"delete another's":    {"DELETE", "/api/posts/THEIRS", "", 403, "forbidden", "You can only delete your own posts"},
		"delete unknown":      {"DELETE", "/api/posts/none", "", 404, "not_found", "post"},
	})
}

func TestExternalMediaLinksCanBeRefused(t *testing.T) {
	t.Parallel()
	body := `{"content":"x","mediaUrls":["https://pictures.example/1.png"]}`
	got := as(t, open(t, sandbox.Options{}), 0).post("/api/posts", body)
	require.Equal(t, http.StatusCreated, got.status)
	require.Equal(t, "IMAGE", got.str("post.mediaType"))
	require.Equal(t, "https://pictures.example/1.png", got.str("post.mediaUrls.0"))
	got = as(t, open(t, sandbox.Options{NoMediaURLs: true}), 0).post("/api/posts", body)
	require.Equal(t, "invalid_media", got.str("error"))
}

func TestTagsAndMentionsComeFromTheText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text           string
		tags, mentions []any
	}{
		"plain":         {"#Orbit and @Nova_AI", []any{"orbit"}, []any{"nova_ai"}},
		"twice":         {"#a #A @nova_ai @nova_ai", []any{"a"}, []any{"nova_ai"}},
		"inside a word": {"a#b mail@nova_ai.example", []any{}, []any{}},
		"letters":       {"#größe_9!", []any{"größe_9"}, []any{}},
		"bad handles":   {"@1a @ab @@nova_ai", []any{}, []any{}},
		"too long":      {"@" + strings.Repeat("a", 31), []any{}, []any{}},
		"neighbours":    {"(@nova_ai) #x,#y", []any{"x", "y"}, []any{"nova_ai"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := as(t, open(t, sandbox.Options{}), 0).post("/api/posts", `{"content":"`+tc.text+`"}`)
			require.Equal(t, http.StatusCreated, got.status, got.text)
			require.Equal(t, tc.tags, got.list("post.hashtags"))
			require.Equal(t, tc.mentions, got.list("post.mentions"))
		})
	}
}

func TestCountsFollowFromWhatHappened(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	theirs := s.ids.Replace("/api/posts/THEIRS")
	require.InDelta(t, 1, s.me.post(theirs+"/like", "").at("likeCount"), 0)
	again := s.me.post(theirs+"/like", "")
	require.Equal(t, `{"liked":true,"likeCount":1}`, again.text, "liking again changes nothing")
	require.Equal(t, http.StatusCreated, s.me.post(theirs+"/comments", `{"content":"x"}`).status)
	repost := s.me.post(theirs+"/repost", "")
	require.Equal(t, http.StatusCreated, repost.status)
	require.Empty(t, repost.str("post.content"))
	require.Equal(t, s.ids.Replace("THEIRS"), repost.str("post.repostOf.id"))
	require.Equal(t, http.StatusConflict, s.me.post(theirs+"/repost", "").status)
	quote := s.me.post(theirs+"/quote", `{"content":"Look"}`)
	require.Equal(t, true, quote.at("post.isQuote"))
	require.Equal(t, "Theirs", quote.str("post.repostOf.content"))

	got := s.me.get(theirs)
	for field, want := range map[string]int{"likeCount": 1, "commentCount": 1, "repostCount": 2, "viewCount": 1} {
		require.InDelta(t, want, got.at("post."+field), 0, field)
	}
	require.Equal(t, true, got.at("post.isLiked"))
	require.Equal(t, true, got.at("post.isReposted"))
	anonymous := nobody(t, s.box).get(theirs)
	require.Nil(t, anonymous.at("post.isLiked"), "personal fields need a bearer")
	require.InDelta(t, 2, anonymous.at("post.viewCount"), 0)

	require.Equal(t, `{"liked":false,"likeCount":0}`, s.me.delete(theirs+"/like").text)
	mine := s.ids.Replace("/api/posts/MINE")
	require.InDelta(t, 0, s.me.get(mine).at("post.viewCount"), 0, "one's own look is no view")
}

func TestDeletingAPostTakesItsOwnAlong(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	mine := s.ids.Replace("MINE")
	bare := act(t, s.box, sandbox.Action{As: "nova_ai", Do: "repost", Post: mine})
	quote := act(t, s.box, sandbox.Action{As: "nova_ai", Do: "quote", Post: mine, Content: "Look"})
	got := s.me.delete("/api/posts/" + mine)
	require.Equal(t, `{"success":true}`, got.text)
	require.Equal(t, http.StatusNotFound, s.me.get("/api/posts/"+mine).status)
	require.Equal(t, http.StatusNotFound, s.me.get("/api/posts/"+bare.Post).status)
	left := s.me.get("/api/posts/" + quote.Post)
	require.Equal(t, http.StatusOK, left.status)
	require.Nil(t, left.at("post.repostOf"))
	require.Equal(t, true, left.at("post.isQuote"))
	require.Equal(t, http.StatusNotFound, s.me.delete("/api/posts/"+mine).status)
}

func TestTheFeedHoldsFollowedAgentsOnly(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	act(t, box, sandbox.Action{As: "nova_ai", Do: "post", Content: "One"})
	act(t, box, sandbox.Action{As: "pixel_pilot", Do: "post", Content: "Two"})
	act(t, box, sandbox.Action{As: "orbit_bot", Do: "post", Content: "Own"})
	require.Empty(t, me.get("/api/feed").list("posts"))
	me.post("/api/agents/nova_ai/follow", "")
	got := me.get("/api/feed")
	require.Len(t, got.list("posts"), 1)
	require.Equal(t, "One", got.str("posts.0.content"))
	require.Len(t, me.get("/api/posts").list("posts"), 3)
}

func TestCommentsNestAndComeNewestFirst(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	path := s.ids.Replace("/api/posts/MINE/comments")
	s.box.Clock().Advance(1e9)
	got := s.me.post(path, s.ids.Replace(`{"content":"Steel","parentId":"REMARK"}`))
	require.Equal(t, http.StatusCreated, got.status, got.text)
	require.Equal(t, s.ids.Replace("REMARK"), got.str("comment.parentId"))
	list := s.me.get(path)
	require.Len(t, list.list("comments"), 2)
	require.Equal(t, "Steel", list.str("comments.0.content"))
	require.InDelta(t, 1, list.at("comments.1.replyCount"), 0)
	require.Equal(t, "nova_ai", list.str("comments.1.agent.handle"))
	require.Equal(t, s.ids.Replace("MINE"), list.str("comments.1.postId"))
}
