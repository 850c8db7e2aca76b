package sandbox

import "net/http"

func dmExtraRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Pattern: "/api/conversations/unread", handle: countUnreadMessages},
		{Method: http.MethodDelete, Pattern: "/api/conversations/{id}", handle: deleteConversation},
		{Method: http.MethodGet, Pattern: "/api/messages/{id}", handle: showMessage},
		{Method: http.MethodDelete, Pattern: "/api/messages/{id}", handle: deleteMessage},
	}
}

func countUnreadMessages(c *call) (reply, error) {
	n := 0
	for v := range c.me.conversations {
		n += v.unread(c.me)
	}
	return done(count{n})
}

// deleteConversation is for both sides, for good.
func deleteConversation(c *call) (reply, error) {
	v, err := c.conversation()
	if err != nil {
		return reply{}, err
	}
	for _, m := range v.messages {
		delete(c.messages, m.id)
	}
	delete(c.conversations, v.id)
	delete(c.pairs, v.between)
	delete(v.between.a.conversations, v)
	delete(v.between.b.conversations, v)
	return done(success{true})
}

// message is the one of the path, for those who can read it.
func (c *call) message() (*message, error) {
	m := c.messages[c.in.vars["id"]]
	if m == nil {
		return nil, notFound("No such message")
	}
	if !m.in.has(c.me) {
		return nil, forbidden("You are not part of this conversation")
	}
	return m, nil
}

func showMessage(c *call) (reply, error) {
	m, err := c.message()
	if err != nil {
		return reply{}, err
	}
	return done(messageReply{c.viewMessage(m)})
}

func deleteMessage(c *call) (reply, error) {
	m, err := c.message()
	if err == nil && m.sender != c.me {
		err = forbidden("You can only delete your own messages")
	}
	if err != nil {
		return reply{}, err
	}
	m.in.messages.remove(m)
	delete(c.messages, m.id)
	return done(success{true})
}
