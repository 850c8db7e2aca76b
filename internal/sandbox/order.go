package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// The states of an order.
const (
	orderUnpaid    = "PENDING_PAYMENT"
	orderPaid      = "PAID"
	orderRunning   = "IN_PROGRESS"
	orderDelivered = "DELIVERED"
	orderRevision  = "REVISION"
	orderCompleted = "COMPLETED"
	orderCancelled = "CANCELLED"
	orderDisputed  = "DISPUTED"
	orderRefunded  = "REFUNDED"
)

const (
	maxOrderText   = 5000
	maxAttachments = 10
	payTime        = 2 * time.Second // the emulator's buyers pay that fast
)

var (
	orderStates = []string{
		orderUnpaid, orderPaid, orderRunning, orderDelivered, orderRevision, orderCompleted, orderCancelled, orderDisputed, orderRefunded,
	}
	paymentMethods = []string{"CARD", "CRYPTO_USDC", "CRYPTO_USDP", "COINBASE"}
)

// deal is an order of a listing.
type deal struct {
	id, status, requirements, method, deliverables string
	price, revised                                 int
	listing                                        *listing
	buyer                                          *agent
	createdAt, updatedAt                           time.Time
	messages                                       timeline[*dealMessage]
	review                                         *review
}

func (d *deal) mark() mark { return markOf(d.createdAt, d.id) }

func (d *deal) seller() *agent { return d.listing.agent }

func (d *deal) open() bool {
	return !slices.Contains([]string{orderCompleted, orderCancelled, orderRefunded}, d.status)
}

// orderStep is one row of what can be done with an order.
type orderStep struct {
	by   []string // buyer, seller
	from []string
	to   string
}

// orderSteps are assumed: the API names the actions and the states only.
var orderSteps = map[string]orderStep{
	"start":            {[]string{"seller"}, []string{orderPaid}, orderRunning},
	"deliver":          {[]string{"seller"}, []string{orderRunning, orderRevision}, orderDelivered},
	"accept":           {[]string{"buyer"}, []string{orderDelivered}, orderCompleted},
	"request_revision": {[]string{"buyer"}, []string{orderDelivered}, orderRevision},
	"dispute":          {[]string{"buyer", "seller"}, []string{orderPaid, orderRunning, orderDelivered, orderRevision}, orderDisputed},
	"cancel":           {[]string{"buyer", "seller"}, []string{orderUnpaid, orderPaid, orderRunning}, orderCancelled},
}

func orderRoutes() []Route {
	const all, one = "/api/marketplace/orders", "/api/marketplace/orders/{id}"
	return []Route{
		{Method: http.MethodPost, Pattern: all, Body: JSON, Create: true, handle: createOrder},
		{Method: http.MethodGet, Pattern: all, handle: listOrders},
		{Method: http.MethodGet, Pattern: one, handle: showOrder},
		{Method: http.MethodPatch, Pattern: one, Body: JSON, Create: true, handle: moveOrder},
		{Method: http.MethodGet, Pattern: one + "/messages", handle: listOrderMessages},
		{Method: http.MethodPost, Pattern: one + "/messages", Body: JSON, Create: true, handle: createOrderMessage},
	}
}

type orderView struct {
	ID            string    `json:"id"`
	Status        string    `json:"status"`
	ServiceID     string    `json:"serviceId"`
	Service       titleView `json:"service"`
	Price         int       `json:"price"`
	Requirements  string    `json:"requirements"`
	PaymentMethod string    `json:"paymentMethod"`
	Deliverables  *string   `json:"deliverables"`
	RevisionsUsed int       `json:"revisionsUsed"`
	Buyer         agentRef  `json:"buyer"`
	Seller        agentRef  `json:"seller"`
	CreatedAt     stamp     `json:"createdAt"`
	UpdatedAt     stamp     `json:"updatedAt"`
}

type titleView struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type orderReply struct {
	Order orderView `json:"order"`
}

func (w *world) viewOrder(d *deal) orderView {
	return orderView{
		d.id, d.status, d.listing.id,
		titleView{d.listing.id, d.listing.title},
		d.price, d.requirements, d.method,
		orNull(d.deliverables), d.revised, w.ref(d.buyer), w.ref(d.seller()), stamp(d.createdAt), stamp(d.updatedAt),
	}
}

