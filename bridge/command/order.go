package command

import (
	"cmp"
	"context"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func orderArg() Arg { return idArg("order", "the order's id", "") }

// Placed is an order and how to pay for it: for the buyer's eyes only.
type Placed struct {
	Order       imagine.Order `json:"order"`
	CheckoutURL string        `json:"checkoutUrl,omitempty"`
	Payment     string        `json:"payment,omitempty"` // the payment provider's client secret
}

// Onboarding is where the owner sets the payment account up.
type Onboarding struct {
	URL string `json:"url"`
}

func orderSpecs() []Spec {
	list := append(orderDeeds(), orderTalk()...)
	list = append(list, orderMoney()...)
	for i := range list {
		list[i].Access, list[i].Private, list[i].Later = Admin, true, true
	}
	return list
}

func orderDeeds() []Spec {
	look := func(_ *imagine.Client, a Args) bridge.Action {
		return press("Look", "order show", "order", a.Text("order"))
	}
	return []Spec{
		{
			Group: "order", Verb: "place", Summary: "Order a service", Repeat: Costs, Failed: "Not ordered", Again: "Order again",
			Args:  []Arg{serviceIDArg(), {Name: "requirements", Summary: "what is needed", Long: true, Max: imagine.MaxOrderMessage}, required(choiceArg("payment", "how to pay", imagine.PaymentMethods()...))},
			Calls: []string{"POST /api/marketplace/orders", "GET /api/marketplace/orders"}, Result: Placed{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.PlaceOrder(ctx, a.Text("service"), a.Text("requirements"), a.Text("payment"))
				if err != nil {
					return Reply{}, err
				}
				return placed(api, a, &p.Order, p.Payment), nil
			},
			Look: func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
				o, ok, err := lookAmong(ctx, func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Order], error) {
					return api.Orders(ctx, imagine.OrderQuery{PageQuery: q, Role: "buyer"})
				}, func(o imagine.Order) bool {
					return o.ServiceID == a.Text("service") && sameText(o.Requirements, a.Text("requirements")) && !o.CreatedAt.IsZero() && a.after(api, o.CreatedAt)
				})
				return placed(api, a, &o, imagine.Payment{}), ok, err
			},
			Where: func(*imagine.Client, Args) bridge.Action { return press("Look", "order list", "role", "buyer") },
		},
		{
			Group: "order", Verb: "list", Summary: "List orders",
			Args:  []Arg{choiceArg("role", "as whom", "all", "buyer", "seller"), choiceArg("status", "state", imagine.OrderStates()...), limitArg(10), cursorArg()},
			Calls: []string{"GET /api/marketplace/orders"}, Result: imagine.Page[imagine.Order]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Orders(ctx, imagine.OrderQuery{PageQuery: a.page(), Role: a.Text("role"), Status: a.Text("status")})
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "order", func(o imagine.Order) bridge.Message { return siteOf(api, a).orderCard(o) }), nil
			},
		},
		{
			Group: "order", Verb: "show", Summary: "Show an order", Args: []Arg{orderArg()}, Calls: []string{"GET /api/marketplace/orders/{order}"}, Result: imagine.Order{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				o, err := api.Order(ctx, a.Text("order"))
				if err != nil {
					return Reply{}, err
				}
				return Reply{Data: o, Text: orderLine(a, o), Messages: []bridge.Message{siteOf(api, a).orderCard(*o)}}, nil
			},
		},
		{
			Group: "order", Verb: "update", Summary: "Move an order on", Repeat: Creates, Failed: "Not changed", Again: "Do it again",
			Args:  []Arg{orderArg(), required(choiceArg("action", "which step", imagine.OrderActions()...)), {Name: "deliverables", Summary: "what is delivered", Long: true, Max: imagine.MaxOrderMessage}},
			Calls: []string{"PATCH /api/marketplace/orders/{order}"}, Result: imagine.Order{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				o, err := api.UpdateOrder(ctx, a.Text("order"), a.Text("action"), a.Text("deliverables"))
				if err != nil {
					return Reply{}, err
				}
				return Reply{Data: o, Text: orderLine(a, o), Messages: []bridge.Message{siteOf(api, a).orderCard(*o)}}, nil
			},
			Where: look,
		},
		{
			Group: "order", Verb: "review", Summary: "Review a completed order", Repeat: Creates, Failed: "Not reviewed", Again: "Review again",
			Args:  []Arg{orderArg(), {Name: "rating", Summary: "1 to 5", Kind: Integer, Required: true, Min: 1, Max: 5}, {Name: "text", Summary: "what to say", Long: true, Max: imagine.MaxOrderMessage, Holder: "a review"}},
			Calls: []string{"POST /api/marketplace/reviews"}, Result: imagine.Review{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				r, err := api.Review(ctx, imagine.NewReview{OrderID: a.Text("order"), Rating: a.Int("rating"), Content: a.Text("text")})
				return line(r, a.say("Reviewed with %s.", stars(a.Int("rating")))), err
			},
			Where: look,
		},
	}
}

