package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestLaterCallsAreUnknownUnderTheSeedDialect(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Dialect: sandbox.DialectSeed})
	box.SetLimit(sandbox.ClassWrite, 1000)
	me := as(t, box, 0)
	n := 0
	for _, r := range sandbox.Routes() {
		if r.Later && r.Pattern != "/api/auth/register" {
			n++
			got := me.send(r.Method, strings.NewReplacer("{", "", "}", "").Replace(r.Pattern), "", nil)
			require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, got.status, "%s %s: %s", r.Method, r.Pattern, got.text)
		}
	}
	require.Equal(t, 48, n)
}

func TestLaterCallsRefuseWhatIsWrong(t *testing.T) {
	t.Parallel()
	testRefusals(t, sandbox.Options{}, map[string]wrong{
		"likes of nothing":        {"GET", "/api/posts/nope/likes", "", 404, "not_found", "post"},
		"likes, bad limit":        {"GET", "/api/posts/MINE/likes?limit=0", "", 400, "validation_error", "limit"},
		"reposts of nothing":      {"GET", "/api/posts/nope/reposts", "", 404, "not_found", "post"},
		"no repost to take back":  {"DELETE", "/api/posts/THEIRS/repost", "", 404, "not_found", "reposted"},
		"their comment":           {"DELETE", "/api/posts/MINE/comments/REMARK", "", 403, "forbidden", "own comments"},
		"comment elsewhere":       {"DELETE", "/api/posts/THEIRS/comments/REMARK", "", 404, "not_found", "comment"},
		"own amplified":           {"POST", "/api/posts/MINE/amplify", "", 400, "validation_error", "own post"},
		"amplify nothing":         {"DELETE", "/api/posts/nope/amplify", "", 404, "not_found", "post"},
		"view nothing":            {"POST", "/api/posts/nope/view", "", 404, "not_found", "post"},
		"follow of nobody":        {"GET", "/api/agents/nobody/follow", "", 404, "not_found", "agent"},
		"similar to nobody":       {"GET", "/api/agents/nobody/similar", "", 404, "not_found", "agent"},
		"similar, odd flag":       {"GET", "/api/agents/nova_ai/similar?excludeFollowing=yes", "", 400, "validation_error", "excludeFollowing"},
		"likes of nobody":         {"GET", "/api/agents/nobody/likes", "", 404, "not_found", "agent"},
		"xp of nobody":            {"GET", "/api/agents/nobody/xp", "", 404, "not_found", "agent"},
		"xp, foreign cursor":      {"GET", "/api/agents/nova_ai/xp?cursor=abc", "", 400, "invalid_cursor", "cursor"},
		"recommended robots":      {"GET", "/api/explore/agents?type=robots", "", 400, "validation_error", "type"},
		"avatar as JSON":          {"POST", "/api/agents/me/avatar", `{}`, 400, "validation_error", "multipart"},
		"no capability named":     {"PATCH", "/api/agents/me/capabilities", `{}`, 400, "validation_error", "required"},
		"empty skill":             {"PATCH", "/api/agents/me/capabilities", `{"skills":[""]}`, 400, "validation_error", "skills"},
		"skills as text":          {"PATCH", "/api/agents/me/capabilities", `{"skills":"a,b"}`, 400, "validation_error", "skills"},
		"slow answers":            {"PATCH", "/api/agents/me/capabilities", `{"responseTime":"` + strings.Repeat("x", 51) + `"}`, 400, "validation_error", "responseTime"},
		"delete a foreign talk":   {"DELETE", "/api/conversations/SECRET", "", 403, "forbidden", "part"},
		"delete no talk":          {"DELETE", "/api/conversations/nope", "", 404, "not_found", "conversation"},
		"no message":              {"GET", "/api/messages/nope", "", 404, "not_found", "message"},
		"no message to delete":    {"DELETE", "/api/messages/nope", "", 404, "not_found", "message"},
		"no byte":                 {"GET", "/api/bytes/nope", "", 404, "not_found", "byte"},
		"no byte to like":         {"POST", "/api/bytes/nope/like", "", 404, "not_found", "byte"},
		"no byte to unlike":       {"DELETE", "/api/bytes/nope/like", "", 404, "not_found", "byte"},
		"no byte to delete":       {"DELETE", "/api/bytes/nope", "", 404, "not_found", "byte"},
		"comments of no byte":     {"GET", "/api/bytes/nope/comments", "", 404, "not_found", "byte"},
		"comment on no byte":      {"POST", "/api/bytes/nope/comments", `{"content":"x"}`, 404, "not_found", "byte"},
		"upload by id and url":    {"DELETE", "/api/upload", `{"id":"a","url":"b"}`, 400, "validation_error", "exactly one"},
		"no such upload":          {"DELETE", "/api/upload", `{"id":"nope"}`, 404, "not_found", "upload"},
		"report without target":   {"POST", "/api/reports", `{"reason":"SPAM"}`, 400, "validation_error", "reportedAgentId"},
		"report for no reason":    {"POST", "/api/reports", `{"reportedPostId":"THEIRS"}`, 400, "validation_error", "reason"},
		"report of nothing":       {"POST", "/api/reports", `{"reason":"SPAM","reportedPostId":"nope"}`, 404, "not_found", "exist"},
		"report of nobody":        {"POST", "/api/reports", `{"reason":"SPAM","reportedAgentId":"nope"}`, 404, "not_found", "exist"},
		"webhook over http":       {"PATCH", "/api/agents/me/webhook", `{"webhookUrl":"http://hook.example/"}`, 400, "validation_error", "https"},
		"webhook with a password": {"PATCH", "/api/agents/me/webhook", `{"webhookUrl":"https://a:b@hook.example/"}`, 400, "validation_error", "https"},
		"webhook, nothing":        {"PATCH", "/api/agents/me/webhook", `{}`, 400, "validation_error", "required"},
		"webhook, no test":        {"PATCH", "/api/agents/me/webhook", `{"test":true}`, 400, "validation_error", "no webhook"},
	})
}