func createOrder(c *call) (reply, error) {
	id, wish := c.in.text("serviceId", 1, 128), c.in.text("requirements", 0, maxOrderText)
	method := c.in.choice("paymentMethod", "", paymentMethods)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	l := c.listings[id]
	switch {
	case l == nil || l.closed:
		return reply{}, notFound("No such service")
	case l.agent == c.me:
		return reply{}, invalid("You cannot order your own service")
	}
	d := &deal{
		id: c.ids.id(), status: orderUnpaid, requirements: wish, method: method, price: l.price, listing: l, buyer: c.me,
		createdAt: c.now, updatedAt: c.now,
	}
	c.orders[d.id] = d
	c.unpaid = append(c.unpaid, d)
	l.orders++
	type payment struct {
		ClientSecret string `json:"clientSecret"`
	}
	body := struct {
		Order       orderView `json:"order"`
		Payment     *payment  `json:"payment,omitempty"`
		CheckoutURL string    `json:"coinbaseCheckoutUrl,omitempty"`
	}{Order: c.viewOrder(d)}
	if method == "COINBASE" {
		body.CheckoutURL = c.link("/checkout/" + c.ids.word(24))
	} else {
		body.Payment = &payment{"pi_" + c.ids.word(16) + "_secret_" + c.ids.word(24)}
	}
	return created(body)
}

// collect takes the payments that are due: buyers pay on their own, soon after
// ordering, but only a seller who can be paid. Others they pay as soon as that
// seller has an account.
func (w *world) collect() {
	w.unpaid = slices.DeleteFunc(w.unpaid, func(d *deal) bool {
		if d.status == orderUnpaid && !w.now.Before(d.createdAt.Add(payTime)) && d.seller().account.ready {
			d.status, d.updatedAt = orderPaid, w.now
		}
		return d.status != orderUnpaid
	})
}

func listOrders(c *call) (reply, error) {
	page := c.in.pageOf("o")
	role := c.in.pick("role", "all", []string{"all", "buyer", "seller"})
	status := c.in.filter("status", orderStates)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	var mine []*deal
	for _, d := range c.orders {
		if (role != "seller" && d.buyer == c.me) || (role != "buyer" && d.seller() == c.me) {
			mine = append(mine, d)
		}
	}
	items, end := cut(sortedBy(mine), page, func(d *deal) bool { return status == "" || d.status == status })
	return done(struct {
		Orders []orderView `json:"orders"`
		pageEnd
	}{each(items, c.viewOrder), end})
}

// order is the one of the path, for buyer and seller, and which of them asks.
func (c *call) order() (d *deal, role string, err error) {
	d = c.orders[c.in.vars["id"]]
	switch {
	case d == nil:
		return nil, "", notFound("No such order")
	case d.buyer == c.me:
		return d, "buyer", nil
	case d.seller() == c.me:
		return d, "seller", nil
	default:
		return nil, "", forbidden("This is not your order")
	}
}

func showOrder(c *call) (reply, error) {
	d, _, err := c.order()
	if err != nil {
		return reply{}, err
	}
	return done(orderReply{c.viewOrder(d)})
}

func moveOrder(c *call) (reply, error) {
	action := c.in.choice("action", "", []string{"start", "deliver", "accept", "request_revision", "dispute", "cancel"})
	text := c.in.text("deliverables", 0, maxOrderText)
	d, role, err := c.order()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	step := orderSteps[action]
	switch {
	case !slices.Contains(step.by, role):
		return reply{}, forbidden("The %s cannot %s", role, action)
	case !slices.Contains(step.from, d.status):
		return reply{}, refuse(http.StatusBadRequest, "invalid_status", "An order that is %s cannot %s", d.status, action)
	case action == "request_revision" && d.revised >= d.listing.revisions:
		return reply{}, refuse(http.StatusBadRequest, "no_revisions_left", "All %d revisions are used", d.listing.revisions)
	case action == "deliver":
		d.deliverables = text
	case action == "request_revision":
		d.revised++
	case action == "accept":
		c.owe(d)
	}
	d.status, d.updatedAt = step.to, c.now
	return done(orderReply{c.viewOrder(d)})
}
