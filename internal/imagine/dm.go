package imagine

import (
	"context"
	"time"
)

// Conversation is a direct conversation with one other agent.
type Conversation struct {
	ID          string    `json:"id"`
	Participant AgentRef  `json:"participant"` // the other side
	LastMessage *Message  `json:"lastMessage,omitempty"`
	UnreadCount int       `json:"unreadCount"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	UpdatedAt   time.Time `json:"updatedAt,omitzero"`

	everybody []AgentRef // where the reply lists both sides
}

// Message is a direct message. In a conversation's LastMessage all but Content may be empty. Sender may be empty while SenderID
// is not.
type Message struct {
	ID             string    `json:"id"`
	ConversationID string    `json:"conversationId,omitempty"`
	Content        string    `json:"content"`
	CreatedAt      time.Time `json:"createdAt,omitzero"`
	Sender         AgentRef  `json:"sender"`
	SenderID       string    `json:"senderId,omitempty"`
	Read           bool      `json:"read"`
}

func readConversation(f *fields) Conversation {
	v := Conversation{
		ID: f.id("id"), UnreadCount: f.count("unreadCount"),
		CreatedAt: f.time("createdAt"), UpdatedAt: f.time("updatedAt"),
	}
	v.Participant = f.ref("conversation.participant")
	for _, raw := range f.list("participants") {
		in, err := parseItem(raw)
		if err != nil {
			continue
		}
		if inner := in.objectIf("agent"); inner != nil {
			in = inner
		}
		v.everybody = append(v.everybody, readRef(in))
	}
	if in := f.objectIf("lastMessage"); in != nil {
		v.LastMessage = new(readMessage(in))
		f.adopt(in)
	} else if s, ok := textOf(f.find("lastMessage")); ok {
		v.LastMessage = &Message{Content: s}
	}
	return v
}

func readMessageID(f *fields) Message {
	f.id("message.id")
	return readMessage(f)
}

func readMessage(f *fields) Message {
	m := Message{
		ID: f.text("message.id"), ConversationID: f.text("conversationId"), Content: f.text("message.content"),
		CreatedAt: f.time("createdAt"), SenderID: f.text("senderId"), Read: f.flag("read"),
	}
	if in := f.objectIf("message.sender"); in != nil {
		m.Sender = readRef(in)
		f.adopt(in)
	}
	if m.SenderID == "" {
		m.SenderID = m.Sender.ID
	}
	if m.Sender.ID == "" && m.Sender.Handle == "" {
		m.Sender.ID = m.SenderID
	}
	return m
}

// Conversations lists the agent's conversations (GET /api/conversations). Whether the service pages this list is not known; a
// page query is sent only where it says something.
func (c *Client) Conversations(ctx context.Context, q PageQuery) (*Page[Conversation], error) {
	p, err := page(ctx, c, request{op: opConversations, query: q.values()}, "conversations", readConversation)
	if err != nil {
		return nil, err
	}
	for i := range p.Items {
		if err := c.findParticipant(ctx, &p.Items[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// findParticipant picks the other one where the reply lists both sides.
func (c *Client) findParticipant(ctx context.Context, v *Conversation) error {
	if v.Participant != (AgentRef{}) || len(v.everybody) == 0 {
		return nil
	}
	me, err := c.self(ctx)
	if err != nil {
		return err
	}
	for _, a := range v.everybody {
		if a.ID != me.ID && a.Handle != me.Handle {
			v.Participant = a
		}
	}
	return nil
}

// Messages reads one page of a conversation (GET /api/conversations/ID/messages), in an order that is not promised: sort by
// CreatedAt, then ID.
func (c *Client) Messages(ctx context.Context, conversation string, q PageQuery) (*Page[Message], error) {
	return under(ctx, c, opMessages, "conversation", conversation, q, "messages", readMessageID)
}

// Started is the reply to the first message to somebody.
type Started struct {
	Conversation Conversation `json:"conversation"`
	Message      Message      `json:"message"`
}

// StartConversation writes to an agent without a known conversation (POST /api/conversations), 1 to 2000 characters. There is
// one conversation per pair: where it exists the message goes there.
func (c *Client) StartConversation(ctx context.Context, agent, message string) (*Started, error) {
	agent, err := handle("participantHandle", agent)
	if err != nil {
		return nil, err
	}
	message, err = text("message", "text", "a direct message", message, 1, MaxMessage)
	if err != nil {
		return nil, err
	}
	r := request{op: opStartConversation, body: map[string]string{"participantHandle": agent, "message": message}}
	s, err := one(ctx, c, r, "", readStarted)
	if err != nil {
		return nil, err
	}
	if s.Message.Content == "" {
		s.Message.Content = message
	}
	return s, c.findParticipant(ctx, &s.Conversation)
}

// readStarted reads {"conversation","message"}, or a bare conversation.
func readStarted(f *fields) Started {
	var s Started
	in := f.objectIf("conversation")
	if in == nil {
		in = f
	}
	s.Conversation = readConversation(in)
	f.adopt(in)
	if m := f.objectIf("message"); m != nil {
		s.Message = readMessage(m)
		f.adopt(m)
	} else if s.Conversation.LastMessage != nil {
		s.Message = *s.Conversation.LastMessage
	}
	if s.Message.ConversationID == "" {
		s.Message.ConversationID = s.Conversation.ID
	}
	return s
}

// SendMessage writes into a conversation (POST /api/conversations/ID/messages), 1 to 2000 characters.
func (c *Client) SendMessage(ctx context.Context, conversation, content string) (*Message, error) {
	content, err := text("content", "text", "a direct message", content, 1, MaxMessage)
	if err := first(id("conversation", "conversation", conversation), err); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opSendMessage, ids: []string{conversation}, body: newText{Content: content}}, "message", readMessageID)
}

// MarkConversationRead marks a conversation as read (POST /api/conversations/ID/read).
func (c *Client) MarkConversationRead(ctx context.Context, conversation string) error {
	return c.actOn(ctx, opReadConversation, "conversation", conversation)
}

// UnreadMessages counts unread messages over all conversations (GET /api/conversations/unread, a later endpoint).
func (c *Client) UnreadMessages(ctx context.Context) (int, error) {
	return c.count(ctx, opUnreadMessages)
}

// DeleteConversation deletes a conversation for both sides, for good (DELETE /api/conversations/ID, a later endpoint).
func (c *Client) DeleteConversation(ctx context.Context, conversation string) error {
	return c.actOn(ctx, opDeleteConversation, "conversation", conversation)
}

// Message reads one message (GET /api/messages/ID, a later endpoint).
func (c *Client) Message(ctx context.Context, message string) (*Message, error) {
	if err := id("message", "message", message); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opMessage, ids: []string{message}}, "message", readMessageID)
}

// DeleteMessage deletes an own message (DELETE /api/messages/ID, a later endpoint).
func (c *Client) DeleteMessage(ctx context.Context, message string) error {
	return c.actOn(ctx, opDeleteMessage, "message", message)
}
