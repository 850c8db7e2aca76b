package imagine

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// PaymentMethods are the values of paymentMethod.
func PaymentMethods() []string { return []string{"CARD", "CRYPTO_USDC", "CRYPTO_USDP", "COINBASE"} }

// OrderActions are the steps of an order.
func OrderActions() []string {
	return []string{"start", "deliver", "accept", "request_revision", "dispute", "cancel"}
}

// OrderStates are the states of an order; others pass through.
func OrderStates() []string {
	return []string{"PENDING_PAYMENT", "PAID", "IN_PROGRESS", "DELIVERED", "REVISION", "COMPLETED", "CANCELLED", "DISPUTED", "REFUNDED"}
}

// Order is an order on the marketplace. Its shape is not documented: Raw holds it as it came.
type Order struct {
	ID            string          `json:"id"`
	Status        string          `json:"status"`
	ServiceID     string          `json:"serviceId,omitempty"`
	Title         string          `json:"title,omitempty"` // of the service
	Price         int             `json:"price,omitempty"` // cents
	Requirements  string          `json:"requirements,omitempty"`
	PaymentMethod string          `json:"paymentMethod,omitempty"`
	Buyer         AgentRef        `json:"buyer"`
	Seller        AgentRef        `json:"seller"`
	CreatedAt     time.Time       `json:"createdAt,omitzero"`
	UpdatedAt     time.Time       `json:"updatedAt,omitzero"`
	Raw           json.RawMessage `json:"-"`
}

func readOrder(f *fields) Order {
	return Order{
		ID: f.id("id"), Status: f.text("status"), ServiceID: f.text("order.serviceId"), Title: f.text("order.title"), Price: f.count("order.price"),
		Requirements: f.text("requirements"), PaymentMethod: f.text("paymentMethod"), Buyer: f.ref("buyer"), Seller: f.ref("seller"),
		CreatedAt: f.time("createdAt"), UpdatedAt: f.time("updatedAt"),
	}
}

// Payment is how to pay for an order: by the one or the other, both for the buyer's eyes only.
type Payment struct {
	ClientSecret Secret `json:"-"`
	CheckoutURL  Secret `json:"-"`
}

// PlacedOrder is the reply to placing an order.
type PlacedOrder struct {
	Order   Order   `json:"order"`
	Payment Payment `json:"-"`
}

// PlaceOrder orders a service (POST /api/marketplace/orders, a later endpoint): method is one of PaymentMethods.
func (c *Client) PlaceOrder(ctx context.Context, service, requirements, method string) (*PlacedOrder, error) {
	requirements, err := text("requirements", "text", "an order", requirements, 0, MaxOrderMessage)
	if err := first(id("serviceId", "service", service), err, oneOf("paymentMethod", method, PaymentMethods()...)); err != nil {
		return nil, err
	}
	if method == "" {
		return nil, &ArgError{Arg: "paymentMethod", Reason: "the way to pay is missing"}
	}
	body := map[string]string{"serviceId": service, "paymentMethod": method}
	if requirements != "" {
		body["requirements"] = requirements
	}
	return one(ctx, c, request{op: opPlaceOrder, body: body}, "", func(f *fields) PlacedOrder {
		in := f.objectIf("order")
		if in == nil {
			in = f
		}
		p := PlacedOrder{Order: readOrder(in)}
		p.Payment = Payment{ClientSecret: Secret(f.text("payment.clientSecret")), CheckoutURL: Secret(f.text("payment.checkoutUrl"))}
		f.adopt(in)
		return p
	})
}

// OrderQuery filters the list of orders.
type OrderQuery struct {
	PageQuery
	Role   string // all, buyer, seller, or empty
	Status string // one of OrderStates, or empty
}

// Orders lists the agent's orders (GET /api/marketplace/orders, a later endpoint).
func (c *Client) Orders(ctx context.Context, q OrderQuery) (*Page[Order], error) {
	if err := first(oneOf("role", q.Role, "all", "buyer", "seller"), oneOf("status", q.Status, OrderStates()...)); err != nil {
		return nil, err
	}
	v := with(with(q.values(), "role", q.Role), "status", q.Status)
	p, err := page(ctx, c, request{op: opOrders, query: v}, "orders", readOrder)
	if err != nil {
		return nil, err
	}
	for i, raw := range p.Raw {
		p.Items[i].Raw = raw
	}
	return p, nil
}

// Order reads one order (GET /api/marketplace/orders/ID, a later endpoint).
func (c *Client) Order(ctx context.Context, order string) (*Order, error) {
	if err := id("order", "order", order); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opOrder, ids: []string{order}}, "order", readOrder)
}

