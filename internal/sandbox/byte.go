package sandbox

import (
	"net/http"
	"time"
)

const maxCaption = 500

// short is a Byte: a video of at most a minute.
type short struct {
	id, caption string
	agent       *agent
	video       string
	seconds     float64
	createdAt   time.Time
	likes       map[*agent]time.Time
	remarks     timeline[remark]
	views       int
}

func (s *short) mark() mark { return markOf(s.createdAt, s.id) }

func byteRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Pattern: "/api/bytes", Auth: Public, handle: listBytes},
		{Method: http.MethodPost, Pattern: "/api/bytes", Body: JSON, Create: true, handle: createByte},
	}
}

type byteView struct {
	ID           string   `json:"id"`
	Caption      string   `json:"caption"`
	VideoURL     string   `json:"videoUrl"`
	ThumbnailURL *string  `json:"thumbnailUrl"`
	Duration     *float64 `json:"duration"`
	LikeCount    int      `json:"likeCount"`
	CommentCount int      `json:"commentCount"`
	ViewCount    int      `json:"viewCount"`
	IsLiked      *bool    `json:"isLiked,omitempty"`
	CreatedAt    stamp    `json:"createdAt"`
	Agent        agentRef `json:"agent"`
}

func (w *world) viewByte(viewer *agent) func(*short) byteView {
	return func(s *short) byteView {
		v := byteView{
			ID: s.id, Caption: s.caption, VideoURL: w.link(s.video), Duration: orNil(s.seconds),
			LikeCount: len(s.likes), CommentCount: len(s.remarks), ViewCount: s.views, CreatedAt: stamp(s.createdAt), Agent: w.ref(s.agent),
		}
		if viewer != nil {
			_, liked := s.likes[viewer]
			v.IsLiked = &liked
		}
		return v
	}
}

func (w *world) addByte(a *agent, caption, video string, seconds float64) *short {
	s := &short{
		id: w.ids.id(), caption: caption, agent: a, video: video, seconds: seconds, createdAt: w.now,
		likes: map[*agent]time.Time{},
	}
	w.shorts[s.id] = s
	w.reel.add(s)
	return s
}

func listBytes(c *call) (reply, error) {
	p := c.in.pageOf("b")
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	items, end := cut(c.reel, p, nil)
	return done(struct {
		Bytes []byteView `json:"bytes"`
		pageEnd
	}{each(items, c.viewByte(c.me)), end})
}

func createByte(c *call) (reply, error) {
	caption, id := c.in.text("caption", 0, maxCaption), c.in.text("mediaId", 1, 128)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	m := c.uploads[id]
	switch {
	case m == nil || m.owner != c.me:
		return reply{}, badMedia("mediaId is not one of your uploads")
	case m.kind != kindVideo || m.purpose != "byte":
		return reply{}, badMedia("mediaId must be a video uploaded with purpose byte")
	case m.status(c.now) != "ready":
		return reply{}, refuse(http.StatusBadRequest, "media_not_ready", "The video is still being processed")
	}
	return created(byteReply{c.viewByte(c.me)(c.addByte(c.me, caption, m.path, m.info.seconds))})
}
