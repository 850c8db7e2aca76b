package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// The types of notifications.
const (
	noteFollow  = "FOLLOW"
	noteLike    = "LIKE"
	noteComment = "COMMENT"
	noteRepost  = "REPOST"
	noteQuote   = "QUOTE"
	noteMention = "MENTION"
	noteReply   = "REPLY"
)

var notePhrases = map[string]string{
	noteFollow: "followed you", noteLike: "liked your post", noteComment: "commented on your post",
	noteRepost: "reposted your post", noteQuote: "quoted your post", noteMention: "mentioned you",
	noteReply: "replied to your comment",
}

// notification is one entry of an agent's list. What it is about is kept as it
// was when it was made.
type notification struct {
	id, kind     string
	read         bool
	createdAt    time.Time
	owner, actor *agent
	about        about
	post         *postRef
	comment      *commentRef
	withdrawn    bool
}

func (n *notification) mark() mark { return markOf(n.createdAt, n.id) }

// about is what a notification refers to.
type about struct {
	post    *post
	comment *comment
}

// onceKey finds the notification of a thing that can be done and undone.
type onceKey struct {
	kind  string
	actor *agent
	post  *post
}

type idRef struct {
	ID string `json:"id"`
}

type postRef struct {
	ID       string `json:"id"`
	Content  string `json:"content"`
	RepostOf *idRef `json:"repostOf,omitempty"`
}

type commentRef struct {
	ID       string  `json:"id"`
	Content  string  `json:"content"`
	ParentID *string `json:"parentId"`
}

// notify tells owner what actor did; never oneself, and not twice what can only
// be done once.
func (w *world) notify(owner, actor *agent, kind string, on about) {
	if owner == nil || owner == actor {
		return
	}
	once := onceKey{kind, actor, on.post}
	repeatable := kind == noteComment || kind == noteReply || kind == noteMention || kind == noteQuote
	if !repeatable {
		if owner.notified[once] != nil {
			return
		}
	}
	n := w.newNotification(owner, actor, kind, on)
	owner.inbox.add(n)
	if !repeatable {
		owner.notified[once] = n
	}
	w.tell(n.happening(HappenedNotification))
}

func (w *world) newNotification(owner, actor *agent, kind string, on about) *notification {
	n := &notification{id: w.ids.id(), kind: kind, createdAt: w.now, owner: owner, actor: actor, about: on}
	if p := on.post; p != nil {
		n.post = &postRef{ID: p.id, Content: p.content}
		if p.quote && p.original != nil {
			n.post.RepostOf = &idRef{p.original.id}
		}
		p.news = append(p.news, n)
	}
	if c := on.comment; c != nil {
		n.comment = &commentRef{ID: c.id, Content: c.content}
		if c.parent != nil {
			n.comment.ParentID = &c.parent.id
		}
		c.news = append(c.news, n)
	}
	return n
}

func (n *notification) happening(kind string) Happening {
	h := Happening{Agent: n.owner.handle, Kind: kind, ID: n.id, Type: n.kind, Actor: n.actor.handle}
	if n.post != nil {
		h.Post = n.post.ID
	}
	if n.comment != nil {
		h.Comment = n.comment.ID
	}
	return h
}

// withdraw takes unread notifications back; a read one stays.
func (w *world) withdraw(list ...*notification) {
	for _, n := range list {
		if n == nil || n.read || n.withdrawn {
			continue
		}
		n.withdrawn = true
		n.owner.inbox.remove(n)
		delete(n.owner.notified, onceKey{n.kind, n.actor, n.about.post})
		w.tell(n.happening(HappenedWithdrawn))
	}
}

func notifyRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Pattern: "/api/notifications", handle: listNotifications},
		{Method: http.MethodGet, Pattern: "/api/notifications/count", handle: countNotifications},
		{Method: http.MethodPost, Pattern: "/api/notifications/read", Body: JSON, handle: readNotifications},
	}
}

type notificationView struct {
	ID        string      `json:"id"`
	Type      string      `json:"type"`
	Read      bool        `json:"read"`
	CreatedAt stamp       `json:"createdAt"`
	Actor     agentRef    `json:"actor"`
	Post      *postRef    `json:"post,omitempty"`
	Comment   *commentRef `json:"comment,omitempty"`
	Message   string      `json:"message"`
}

func (w *world) viewNotification(n *notification) notificationView {
	return notificationView{
		ID: n.id, Type: n.kind, Read: n.read, CreatedAt: stamp(n.createdAt), Actor: w.ref(n.actor),
		Post: n.post, Comment: n.comment, Message: n.actor.name + " " + notePhrases[n.kind],
	}
}

func (a *agent) unread() int {
	n := 0
	for _, x := range a.inbox {
		if !x.read {
			n++
		}
	}
	return n
}

func listNotifications(c *call) (reply, error) {
	p := c.in.pageOf("n")
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	items, end := cut(c.me.inbox, p, nil)
	return done(struct {
		Notifications []notificationView `json:"notifications"`
		UnreadCount   int                `json:"unreadCount"`
		pageEnd
	}{each(items, c.viewNotification), c.me.unread(), end})
}

type count struct {
	Count int `json:"count"`
}

func countNotifications(c *call) (reply, error) { return done(count{c.me.unread()}) }

func readNotifications(c *call) (reply, error) {
	all, ids := c.in.flag("all"), c.in.words("ids", 1000)
	if c.in.problem == nil && (all != nil && *all) == (len(ids) > 0) {
		c.in.reject(invalid("send exactly one of all (true) and ids (not empty)"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	n := 0
	for _, x := range c.me.inbox {
		if !x.read && (len(ids) == 0 || slices.Contains(ids, x.id)) {
			x.read = true
			n++
		}
	}
	return done(struct {
		Success bool `json:"success"`
		Count   int  `json:"count"`
	}{true, n})
}

// each turns a list of things into a list of views, never null.
func each[T, V any](items []T, view func(T) V) []V {
	out := make([]V, 0, len(items))
	for _, x := range items {
		out = append(out, view(x))
	}
	return out
}

// AddNotifications gives an agent n old unread notifications of mixed types from
// the cast, one a second, the newest olderThan ago. They are history: the
// ledger does not hold them. It returns their ids, newest first.
func (s *Sandbox) AddNotifications(handle string, n int, olderThan time.Duration) []string {
	w := s.enter()
	defer s.leave()
	owner := w.agents[handle]
	others := slices.DeleteFunc(slices.Clone(w.roster), func(a *agent) bool { return a == owner })
	if owner == nil || len(others) == 0 {
		return nil
	}
	kinds := []string{noteLike, noteFollow, noteRepost, noteMention}
	var own *post
	if len(owner.posts) > 0 {
		own = owner.posts[0]
	}
	ids := make([]string, 0, n)
	newest := w.now.Add(-olderThan)
	for i := range n {
		kind := kinds[i%len(kinds)]
		on := about{post: own}
		if kind == noteFollow || own == nil {
			kind, on = noteFollow, about{}
		}
		_ = w.at(newest.Add(-time.Duration(i)*time.Second), func() error {
			x := w.newNotification(owner, others[i%len(others)], kind, on)
			owner.inbox = append(owner.inbox, x)
			ids = append(ids, x.id)
			return nil
		})
	}
	owner.inbox = sortedBy(owner.inbox)
	return ids
}
