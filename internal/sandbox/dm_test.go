package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestMessagesOutOfRuleAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("m", 2001)
	testRefusals(t, sandbox.Options{}, map[string]wrong{
		"to nobody":         {"POST", "/api/conversations", `{"participantHandle":"none","message":"x"}`, 404, "not_found", "agent"},
		"to @handle":        {"POST", "/api/conversations", `{"participantHandle":"@nova_ai","message":"x"}`, 404, "not_found", "agent"},
		"to oneself":        {"POST", "/api/conversations", `{"participantHandle":"orbit_bot","message":"x"}`, 400, "validation_error", "participantHandle"},
		"no handle":         {"POST", "/api/conversations", `{"message":"x"}`, 400, "validation_error", "participantHandle"},
		"no message":        {"POST", "/api/conversations", `{"participantHandle":"nova_ai"}`, 400, "validation_error", "message must be 1 to 2000"},
		"content instead":   {"POST", "/api/conversations", `{"participantHandle":"nova_ai","content":"x"}`, 400, "validation_error", "message"},
		"long first":        {"POST", "/api/conversations", `{"participantHandle":"nova_ai","message":"` + long + `"}`, 400, "validation_error", "message"},
		"empty":             {"POST", "/api/conversations/TALK/messages", `{"content":""}`, 400, "validation_error", "content"},
		"message instead":   {"POST", "/api/conversations/TALK/messages", `{"message":"x"}`, 400, "validation_error", "content"},
		"long":              {"POST", "/api/conversations/TALK/messages", `{"content":"` + long + `"}`, 400, "validation_error", "content"},
		"into a foreign":    {"POST", "/api/conversations/SECRET/messages", `{"content":"x"}`, 403, "forbidden", "conversation"},
		"into none":         {"POST", "/api/conversations/none/messages", `{"content":"x"}`, 404, "not_found", "conversation"},
		"read foreign":      {"GET", "/api/conversations/SECRET/messages", "", 403, "forbidden", "conversation"},
		"read none":         {"GET", "/api/conversations/none/messages", "", 404, "not_found", "conversation"},
		"mark foreign read": {"POST", "/api/conversations/SECRET/read", "", 403, "forbidden", "conversation"},
		"mark none read":    {"POST", "/api/conversations/none/read", "", 404, "not_found", "conversation"},
	})
}

func TestAPairHasOneConversation(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me, other := as(t, box, 0), as(t, box, 1)
	first := me.post("/api/conversations", `{"participantHandle":"lumen_lab","message":" Hello "}`)
	require.Equal(t, http.StatusCreated, first.status, first.text)
	require.Equal(t, "Hello", first.str("message.content"))
	require.Equal(t, "lumen_lab", first.str("conversation.participant.handle"))
	require.Equal(t, first.str("message.id"), first.str("conversation.lastMessage.id"))
	second := me.post("/api/conversations", `{"participantHandle":"lumen_lab","message":"Again"}`)
	require.Equal(t, http.StatusOK, second.status)
	back := other.post("/api/conversations", `{"participantHandle":"orbit_bot","message":"Back"}`)
	require.Equal(t, http.StatusOK, back.status)
	require.Equal(t, first.str("conversation.id"), second.str("conversation.id"))
	require.Equal(t, first.str("conversation.id"), back.str("conversation.id"))
}

func TestUnreadRisesForTheOtherSideOnly(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me, other := as(t, box, 0), as(t, box, 1)
	talk := me.post("/api/conversations", `{"participantHandle":"lumen_lab","message":"One"}`).str("conversation.id")
	box.Clock().Advance(1e9)
	require.Equal(t, http.StatusCreated, me.post("/api/conversations/"+talk+"/messages", `{"content":"Two"}`).status)
	unread := func(c *client) any { return c.get("/api/conversations").at("conversations.0.unreadCount") }
	require.InDelta(t, 0, unread(me), 0)
	require.InDelta(t, 2, unread(other), 0)

	got := other.get("/api/conversations/" + talk + "/messages?limit=50")
	require.Equal(t, "Two", got.str("messages.0.content"), "newest first")
	require.Equal(t, false, got.at("messages.0.read"))
	require.Equal(t, got.str("messages.0.sender.id"), got.str("messages.0.senderId"))
	require.InDelta(t, 2, unread(other), 0, "fetching marks nothing")

	require.Equal(t, `{"success":true}`, other.post("/api/conversations/"+talk+"/read", "").text)
	require.InDelta(t, 0, unread(other), 0)
	require.Equal(t, true, me.get("/api/conversations/"+talk+"/messages").at("messages.0.read"))
}

func TestConversationsAreOrderedByActivity(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me := as(t, box, 0)
	for _, from := range []string{"nova_ai", "pixel_pilot", "nova_ai"} {
		box.Clock().Advance(1e9)
		act(t, box, sandbox.Action{As: from, Do: "dm", Handle: "orbit_bot", Content: "x"})
	}
	got := me.get("/api/conversations")
	require.Equal(t, "nova_ai", got.str("conversations.0.participant.handle"))
	require.Equal(t, "pixel_pilot", got.str("conversations.1.participant.handle"))
	require.Equal(t, got.str("conversations.0.lastMessage.createdAt"), got.str("conversations.0.updatedAt"))
}

func TestUnconfirmedReadingsOfMessages(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true, Quirks: sandbox.Quirks{FetchMarksRead: true, PreviewCut: 100, ConversationCap: 20}})
	me := as(t, box, 0)
	box.AddConversations("orbit_bot", 25, 1, 3600e9)
	act(t, box, sandbox.Action{As: "nova_ai", Do: "dm", Handle: "orbit_bot", Content: strings.Repeat("ä", 150)})
	got := me.get("/api/conversations?limit=100")
	require.Len(t, got.list("conversations"), 20)
	require.Nil(t, got.at("nextCursor"))
	require.Equal(t, strings.Repeat("ä", 100), got.str("conversations.0.lastMessage.content"))
	require.InDelta(t, 1, got.at("conversations.0.unreadCount"), 0)
	me.get("/api/conversations/" + got.str("conversations.0.id") + "/messages")
	require.InDelta(t, 0, me.get("/api/conversations").at("conversations.0.unreadCount"), 0)

	box.SetQuirks(func(q *sandbox.Quirks) { *q = sandbox.Quirks{} })
	require.Len(t, me.get("/api/conversations?limit=100").list("conversations"), 26)
}