func TestLikesAndRepostsAreListed(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	id := s.ids.Replace("MINE")
	act(t, s.box, sandbox.Action{As: "nova_ai", Do: "like", Post: id})
	act(t, s.box, sandbox.Action{As: "nova_ai", Do: "repost", Post: id})
	act(t, s.box, sandbox.Action{As: "pixel_pilot", Do: "quote", Post: id, Content: "Look"})
	anyone := nobody(t, s.box)
	require.Equal(t, "nova_ai", anyone.get("/api/posts/"+id+"/likes").str("likes.0.agent.handle"))
	require.Len(t, anyone.get("/api/posts/"+id+"/reposts").list("reposts"), 2)

	theirs := s.ids.Replace("/api/posts/THEIRS/repost")
	require.Equal(t, http.StatusCreated, s.me.post(theirs, "").status)
	require.Equal(t, false, s.me.delete(theirs).at("reposted"))
	require.Equal(t, http.StatusCreated, s.me.post(theirs, "").status, "it can be reposted again")
}

func TestADeletedCommentTakesItsRepliesAlong(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	post := s.ids.Replace("/api/posts/THEIRS")
	mine := s.me.post(post+"/comments", `{"content":"First"}`).str("comment.id")
	act(t, s.box, sandbox.Action{As: "nova_ai", Do: "reply", Comment: mine, Content: "Second"})
	require.EqualValues(t, 2, s.me.get(post).at("post.commentCount"))
	require.Equal(t, http.StatusOK, s.me.delete(post+"/comments/"+mine).status)
	require.EqualValues(t, 0, s.me.get(post).at("post.commentCount"))
	last := s.box.Happenings("orbit_bot")
	require.Equal(t, sandbox.HappenedWithdrawn, last[len(last)-1].Kind, "the unread REPLY is taken back")
}

func TestAmplifyingCountsOnceAndGivesExperience(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	total := func() float64 { n, _ := s.me.get("/api/agents/nova_ai/xp").at("axp.total").(float64); return n }
	before := total()
	path := s.ids.Replace("/api/posts/THEIRS/amplify")
	s.box.Clock().Advance(time.Second)
	for range 2 {
		require.EqualValues(t, 1, s.me.post(path, "").at("amplifyCount"))
	}
	require.InDelta(t, 5, total()-before, 0)
	require.Equal(t, "AMPLIFY", s.me.get("/api/agents/nova_ai/xp?limit=1").str("history.0.reason"))
	require.EqualValues(t, 0, s.me.delete(path).at("amplifyCount"))
	require.InDelta(t, 0, total()-before, 0)
}

func TestExperienceAddsUp(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	x := me.get("/api/agents/orbit_bot/xp?limit=100")
	sum := 0.0
	for _, g := range list(x, "history") {
		n, _ := g["amount"].(float64)
		sum += n
	}
	require.Nil(t, x.at("nextCursor"))
	require.InDelta(t, sum, x.at("axp.total"), 0)
	require.Equal(t, x.at("axp.total"), me.get("/api/agents/me").at("agent.gamification.axp"))
}

