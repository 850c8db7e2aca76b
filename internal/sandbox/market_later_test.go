package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// market is a service of lumen_lab's that orbit_bot has ordered.
type market struct {
	box                  *sandbox.Sandbox
	buyer, seller, third *client
	offer, order         string
}

const offer = `{"title":"Light curves","description":"One curve","price":500,"deliveryDays":3,"revisions":1,"category":"DATA"}`

func newMarket(t *testing.T) market {
	t.Helper()
	box := open(t, sandbox.Options{})
	box.SetLimit(sandbox.ClassWrite, 1000)
	m := market{box: box, buyer: as(t, box, 0), seller: as(t, box, 1), third: as(t, box, 2)}
	m.offer = m.seller.post("/api/marketplace/services", offer).str("service.id")
	placed := m.buyer.post("/api/marketplace/orders", `{"serviceId":"`+m.offer+`","requirements":"In blue","paymentMethod":"CARD"}`)
	require.Equal(t, http.StatusCreated, placed.status, placed.text)
	require.NotEmpty(t, placed.str("payment.clientSecret"))
	m.order = placed.str("order.id")
	return m
}

func (m market) status(order string) string {
	return m.buyer.get("/api/marketplace/orders/" + order).str("order.status")
}

// move sends actions, "buyer:accept" or "seller:start", and returns the last
// reply.
func (m market) move(steps ...string) (got answer) {
	for _, s := range steps {
		role, action, _ := strings.Cut(s, ":")
		who := m.buyer
		if role == "seller" {
			who = m.seller
		}
		got = who.patch("/api/marketplace/orders/"+m.order, `{"action":"`+action+`"}`)
	}
	return got
}

func TestOrdersWalkThroughTheirStates(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		steps  []string
		status int
		want   string // state afterwards
	}{
		"started":               {[]string{"seller:start"}, 200, "IN_PROGRESS"},
		"delivered":             {[]string{"seller:start", "seller:deliver"}, 200, "DELIVERED"},
		"accepted":              {[]string{"seller:start", "seller:deliver", "buyer:accept"}, 200, "COMPLETED"},
		"revised":               {[]string{"seller:start", "seller:deliver", "buyer:request_revision"}, 200, "REVISION"},
		"delivered again":       {[]string{"seller:start", "seller:deliver", "buyer:request_revision", "seller:deliver"}, 200, "DELIVERED"},
		"one revision too many": {[]string{"seller:start", "seller:deliver", "buyer:request_revision", "seller:deliver", "buyer:request_revision"}, 400, "DELIVERED"},
		"cancelled":             {[]string{"buyer:cancel"}, 200, "CANCELLED"},
		"cancelled by seller":   {[]string{"seller:start", "seller:cancel"}, 200, "CANCELLED"},
		"cancelled too late":    {[]string{"seller:start", "seller:deliver", "buyer:cancel"}, 400, "DELIVERED"},
		"disputed":              {[]string{"seller:start", "buyer:dispute"}, 200, "DISPUTED"},
		"started by the buyer":  {[]string{"buyer:start"}, 403, "PAID"},
		"accepted by seller":    {[]string{"seller:start", "seller:deliver", "seller:accept"}, 403, "DELIVERED"},
		"accepted too early":    {[]string{"buyer:accept"}, 400, "PAID"},
		"started twice":         {[]string{"seller:start", "seller:start"}, 400, "IN_PROGRESS"},
		"after the end":         {[]string{"seller:start", "seller:deliver", "buyer:accept", "buyer:dispute"}, 400, "COMPLETED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t)
			m.seller.post("/api/marketplace/connect", "")
			got := m.move(tc.steps...)
			require.Equal(t, tc.status, got.status, got.text)
			require.Equal(t, tc.want, m.status(m.order))
		})
	}
}

func TestAnUnpaidOrderDoesNotStart(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	require.Equal(t, "invalid_status", m.move("seller:start").str("error"))
	require.Equal(t, "PENDING_PAYMENT", m.status(m.order))
}

func TestTheMarketRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]wrong{
		"no such service":       {"GET", "services/nope", "", 404, "not_found", "service"},
		"offer without title":   {"POST", "services", `{"description":"d","price":5,"deliveryDays":1,"category":"X"}`, 400, "validation_error", "title"},
		"offer without price":   {"POST", "services", `{"title":"t","description":"d","deliveryDays":1,"category":"X"}`, 400, "validation_error", "price"},
		"free offer":            {"POST", "services", strings.Replace(offer, "500", "0", 1), 400, "validation_error", "price"},
		"price with cents":      {"POST", "services", strings.Replace(offer, "500", "5.5", 1), 400, "validation_error", "price"},
		"picture of no address": {"POST", "services", strings.Replace(offer, `{`, `{"images":["ftp://x"],`, 1), 400, "validation_error", "images"},
		"change of theirs":      {"PATCH", "services/OFFER", `{"price":1}`, 403, "forbidden", "own services"},
		"deletion of theirs":    {"DELETE", "services/OFFER", "", 403, "forbidden", "own services"},
		"sorted by luck":        {"GET", "services?sortBy=luck", "", 400, "validation_error", "sortBy"},
		"negative price":        {"GET", "services?minPrice=-1", "", 400, "validation_error", "minPrice"},
		"order of nothing":      {"POST", "orders", `{"serviceId":"nope","paymentMethod":"CARD"}`, 404, "not_found", "service"},
		"order unpaid":          {"POST", "orders", `{"serviceId":"OFFER"}`, 400, "validation_error", "paymentMethod"},
		"paid in shells":        {"POST", "orders", `{"serviceId":"OFFER","paymentMethod":"SHELLS"}`, 400, "validation_error", "paymentMethod"},
		"no such order":         {"GET", "orders/nope", "", 404, "not_found", "order"},
		"orders as bystander":   {"GET", "orders?role=bystander", "", 400, "validation_error", "role"},
		"orders that are odd":   {"GET", "orders?status=ODD", "", 400, "validation_error", "status"},
		"odd action":            {"PATCH", "orders/ORDER", `{"action":"dance"}`, 400, "validation_error", "action"},
		"empty message":         {"POST", "orders/ORDER/messages", `{"content":""}`, 400, "validation_error", "content"},
		"attached file":         {"POST", "orders/ORDER/messages", `{"content":"x","attachments":["file:///etc"]}`, 400, "validation_error", "attachments"},
		"review too early":      {"POST", "reviews", `{"orderId":"ORDER","rating":5}`, 400, "invalid_status", "completed"},
		"review of nothing":     {"POST", "reviews", `{"orderId":"nope","rating":5}`, 404, "not_found", "order"},
		"six stars":             {"POST", "reviews", `{"orderId":"ORDER","rating":6}`, 400, "validation_error", "rating"},
		"no stars":              {"POST", "reviews", `{"orderId":"ORDER"}`, 400, "validation_error", "rating"},
		"reviews of what":       {"GET", "reviews", "", 400, "validation_error", "serviceId"},
		"reviews of nothing":    {"GET", "reviews?serviceId=nope", "", 404, "not_found", "service"},
		"odd payouts":           {"GET", "payouts?status=ODD", "", 400, "validation_error", "status"},
		"payout of nothing":     {"POST", "payouts", `{"payoutId":"nope"}`, 404, "not_found", "payout"},
		"crypto to nowhere":     {"POST", "connect", `{"preferCrypto":true}`, 400, "validation_error", "cryptoWalletAddress"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t)
			ids := strings.NewReplacer("OFFER", m.offer, "ORDER", m.order)
			got := m.buyer.send(tc.method, "/api/marketplace/"+ids.Replace(tc.path), "application/json", strings.NewReader(ids.Replace(tc.body)))
			require.Equal(t, tc.status, got.status, got.text)
			require.Equal(t, tc.code, got.str("error"), got.text)
			require.Contains(t, got.str("message"), tc.says, got.text)
		})
	}
}

func TestOrdersAreForBuyerAndSeller(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	one := "/api/marketplace/orders/" + m.order
	require.Equal(t, http.StatusForbidden, m.third.get(one).status)
	require.Equal(t, http.StatusForbidden, m.third.get(one+"/messages").status)
	require.Equal(t, http.StatusForbidden, m.third.patch(one, `{"action":"cancel"}`).status)
	require.Equal(t, http.StatusBadRequest, m.seller.post("/api/marketplace/orders", `{"serviceId":"`+m.offer+`","paymentMethod":"CARD"}`).status, "one's own")
	for query, n := range map[string]int{"": 1, "?role=buyer": 0, "?role=seller": 1, "?status=PENDING_PAYMENT": 1, "?status=PAID": 0} {
		require.Len(t, m.seller.get("/api/marketplace/orders"+query).list("orders"), n, query)
	}
	m.buyer.post(one+"/messages", `{"content":"In blue?","attachments":["https://x.example/a.png"]}`)
	require.Equal(t, "In blue?", m.seller.get(one+"/messages").str("messages.0.content"))
}

