package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

const maxMessage = 2000

// pair is the two agents of a conversation, ordered by id.
type pair struct{ a, b *agent }

func pairOf(a, b *agent) pair {
	if a.id > b.id {
		a, b = b, a
	}
	return pair{a, b}
}

// conversation is what two agents say to each other; there is one per pair.
type conversation struct {
	id                   string
	between              pair
	createdAt, updatedAt time.Time
	messages             timeline[*message]
}

// mark follows the last activity.
func (v *conversation) mark() mark { return markOf(v.updatedAt, v.id) }

func (v *conversation) other(a *agent) *agent {
	if v.between.a == a {
		return v.between.b
	}
	return v.between.a
}

func (v *conversation) has(a *agent) bool { return v.between.a == a || v.between.b == a }

func (v *conversation) unread(a *agent) int {
	n := 0
	for _, m := range v.messages {
		if m.sender != a && !m.read {
			n++
		}
	}
	return n
}

func (v *conversation) markRead(a *agent) {
	for _, m := range v.messages {
		if m.sender != a {
			m.read = true
		}
	}
}

type message struct {
	id, content string
	in          *conversation
	sender      *agent
	createdAt   time.Time
	read        bool // by the other side
}

func (m *message) mark() mark { return markOf(m.createdAt, m.id) }

func dmRoutes() []Route {
	const one = "/api/conversations/{id}"
	return []Route{
		{Method: http.MethodGet, Pattern: "/api/conversations", handle: listConversations},
		{Method: http.MethodPost, Pattern: "/api/conversations", Body: JSON, Create: true, handle: startConversation},
		{Method: http.MethodGet, Pattern: one + "/messages", handle: listMessages},
		{Method: http.MethodPost, Pattern: one + "/messages", Body: JSON, Create: true, handle: sendMessage},
		{Method: http.MethodPost, Pattern: one + "/read", handle: readConversation},
	}
}

type messageView struct {
	ID             string   `json:"id"`
	ConversationID string   `json:"conversationId"`
	Content        string   `json:"content"`
	CreatedAt      stamp    `json:"createdAt"`
	Sender         agentRef `json:"sender"`
	SenderID       string   `json:"senderId"`
	Read           bool     `json:"read"`
}

type messageReply struct {
	Message messageView `json:"message"`
}

func (w *world) viewMessage(m *message) messageView {
	return messageView{m.id, m.in.id, m.content, stamp(m.createdAt), w.ref(m.sender), m.sender.id, m.read}
}

type lastMessage struct {
	ID        string `json:"id"`
	Content   string `json:"content"`
	SenderID  string `json:"senderId"`
	CreatedAt stamp  `json:"createdAt"`
}

type conversationView struct {
	ID          string       `json:"id"`
	Participant agentRef     `json:"participant"`
	LastMessage *lastMessage `json:"lastMessage"`
	UnreadCount int          `json:"unreadCount"`
	CreatedAt   stamp        `json:"createdAt"`
	UpdatedAt   stamp        `json:"updatedAt"`
}

func (w *world) viewConversation(viewer *agent) func(*conversation) conversationView {
	return func(v *conversation) conversationView {
		out := conversationView{
			ID: v.id, Participant: w.ref(v.other(viewer)), UnreadCount: v.unread(viewer),
			CreatedAt: stamp(v.createdAt), UpdatedAt: stamp(v.updatedAt),
		}
		if n := len(v.messages); n > 0 {
			m := v.messages[n-1]
			text := []rune(m.content)
			if most := w.opt.Quirks.PreviewCut; most > 0 && len(text) > most {
				text = text[:most]
			}
			out.LastMessage = &lastMessage{m.id, string(text), m.sender.id, stamp(m.createdAt)}
		}
		return out
	}
}

// converse finds the conversation of two agents or opens it.
func (w *world) converse(a, b *agent) (v *conversation, opened bool) {
	if v = w.pairs[pairOf(a, b)]; v != nil {
		return v, false
	}
	v = &conversation{id: w.ids.id(), between: pairOf(a, b), createdAt: w.now, updatedAt: w.now}
	w.conversations[v.id], w.pairs[v.between] = v, v
	a.conversations[v], b.conversations[v] = true, true
	return v, true
}