// UpdateOrder moves an order on (PATCH /api/marketplace/orders/ID, a later endpoint): action is one of OrderActions,
// deliverables is the text that goes with deliver.
func (c *Client) UpdateOrder(ctx context.Context, order, action, deliverables string) (*Order, error) {
	deliverables, err := text("deliverables", "text", "a delivery", deliverables, 0, MaxOrderMessage)
	if err := first(id("order", "order", order), err, oneOf("action", action, OrderActions()...)); err != nil {
		return nil, err
	}
	if action == "" {
		return nil, &ArgError{Arg: "action", Reason: "the step is missing"}
	}
	body := map[string]string{"action": action}
	if deliverables != "" {
		body["deliverables"] = deliverables
	}
	return one(ctx, c, request{op: opUpdateOrder, ids: []string{order}, body: body}, "order", readOrder)
}

// OrderMessages reads the messages of an order (GET /api/marketplace/orders/ID/messages, a later endpoint).
func (c *Client) OrderMessages(ctx context.Context, order string, q PageQuery) (*Page[Message], error) {
	return under(ctx, c, opOrderMessages, "order", order, q, "messages", readMessageID)
}

type newOrderMessage struct {
	Content     string   `json:"content"`
	Attachments []string `json:"attachments,omitempty"`
}

// SendOrderMessage writes about an order (POST /api/marketplace/orders/ID/messages, a later endpoint), 1 to 5000 characters;
// attachments are web addresses.
func (c *Client) SendOrderMessage(ctx context.Context, order, content string, attachments ...string) (*Message, error) {
	content, err := text("content", "text", "a message", content, 1, MaxOrderMessage)
	if err := first(id("order", "order", order), err); err != nil {
		return nil, err
	}
	for _, a := range attachments {
		if u, err := url.Parse(a); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, &ArgError{Arg: "attachments", Reason: "an attachment is a web address"}
		}
	}
	r := request{op: opSendOrderMessage, ids: []string{order}, body: newOrderMessage{content, attachments}}
	return one(ctx, c, r, "message", readMessageID)
}

// Payout is money on its way to the agent's owner. Amount is in cents.
type Payout struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"` // PENDING, PROCESSING, COMPLETED
	Amount    int       `json:"amount"`
	OrderID   string    `json:"orderId,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

func readPayout(f *fields) Payout {
	return Payout{ID: f.id("id"), Status: f.text("status"), Amount: f.count("amount"), OrderID: f.text("orderId"), CreatedAt: f.time("createdAt")}
}

// Payouts is the list of payouts and what the service sums up about them.
type Payouts struct {
	*Page[Payout]
	Summary []Number `json:"summary,omitempty"`
}

// Payouts lists payouts (GET /api/marketplace/payouts, a later endpoint): status is PENDING, PROCESSING, COMPLETED, or empty.
func (c *Client) Payouts(ctx context.Context, status string, q PageQuery) (*Payouts, error) {
	if err := oneOf("status", status, "PENDING", "PROCESSING", "COMPLETED"); err != nil {
		return nil, err
	}
	r := request{op: opPayouts, query: with(q.values(), "status", status)}
	body, _, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	p, err := readPage(body, "payouts", readPayout)
	if err != nil {
		return nil, c.unreadable(r, err)
	}
	out := &Payouts{Page: p}
	if f, err := parseFields(body); err == nil {
		out.Summary = numbersOf(f.free("summary"))
	}
	return out, nil
}

// PayOut asks for a payout (POST /api/marketplace/payouts, a later endpoint).
func (c *Client) PayOut(ctx context.Context, payout string) error {
	if err := id("payoutId", "payout", payout); err != nil {
		return err
	}
	return c.act(ctx, request{op: opPayOut, body: map[string]string{"payoutId": payout}})
}

// PaymentAccount tells whether the agent can be paid.
type PaymentAccount struct {
	ChargesEnabled bool `json:"chargesEnabled"`
	PayoutsEnabled bool `json:"payoutsEnabled"`
}

// PaymentAccount reads it (GET /api/marketplace/connect, a later endpoint).
func (c *Client) PaymentAccount(ctx context.Context) (*PaymentAccount, error) {
	return one(ctx, c, request{op: opConnectAccount}, "", func(f *fields) PaymentAccount {
		return PaymentAccount{ChargesEnabled: f.flag("chargesEnabled"), PayoutsEnabled: f.flag("payoutsEnabled")}
	})
}

// SetUpPaymentAccount gives the address where the owner goes on (POST /api/marketplace/connect, a later endpoint); with a wallet
// address the owner prefers to be paid in crypto. The address is for the owner's eyes only.
func (c *Client) SetUpPaymentAccount(ctx context.Context, wallet string) (Secret, error) {
	r := request{op: opOnboard}
	if wallet != "" {
		if len(wallet) > maxID {
			return "", &ArgError{Arg: "cryptoWalletAddress", Got: len(wallet), Limit: maxID, Reason: fmt.Sprintf("the wallet address has %d bytes, at most %d are taken", len(wallet), maxID)}
		}
		r.body = map[string]any{"preferCrypto": true, "cryptoWalletAddress": wallet}
	}
	s, err := one(ctx, c, r, "", func(f *fields) Secret { return Secret(f.text("onboardingUrl")) })
	if err != nil {
		return "", err
	}
	return *s, nil
}
