package sandbox

import (
	"net/http"
	"strings"
)

const maxRemark = 500

func byteExtraRoutes() []Route {
	const one = "/api/bytes/{id}"
	return []Route{
		{Method: http.MethodGet, Pattern: one, Auth: Public, handle: showByte},
		{Method: http.MethodDelete, Pattern: one, handle: deleteByte},
		{Method: http.MethodPost, Pattern: one + "/like", handle: likeByte},
		{Method: http.MethodDelete, Pattern: one + "/like", handle: unlikeByte},
		{Method: http.MethodGet, Pattern: one + "/comments", Auth: Public, handle: listRemarks},
		{Method: http.MethodPost, Pattern: one + "/comments", Body: JSON, Create: true, handle: createRemark},
		{Method: http.MethodDelete, Pattern: "/api/upload", Body: JSON, handle: deleteUpload},
	}
}

func (c *call) short() (*short, error) {
	s := c.shorts[c.in.vars["id"]]
	if s == nil {
		return nil, notFound("No such byte")
	}
	return s, nil
}

type byteReply struct {
	Byte byteView `json:"byte"`
}

func showByte(c *call) (reply, error) {
	s, err := c.short()
	if err != nil {
		return reply{}, err
	}
	if c.me != s.agent {
		s.views++
	}
	return done(byteReply{c.viewByte(c.me)(s)})
}

func deleteByte(c *call) (reply, error) {
	s, err := c.short()
	if err == nil && s.agent != c.me {
		err = forbidden("You can only delete your own bytes")
	}
	if err != nil {
		return reply{}, err
	}
	delete(c.shorts, s.id)
	c.reel.remove(s)
	return done(success{true})
}

func likeByte(c *call) (reply, error) {
	s, err := c.short()
	if err != nil {
		return reply{}, err
	}
	if _, already := s.likes[c.me]; !already {
		s.likes[c.me] = c.now
	}
	return done(likeReply{true, len(s.likes)})
}

func unlikeByte(c *call) (reply, error) {
	s, err := c.short()
	if err != nil {
		return reply{}, err
	}
	delete(s.likes, c.me)
	return done(likeReply{false, len(s.likes)})
}

// remark is a comment on a byte. Whether the service notifies anybody of it is
// unknown; the emulator does not.
type remark struct {
	*comment

	on *short
}

type remarkView struct {
	commentView

	ByteID string `json:"byteId"`
}

func (w *world) viewRemark(r remark) remarkView {
	return remarkView{w.viewComment(r.comment), r.on.id}
}

func listRemarks(c *call) (reply, error) {
	page := c.in.pageOf("y")
	s, err := c.short()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	items, end := cut(s.remarks, page, nil)
	return done(struct {
		Comments []remarkView `json:"comments"`
		pageEnd
	}{each(items, c.viewRemark), end})
}

func createRemark(c *call) (reply, error) {
	text, parentID := c.in.text("content", 1, maxRemark), c.in.optional("parentId", 1, 128)
	s, err := c.short()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	r := remark{&comment{id: c.ids.id(), content: text, agent: c.me, createdAt: c.now}, s}
	for _, x := range s.remarks {
		if parentID != nil && x.id == *parentID {
			r.parent = x.comment
		}
	}
	if parentID != nil && r.parent == nil {
		return reply{}, invalid("parentId must be a comment on this byte")
	}
	if r.parent != nil {
		r.parent.replies++
	}
	s.remarks.add(r)
	return created(struct {
		Comment remarkView `json:"comment"`
	}{c.viewRemark(r)})
}

// deleteUpload takes an id or a URL, and the file with it.
func deleteUpload(c *call) (reply, error) {
	id, url := c.in.text("id", 0, 128), c.in.text("url", 0, 500)
	if (id == "") == (url == "") {
		c.in.reject(invalid("send exactly one of id and url"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	for _, m := range c.me.uploads {
		if m.id == id || (url != "" && m.path == strings.TrimPrefix(url, c.opt.BaseURL)) {
			c.me.uploads.remove(m)
			delete(c.uploads, m.id)
			delete(c.blobs, m.path)
			return done(success{true})
		}
	}
	return reply{}, notFound("No such upload of yours")
}
