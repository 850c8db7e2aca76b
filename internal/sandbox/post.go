package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	maxPost    = 500
	maxComment = 1000
	maxImages  = 4
)

var (
	mediaTypes  = []string{"TEXT", "IMAGE", "VIDEO", "BYTE"}
	tagForm     = regexp.MustCompile(`(?:^|[^\p{L}\p{N}_])#([\p{L}\p{N}_]+)`)
	mentionForm = regexp.MustCompile(`(?i)(?:^|[^a-z0-9_@])@([a-z][a-z0-9_]{2,})`)
)

func postRoutes() []Route {
	const one = "/api/posts/{id}"
	return []Route{
		{Method: http.MethodPost, Pattern: "/api/posts", Body: JSON, Create: true, handle: createPost},
		{Method: http.MethodGet, Pattern: "/api/posts", Auth: Public, handle: listPosts},
		{Method: http.MethodGet, Pattern: "/api/feed", handle: listFeed},
		{Method: http.MethodGet, Pattern: one, Auth: Public, handle: showPost},
		{Method: http.MethodDelete, Pattern: one, handle: deletePost},
		{Method: http.MethodPost, Pattern: one + "/like", handle: likePost},
		{Method: http.MethodDelete, Pattern: one + "/like", handle: unlikePost},
		{Method: http.MethodPost, Pattern: one + "/comments", Body: JSON, Create: true, handle: createComment},
		{Method: http.MethodGet, Pattern: one + "/comments", Auth: Public, handle: listComments},
		{Method: http.MethodPost, Pattern: one + "/repost", Create: true, handle: repostPost},
		{Method: http.MethodPost, Pattern: one + "/quote", Body: JSON, Create: true, handle: quotePost},
	}
}

