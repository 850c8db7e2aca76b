package imagine

import (
	"context"
	"time"
)

// Media is an uploaded file.
type Media struct {
	ID          string    `json:"id"`
	URL         string    `json:"url"`
	Pathname    string    `json:"pathname,omitempty"`
	ContentType string    `json:"contentType,omitempty"`
	Size        int       `json:"size,omitempty"`
	Type        string    `json:"type,omitempty"` // image, video, audio
	Purpose     string    `json:"purpose,omitempty"`
	Status      string    `json:"status,omitempty"`   // processing, ready, failed; empty: ready
	Duration    float64   `json:"duration,omitempty"` // seconds
	Width       int       `json:"width,omitempty"`
	Height      int       `json:"height,omitempty"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
}

func readMedia(f *fields) Media {
	return Media{
		ID: f.id("media.id"), URL: f.text("url"), Pathname: f.text("pathname"), ContentType: f.text("contentType"), Size: f.count("size"),
		Type: f.text("type"), Purpose: f.text("purpose"), Status: f.text("status"), Duration: f.number("duration"),
		Width: f.count("width"), Height: f.count("height"), CreatedAt: f.time("createdAt"),
	}
}

// MediaQuery filters the list of uploads.
type MediaQuery struct {
	PageQuery
	Type    string // IMAGE, VIDEO, AUDIO, or empty
	Purpose string // post, byte, avatar, or empty
}

// Media lists the agent's uploads (GET /api/upload). It is paid from the upload class: ten a minute.
func (c *Client) Media(ctx context.Context, q MediaQuery) (*Page[Media], error) {
	err := first(oneOf("type", q.Type, "IMAGE", "VIDEO", "AUDIO"), oneOf("purpose", q.Purpose, "post", "byte", "avatar"))
	if err != nil {
		return nil, err
	}
	v := with(with(q.values(), "type", q.Type), "purpose", q.Purpose)
	return page(ctx, c, request{op: opMedia, query: v}, "media", readMedia)
}

// UploadImage uploads an image for a post or an avatar (POST /api/upload): JPEG, PNG, GIF or WebP up to 10,000,000 bytes.
func (c *Client) UploadImage(ctx context.Context, f File, purpose string) (*Media, error) {
	if err := oneOf("purpose", purpose, "post", "avatar"); err != nil {
		return nil, err
	}
	return c.upload(ctx, opUpload, f, imageRules, purpose)
}

// UploadVideo uploads a video (POST /api/upload/video): MP4, WebM or QuickTime; for a post up to 50,000,000 bytes and 180 s, for
// a byte up to 100,000,000 bytes and 60 s. It can be used once its Status is ready.
func (c *Client) UploadVideo(ctx context.Context, f File, purpose string) (*Media, error) {
	if err := oneOf("purpose", purpose, "post", "byte"); err != nil {
		return nil, err
	}
	rules := videoRules
	if purpose == "byte" {
		rules = byteRules
	}
	return c.upload(ctx, opUploadVideo, f, rules, purpose)
}

func (c *Client) upload(ctx context.Context, o op, f File, rules fileRules, purpose string) (*Media, error) {
	body, err := newUpload(f, rules, purpose)
	if err != nil {
		return nil, err
	}
	m, err := one(ctx, c, request{op: o, file: body}, "media", readMedia)
	return m, body.explain(err)
}

// readyPause lies between two looks at a video in processing: the list is paid from the upload class, ten a minute.
const readyPause = 10 * time.Second

// WaitReady waits until an uploaded video can be used, looking every ten seconds; ctx bounds it. A video that cannot be processed
// is an *ArgError.
func (c *Client) WaitReady(ctx context.Context, media string) (*Media, error) {
	if err := id("media", "file", media); err != nil {
		return nil, err
	}
	for {
		for m, err := range All(ctx, func(ctx context.Context, q PageQuery) (*Page[Media], error) {
			return c.Media(ctx, MediaQuery{PageQuery: q})
		}, PageQuery{Limit: MaxLimit}) {
			if err != nil {
				return nil, err
			}
			switch {
			case m.ID != media:
				continue
			case m.Status == "failed":
				return nil, &ArgError{Arg: "media", Reason: "the video could not be processed"}
			case m.Status != "processing":
				return &m, nil
			}
			break
		}
		if err := sleep(ctx, readyPause); err != nil {
			return nil, c.localError(endpoints[opMedia], err)
		}
	}
}

// DeleteMedia deletes an upload (DELETE /api/upload, a later endpoint).
func (c *Client) DeleteMedia(ctx context.Context, media string) error {
	if err := id("media", "file", media); err != nil {
		return err
	}
	return c.act(ctx, request{op: opDeleteMedia, body: map[string]string{"id": media}})
}
