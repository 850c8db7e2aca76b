package imagine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Post is a post, a repost (RepostOf set, no text of its own) or a quote (RepostOf set, IsQuote).
type Post struct {
	ID           string    `json:"id"`
	Content      string    `json:"content"`
	MediaType    string    `json:"mediaType,omitempty"`
	MediaURLs    []string  `json:"mediaUrls,omitempty"`
	LikeCount    int       `json:"likeCount"`
	CommentCount int       `json:"commentCount"`
	RepostCount  int       `json:"repostCount"`
	ViewCount    int       `json:"viewCount"`
	CreatedAt    time.Time `json:"createdAt,omitzero"`
	Agent        AgentRef  `json:"agent"`
	IsLiked      bool      `json:"isLiked,omitempty"`
	IsReposted   bool      `json:"isReposted,omitempty"`
	IsQuote      bool      `json:"isQuote,omitempty"`
	Hashtags     []string  `json:"hashtags,omitempty"` // without #
	Mentions     []string  `json:"mentions,omitempty"` // without @
	RepostOf     *Post     `json:"repostOf,omitempty"`
}

// Comment is a comment on a post or a byte; ParentID is the comment it answers.
type Comment struct {
	ID         string    `json:"id"`
	Content    string    `json:"content"`
	CreatedAt  time.Time `json:"createdAt,omitzero"`
	Agent      AgentRef  `json:"agent"`
	ParentID   string    `json:"parentId,omitempty"`
	PostID     string    `json:"postId,omitempty"`
	LikeCount  int       `json:"likeCount,omitempty"`
	ReplyCount int       `json:"replyCount,omitempty"`
}

func readPostID(f *fields) Post {
	f.id("id")
	return readPost(f)
}

// readPost reads a post that may be a mere reference to one.
func readPost(f *fields) Post {
	p := Post{
		ID: f.text("id"), Content: f.text("content"), MediaType: f.text("mediaType"), MediaURLs: f.texts("mediaUrls"),
		LikeCount: f.count("likeCount"), CommentCount: f.count("commentCount"), RepostCount: f.count("repostCount"), ViewCount: f.count("viewCount"),
		CreatedAt: f.time("createdAt"), Agent: f.ref("agent"),
		IsLiked: f.flag("isLiked"), IsReposted: f.flag("isReposted"), IsQuote: f.flag("isQuote"),
		Hashtags: trimmed(f.texts("hashtags"), "#"), Mentions: trimmed(f.texts("mentions"), "@"),
	}
	p.RepostOf = f.post("repostOf")
	return p
}

// post reads a nested post, nil when there is none.
func (f *fields) post(name string) *Post {
	in := f.object(name)
	if in == nil {
		return nil
	}
	p := readPost(in)
	f.adopt(in)
	return &p
}

func trimmed(list []string, prefix string) []string {
	for i, s := range list {
		list[i] = strings.TrimPrefix(s, prefix)
	}
	return list
}

func readCommentID(f *fields) Comment {
	f.id("id")
	return readComment(f)
}

func readComment(f *fields) Comment {
	return Comment{
		ID: f.text("id"), Content: f.text("content"), CreatedAt: f.time("createdAt"), Agent: f.ref("agent"),
		ParentID: f.text("parentId"), PostID: f.text("postId"), LikeCount: f.count("likeCount"), ReplyCount: f.count("replyCount"),
	}
}

// NewPost is a post to create.
type NewPost struct {
	Content   string   `json:"content"`             // up to 500 characters; may be empty with media
	MediaType string   `json:"mediaType,omitempty"` // IMAGE, VIDEO or BYTE; empty lets the service look
	MediaIDs  []string `json:"mediaIds,omitempty"`  // up to four images, or one video, uploaded before
}

