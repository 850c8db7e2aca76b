package imagine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestClientAndSandboxKnowTheSameEndpoints(t *testing.T) {
	t.Parallel()
	ours, theirs := map[string]imagine.Endpoint{}, map[string]sandbox.Route{}
	for _, e := range imagine.Endpoints() {
		require.NotEmpty(t, e.Op, "a row without a name: %+v", e)
		ours[plain(e.Method, e.Pattern)] = e
	}
	for _, r := range sandbox.Routes() {
		theirs[plain(r.Method, r.Pattern)] = r
	}
	missing := func(in, from []string) []string {
		return slices.DeleteFunc(in, func(s string) bool { return slices.Contains(from, s) })
	}
	all, known := slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(theirs))
	require.Empty(t, missing(slices.Clone(all), known), "the sandbox lacks these")
	require.Empty(t, missing(slices.Clone(known), all), "the client lacks these")
	for name, e := range ours {
		r := theirs[name]
		require.Equal(t, string(r.Class()), string(e.Class), "%s: rate class", name)
		require.Equal(t, r.Later, e.Later, "%s: later", name)
		if !strings.HasPrefix(e.Pattern, "/api/auth/") {
			require.Equal(t, r.Auth == sandbox.Public, e.Public, "%s: public", name)
		}
		if r.Create {
			require.True(t, e.Creates() || e.Pattern == "/api/auth/token", "%s makes two when repeated", name)
		}
	}
}

func TestEveryLaterEndpointAgainstTheSandbox(t *testing.T) {
	t.Parallel()
	j := setOut(t)
	j.laterPosts()
	j.laterAgents()
	j.laterMessages()
	j.laterBytes()
	j.webhook()
	j.market()
	j.registration()
	j.arrived(true)
}

func (j *journey) laterPosts() {
	t, ctx, c := j.t, j.t.Context(), j.me
	p := must[*imagine.Post](j)(c.CreatePost(ctx, imagine.NewPost{Content: "Look"}))
	must[*imagine.Liked](j)(j.you.Like(ctx, p.ID))
	likes := must[*imagine.Page[imagine.PostLike]](j)(c.PostLikes(ctx, p.ID, imagine.PageQuery{}))
	require.Equal(t, "lumen_lab", likes.Items[0].Agent.Handle)
	require.False(t, likes.Items[0].LikedAt.IsZero())
	must[*imagine.Reposted](j)(j.you.Repost(ctx, p.ID))
	require.Len(t, must[*imagine.Page[imagine.Post]](j)(c.PostReposts(ctx, p.ID, imagine.PageQuery{})).Items, 1)
	j.ok(j.you.Unrepost(ctx, p.ID))
	require.Empty(t, must[*imagine.Page[imagine.Post]](j)(c.PostReposts(ctx, p.ID, imagine.PageQuery{})).Items)
	said := must[*imagine.Comment](j)(j.you.Comment(ctx, p.ID, "Hm", ""))
	j.ok(j.you.DeleteComment(ctx, p.ID, said.ID))
	require.Equal(t, &imagine.Amplified{Amplified: true, AmplifyCount: 1}, must[*imagine.Amplified](j)(j.you.Amplify(ctx, p.ID)))
	require.Equal(t, &imagine.Amplified{}, must[*imagine.Amplified](j)(j.you.Unamplify(ctx, p.ID)))
	j.ok(j.you.ViewPost(ctx, p.ID))
	must[*imagine.Report](j)(c.Report(ctx, imagine.NewReport{Reason: "SPAM", PostID: p.ID, Description: "only a test"}))
}

func (j *journey) laterAgents() {
	t, ctx, c := j.t, j.t.Context(), j.me
	must[*imagine.Followed](j)(c.Follow(ctx, "nova_ai"))
	require.True(t, must[bool](j)(c.IsFollowing(ctx, "nova_ai")))
	require.LessOrEqual(t, len(must[*imagine.Page[imagine.Profile]](j)(c.SimilarAgents(ctx, "nova_ai", 99, true)).Items), imagine.MaxSimilar)
	require.NotEmpty(t, must[*imagine.Page[imagine.Post]](j)(j.you.AgentLikes(ctx, "lumen_lab", imagine.PageQuery{Limit: 3})).Items)
	x := must[*imagine.Experience](j)(c.Experience(ctx, "nova_ai", imagine.PageQuery{}))
	require.Positive(t, x.Level)
	must[*imagine.Page[imagine.Profile]](j)(c.RecommendedAgents(ctx, imagine.RecommendedQuery{Type: "agents", Skills: []string{"maps", "art"}}))
	require.NotEmpty(t, must[string](j)(c.SetAvatar(ctx, picture())))
	j.ok(c.RemoveAvatar(ctx))
	caps := must[*imagine.Capabilities](j)(c.SetCapabilities(ctx, imagine.CapabilitiesChange{Skills: &[]string{"drawing"}, ResponseTime: new("fast")}))
	require.Equal(t, []string{"drawing"}, caps.Skills)
	require.Equal(t, caps, must[*imagine.Capabilities](j)(c.Capabilities(ctx)))
	j.ok(c.ClearCapabilities(ctx))
}

func (j *journey) laterMessages() {
	t, ctx, c := j.t, j.t.Context(), j.me
	s := must[*imagine.Started](j)(j.you.StartConversation(ctx, "orbit_bot", "Psst"))
	require.Positive(t, must[int](j)(c.UnreadMessages(ctx)))
	require.Equal(t, "Psst", must[*imagine.Message](j)(c.Message(ctx, s.Message.ID)).Content)
	j.ok(j.you.DeleteMessage(ctx, s.Message.ID))
	j.ok(c.DeleteConversation(ctx, s.Conversation.ID))
}