// say adds a message. One dated back does not move the conversation back.
func (w *world) say(v *conversation, from *agent, text string) *message {
	m := &message{id: w.ids.id(), content: text, in: v, sender: from, createdAt: w.now}
	w.messages[m.id] = m
	v.messages.add(m)
	if w.now.After(v.updatedAt) {
		v.updatedAt = w.now
	}
	to := v.other(from)
	h := Happening{Agent: to.handle, Kind: HappenedReceived, ID: m.id, Actor: from.handle, Conversation: v.id}
	w.tell(h)
	h.Agent, h.Kind = from.handle, HappenedSent
	w.tell(h)
	return m
}

func startConversation(c *call) (reply, error) {
	handle, text := c.in.handle("participantHandle"), c.in.text("message", 1, maxMessage)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	to := c.agents[handle]
	if to == nil {
		return reply{}, notFound("No such agent")
	}
	if to == c.me {
		return reply{}, invalid("participantHandle must not be yourself")
	}
	v, opened := c.converse(c.me, to)
	m := c.say(v, c.me, text)
	body := struct {
		Conversation conversationView `json:"conversation"`
		Message      messageView      `json:"message"`
	}{c.viewConversation(c.me)(v), c.viewMessage(m)}
	if opened {
		return created(body)
	}
	return done(body)
}

func listConversations(c *call) (reply, error) {
	p := c.in.pageOf("v")
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	all := sortedBy(slices.Collect(maps.Keys(c.me.conversations)))
	most := c.opt.Quirks.ConversationCap
	if most > 0 {
		all = all[max(0, len(all)-most):]
		p.limit = most
	}
	items, end := cut(all, p, nil)
	return done(struct {
		Conversations []conversationView `json:"conversations"`
		pageEnd
	}{each(items, c.viewConversation(c.me)), end})
}

// conversation is the one of the path, for its participants only.
func (c *call) conversation() (*conversation, error) {
	v := c.conversations[c.in.vars["id"]]
	if v == nil {
		return nil, notFound("No such conversation")
	}
	if !v.has(c.me) {
		return nil, forbidden("You are not part of this conversation")
	}
	return v, nil
}

func listMessages(c *call) (reply, error) {
	p := c.in.pageOf("m")
	v, err := c.conversation()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	items, end := cut(v.messages, p, nil)
	body := struct {
		Messages []messageView `json:"messages"`
		pageEnd
	}{each(items, c.viewMessage), end}
	if c.opt.Quirks.FetchMarksRead {
		v.markRead(c.me)
	}
	return done(body)
}

func sendMessage(c *call) (reply, error) {
	text := c.in.text("content", 1, maxMessage)
	v, err := c.conversation()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	return created(messageReply{c.viewMessage(c.say(v, c.me, text))})
}

func readConversation(c *call) (reply, error) {
	v, err := c.conversation()
	if err != nil {
		return reply{}, err
	}
	v.markRead(c.me)
	return done(success{true})
}

// newGuest makes an agent nobody knows yet.
func (w *world) newGuest() *agent {
	n := len(w.roster) + 1
	for w.agents[fmt.Sprintf("guest_%d", n)] != nil {
		n++
	}
	return w.newAgent(&agent{handle: fmt.Sprintf("guest_%d", n), name: fmt.Sprintf("Guest %d", n)})
}

// AddConversations gives an agent n old conversations of size messages each
// with agents made for it (guest_1 …), a minute apart, the newest olderThan ago.
// They are history: the ledger does not hold them. It returns their ids, newest
// first.
func (s *Sandbox) AddConversations(handle string, n, size int, olderThan time.Duration) []string {
	w := s.enter()
	defer s.leave()
	a := w.agents[handle]
	if a == nil {
		return nil
	}
	told := len(w.ledger)
	ids := make([]string, 0, n)
	for i := range n {
		at := w.now.Add(-olderThan - time.Duration(i)*time.Minute)
		_ = w.at(at.Add(-time.Duration(size)*time.Second), func() error {
			guest := w.newGuest()
			v, _ := w.converse(guest, a)
			for k := range size {
				w.now = at.Add(-time.Duration(size-1-k) * time.Second)
				w.say(v, guest, fmt.Sprintf("Old message %d of %d", k+1, size))
			}
			ids = append(ids, v.id)
			return nil
		})
	}
	w.ledger = w.ledger[:told]
	return ids
}
