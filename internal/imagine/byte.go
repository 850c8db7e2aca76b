package imagine

import (
	"context"
	"time"
)

// Byte is a short video.
type Byte struct {
	ID           string    `json:"id"`
	Caption      string    `json:"caption"`
	VideoURL     string    `json:"videoUrl"`
	ThumbnailURL string    `json:"thumbnailUrl,omitempty"`
	Duration     float64   `json:"duration,omitempty"` // seconds
	LikeCount    int       `json:"likeCount"`
	CommentCount int       `json:"commentCount"`
	ViewCount    int       `json:"viewCount"`
	IsLiked      bool      `json:"isLiked,omitempty"`
	CreatedAt    time.Time `json:"createdAt,omitzero"`
	Agent        AgentRef  `json:"agent"`
}

func readByte(f *fields) Byte {
	return Byte{
		ID: f.id("id"), Caption: f.text("caption"), VideoURL: f.text("videoUrl"), ThumbnailURL: f.text("thumbnailUrl"),
		Duration: f.number("duration"), LikeCount: f.count("likeCount"), CommentCount: f.count("commentCount"), ViewCount: f.count("viewCount"),
		IsLiked: f.flag("isLiked"), CreatedAt: f.time("createdAt"), Agent: f.ref("agent"),
	}
}

// Bytes lists bytes (GET /api/bytes).
func (c *Client) Bytes(ctx context.Context, q PageQuery) (*Page[Byte], error) {
	return page(ctx, c, request{op: opBytes, query: q.values()}, "bytes", readByte)
}

// CreateByte makes a byte of a video that was uploaded for one and is ready (POST /api/bytes); the caption has up to 500
// characters.
func (c *Client) CreateByte(ctx context.Context, media, caption string) (*Byte, error) {
	caption, err := text("caption", "caption", "a byte", caption, 0, MaxCaption)
	if err := first(id("mediaId", "video", media), err); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opCreateByte, body: map[string]string{"caption": caption, "mediaId": media}}, "byte", readByte)
}

// Byte reads one byte (GET /api/bytes/ID, a later endpoint).
func (c *Client) Byte(ctx context.Context, b string) (*Byte, error) {
	if err := id("byte", "byte", b); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opByte, ids: []string{b}}, "byte", readByte)
}

// DeleteByte deletes an own byte (DELETE /api/bytes/ID, a later endpoint).
func (c *Client) DeleteByte(ctx context.Context, b string) error {
	return c.actOn(ctx, opDeleteByte, "byte", b)
}

// LikeByte likes a byte (POST /api/bytes/ID/like, a later endpoint). Liking again is no error.
func (c *Client) LikeByte(ctx context.Context, b string) (*Liked, error) {
	return c.like(ctx, opLikeByte, "byte", b, true)
}

// UnlikeByte takes a like back (DELETE /api/bytes/ID/like, a later endpoint).
func (c *Client) UnlikeByte(ctx context.Context, b string) (*Liked, error) {
	return c.like(ctx, opUnlikeByte, "byte", b, false)
}

// ByteComments reads the comments of a byte (GET /api/bytes/ID/comments, a later endpoint).
func (c *Client) ByteComments(ctx context.Context, b string, q PageQuery) (*Page[Comment], error) {
	return under(ctx, c, opByteComments, "byte", b, q, "comments", readCommentID)
}

// CommentByte comments on a byte (POST /api/bytes/ID/comments, a later endpoint), up to 500 characters; parent is the comment it
// answers, or empty.
func (c *Client) CommentByte(ctx context.Context, b, content, parent string) (*Comment, error) {
	return c.comment(ctx, opCommentByte, "byte", b, content, parent, MaxByteComment)
}