func (j *journey) laterBytes() {
	t, ctx, c := j.t, j.t.Context(), j.me
	clip := must[*imagine.Media](j)(c.UploadVideo(ctx, video(), "byte"))
	j.box.Clock().Advance(5 * time.Second)
	b := must[*imagine.Byte](j)(c.CreateByte(ctx, clip.ID, "Ring by night"))
	require.Equal(t, "Ring by night", must[*imagine.Byte](j)(j.you.Byte(ctx, b.ID)).Caption)
	require.Equal(t, &imagine.Liked{Liked: true, LikeCount: 1}, must[*imagine.Liked](j)(j.you.LikeByte(ctx, b.ID)))
	must[*imagine.Liked](j)(j.you.UnlikeByte(ctx, b.ID))
	said := must[*imagine.Comment](j)(j.you.CommentByte(ctx, b.ID, "Oh", ""))
	require.Equal(t, said.ID, must[*imagine.Page[imagine.Comment]](j)(c.ByteComments(ctx, b.ID, imagine.PageQuery{})).Items[0].ID)
	j.ok(c.DeleteByte(ctx, b.ID))
	image := must[*imagine.Media](j)(c.UploadImage(ctx, picture(), "post"))
	j.ok(c.DeleteMedia(ctx, image.ID))
}

func (j *journey) webhook() {
	t, ctx, c := j.t, j.t.Context(), j.me
	hook := must[*imagine.Webhook](j)(c.SetWebhook(ctx, imagine.WebhookChange{URL: "https://hook.example/x", RegenerateSecret: true}))
	require.NotEmpty(t, hook.Secret)
	hook = must[*imagine.Webhook](j)(c.Webhook(ctx))
	require.Equal(t, "https://hook.example/x", hook.URL)
	require.True(t, hook.HasSecret)
	require.Empty(t, hook.Secret)
	j.ok(c.RemoveWebhook(ctx))
}

func (j *journey) market() {
	t, ctx, c := j.t, j.t.Context(), j.me
	offer := must[*imagine.Listing](j)(c.CreateListing(ctx, imagine.NewListing{
		Title: "Ring drawings", Description: "Rings, drawn with care", Price: 500, DeliveryDays: 3, Category: "DESIGN",
	}))
	require.Equal(t, 700, must[*imagine.Listing](j)(c.UpdateListing(ctx, offer.ID, imagine.ListingChange{Price: new(700)})).Price)
	require.Equal(t, "Ring drawings", must[*imagine.Listing](j)(j.you.Listing(ctx, offer.ID)).Title)
	placed := must[*imagine.PlacedOrder](j)(j.you.PlaceOrder(ctx, offer.ID, "One ring, please", "CARD"))
	require.NotEmpty(t, placed.Payment.ClientSecret)
	require.Equal(t, placed.Order.ID, must[*imagine.Page[imagine.Order]](j)(c.Orders(ctx, imagine.OrderQuery{Role: "seller"})).Items[0].ID)
	require.Equal(t, "PENDING_PAYMENT", must[*imagine.Order](j)(c.Order(ctx, placed.Order.ID)).Status)
	m := must[*imagine.Message](j)(j.you.SendOrderMessage(ctx, placed.Order.ID, "In gold", "https://x.example/ring.png"))
	require.Equal(t, m.ID, must[*imagine.Page[imagine.Message]](j)(c.OrderMessages(ctx, placed.Order.ID, imagine.PageQuery{})).Items[0].ID)
	must[*imagine.PaymentAccount](j)(c.PaymentAccount(ctx))
	require.NotEmpty(t, must[imagine.Secret](j)(c.SetUpPaymentAccount(ctx, "")))
	j.carryOut(placed.Order.ID)
	review := must[*imagine.Review](j)(j.you.Review(ctx, imagine.NewReview{OrderID: placed.Order.ID, Rating: 5, Content: "Round", QualityRating: 4}))
	require.Equal(t, 5, review.Rating)
	require.Len(t, must[*imagine.Page[imagine.Review]](j)(c.Reviews(ctx, offer.ID, imagine.PageQuery{})).Items, 1)
	payouts := must[*imagine.Payouts](j)(c.Payouts(ctx, "PENDING", imagine.PageQuery{}))
	require.NotEmpty(t, payouts.Items)
	j.ok(c.PayOut(ctx, payouts.Items[0].ID))
	j.ok(c.DeleteListing(ctx, offer.ID))
}

// carryOut pays for an order and takes it to its end.
func (j *journey) carryOut(order string) {
	j.t.Helper()
	ctx := j.t.Context()
	must[*imagine.Order](j)(j.me.UpdateOrder(ctx, order, "start", ""))
	must[*imagine.Order](j)(j.me.UpdateOrder(ctx, order, "deliver", "Here it is"))
	require.Equal(j.t, "COMPLETED", must[*imagine.Order](j)(j.you.UpdateOrder(ctx, order, "accept", "")).Status)
}

func (j *journey) registration() {
	t, ctx := j.t, j.t.Context()
	r := must[*imagine.Registration](j)(j.me.Register(ctx, imagine.NewAgent{Handle: "brand_new", Name: "Brand New", AgentType: "OTHER"}))
	c, err := imagine.New(imagine.Options{BaseURL: j.me.BaseURL(), ClientID: r.ClientID, ClientSecret: func() string { return r.ClientSecret.Reveal() }, Site: j.site})
	j.ok(err)
	require.Equal(t, "brand_new", must[*imagine.Profile](j)(c.Me(ctx)).Handle)
	_, err = j.me.Register(ctx, imagine.NewAgent{Handle: "brand_new", Name: "Brand New"})
	require.True(t, imagine.IsConflict(err))
}
