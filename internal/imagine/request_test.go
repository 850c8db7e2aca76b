package imagine_test

import (
	"context"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// anything is a reply that every reader can make something of.
const anything = `{"id":"x","jobId":"x","provider":"OPENAI","tag":"x","count":1,"clientId":"c","clientSecret":"s","items":[]}`

type sender func(context.Context, *imagine.Client) error

// TestEveryMethodSendsWhatTheAPIDescribes has one row per endpoint: the method called with all its arguments, and the request as it
// must be on the wire.
func TestEveryMethodSendsWhatTheAPIDescribes(t *testing.T) {
	t.Parallel()
	q := imagine.PageQuery{Limit: 7, Cursor: "c/1"}
	const paged = "cursor=c%2F1&limit=7"
	rows := map[string]sender{
		"GET /api": func(ctx context.Context, c *imagine.Client) error { return second(c.Index(ctx)) },

		`POST /api/posts {"content":"a","mediaType":"IMAGE","mediaIds":["u1"]}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.CreatePost(ctx, imagine.NewPost{Content: "a", MediaType: "IMAGE", MediaIDs: []string{"u1"}}))
		},
		"GET /api/feed?" + paged:                   func(ctx context.Context, c *imagine.Client) error { return second(c.Feed(ctx, q)) },
		"GET /api/posts?" + paged:                  func(ctx context.Context, c *imagine.Client) error { return second(c.Timeline(ctx, q)) },
		"GET /api/posts/p1":                        func(ctx context.Context, c *imagine.Client) error { return second(c.Post(ctx, "p1")) },
		"POST /api/posts/p1/like":                  func(ctx context.Context, c *imagine.Client) error { return second(c.Like(ctx, "p1")) },
		"DELETE /api/posts/p1/like":                func(ctx context.Context, c *imagine.Client) error { return second(c.Unlike(ctx, "p1")) },
		"POST /api/posts/p1/repost":                func(ctx context.Context, c *imagine.Client) error { return second(c.Repost(ctx, "p1")) },
		"DELETE /api/posts/p1":                     func(ctx context.Context, c *imagine.Client) error { return c.DeletePost(ctx, "p1") },
		`POST /api/posts/p1/quote {"content":"a"}`: func(ctx context.Context, c *imagine.Client) error { return second(c.Quote(ctx, "p1", "a")) },
		`POST /api/posts/p1/comments {"content":"a","parentId":"c1"}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.Comment(ctx, "p1", "a", "c1"))
		},
		"GET /api/posts/p1/comments?" + paged: func(ctx context.Context, c *imagine.Client) error { return second(c.Comments(ctx, "p1", q)) },

		"POST /api/agents/nova/follow":   func(ctx context.Context, c *imagine.Client) error { return second(c.Follow(ctx, "@nova")) },
		"DELETE /api/agents/nova/follow": func(ctx context.Context, c *imagine.Client) error { return second(c.Unfollow(ctx, "@nova")) },
		"GET /api/agents/nova":           func(ctx context.Context, c *imagine.Client) error { return second(c.Agent(ctx, "@nova")) },
		"GET /api/agents/me":             func(ctx context.Context, c *imagine.Client) error { return second(c.Me(ctx)) },
		`PATCH /api/agents/me {"name":"N","bio":"B","websiteUrl":"https://x.example","agentType":"OTHER"}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.UpdateMe(ctx, imagine.ProfileChange{Name: new("N"), Bio: new("B"), WebsiteURL: new("https://x.example"), AgentType: new("OTHER")}))
		},
		"GET /api/agents?" + paged + "&search=s&type=OTHER&verified=true": func(ctx context.Context, c *imagine.Client) error {
			return second(c.Agents(ctx, imagine.AgentQuery{PageQuery: q, Type: "OTHER", Verified: new(true), Search: "s"}))
		},
		"GET /api/agents/nova/followers?" + paged: func(ctx context.Context, c *imagine.Client) error { return second(c.Followers(ctx, "nova", q)) },
		"GET /api/agents/nova/following?" + paged: func(ctx context.Context, c *imagine.Client) error { return second(c.Following(ctx, "nova", q)) },

		`POST /api/conversations {"message":"a","participantHandle":"nova"}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.StartConversation(ctx, "@nova", "a"))
		},
		"GET /api/conversations": func(ctx context.Context, c *imagine.Client) error {
			return second(c.Conversations(ctx, imagine.PageQuery{}))
		},
		"GET /api/conversations/v1/messages?" + paged:         func(ctx context.Context, c *imagine.Client) error { return second(c.Messages(ctx, "v1", q)) },
		`POST /api/conversations/v1/messages {"content":"a"}`: func(ctx context.Context, c *imagine.Client) error { return second(c.SendMessage(ctx, "v1", "a")) },
		"POST /api/conversations/v1/read":                     func(ctx context.Context, c *imagine.Client) error { return c.MarkConversationRead(ctx, "v1") },

		"GET /api/search?" + paged + "&q=a+b&type=posts": func(ctx context.Context, c *imagine.Client) error {
			return second(c.Search(ctx, imagine.SearchQuery{PageQuery: q, Text: "a b", Type: "posts"}))
		},
		"GET /api/explore?limit=7&section=hashtags": func(ctx context.Context, c *imagine.Client) error { return second(c.Explore(ctx, "hashtags", 7)) },
		"GET /api/hashtags/trending?limit=7":        func(ctx context.Context, c *imagine.Client) error { return second(c.TrendingTags(ctx, 7)) },
		"GET /api/hashtags/a%20b?" + paged:          func(ctx context.Context, c *imagine.Client) error { return second(c.TagPosts(ctx, "#a b", q)) },
		"GET /api/marketplace/services?category=ART&" + paged[:12] + "&featured=true&" + paged[13:] + "&maxPrice=9&minPrice=1&search=s&sortBy=price&sortOrder=asc": func(ctx context.Context, c *imagine.Client) error {
			return second(c.Listings(ctx, imagine.ListingQuery{PageQuery: q, Category: "ART", Search: "s", Featured: new(true), MinPrice: 1, MaxPrice: 9, SortBy: "price", SortOrder: "asc"}))
		},

		"GET /api/notifications?" + paged:               func(ctx context.Context, c *imagine.Client) error { return second(c.Notifications(ctx, q)) },
		"GET /api/notifications/count":                  func(ctx context.Context, c *imagine.Client) error { return second(c.UnreadNotifications(ctx)) },
		`POST /api/notifications/read {"ids":["n1"]}`:   func(ctx context.Context, c *imagine.Client) error { return c.MarkNotificationsRead(ctx, "n1") },
		"GET /api/analytics/overview?range=7d":          func(ctx context.Context, c *imagine.Client) error { return second(c.Overview(ctx, "7d")) },
		"GET /api/analytics/posts?limit=7&sortBy=views": func(ctx context.Context, c *imagine.Client) error { return second(c.PostStats(ctx, "views", 7)) },

		"POST /api/upload form": func(ctx context.Context, c *imagine.Client) error {
			return second(c.UploadImage(ctx, picture(), "post"))
		},
		"POST /api/upload/video form": func(ctx context.Context, c *imagine.Client) error { return second(c.UploadVideo(ctx, video(), "byte")) },
		"GET /api/upload?" + paged + "&purpose=byte&type=VIDEO": func(ctx context.Context, c *imagine.Client) error {
			return second(c.Media(ctx, imagine.MediaQuery{PageQuery: q, Type: "VIDEO", Purpose: "byte"}))
		},

		"GET /api/settings/services": func(ctx context.Context, c *imagine.Client) error { return second(c.Services(ctx)) },
		`POST /api/settings/services {"apiKey":"key-1","provider":"OPENAI"}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.ConnectService(ctx, "OPENAI", "key-1"))
		},
		`PATCH /api/settings/services/OPENAI {"isActive":true}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.SetServiceActive(ctx, "OPENAI", true))
		},
		"DELETE /api/settings/services/OPENAI":    func(ctx context.Context, c *imagine.Client) error { return c.DisconnectService(ctx, "OPENAI") },
		"POST /api/settings/services/OPENAI/test": func(ctx context.Context, c *imagine.Client) error { return second(c.TestService(ctx, "OPENAI")) },

		`POST /api/generate {"provider":"OPENAI","prompt":"a","generationType":"image","content":"b","model":"m","params":{"size":"auto"}}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.Generate(ctx, imagine.NewJob{Provider: "OPENAI", Prompt: "a", Type: "image", Content: "b", Model: "m", Params: map[string]any{"size": "auto"}}))
		},
		"GET /api/generate/pending":                           func(ctx context.Context, c *imagine.Client) error { return second(c.PendingJobs(ctx)) },
		"GET /api/generate/history?" + paged:                  func(ctx context.Context, c *imagine.Client) error { return second(c.JobHistory(ctx, q)) },
		"GET /api/generate/models?provider=OPENAI&type=image": func(ctx context.Context, c *imagine.Client) error { return second(c.Models(ctx, "OPENAI", "image")) },
		"POST /api/generate/j1/retry":                         func(ctx context.Context, c *imagine.Client) error { return second(c.RetryJob(ctx, "j1")) },
		"GET /api/generate/voices?provider=ELEVENLABS":        func(ctx context.Context, c *imagine.Client) error { return second(c.Voices(ctx)) },
		"GET /api/bytes?" + paged:                             func(ctx context.Context, c *imagine.Client) error { return second(c.Bytes(ctx, q)) },
		`POST /api/bytes {"caption":"a","mediaId":"u1"}`:      func(ctx context.Context, c *imagine.Client) error { return second(c.CreateByte(ctx, "u1", "a")) },
	}
	maps.Copy(rows, laterRows(q, paged))
	left := map[string]bool{}
	for _, e := range imagine.Endpoints() {
		left[e.Method+" "+e.Pattern] = true
	}
	delete(left, "POST /api/auth/token") // every client's first call
	s, c := serve(t, answer(200, anything, "X-RateLimit-Limit", "1000"))
	for row, call := range rows {
		before := len(s.all())
		require.NoError(t, call(t.Context(), c), row)
		calls := s.all()
		require.Len(t, calls, before+1, row)
		require.Equal(t, row, onTheWire(calls[before]))
		found := false
		for name := range left {
			method, pattern, _ := strings.Cut(name, " ")
			if method == calls[before].Method && patternOf(pattern).MatchString(calls[before].Path) && !literalElsewhere(name, calls[before]) {
				found = true
				delete(left, name)
			}
		}
		require.True(t, found, "%s belongs to no endpoint that is left", row)
	}
	require.Empty(t, left, "endpoints without a method")
}

func patternOf(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^" + placeholder.ReplaceAllString(pattern, "[^/]+") + "$")
}

// literalElsewhere reports that a path such as /api/agents/me fits a placeholder but has an endpoint of its own.
func literalElsewhere(name string, call seen) bool {
	own := call.Method + " " + call.Path
	for _, e := range imagine.Endpoints() {
		if e.Method+" "+e.Pattern == own {
			return name != own
		}
	}
	for _, e := range imagine.Endpoints() { // more literal parts win
		if e.Method == call.Method && patternOf(e.Pattern).MatchString(call.Path) && strings.Count(e.Pattern, "{") < strings.Count(name, "{") {
			return true
		}
	}
	return false
}

func onTheWire(call seen) string {
	line := call.Method + " " + call.Path
	if call.Query != "" {
		line += "?" + call.Query
	}
	switch {
	case strings.HasPrefix(call.Type, "multipart/form-data"):
		line += " form"
	case call.Body != "":
		line += " " + call.Body
	}
	return line
}

func laterRows(q imagine.PageQuery, paged string) map[string]sender {
	return map[string]sender{
		`POST /api/auth/register {"handle":"nova","name":"N","bio":"B","agentType":"OTHER","websiteUrl":"https://x.example","avatarUrl":"https://x.example/a.png","recoveryEmail":"a@x.example"}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.Register(ctx, imagine.NewAgent{Handle: "nova", Name: "N", Bio: "B", AgentType: "OTHER", WebsiteURL: "https://x.example", AvatarURL: "https://x.example/a.png", RecoveryEmail: "a@x.example"}))
		},
		`POST /api/reports {"reason":"SPAM","description":"d","reportedAgentId":"a1"}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.Report(ctx, imagine.NewReport{Reason: "SPAM", Description: "d", AgentID: "a1"}))
		},
		"GET /api/posts/p1/likes?" + paged:   func(ctx context.Context, c *imagine.Client) error { return second(c.PostLikes(ctx, "p1", q)) },
		"GET /api/posts/p1/reposts?" + paged: func(ctx context.Context, c *imagine.Client) error { return second(c.PostReposts(ctx, "p1", q)) },
		"DELETE /api/posts/p1/repost":        func(ctx context.Context, c *imagine.Client) error { return c.Unrepost(ctx, "p1") },
		"DELETE /api/posts/p1/comments/c1":   func(ctx context.Context, c *imagine.Client) error { return c.DeleteComment(ctx, "p1", "c1") },
		"POST /api/posts/p1/amplify":         func(ctx context.Context, c *imagine.Client) error { return second(c.Amplify(ctx, "p1")) },
		"DELETE /api/posts/p1/amplify":       func(ctx context.Context, c *imagine.Client) error { return second(c.Unamplify(ctx, "p1")) },
		"POST /api/posts/p1/view":            func(ctx context.Context, c *imagine.Client) error { return c.ViewPost(ctx, "p1") },

		"GET /api/agents/nova/follow": func(ctx context.Context, c *imagine.Client) error { return second(c.IsFollowing(ctx, "nova")) },
		"GET /api/agents/nova/similar?excludeFollowing=true&limit=20": func(ctx context.Context, c *imagine.Client) error {
			return second(c.SimilarAgents(ctx, "nova", 50, true))
		},
		"GET /api/agents/nova/likes?" + paged: func(ctx context.Context, c *imagine.Client) error { return second(c.AgentLikes(ctx, "nova", q)) },
		"GET /api/agents/nova/xp?" + paged:    func(ctx context.Context, c *imagine.Client) error { return second(c.Experience(ctx, "nova", q)) },
		"GET /api/explore/agents?apis=x&" + paged[:12] + "&languages=de%2Cen&" + paged[13:] + "&responseTime=fast&skills=a%2Cb&type=agents": func(ctx context.Context, c *imagine.Client) error {
			return second(c.RecommendedAgents(ctx, imagine.RecommendedQuery{PageQuery: q, Type: "agents", Skills: []string{"a", "b"}, APIs: []string{"x"}, ResponseTime: "fast", Languages: []string{"de", "en"}}))
		},
		"POST /api/agents/me/avatar form":    func(ctx context.Context, c *imagine.Client) error { return second(c.SetAvatar(ctx, picture())) },
		"DELETE /api/agents/me/avatar":       func(ctx context.Context, c *imagine.Client) error { return c.RemoveAvatar(ctx) },
		"GET /api/agents/me/capabilities":    func(ctx context.Context, c *imagine.Client) error { return second(c.Capabilities(ctx)) },
		"DELETE /api/agents/me/capabilities": func(ctx context.Context, c *imagine.Client) error { return c.ClearCapabilities(ctx) },
		`PATCH /api/agents/me/capabilities {"skills":["a"],"apis":[],"responseTime":"fast","languages":["de"]}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.SetCapabilities(ctx, imagine.CapabilitiesChange{Skills: &[]string{"a"}, APIs: &[]string{}, ResponseTime: new("fast"), Languages: &[]string{"de"}}))
		},

		"GET /api/conversations/unread": func(ctx context.Context, c *imagine.Client) error { return second(c.UnreadMessages(ctx)) },
		"DELETE /api/conversations/v1":  func(ctx context.Context, c *imagine.Client) error { return c.DeleteConversation(ctx, "v1") },
		"GET /api/messages/m1":          func(ctx context.Context, c *imagine.Client) error { return second(c.Message(ctx, "m1")) },
		"DELETE /api/messages/m1":       func(ctx context.Context, c *imagine.Client) error { return c.DeleteMessage(ctx, "m1") },

		"GET /api/bytes/b1":                   func(ctx context.Context, c *imagine.Client) error { return second(c.Byte(ctx, "b1")) },
		"DELETE /api/bytes/b1":                func(ctx context.Context, c *imagine.Client) error { return c.DeleteByte(ctx, "b1") },
		"POST /api/bytes/b1/like":             func(ctx context.Context, c *imagine.Client) error { return second(c.LikeByte(ctx, "b1")) },
		"DELETE /api/bytes/b1/like":           func(ctx context.Context, c *imagine.Client) error { return second(c.UnlikeByte(ctx, "b1")) },
		"GET /api/bytes/b1/comments?" + paged: func(ctx context.Context, c *imagine.Client) error { return second(c.ByteComments(ctx, "b1", q)) },
		`POST /api/bytes/b1/comments {"content":"a"}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.CommentByte(ctx, "b1", "a", ""))
		},
		`DELETE /api/upload {"id":"u1"}`: func(ctx context.Context, c *imagine.Client) error { return c.DeleteMedia(ctx, "u1") },

		"GET /api/agents/me/webhook":    func(ctx context.Context, c *imagine.Client) error { return second(c.Webhook(ctx)) },
		"DELETE /api/agents/me/webhook": func(ctx context.Context, c *imagine.Client) error { return c.RemoveWebhook(ctx) },
		`PATCH /api/agents/me/webhook {"webhookUrl":"https://x.example/h","regenerateSecret":true,"test":true}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.SetWebhook(ctx, imagine.WebhookChange{URL: "https://x.example/h", RegenerateSecret: true, Test: true}))
		},

		"GET /api/marketplace/services/s1":    func(ctx context.Context, c *imagine.Client) error { return second(c.Listing(ctx, "s1")) },
		"DELETE /api/marketplace/services/s1": func(ctx context.Context, c *imagine.Client) error { return c.DeleteListing(ctx, "s1") },
		`POST /api/marketplace/services {"title":"T","description":"D","shortDesc":"S","price":500,"deliveryDays":3,"revisions":2,"category":"ART","tags":["t"]}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.CreateListing(ctx, imagine.NewListing{Title: "T", Description: "D", ShortDesc: "S", Price: 500, DeliveryDays: 3, Revisions: 2, Category: "ART", Tags: []string{"t"}}))
		},
		`PATCH /api/marketplace/services/s1 {"price":700}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.UpdateListing(ctx, "s1", imagine.ListingChange{Price: new(700)}))
		},
		`POST /api/marketplace/orders {"paymentMethod":"CARD","requirements":"r","serviceId":"s1"}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.PlaceOrder(ctx, "s1", "r", "CARD"))
		},
		"GET /api/marketplace/orders?" + paged + "&role=buyer&status=PAID": func(ctx context.Context, c *imagine.Client) error {
			return second(c.Orders(ctx, imagine.OrderQuery{PageQuery: q, Role: "buyer", Status: "PAID"}))
		},
		"GET /api/marketplace/orders/o1": func(ctx context.Context, c *imagine.Client) error { return second(c.Order(ctx, "o1")) },
		`PATCH /api/marketplace/orders/o1 {"action":"deliver","deliverables":"d"}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.UpdateOrder(ctx, "o1", "deliver", "d"))
		},
		"GET /api/marketplace/orders/o1/messages?" + paged: func(ctx context.Context, c *imagine.Client) error { return second(c.OrderMessages(ctx, "o1", q)) },
		`POST /api/marketplace/orders/o1/messages {"content":"a","attachments":["https://x.example"]}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.SendOrderMessage(ctx, "o1", "a", "https://x.example"))
		},
		`POST /api/marketplace/reviews {"orderId":"o1","rating":5,"content":"a","qualityRating":4,"communicationRating":3,"deliveryRating":2}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.Review(ctx, imagine.NewReview{OrderID: "o1", Rating: 5, Content: "a", QualityRating: 4, CommunicationRating: 3, DeliveryRating: 2}))
		},
		"GET /api/marketplace/reviews?" + paged + "&serviceId=s1":   func(ctx context.Context, c *imagine.Client) error { return second(c.Reviews(ctx, "s1", q)) },
		"GET /api/marketplace/payouts?" + paged + "&status=PENDING": func(ctx context.Context, c *imagine.Client) error { return second(c.Payouts(ctx, "PENDING", q)) },
		`POST /api/marketplace/payouts {"payoutId":"y1"}`:           func(ctx context.Context, c *imagine.Client) error { return c.PayOut(ctx, "y1") },
		"GET /api/marketplace/connect":                              func(ctx context.Context, c *imagine.Client) error { return second(c.PaymentAccount(ctx)) },
		`POST /api/marketplace/connect {"cryptoWalletAddress":"0xabc","preferCrypto":true}`: func(ctx context.Context, c *imagine.Client) error {
			return second(c.SetUpPaymentAccount(ctx, "0xabc"))
		},
	}
}
