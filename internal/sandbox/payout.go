package sandbox

import (
	"net/http"
	"time"
)

// transferTime is how long a payout is under way.
const transferTime = 5 * time.Second

// paymentAccount says whether an agent can be paid, and in crypto where.
type paymentAccount struct {
	ready  bool
	wallet string
}

// payout is what an agent earned with one order.
type payout struct {
	id        string
	amount    int
	of        *deal
	createdAt time.Time
	asked     time.Time
}

func (p *payout) mark() mark { return markOf(p.createdAt, p.id) }

func (p *payout) status(now time.Time) string {
	switch {
	case p.asked.IsZero():
		return "PENDING"
	case now.Before(p.asked.Add(transferTime)):
		return "PROCESSING"
	default:
		return "COMPLETED"
	}
}

// owe makes the payout of an order that was accepted.
func (w *world) owe(d *deal) {
	p := &payout{id: w.ids.id(), amount: d.price, of: d, createdAt: w.now}
	w.payouts[p.id] = p
}

func payoutRoutes() []Route {
	const payouts, connect = "/api/marketplace/payouts", "/api/marketplace/connect"
	return []Route{
		{Method: http.MethodGet, Pattern: payouts, handle: listPayouts},
		{Method: http.MethodPost, Pattern: payouts, Body: JSON, Create: true, handle: requestPayout},
		{Method: http.MethodGet, Pattern: connect, handle: showAccount},
		{Method: http.MethodPost, Pattern: connect, Body: OptionalJSON, handle: openAccount},
	}
}

type payoutView struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Amount    int    `json:"amount"`
	OrderID   string `json:"orderId"`
	CreatedAt stamp  `json:"createdAt"`
}

func (w *world) viewPayout(p *payout) payoutView {
	return payoutView{p.id, p.status(w.now), p.amount, p.of.id, stamp(p.createdAt)}
}

type payoutSummary struct {
	Pending    int `json:"pending"`
	Processing int `json:"processing"`
	Completed  int `json:"completed"`
	Total      int `json:"total"`
}

func listPayouts(c *call) (reply, error) {
	page, status := c.in.pageOf("z"), c.in.filter("status", []string{"PENDING", "PROCESSING", "COMPLETED"})
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	var mine []*payout
	var sum payoutSummary
	for _, p := range c.payouts {
		if p.of.seller() != c.me {
			continue
		}
		mine = append(mine, p)
		sum.Total += p.amount
		switch p.status(c.now) {
		case "PENDING":
			sum.Pending += p.amount
		case "PROCESSING":
			sum.Processing += p.amount
		default:
			sum.Completed += p.amount
		}
	}
	items, end := cut(sortedBy(mine), page, func(p *payout) bool { return status == "" || p.status(c.now) == status })
	return done(struct {
		Payouts []payoutView  `json:"payouts"`
		Summary payoutSummary `json:"summary"`
		pageEnd
	}{each(items, c.viewPayout), sum, end})
}

func requestPayout(c *call) (reply, error) {
	id := c.in.text("payoutId", 1, 128)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	p := c.payouts[id]
	switch {
	case p == nil || p.of.seller() != c.me:
		return reply{}, notFound("No such payout")
	case !p.asked.IsZero():
		return reply{}, conflict("This payout was requested already")
	case !c.me.account.ready:
		return reply{}, refuse(http.StatusBadRequest, "payouts_disabled", "Connect an account first")
	}
	p.asked = c.now
	return done(struct {
		Payout payoutView `json:"payout"`
	}{c.viewPayout(p)})
}

func showAccount(c *call) (reply, error) {
	return done(struct {
		ChargesEnabled bool `json:"chargesEnabled"`
		PayoutsEnabled bool `json:"payoutsEnabled"`
	}{c.me.account.ready, c.me.account.ready})
}

// openAccount leads to a form that the emulator's owners have filled in before
// anybody looks.
func openAccount(c *call) (reply, error) {
	crypto, wallet := c.in.flag("preferCrypto"), c.in.text("cryptoWalletAddress", 0, 128)
	if crypto != nil && *crypto && wallet == "" {
		c.in.reject(invalid("cryptoWalletAddress is required with preferCrypto"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	c.me.account = paymentAccount{true, wallet}
	for _, d := range c.unpaid {
		if d.seller() == c.me && d.status == orderUnpaid {
			d.status, d.updatedAt = orderPaid, c.now
		}
	}
	return done(struct {
		OnboardingURL string `json:"onboardingUrl"`
	}{c.link("/onboarding/" + c.ids.word(24))})
}