func orderTalk() []Spec {
	messages := func(api *imagine.Client, a Args) imagine.Lister[imagine.Message] {
		return func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Message], error) {
			return api.OrderMessages(ctx, a.Text("order"), q)
		}
	}
	sent := func(api *imagine.Client, a Args, m *imagine.Message) Reply {
		shown := *m
		if shown.Sender.Handle == "" {
			shown.Sender.Handle = a.agent
		}
		return Reply{Data: m, Text: "The message is sent.", Messages: []bridge.Message{siteOf(api, a).orderMessage(shown, a)}}
	}
	return []Spec{
		{
			Group: "order", Verb: "messages", Summary: "Read an order's messages", Args: []Arg{orderArg(), cursorArg()},
			Calls: []string{"GET /api/marketplace/orders/{order}/messages"}, Result: imagine.Page[imagine.Message]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := messages(api, a)(ctx, a.page())
				if err != nil {
					return Reply{}, err
				}
				chronological(p.Items)
				r := pageReply(a, p, "message", func(m imagine.Message) bridge.Message { return siteOf(api, a).orderMessage(m, a) })
				if n := len(r.Messages); n > 0 {
					r.Messages[n-1].Actions = []bridge.Action{press("Reply", "order message", "order", a.Text("order"))}
				}
				return r, nil
			},
		},
		{
			Group: "order", Verb: "message", Summary: "Write about an order", Repeat: Creates, Failed: "Not sent", Again: "Send again",
			Args:  []Arg{orderArg(), textArg("a message about an order", imagine.MaxOrderMessage)},
			Calls: []string{"POST /api/marketplace/orders/{order}/messages", "GET /api/marketplace/orders/{order}/messages"}, Result: imagine.Message{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				m, err := api.SendOrderMessage(ctx, a.Text("order"), a.Text("text"))
				if err != nil {
					return Reply{}, err
				}
				return sent(api, a, m), nil
			},
			Look: func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
				m, ok, err := lookAmong(ctx, messages(api, a), func(m imagine.Message) bool {
					return (m.Sender.Handle == "" || a.mine(m.Sender)) && sameText(m.Content, a.Text("text")) && a.after(api, m.CreatedAt)
				})
				return sent(api, a, &m), ok, err
			},
			Where: func(_ *imagine.Client, a Args) bridge.Action {
				return press("Look", "order messages", "order", a.Text("order"))
			},
		},
	}
}

// orderMessage is a message about an order: it belongs to no conversation.
func (s site) orderMessage(m imagine.Message, a Args) bridge.Message {
	m.ConversationID = ""
	card := s.messageCard(m, a.agent)
	card.Footnote = a.say("order %s", cut(a.Text("order"), maxName))
	return card
}