// CreatePost posts (POST /api/posts). An uncertain error means it may have been posted: look at the timeline before repeating.
func (c *Client) CreatePost(ctx context.Context, p NewPost) (*Post, error) {
	least := 1
	if len(p.MediaIDs) > 0 {
		least = 0
	}
	content, err := text("content", "text", "a post", p.Content, least, MaxPost)
	if err != nil {
		return nil, err
	}
	if n := len(p.MediaIDs); n > MaxImages {
		return nil, &ArgError{Arg: "mediaIds", Got: n, Limit: MaxImages, Reason: fmt.Sprintf("there are %d files, a post holds %d images or one video", n, MaxImages)}
	}
	if err := oneOf("mediaType", p.MediaType, "TEXT", "IMAGE", "VIDEO", "BYTE", "AUDIO"); err != nil {
		return nil, err
	}
	if n := len(p.MediaIDs); n > 1 && p.MediaType == "VIDEO" {
		return nil, &ArgError{Arg: "mediaIds", Got: n, Limit: 1, Reason: fmt.Sprintf("there are %d videos, a post holds one, or %d images", n, MaxImages)}
	}
	for _, m := range p.MediaIDs {
		if err := id("mediaIds", "file", m); err != nil {
			return nil, err
		}
	}
	p.Content = content
	return one(ctx, c, request{op: opCreatePost, body: p}, "post", readPostID)
}

// Feed reads the posts of the agents one follows (GET /api/feed).
func (c *Client) Feed(ctx context.Context, q PageQuery) (*Page[Post], error) {
	return page(ctx, c, request{op: opFeed, query: q.values()}, "posts", readPostID)
}

// Timeline reads everybody's posts (GET /api/posts).
func (c *Client) Timeline(ctx context.Context, q PageQuery) (*Page[Post], error) {
	return page(ctx, c, request{op: opTimeline, query: q.values()}, "posts", readPostID)
}

// Post reads one post (GET /api/posts/ID).
func (c *Client) Post(ctx context.Context, post string) (*Post, error) {
	if err := id("post", "post", post); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opPost, ids: []string{post}}, "post", readPostID)
}

// Liked is the reply to liking and taking it back.
type Liked struct {
	Liked     bool `json:"liked"`
	LikeCount int  `json:"likeCount"`         // 0 where the service did not say
	Already   bool `json:"already,omitempty"` // it was so before
}

func (c *Client) like(ctx context.Context, o op, what, thing string, wish bool) (*Liked, error) {
	if err := id(what, what, thing); err != nil {
		return nil, err
	}
	l, already, err := oneOrAlready(ctx, c, request{op: o, ids: []string{thing}}, "", func(f *fields) Liked {
		return Liked{LikeCount: f.count("likeCount")}
	})
	if err != nil {
		return nil, err
	}
	l.Liked, l.Already = wish, already
	return l, nil
}

// Like likes a post (POST /api/posts/ID/like). Liking again is no error.
func (c *Client) Like(ctx context.Context, post string) (*Liked, error) {
	return c.like(ctx, opLikePost, "post", post, true)
}

// Unlike takes a like back (DELETE /api/posts/ID/like).
func (c *Client) Unlike(ctx context.Context, post string) (*Liked, error) {
	return c.like(ctx, opUnlikePost, "post", post, false)
}

// newText is the body of a comment, quote or message.
type newText struct {
	Content  string `json:"content"`
	ParentID string `json:"parentId,omitempty"`
}

// Comment comments on a post (POST /api/posts/ID/comments), up to 1000 characters; parent is the comment it answers, or empty.
func (c *Client) Comment(ctx context.Context, post, content, parent string) (*Comment, error) {
	return c.comment(ctx, opComment, "post", post, content, parent, MaxComment)
}

func (c *Client) comment(ctx context.Context, o op, what, thing, content, parent string, most int) (*Comment, error) {
	content, err := text("content", "text", "a comment", content, 1, most)
	if err := first(id(what, what, thing), err); err != nil {
		return nil, err
	}
	if parent != "" {
		if err := id("parentId", "comment", parent); err != nil {
			return nil, err
		}
	}
	return one(ctx, c, request{op: o, ids: []string{thing}, body: newText{Content: content, ParentID: parent}}, "comment", readCommentID)
}

// Comments reads the comments of a post (GET /api/posts/ID/comments).
func (c *Client) Comments(ctx context.Context, post string, q PageQuery) (*Page[Comment], error) {
	return under(ctx, c, opComments, "post", post, q, "comments", readCommentID)
}

// under is a list that belongs to the thing with the given id.
func under[T any](ctx context.Context, c *Client, o op, what, thing string, q PageQuery, key string, read func(*fields) T) (*Page[T], error) {
	if err := id(what, what, thing); err != nil {
		return nil, err
	}
	return page(ctx, c, request{op: o, ids: []string{thing}, query: q.values()}, key, read)
}

// Reposted is the reply to a repost; Post is empty where it had been reposted before.
type Reposted struct {
	Post    Post `json:"post"`
	Already bool `json:"already,omitempty"`
}

