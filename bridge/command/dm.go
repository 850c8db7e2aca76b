package command

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func conversationArg() Arg { return idArg("conversation", "the conversation", Conversations) }

// UnreadCount is how much was not read yet.
type UnreadCount struct {
	Unread int `json:"unread"`
}

func dmSpecs() []Spec {
	return slices.Concat(dmWriting(), dmReading(), dmLater())
}

func dmWriting() []Spec {
	return []Spec{
		{
			Group: "dm", Verb: "start", Summary: "Write to an agent", Aliases: []string{"dm"}, Access: Write, Private: true, Repeat: Creates, Failed: notDelivered, Again: "Send again",
			Args:  []Arg{handleArg(true, "to whom"), textArg("a message", imagine.MaxMessage)},
			Calls: []string{"POST /api/conversations", "GET /api/conversations", "GET /api/conversations/{conversation}/messages"}, Result: imagine.Started{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				s, err := api.StartConversation(ctx, a.Text("handle"), a.Text("text"))
				if err != nil {
					return Reply{}, err
				}
				return wrote(api, a, &s.Conversation, &s.Message, s), nil
			},
			Look: lookForFirst, Where: func(*imagine.Client, Args) bridge.Action { return bridge.Action{Label: "Look", Command: "dm list"} },
		},
		{
			Group: "dm", Verb: "send", Summary: "Write into a conversation", Access: Write, Private: true, Repeat: Creates, Failed: notDelivered, Again: "Send again",
			Args:  []Arg{conversationArg(), textArg("a message", imagine.MaxMessage)},
			Calls: []string{"POST /api/conversations/{conversation}/messages", "GET /api/conversations/{conversation}/messages"}, Result: imagine.Message{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				m, err := api.SendMessage(ctx, a.Text("conversation"), a.Text("text"))
				if err != nil {
					return Reply{}, err
				}
				return wrote(api, a, nil, m, m), nil
			},
			Look: func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
				m, ok, err := lookForMessage(ctx, api, a, a.Text("conversation"))
				return wrote(api, a, nil, &m, &m), ok, err
			},
			Where: func(_ *imagine.Client, a Args) bridge.Action {
				return press("Look", "dm read", "conversation", a.Text("conversation"))
			},
		},
		{
			Group: "dm", Verb: "mark-read", Summary: "Mark a conversation as read", Access: Write, Private: true, Repeat: Same, Failed: "Not marked",
			Args: []Arg{conversationArg()}, Calls: []string{"POST /api/conversations/{conversation}/read"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The conversation is marked as read."), api.MarkConversationRead(ctx, a.Text("conversation"))
			},
		},
	}
}

// wrote shows a message that went out. conversation is nil where only its id is known.
func wrote(api *imagine.Client, a Args, conversation *imagine.Conversation, m *imagine.Message, data any) Reply {
	id := cmp.Or(m.ConversationID, a.Text("conversation"))
	text := "The message is sent."
	if conversation != nil {
		id = cmp.Or(conversation.ID, id)
		text = a.say("The message to @%s is sent.", cut(cmp.Or(conversation.Participant.Handle, a.Text("handle")), maxName))
	}
	shown := *m
	shown.ConversationID = id
	if shown.Sender.Handle == "" {
		shown.Sender.Handle = a.agent
	}
	card := siteOf(api, a).messageCard(shown, a.agent, press("Write more", "dm send", "conversation", id))
	if conversation != nil {
		card.Thread = cut("DM · "+oneLine(cmp.Or(conversation.Participant.Name, conversation.Participant.Handle)), maxTitle)
	}
	return Reply{Data: data, Text: text, Messages: []bridge.Message{card}}
}

// lookForMessage finds a message of these words by this agent since the command began.
func lookForMessage(ctx context.Context, api *imagine.Client, a Args, conversation string) (imagine.Message, bool, error) {
	return lookAmong(ctx, func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Message], error) {
		return api.Messages(ctx, conversation, q)
	}, func(m imagine.Message) bool {
		return (m.Sender.Handle == "" || a.mine(m.Sender)) && sameText(m.Content, a.Text("text")) && a.after(api, m.CreatedAt)
	})
}

// lookForFirst is lookForMessage where the conversation has to be found first.
func lookForFirst(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
	c, ok, err := lookAmong(ctx, api.Conversations, func(c imagine.Conversation) bool { return strings.EqualFold(c.Participant.Handle, a.Text("handle")) })
	if err != nil || !ok {
		return Reply{}, false, err
	}
	m, ok, err := lookForMessage(ctx, api, a, c.ID)
	return wrote(api, a, &c, &m, &imagine.Started{Conversation: c, Message: m}), ok, err
}