func TestViewsCount(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	views := func(post string) any { return s.me.get(s.ids.Replace("/api/posts/" + post)).at("post.viewCount") }
	s.me.post(s.ids.Replace("/api/posts/THEIRS/view"), "")
	require.EqualValues(t, 2, views("THEIRS"), "the view, and this look")
	s.me.post(s.ids.Replace("/api/posts/MINE/view"), "")
	require.EqualValues(t, 0, views("MINE"))
}

func TestFollowingCanBeAskedFor(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{Empty: true}), 0)
	require.Equal(t, false, me.get("/api/agents/@nova_ai/follow").at("following"))
	me.post("/api/agents/nova_ai/follow", "")
	require.Equal(t, true, me.get("/api/agents/@nova_ai/follow").at("following"))
}

func handles(a answer) []string {
	var out []string
	for _, x := range list(a, "agents") {
		h, _ := x["handle"].(string)
		out = append(out, h)
	}
	return out
}

func TestSimilarAgents(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{Empty: true}), 0)
	me.post("/api/agents/paper_crane/follow", "")
	require.Equal(t, []string{"paper_crane", "velvet_comet"}, handles(me.get("/api/agents/pixel_pilot/similar")))
	require.Equal(t, []string{"velvet_comet"}, handles(me.get("/api/agents/pixel_pilot/similar?excludeFollowing=true")))
	require.Len(t, handles(me.get("/api/agents/pixel_pilot/similar?limit=1")), 1)
}

func TestRecommendedAgentsAreNotFollowedYet(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me, other := as(t, box, 0), as(t, box, 1)
	other.patch("/api/agents/me/capabilities", `{"skills":["Maps","Light"],"languages":["de"]}`)
	all := handles(me.get("/api/explore/agents?limit=100"))
	require.Contains(t, all, "nova_ai")
	require.NotContains(t, all, "orbit_bot")
	require.Equal(t, []string{"lumen_lab"}, handles(me.get("/api/explore/agents?skills=maps,art&languages=en,de")))
	require.Empty(t, handles(me.get("/api/explore/agents?type=humans")))
	me.post("/api/agents/lumen_lab/follow", "")
	require.NotContains(t, handles(me.get("/api/explore/agents?limit=100")), "lumen_lab")
}

func TestLikedPostsOfAnAgent(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	s.box.Clock().Advance(time.Second)
	s.me.post(s.ids.Replace("/api/posts/THEIRS/like"), "")
	got := nobody(t, s.box).get("/api/agents/orbit_bot/likes")
	require.Equal(t, s.ids.Replace("THEIRS"), got.str("posts.0.id"))
}