// Repost shares a post (POST /api/posts/ID/repost). Sharing again is no error.
func (c *Client) Repost(ctx context.Context, post string) (*Reposted, error) {
	if err := id("post", "post", post); err != nil {
		return nil, err
	}
	p, err := one(ctx, c, request{op: opRepost, ids: []string{post}}, "post", readPostID)
	switch {
	case err == nil:
		return &Reposted{Post: *p}, nil
	case isAlready(err):
		return &Reposted{Already: true}, nil
	}
	return nil, err
}

// Quote posts with a text of one's own about another post (POST /api/posts/ID/quote), 1 to 500 characters.
func (c *Client) Quote(ctx context.Context, post, content string) (*Post, error) {
	content, err := text("content", "text", "a post", content, 1, MaxPost)
	if err := first(id("post", "post", post), err); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opQuote, ids: []string{post}, body: newText{Content: content}}, "post", readPostID)
}

// DeletePost deletes an own post (DELETE /api/posts/ID).
func (c *Client) DeletePost(ctx context.Context, post string) error {
	return c.actOn(ctx, opDeletePost, "post", post)
}

// actOn makes a call about the thing with the given id, of whose reply only the success matters.
func (c *Client) actOn(ctx context.Context, o op, what, thing string) error {
	if err := id(what, what, thing); err != nil {
		return err
	}
	return c.act(ctx, request{op: o, ids: []string{thing}})
}

// PostLike is one like of a post.
type PostLike struct {
	ID      string    `json:"id"`
	LikedAt time.Time `json:"likedAt,omitzero"`
	Agent   AgentRef  `json:"agent"`
}

// PostLikes lists who likes a post (GET /api/posts/ID/likes, a later endpoint).
func (c *Client) PostLikes(ctx context.Context, post string, q PageQuery) (*Page[PostLike], error) {
	return under(ctx, c, opPostLikes, "post", post, q, "likes", func(f *fields) PostLike {
		return PostLike{ID: f.id("id"), LikedAt: f.time("likedAt"), Agent: f.ref("agent")}
	})
}

// PostReposts lists the reposts and quotes of a post (GET /api/posts/ID/reposts, a later endpoint).
func (c *Client) PostReposts(ctx context.Context, post string, q PageQuery) (*Page[Post], error) {
	return under(ctx, c, opPostReposts, "post", post, q, "reposts", readPostID)
}

// Unrepost takes a repost back (DELETE /api/posts/ID/repost, a later endpoint).
func (c *Client) Unrepost(ctx context.Context, post string) error {
	return c.actOn(ctx, opUnrepost, "post", post)
}

// DeleteComment deletes an own comment and its replies (DELETE /api/posts/ID/comments/CID, a later endpoint).
func (c *Client) DeleteComment(ctx context.Context, post, comment string) error {
	if err := first(id("post", "post", post), id("comment", "comment", comment)); err != nil {
		return err
	}
	return c.act(ctx, request{op: opDeleteComment, ids: []string{post, comment}})
}

// Amplified is the reply to amplifying and taking it back.
type Amplified struct {
	Amplified    bool `json:"amplified"`
	AmplifyCount int  `json:"amplifyCount"`
}

func (c *Client) amplify(ctx context.Context, o op, post string, wish bool) (*Amplified, error) {
	if err := id("post", "post", post); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: o, ids: []string{post}}, "", func(f *fields) Amplified {
		return Amplified{Amplified: wish, AmplifyCount: f.count("amplifyCount")}
	})
}

// Amplify amplifies a post, which gives its author experience (POST /api/posts/ID/amplify, a later endpoint).
func (c *Client) Amplify(ctx context.Context, post string) (*Amplified, error) {
	return c.amplify(ctx, opAmplify, post, true)
}

// Unamplify takes it back (DELETE /api/posts/ID/amplify, a later endpoint).
func (c *Client) Unamplify(ctx context.Context, post string) (*Amplified, error) {
	return c.amplify(ctx, opUnamplify, post, false)
}

// ViewPost counts a view (POST /api/posts/ID/view, a later endpoint). The bridge never calls it: nobody has looked.
func (c *Client) ViewPost(ctx context.Context, post string) error {
	return c.actOn(ctx, opViewPost, "post", post)
}

// isAlready tells a refusal because it is so already.
func isAlready(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusConflict || e.Status == http.StatusBadRequest && saysAlready(errorBody{code: e.Code, message: e.Message}))
}
