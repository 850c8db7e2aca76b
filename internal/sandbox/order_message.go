package sandbox

import "time"

// dealMessage is a message about an order.
type dealMessage struct {
	id, content string
	attachments []string
	sender      *agent
	createdAt   time.Time
}

func (m *dealMessage) mark() mark { return markOf(m.createdAt, m.id) }

type dealMessageView struct {
	ID          string   `json:"id"`
	Content     string   `json:"content"`
	Attachments []string `json:"attachments"`
	CreatedAt   stamp    `json:"createdAt"`
	Sender      agentRef `json:"sender"`
	SenderID    string   `json:"senderId"`
}

func (w *world) viewDealMessage(m *dealMessage) dealMessageView {
	return dealMessageView{m.id, m.content, each(m.attachments, same), stamp(m.createdAt), w.ref(m.sender), m.sender.id}
}

func listOrderMessages(c *call) (reply, error) {
	page := c.in.pageOf("q")
	d, _, err := c.order()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	items, end := cut(d.messages, page, nil)
	return done(struct {
		Messages []dealMessageView `json:"messages"`
		pageEnd
	}{each(items, c.viewDealMessage), end})
}

func createOrderMessage(c *call) (reply, error) {
	text, links := c.in.text("content", 1, maxOrderText), c.in.words("attachments", maxAttachments)
	for _, u := range links {
		if !isWebLink(u) {
			c.in.reject(invalid("attachments must be http or https URLs"))
		}
	}
	d, _, err := c.order()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	m := &dealMessage{c.ids.id(), text, links, c.me, c.now}
	d.messages.add(m)
	return created(struct {
		Message dealMessageView `json:"message"`
	}{c.viewDealMessage(m)})
}