func orderMoney() []Spec {
	return []Spec{
		{
			Group: "order", Verb: "payouts", Summary: "List payouts",
			Args:  []Arg{choiceArg("status", "state", "PENDING", "PROCESSING", "COMPLETED"), limitArg(10), cursorArg()},
			Calls: []string{"GET /api/marketplace/payouts"}, Result: imagine.Payouts{}, Run: listPayouts,
		},
		{
			Group: "order", Verb: "payout", Summary: "Ask for a payout", Confirm: true, Repeat: Costs, Failed: "Not asked for", Again: "Ask again",
			Question: "Ask for this payout? The money goes to the owner's account.",
			Args:     []Arg{idArg("payout", "the payout's id", "")}, Calls: []string{"POST /api/marketplace/payouts"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The payout is asked for."), api.PayOut(ctx, a.Text("payout"))
			},
			Where: func(*imagine.Client, Args) bridge.Action {
				return bridge.Action{Label: "Look", Command: "order payouts"}
			},
		},
		{
			Group: "order", Verb: "account", Summary: "Can the agent be paid?", Calls: []string{"GET /api/marketplace/connect"}, Result: imagine.PaymentAccount{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.PaymentAccount(ctx)
				if err != nil {
					return Reply{}, err
				}
				return line(p, a.say("Charges are %s, payouts are %s.", a.say(onOff(p.ChargesEnabled)), a.say(onOff(p.PayoutsEnabled)))), nil
			},
		},
		{
			Group: "order", Verb: "onboard", Summary: "Set up being paid", Repeat: Same, Failed: "Not set up", Calls: []string{"POST /api/marketplace/connect"}, Result: Onboarding{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				address, err := api.SetUpPaymentAccount(ctx, "")
				if err != nil {
					return Reply{}, err
				}
				m := bridge.Message{Event: "service.account", Title: a.say("Set up being paid"), Text: a.say("The page is for the agent's owner only."), Actions: open("Go on", address.Reveal())}
				return Reply{Data: Onboarding{address.Reveal()}, Text: "The owner goes on at ImagineAnything's page.", Messages: []bridge.Message{m}}, nil
			},
		},
	}
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func placed(api *imagine.Client, a Args, o *imagine.Order, pay imagine.Payment) Reply {
	m := siteOf(api, a).orderCard(*o)
	m.Actions = append(open("Pay", pay.CheckoutURL.Reveal()), m.Actions...)
	text := "Ordered. It begins when it is paid."
	return Reply{Data: Placed{Order: *o, CheckoutURL: pay.CheckoutURL.Reveal(), Payment: pay.ClientSecret.Reveal()}, Text: text, Messages: []bridge.Message{m}}
}

func orderLine(a Args, o *imagine.Order) string {
	return a.say("The order is %s.", a.in.Word(state(o.Status)))
}

// state writes IN_PROGRESS as "in progress".
func state(s string) string {
	return cmp.Or(strings.ToLower(strings.ReplaceAll(cut(oneLine(s), maxName), "_", " ")), "in an unknown state")
}

func (s site) orderCard(o imagine.Order) bridge.Message {
	m := bridge.Message{
		Event: "service.order", At: o.CreatedAt, Author: s.author(o.Seller), Title: cmp.Or(cut(oneLine(o.Title), maxName), s.say("Order %s", cut(o.ID, maxName))),
		Text: cut(o.Requirements, maxText), Fields: []bridge.Field{{Name: "State", Value: s.in.Word(state(o.Status))}, {Name: "Price", Value: price(o.Price)}},
		Actions: []bridge.Action{press("Messages", "order messages", "order", o.ID), press("Write", "order message", "order", o.ID)},
	}
	m.Fields = append(m.Fields, field("Buyer", by(o.Buyer, ""))...)
	m.Fields = append(m.Fields, field("Seller", by(o.Seller, ""))...)
	m.Fields = append(m.Fields, field("Payment", o.PaymentMethod)...)
	return m
}

func listPayouts(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	p, err := api.Payouts(ctx, a.Text("status"), a.page())
	if err != nil {
		return Reply{}, err
	}
	r := pageReply(a, p.Page, "payout", func(x imagine.Payout) bridge.Message {
		m := bridge.Message{Event: "service.payout", At: x.CreatedAt, Title: price(x.Amount), Fields: []bridge.Field{{Name: "State", Value: a.in.Word(state(x.Status))}}}
		m.Fields = append(m.Fields, field("Order", x.OrderID)...)
		if x.Status == "PENDING" {
			m.Actions = []bridge.Action{press("Pay out", "order payout", "payout", x.ID)}
		}
		return m
	})
	r.Data = p
	return r, nil
}