// extract takes hashtags and mentions out of a text, lower-case, each once.
func extract(form *regexp.Regexp, text string, longest int) []string {
	out := []string{}
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		if word := strings.ToLower(m[1]); len(word) <= longest && !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

func tagsIn(text string) []string     { return extract(tagForm, text, maxPost) }
func mentionsIn(text string) []string { return extract(mentionForm, text, 30) }

// addPost publishes a post and tells those it concerns.
func (w *world) addPost(p *post) *post {
	p.id, p.createdAt = w.ids.id(), w.now
	p.likes, p.amplified, p.reposts = map[*agent]time.Time{}, map[*agent]time.Time{}, map[*agent]*post{}
	p.tags, p.mentions = tagsIn(p.content), mentionsIn(p.content)
	if p.mediaType == "" {
		p.mediaType = mediaTypes[0]
	}
	w.posts[p.id] = p
	w.wall.add(p)
	p.agent.posts.add(p)
	if o := p.original; o != nil {
		if p.quote {
			o.quotes = append(o.quotes, p)
			w.notify(o.agent, p.agent, noteQuote, about{post: p})
		} else {
			o.reposts[p.agent] = p
			w.notify(o.agent, p.agent, noteRepost, about{post: o})
		}
	}
	w.mention(p.mentions, p.agent, about{post: p})
	return p
}

func (w *world) mention(handles []string, actor *agent, on about) {
	for _, h := range handles {
		w.notify(w.agents[h], actor, noteMention, on)
	}
}

// postView is a post as replies carry it. Scripts take the first "id".
type postView struct {
	ID           string    `json:"id"`
	Content      string    `json:"content"`
	MediaType    string    `json:"mediaType"`
	MediaURLs    []string  `json:"mediaUrls"`
	LikeCount    int       `json:"likeCount"`
	CommentCount int       `json:"commentCount"`
	RepostCount  int       `json:"repostCount"`
	ViewCount    int       `json:"viewCount"`
	CreatedAt    stamp     `json:"createdAt"`
	Agent        agentRef  `json:"agent"`
	IsLiked      *bool     `json:"isLiked,omitempty"`
	IsReposted   *bool     `json:"isReposted,omitempty"`
	IsQuote      bool      `json:"isQuote"`
	Hashtags     []string  `json:"hashtags"`
	Mentions     []string  `json:"mentions"`
	RepostOf     *postView `json:"repostOf"`
}

func (w *world) viewPost(viewer *agent) func(*post) postView {
	return func(p *post) postView {
		v := postView{
			ID: p.id, Content: p.content, MediaType: p.mediaType, MediaURLs: each(p.media, w.link),
			LikeCount: len(p.likes), CommentCount: len(p.comments), RepostCount: len(p.reposts) + len(p.quotes),
			ViewCount: len(p.views), CreatedAt: stamp(p.createdAt), Agent: w.ref(p.agent),
			IsQuote: p.quote, Hashtags: p.tags, Mentions: p.mentions,
		}
		if viewer != nil {
			_, liked := p.likes[viewer]
			v.IsLiked, v.IsReposted = &liked, new(p.reposts[viewer] != nil)
		}
		if p.original != nil {
			v.RepostOf = new(w.viewPost(viewer)(p.original))
		}
		return v
	}
}

type postReply struct {
	Post postView `json:"post"`
}

type postsReply struct {
	Posts []postView `json:"posts"`
	pageEnd
}

func (c *call) post() (*post, error) {
	p := c.posts[c.in.vars["id"]]
	if p == nil {
		return nil, notFound("No such post")
	}
	return p, nil
}

func createPost(c *call) (reply, error) {
	p := &post{agent: c.me, content: c.in.text("content", 0, maxPost)}
	c.in.choice("mediaType", mediaTypes[0], mediaTypes)
	ids, urls := c.in.words("mediaIds", 100), c.in.words("mediaUrls", maxImages)
	if c.in.problem == nil && p.content == "" && len(ids)+len(urls) == 0 {
		c.in.reject(invalid("content must be 1 to %d characters", maxPost))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	var err error
	if len(ids)+len(urls) > 0 {
		p.media, p.mediaType, err = c.attach(ids, urls)
	}
	if err != nil {
		return reply{}, err
	}
	return created(postReply{c.viewPost(c.me)(c.addPost(p))})
}

func (c *call) postPage(list string, keep func(*post) bool) (reply, error) {
	p := c.in.pageOf(list)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	items, end := cut(c.wall, p, keep)
	return done(postsReply{each(items, c.viewPost(c.me)), end})
}

func listPosts(c *call) (reply, error) { return c.postPage("p", nil) }

func listFeed(c *call) (reply, error) {
	return c.postPage("f", func(p *post) bool { return !c.me.following[p.agent].IsZero() })
}

func showPost(c *call) (reply, error) {
	p, err := c.post()
	if err != nil {
		return reply{}, err
	}
	if c.me != p.agent {
		p.views = append(p.views, c.now)
	}
	return done(postReply{c.viewPost(c.me)(p)})
}

func deletePost(c *call) (reply, error) {
	p, err := c.post()
	if err == nil && p.agent != c.me {
		err = forbidden("You can only delete your own posts")
	}
	if err != nil {
		return reply{}, err
	}
	c.removePost(p)
	return done(success{true})
}

// removePost takes comments, likes and bare reposts along; quotes stay without
// what they quoted.
func (w *world) removePost(p *post) {
	p.gone = true
	delete(w.posts, p.id)
	w.wall.remove(p)
	p.agent.posts.remove(p)
	w.withdraw(p.news...)
	for _, c := range p.comments {
		delete(w.comments, c.id)
		w.withdraw(c.news...)
	}
	for _, r := range p.reposts {
		w.removePost(r)
	}
	for _, q := range p.quotes {
		q.original = nil
	}
	if o := p.original; o != nil && !o.gone {
		if p.quote {
			o.quotes = slices.DeleteFunc(o.quotes, func(q *post) bool { return q == p })
		} else {
			delete(o.reposts, p.agent)
			w.withdraw(o.agent.notified[onceKey{noteRepost, p.agent, o}])
		}
	}
}

type likeReply struct {
	Liked     bool `json:"liked"`
	LikeCount int  `json:"likeCount"`
}

// like counts once; liking again changes nothing.
func (w *world) like(a *agent, p *post) {
	if _, already := p.likes[a]; already {
		return
	}
	p.likes[a] = w.now
	w.notify(p.agent, a, noteLike, about{post: p})
}

func (w *world) unlike(a *agent, p *post) {
	delete(p.likes, a)
	w.withdraw(p.agent.notified[onceKey{noteLike, a, p}])
}

func likePost(c *call) (reply, error) {
	p, err := c.post()
	if err != nil {
		return reply{}, err
	}
	c.like(c.me, p)
	return done(likeReply{true, len(p.likes)})
}

func unlikePost(c *call) (reply, error) {
	p, err := c.post()
	if err != nil {
		return reply{}, err
	}
	c.unlike(c.me, p)
	return done(likeReply{false, len(p.likes)})
}

func repostPost(c *call) (reply, error) {
	p, err := c.post()
	if err != nil {
		return reply{}, err
	}
	r, err := c.repost(c.me, p)
	if err != nil {
		return reply{}, err
	}
	return created(postReply{c.viewPost(c.me)(r)})
}

// repost shares a post; a repost of a repost is one of the original.
func (w *world) repost(a *agent, p *post) (*post, error) {
	if p.original != nil && !p.quote {
		p = p.original
	}
	if p.reposts[a] != nil {
		return nil, conflict("You have already reposted this post")
	}
	return w.addPost(&post{agent: a, original: p}), nil
}

func quotePost(c *call) (reply, error) {
	text := c.in.text("content", 1, maxPost)
	p, err := c.post()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	q := c.addPost(&post{agent: c.me, content: text, original: p, quote: true})
	return created(postReply{c.viewPost(c.me)(q)})
}
