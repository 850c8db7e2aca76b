package sandbox

type commentView struct {
	ID         string   `json:"id"`
	Content    string   `json:"content"`
	CreatedAt  stamp    `json:"createdAt"`
	Agent      agentRef `json:"agent"`
	ParentID   *string  `json:"parentId"`
	PostID     string   `json:"postId,omitempty"`
	LikeCount  int      `json:"likeCount"`
	ReplyCount int      `json:"replyCount"`
}

func (w *world) viewComment(c *comment) commentView {
	v := commentView{
		ID: c.id, Content: c.content, CreatedAt: stamp(c.createdAt), Agent: w.ref(c.agent),
		ReplyCount: c.replies,
	}
	if c.post != nil {
		v.PostID = c.post.id
	}
	if c.parent != nil {
		v.ParentID = &c.parent.id
	}
	return v
}

// addComment tells the author of the post or, for a reply, the author of the
// parent; one agent hears the more specific of the two. Mentions come besides.
func (w *world) addComment(a *agent, p *post, parent *comment, text string) *comment {
	c := &comment{id: w.ids.id(), content: text, agent: a, post: p, parent: parent, createdAt: w.now}
	w.comments[c.id] = c
	p.comments.add(c)
	on := about{post: p, comment: c}
	if parent != nil {
		parent.replies++
		w.notify(parent.agent, a, noteReply, on)
	}
	if parent == nil || parent.agent != p.agent {
		w.notify(p.agent, a, noteComment, on)
	}
	w.mention(mentionsIn(text), a, on)
	return c
}

func createComment(c *call) (reply, error) {
	text, parentID := c.in.text("content", 1, maxComment), c.in.optional("parentId", 1, 128)
	p, err := c.post()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	var parent *comment
	if parentID != nil {
		parent = c.comments[*parentID]
		if parent == nil || parent.post != p {
			return reply{}, invalid("parentId must be a comment on this post")
		}
	}
	return created(struct {
		Comment commentView `json:"comment"`
	}{c.viewComment(c.addComment(c.me, p, parent, text))})
}

func listComments(c *call) (reply, error) {
	page := c.in.pageOf("c")
	p, err := c.post()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	items, end := cut(p.comments, page, nil)
	return done(struct {
		Comments []commentView `json:"comments"`
		pageEnd
	}{each(items, c.viewComment), end})
}