func TestTheAvatarChanges(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	got := me.upload("/api/agents/me/avatar", "me.gif", []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
	require.Equal(t, http.StatusOK, got.status, got.text)
	require.Equal(t, got.str("url"), got.str("agent.avatarUrl"))
	require.Nil(t, me.delete("/api/agents/me/avatar").at("agent.avatarUrl"))

	big := me.upload("/api/agents/me/avatar", "me.gif", append([]byte("GIF89a"), make([]byte, 5<<20)...))
	require.Equal(t, http.StatusRequestEntityTooLarge, big.status)
	require.Equal(t, http.StatusUnsupportedMediaType, me.upload("/api/agents/me/avatar", "me.txt", []byte("text")).status)
}

func TestCapabilitiesChangePieceByPiece(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	const path = "/api/agents/me/capabilities"
	me.patch(path, `{"skills":["ink"],"apis":["maps"]}`)
	got := me.patch(path, `{"skills":[],"responseTime":"fast"}`)
	require.JSONEq(t, `{"capabilities":{"skills":[],"apis":["maps"],"responseTime":"fast","languages":[]}}`, got.text)
	require.Equal(t, "fast", me.get("/api/agents/me").at("agent.capabilities.responseTime"))
	require.JSONEq(t, `{"capabilities":{"skills":[],"apis":[],"responseTime":"","languages":[]}}`, me.delete(path).text)
	require.Nil(t, me.get("/api/agents/me").at("agent.capabilities"))
}

func TestMessagesAndConversationsGoForBothSides(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me, other, third := as(t, box, 0), as(t, box, 1), as(t, box, 2)
	made := me.post("/api/conversations", `{"participantHandle":"lumen_lab","message":"Hello"}`)
	talk, hello := made.str("conversation.id"), made.str("message.id")
	require.EqualValues(t, 1, other.get("/api/conversations/unread").at("count"))
	require.EqualValues(t, 0, me.get("/api/conversations/unread").at("count"))
	require.Equal(t, "Hello", other.get("/api/messages/"+hello).str("message.content"))
	require.Equal(t, http.StatusForbidden, third.get("/api/messages/"+hello).status)
	require.Equal(t, http.StatusForbidden, other.delete("/api/messages/"+hello).status)
	require.Equal(t, http.StatusOK, me.delete("/api/messages/"+hello).status)
	require.Empty(t, other.get("/api/conversations/"+talk+"/messages").list("messages"))
	require.Nil(t, other.get("/api/conversations").at("conversations.0.lastMessage"))
	require.Equal(t, http.StatusOK, other.delete("/api/conversations/"+talk).status)
	require.Empty(t, me.get("/api/conversations").list("conversations"))
	require.Equal(t, http.StatusCreated, me.post("/api/conversations", `{"participantHandle":"lumen_lab","message":"Anew"}`).status)
}

func TestBytesAreLikedAndDiscussed(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me, other := as(t, box, 0), as(t, box, 1)
	one := "/api/bytes/" + me.get("/api/bytes").str("bytes.0.id")
	for range 2 {
		require.EqualValues(t, 1, me.post(one+"/like", "").at("likeCount"))
	}
	require.Equal(t, true, me.get(one).at("byte.isLiked"))
	require.EqualValues(t, 0, me.delete(one+"/like").at("likeCount"))
	said := me.post(one+"/comments", `{"content":"Oh"}`).str("comment.id")
	answered := other.post(one+"/comments", `{"content":"Ah","parentId":"`+said+`"}`)
	require.Equal(t, said, answered.str("comment.parentId"))
	require.Len(t, me.get(one+"/comments").list("comments"), 2)
	require.EqualValues(t, 2, me.get(one).at("byte.commentCount"))
	require.Equal(t, http.StatusBadRequest, me.post(one+"/comments", `{"content":"Ah","parentId":"nope"}`).status)
	require.Equal(t, http.StatusBadRequest, me.post(one+"/comments", `{"content":"`+strings.Repeat("x", 501)+`"}`).status)
	require.Equal(t, http.StatusForbidden, me.delete(one).status)
}

func TestUploadsAreDeletedByIDAndByURL(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me, other := as(t, box, 0), as(t, box, 1)
	up := func() answer {
		return me.upload("/api/upload", "a.gif", []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
	}
	erase := func(c *client, body string) int {
		return c.send(http.MethodDelete, "/api/upload", "application/json", strings.NewReader(body)).status
	}
	first, second := up(), up()
	require.Equal(t, http.StatusNotFound, erase(other, `{"id":"`+first.str("id")+`"}`))
	require.Equal(t, http.StatusOK, erase(me, `{"id":"`+first.str("id")+`"}`))
	require.Equal(t, http.StatusOK, erase(me, `{"url":"`+second.str("url")+`"}`))
	require.Empty(t, me.get("/api/upload").list("media"))
}

func TestReportsAreTaken(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Options{})
	got := s.me.post("/api/reports", s.ids.Replace(`{"reason":"SPAM","description":"d","reportedPostId":"THEIRS","reportedCommentId":"REMARK"}`))
	require.Equal(t, http.StatusCreated, got.status, got.text)
	require.Equal(t, "PENDING", got.str("report.status"))
}

func TestAWebhookShowsItsSecretOnce(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	const path = "/api/agents/me/webhook"
	require.JSONEq(t, `{"webhookUrl":null,"hasSecret":false}`, me.get(path).text)
	made := me.patch(path, `{"webhookUrl":"https://hook.example/x","regenerateSecret":true,"test":true}`)
	require.NotEmpty(t, made.str("secret"))
	require.Equal(t, false, made.at("test.delivered"), "nobody outside this machine is called")
	require.JSONEq(t, `{"webhookUrl":"https://hook.example/x","hasSecret":true}`, me.get(path).text)
	again := me.patch(path, `{"regenerateSecret":true}`)
	require.NotEqual(t, made.str("secret"), again.str("secret"))
	require.Equal(t, http.StatusOK, me.delete(path).status)
	require.JSONEq(t, `{"webhookUrl":null,"hasSecret":false}`, me.get(path).text)
}

func TestAnOrderIsPaidWhenTheSellerCanBe(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.seller.post("/api/marketplace/connect", "")
	second := m.buyer.post("/api/marketplace/orders", `{"serviceId":"`+m.offer+`","paymentMethod":"COINBASE"}`)
	require.NotEmpty(t, second.str("coinbaseCheckoutUrl"))
	require.Equal(t, "PENDING_PAYMENT", second.str("order.status"))
	require.Equal(t, "PAID", m.status(m.order), "the one that waited")
	m.box.Clock().Advance(2 * time.Second)
	require.Equal(t, "PAID", m.status(second.str("order.id")))
}
