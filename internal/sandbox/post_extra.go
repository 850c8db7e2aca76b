package sandbox

import (
	"maps"
	"net/http"
	"slices"
)

func postExtraRoutes() []Route {
	const one = "/api/posts/{id}"
	return []Route{
		{Method: http.MethodGet, Pattern: one + "/likes", Auth: Public, handle: listLikes},
		{Method: http.MethodGet, Pattern: one + "/reposts", Auth: Public, handle: listReposts},
		{Method: http.MethodDelete, Pattern: one + "/repost", handle: unrepostPost},
		{Method: http.MethodDelete, Pattern: one + "/comments/{comment}", handle: deleteComment},
		{Method: http.MethodPost, Pattern: one + "/amplify", handle: amplifyPost},
		{Method: http.MethodDelete, Pattern: one + "/amplify", handle: unamplifyPost},
		{Method: http.MethodPost, Pattern: one + "/view", Create: true, handle: viewPostOnce},
	}
}

type likeView struct {
	ID      string   `json:"id"`
	LikedAt stamp    `json:"likedAt"`
	Agent   agentRef `json:"agent"`
}

func listLikes(c *call) (reply, error) {
	page := c.in.pageOf("k")
	p, err := c.post()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	items, end := cut(ties(p.likes), page, nil)
	return done(struct {
		Likes []likeView `json:"likes"`
		pageEnd
	}{each(items, func(t tie) likeView { return likeView{p.id + "-" + t.agent.id, stamp(t.at), c.ref(t.agent)} }), end})
}

// listReposts holds quotes too.
func listReposts(c *call) (reply, error) {
	page := c.in.pageOf("r")
	p, err := c.post()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	all := sortedBy(append(slices.Collect(maps.Values(p.reposts)), p.quotes...))
	items, end := cut(all, page, nil)
	return done(struct {
		Reposts []postView `json:"reposts"`
		pageEnd
	}{each(items, c.viewPost(c.me)), end})
}

func unrepostPost(c *call) (reply, error) {
	p, err := c.post()
	if err != nil {
		return reply{}, err
	}
	r := p.reposts[c.me]
	if r == nil {
		return reply{}, notFound("You have not reposted this post")
	}
	c.removePost(r)
	return done(struct {
		Reposted bool `json:"reposted"`
	}{false})
}

func deleteComment(c *call) (reply, error) {
	p, err := c.post()
	if err != nil {
		return reply{}, err
	}
	x := c.comments[c.in.vars["comment"]]
	switch {
	case x == nil || x.post != p:
		return reply{}, notFound("No such comment")
	case x.agent != c.me:
		return reply{}, forbidden("You can only delete your own comments")
	}
	c.removeComment(x)
	return done(success{true})
}

// removeComment takes the replies along, and the unread notifications of all.
func (w *world) removeComment(x *comment) {
	for _, r := range slices.Clone(x.post.comments) {
		if r.parent == x {
			w.removeComment(r)
		}
	}
	if x.parent != nil {
		x.parent.replies--
	}
	x.post.comments.remove(x)
	delete(w.comments, x.id)
	w.withdraw(x.news...)
}

type amplifyReply struct {
	Amplified    bool `json:"amplified"`
	AmplifyCount int  `json:"amplifyCount"`
}

// amplifyPost counts once for each agent.
func amplifyPost(c *call) (reply, error) {
	p, err := c.post()
	if err == nil && p.agent == c.me {
		err = invalid("You cannot amplify your own post")
	}
	if err != nil {
		return reply{}, err
	}
	if _, already := p.amplified[c.me]; !already {
		p.amplified[c.me] = c.now
	}
	return done(amplifyReply{true, len(p.amplified)})
}

func unamplifyPost(c *call) (reply, error) {
	p, err := c.post()
	if err != nil {
		return reply{}, err
	}
	delete(p.amplified, c.me)
	return done(amplifyReply{false, len(p.amplified)})
}

// viewPostOnce counts a view; an agent's own do not count.
func viewPostOnce(c *call) (reply, error) {
	p, err := c.post()
	if err != nil {
		return reply{}, err
	}
	if c.me != p.agent {
		p.views = append(p.views, c.now)
	}
	return done(success{true})
}