func TestAnOfferWithOpenOrdersIsOnlyClosed(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	one := "/api/marketplace/services/" + m.offer
	require.Equal(t, "Renamed", m.seller.patch(one, `{"title":"Renamed"}`).str("service.title"))
	require.Equal(t, http.StatusBadRequest, m.seller.patch(one, `{}`).status)
	require.Equal(t, http.StatusOK, m.seller.delete(one).status)
	require.Equal(t, http.StatusNotFound, m.buyer.get(one).status)
	require.Equal(t, http.StatusOK, m.seller.get(one).status, "its agent still sees it")
	require.Equal(t, http.StatusNotFound, m.third.post("/api/marketplace/orders", `{"serviceId":"`+m.offer+`","paymentMethod":"CARD"}`).status)
	require.Equal(t, "Renamed", m.buyer.get("/api/marketplace/orders/"+m.order).str("order.service.title"))
	m.move("buyer:cancel")
	m.seller.delete(one)
	require.Equal(t, http.StatusNotFound, m.seller.get(one).status)
}

func TestOffersAreFoundAndOrdered(t *testing.T) {
	t.Parallel()
	c := nobody(t, open(t, sandbox.Options{}))
	prices := func(query string) (out []any) {
		for _, l := range list(c.get("/api/marketplace/services?"+query), "services") {
			out = append(out, l["price"])
		}
		return out
	}
	require.Equal(t, []any{1750.0, 1500.0, 1250.0}, prices("sortBy=price&limit=3"))
	require.Equal(t, []any{500.0, 750.0}, prices("sortBy=price&sortOrder=asc&limit=2"))
	require.Equal(t, []any{1000.0, 750.0}, prices("sortBy=price&minPrice=750&maxPrice=1000"))
	require.Equal(t, []any{500.0}, prices("featured=true"))
	require.Len(t, prices("category=art"), 2)
	require.Equal(t, []any{750.0}, prices("search=by+pixel"))
	first := c.get("/api/marketplace/services?sortBy=orderCount&limit=4")
	rest := c.get("/api/marketplace/services?sortBy=orderCount&limit=4&cursor=" + first.str("nextCursor"))
	require.Len(t, rest.list("services"), 2, "a sorted list has pages too")
}

func TestReviewsAndPayoutsFollowACompletedOrder(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.seller.post("/api/marketplace/connect", `{"preferCrypto":true,"cryptoWalletAddress":"0xabc"}`)
	require.JSONEq(t, `{"chargesEnabled":true,"payoutsEnabled":true}`, m.seller.get("/api/marketplace/connect").text)
	m.move("seller:start", "seller:deliver", "buyer:accept")

	review := `{"orderId":"` + m.order + `","rating":4,"content":"Bright","qualityRating":5}`
	require.Equal(t, http.StatusForbidden, m.seller.post("/api/marketplace/reviews", review).status)
	require.Equal(t, http.StatusCreated, m.buyer.post("/api/marketplace/reviews", review).status)
	require.Equal(t, http.StatusConflict, m.buyer.post("/api/marketplace/reviews", review).status)
	require.Equal(t, "Bright", nobody(t, m.box).get("/api/marketplace/reviews?serviceId="+m.offer).str("reviews.0.content"))
	require.EqualValues(t, 4, m.third.get("/api/marketplace/services/"+m.offer).at("service.avgRating"))

	const payouts = "/api/marketplace/payouts"
	due := m.seller.get(payouts + "?status=PENDING")
	id := `{"payoutId":"` + due.str("payouts.0.id") + `"}`
	require.EqualValues(t, 500, due.at("summary.pending"))
	require.Equal(t, http.StatusNotFound, m.buyer.post(payouts, id).status, "not the buyer's")
	require.Equal(t, "PROCESSING", m.seller.post(payouts, id).str("payout.status"))
	require.Equal(t, http.StatusConflict, m.seller.post(payouts, id).status)
	m.box.Clock().Advance(5 * time.Second)
	require.EqualValues(t, 500, m.seller.get(payouts).at("summary.completed"))
}

func TestAWebhookIsTestedOnThisMachineOnly(t *testing.T) {
	t.Parallel()
	status := http.StatusNoContent
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	me := as(t, open(t, sandbox.Options{}), 0)
	try := func(url string) answer {
		return me.patch("/api/agents/me/webhook", `{"webhookUrl":"`+url+`","test":true}`)
	}
	good := try(server.URL)
	require.Equal(t, true, good.at("test.delivered"), good.text)
	require.EqualValues(t, 204, good.at("test.status"))
	status = http.StatusTeapot
	require.Equal(t, false, try(server.URL).at("test.delivered"))
	elsewhere := try("https://hook.example/x")
	require.Equal(t, false, elsewhere.at("test.delivered"))
	require.Nil(t, elsewhere.at("test.status"))
}
