package imagine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Notification tells of something others did. Type is FOLLOW, LIKE, COMMENT, REPOST, QUOTE, MENTION, REPLY or one not known yet.
// Post is absent on FOLLOW, and may be no more than an id.
type Notification struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Read      bool            `json:"read"`
	CreatedAt time.Time       `json:"createdAt,omitzero"`
	Actor     AgentRef        `json:"actor"`
	Post      *Post           `json:"post,omitempty"`
	Comment   *Comment        `json:"comment,omitempty"`
	Message   string          `json:"message,omitempty"` // the service's own sentence
	Raw       json.RawMessage `json:"-"`                 // the item as it came, for types not known yet
}

func readNotification(f *fields) Notification {
	n := Notification{
		ID: f.id("id"), Type: f.text("type"), Read: f.flag("read"),
		CreatedAt: f.time("createdAt"), Actor: f.ref("notification.actor"), Message: f.text("message"),
	}
	if n.Post = f.post("post"); n.Post == nil && n.Type != "FOLLOW" {
		if post := f.text("notification.postId"); post != "" {
			n.Post = &Post{ID: post}
		}
	}
	if in := f.object("comment"); in != nil {
		n.Comment = new(readComment(in))
		f.adopt(in)
	} else if comment := f.text("notification.comment"); comment != "" {
		n.Comment = &Comment{ID: comment}
	}
	return n
}

// Notifications reads one page of the agent's notifications (GET /api/notifications). Reading marks nothing as read.
func (c *Client) Notifications(ctx context.Context, q PageQuery) (*Page[Notification], error) {
	p, err := page(ctx, c, request{op: opNotifications, query: q.values()}, "notifications", readNotification)
	if err != nil {
		return nil, err
	}
	for i := range p.Items {
		p.Items[i].Raw = p.Raw[i]
	}
	return p, nil
}

// UnreadNotifications counts the unread ones (GET /api/notifications/count). The number may stand still although there is news.
func (c *Client) UnreadNotifications(ctx context.Context) (int, error) {
	return c.count(ctx, opCountNotifications)
}

// count reads a reply that is one number, bare or in an object.
func (c *Client) count(ctx context.Context, o op) (int, error) {
	r := request{op: o}
	body, _, err := c.send(ctx, r)
	if err != nil {
		return 0, err
	}
	if n, ok := number(body); ok {
		return int(min(max(n, 0), 1e9)), nil
	}
	f, err := parseFields(body)
	if err == nil {
		if n, ok := number(f.find("count")); ok {
			return int(min(max(n, 0), 1e9)), nil
		}
		err = errNoNumber
	}
	return 0, c.unreadable(r, err)
}

var errNoNumber = errors.New("no number in the reply")

type marked struct {
	All bool     `json:"all,omitempty"`
	IDs []string `json:"ids,omitempty"`
}

// MarkNotificationsRead marks 1 to 100 of them as read (POST /api/notifications/read).
func (c *Client) MarkNotificationsRead(ctx context.Context, ids ...string) error {
	switch n := len(ids); {
	case n == 0:
		return &ArgError{Arg: "ids", Reason: "there is no notification to mark"}
	case n > MaxMarked:
		return &ArgError{Arg: "ids", Got: n, Limit: MaxMarked, Reason: fmt.Sprintf("there are %d notifications, one call marks at most %d", n, MaxMarked)}
	}
	for _, s := range ids {
		if err := id("ids", "notification", s); err != nil {
			return err
		}
	}
	return c.act(ctx, request{op: opReadNotifications, body: marked{IDs: ids}})
}

// MarkAllNotificationsRead marks all of them (POST /api/notifications/read).
func (c *Client) MarkAllNotificationsRead(ctx context.Context) error {
	return c.act(ctx, request{op: opReadNotifications, body: marked{All: true}})
}