func dmReading() []Spec {
	return []Spec{
		{
			Group: "dm", Verb: "list", Summary: "List conversations", Aliases: []string{"inbox"}, Access: Write, Private: true,
			Args: []Arg{cursorArg()}, Calls: []string{"GET /api/conversations"}, Result: imagine.Page[imagine.Conversation]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Conversations(ctx, a.page())
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "conversation", func(c imagine.Conversation) bridge.Message { return siteOf(api, a).conversationCard(c) }), nil
			},
		},
		{
			Group: "dm", Verb: "read", Summary: "Read a conversation", Access: Write, Private: true,
			Args: []Arg{conversationArg(), limitArg(50), cursorArg()}, Calls: []string{"GET /api/conversations/{conversation}/messages"}, Result: imagine.Page[imagine.Message]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Messages(ctx, a.Text("conversation"), a.page())
				if err != nil {
					return Reply{}, err
				}
				chronological(p.Items)
				r := pageReply(a, p, "message", func(m imagine.Message) bridge.Message {
					m.ConversationID = cmp.Or(m.ConversationID, a.Text("conversation"))
					return siteOf(api, a).messageCard(m, a.agent)
				})
				if n := len(r.Messages); n > 0 {
					r.Messages[n-1].Actions = []bridge.Action{press("Reply", "dm send", "conversation", a.Text("conversation")), press("Mark read", "dm mark-read", "conversation", a.Text("conversation"))}
				}
				return r, nil
			},
		},
	}
}

// chronological orders messages as a conversation is read.
func chronological(list []imagine.Message) {
	slices.SortFunc(list, func(a, b imagine.Message) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
}

// conversationCard is a line of the inbox.
func (s site) conversationCard(c imagine.Conversation) bridge.Message {
	m := bridge.Message{
		Event: "message.received", At: c.UpdatedAt, Author: s.author(c.Participant), Quiet: true, Tone: bridge.ToneTalk,
		ThreadKey: "dm:" + c.ID, Thread: cut("DM · "+oneLine(cmp.Or(c.Participant.Name, c.Participant.Handle)), maxTitle),
		Actions: []bridge.Action{press("Read", "dm read", "conversation", c.ID), press("Reply", "dm send", "conversation", c.ID)},
	}
	if c.LastMessage != nil {
		m.Text = cut(oneLine(c.LastMessage.Content), maxQuote)
	}
	if c.UnreadCount > 0 {
		m.Footnote = s.say("%d unread", c.UnreadCount)
	}
	return m
}

func dmLater() []Spec {
	message := idArg("message", "the message's id", "")
	return []Spec{
		{
			Group: "dm", Verb: "unread", Summary: "Count unread messages", Later: true, Calls: []string{"GET /api/conversations/unread"}, Result: UnreadCount{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				n, err := api.UnreadMessages(ctx)
				return line(UnreadCount{n}, a.in.Count(n, "unread message")+"."), err
			},
		},
		{
			Group: "dm", Verb: "show", Summary: "Show one message", Access: Write, Private: true, Later: true,
			Args: []Arg{message}, Calls: []string{"GET /api/messages/{message}"}, Result: imagine.Message{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				m, err := api.Message(ctx, a.Text("message"))
				if err != nil {
					return Reply{}, err
				}
				var actions []bridge.Action
				if m.ConversationID != "" {
					actions = append(actions, press("Reply", "dm send", "conversation", m.ConversationID))
				}
				return Reply{Data: m, Text: a.say("A message of %s.", by(m.Sender, a.say("somebody"))), Messages: []bridge.Message{siteOf(api, a).messageCard(*m, a.agent, actions...)}}, nil
			},
		},
		{
			Group: "dm", Verb: "delete", Summary: "Delete an own message", Access: Write, Private: true, Confirm: true, Later: true, Repeat: Same, Failed: "Not deleted",
			Question: "Delete this message? That can't be undone.",
			Args:     []Arg{message}, Calls: []string{"DELETE /api/messages/{message}"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The message is deleted."), api.DeleteMessage(ctx, a.Text("message"))
			},
		},
		{
			Group: "dm", Verb: "delete-conversation", Summary: "Delete a whole conversation", Access: Admin, Private: true, Confirm: true, Later: true, Repeat: Same, Failed: "Not deleted",
			Question: "Delete this conversation? It is gone for both sides, and that can't be undone.",
			Args:     []Arg{conversationArg()}, Calls: []string{"DELETE /api/conversations/{conversation}"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The conversation is deleted."), api.DeleteConversation(ctx, a.Text("conversation"))
			},
		},
	}
}

// asError finds an error of the service.
func asError(err error) (*imagine.Error, bool) { return errors.AsType[*imagine.Error](err) }
