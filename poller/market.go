package poller

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// offers watches what others newly offer on the marketplace.
type offers struct {
	agent    Agent
	backfill time.Duration
}

func listings(a Agent, backfill time.Duration) Source { return &offers{a, backfill} }

// Name implements Source.
func (*offers) Name() string { return "listings" }

// Poll implements Source.
func (o *offers) Poll(ctx context.Context, l Look) (Found, error) {
	f := follower[imagine.Listing]{
		list: list[imagine.Listing]{
			read: func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Listing], error) {
				return o.agent.API.Listings(ctx, imagine.ListingQuery{PageQuery: q, SortBy: "createdAt", SortOrder: "desc"})
			},
			id: func(v *imagine.Listing) item { return item{ID: v.ID, At: v.CreatedAt} },
		},
		backfill: o.backfill, pages: extraPages, event: o.event,
	}
	return f.look(ctx, l)
}

func (o *offers) event(e entry[imagine.Listing], it item) (events.Event, bool) {
	if e.value == nil || e.value.Agent.Handle == o.agent.Handle {
		return events.Event{}, false
	}
	base := o.agent.API.BaseURL()
	data := events.ServiceListed{Listing: site(base).listingOf(e.value)}
	return events.New(base, o.agent.Handle, "service_"+o.agent.Handle+"_listed_"+it.ID, it.ID, it.At, data), true
}

func (s site) listingOf(l *imagine.Listing) events.Listing {
	out := events.Listing{
		ID: l.ID, Title: clip(l.Title, maxName), ShortDesc: clip(l.ShortDesc, maxText), PriceCents: l.Price, DeliveryDays: l.DeliveryDays,
		Category: clip(l.Category, maxName), ThumbnailURL: clip(l.ThumbnailURL, maxText), CreatedAt: l.CreatedAt,
	}
	if l.Agent != (imagine.AgentRef{}) {
		out.Agent = new(s.agentOf(l.Agent))
	}
	return out
}

// maxOrders bounds the orders that a cursor remembers.
const maxOrders = 1000

// orders watches the orders that an agent placed or got.
type orders struct{ agent Agent }

// Name implements Source.
func (*orders) Name() string { return "orders" }

// book is the cursor of orders.
type book struct {
	Floor  time.Time           `json:"floor"`  // orders placed before it that are not remembered are history
	Orders map[string]bookedAs `json:"orders"` // by id
}

// bookedAs is how an order was told last.
type bookedAs struct {
	Status string    `json:"status"`
	Steps  int       `json:"steps,omitempty"` // changes told
	Placed time.Time `json:"placed"`
}

// orderNews is an order that is new, or whose status changed from before.
type orderNews struct {
	imagine.Order
	before string
	steps  int
}

// Poll implements Source.
func (o *orders) Poll(ctx context.Context, l Look) (Found, error) {
	b := book{Floor: l.Now.Add(-overlap), Orders: map[string]bookedAs{}}
	first := l.Cursor == nil
	if !first {
		if err := json.Unmarshal(l.Cursor, &b); err != nil {
			return Found{}, fmt.Errorf("read cursor: %w", err)
		}
	}
	all := list[imagine.Order]{
		read: func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Order], error) {
			return o.agent.API.Orders(ctx, imagine.OrderQuery{PageQuery: q})
		},
		id: func(v *imagine.Order) item { return item{ID: v.ID, At: v.CreatedAt} },
	}
	open := b.open()
	read, err := all.walk(ctx, "", extraPages, func(page []item) bool {
		for _, it := range page {
			delete(open, it.ID)
		}
		_, known := b.Orders[page[len(page)-1].ID]
		return !first && !ascending(page) && len(open) == 0 && (known || !page[len(page)-1].At.After(b.Floor))
	})
	if err != nil {
		return Found{}, err
	}
	var listed []imagine.Order
	for _, e := range read.entries {
		if e.value != nil {
			listed = append(listed, *e.value)
		}
	}
	var found Found
	if first {
		b.begin(listed, read.resume != "")
		found.add(nil, b)
	} else if news := b.advance(listed); len(news) > 0 {
		found.add(o.events(news, l.Now), b)
	}
	return found, nil
}

// open are the orders whose status may still change.
func (b book) open() map[string]bool {
	out := map[string]bool{}
	for id, o := range b.Orders {
		if !closed(o.Status) {
			out[id] = true
		}
	}
	return out
}

// begin remembers every order as it stands.
func (b *book) begin(listed []imagine.Order, more bool) {
	oldest := b.Floor
	for i, o := range listed {
		b.Orders[o.ID] = bookedAs{Status: o.Status, Placed: o.CreatedAt}
		if i == 0 || o.CreatedAt.Before(oldest) {
			oldest = o.CreatedAt
		}
	}
	if more {
		b.Floor = later(b.Floor, oldest)
	}
	b.bound()
}

// advance compares orders with what is known of them and returns what is to be
// told, in the order in which it was placed.
func (b *book) advance(listed []imagine.Order) []orderNews {
	var out []orderNews
	slices.SortStableFunc(listed, func(x, y imagine.Order) int { return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), cmp.Compare(x.ID, y.ID)) })
	for _, o := range listed {
		was, known := b.Orders[o.ID]
		switch {
		case !known && !o.CreatedAt.IsZero() && !o.CreatedAt.After(b.Floor), known && was.Status == o.Status:
			continue
		case known:
			was.Steps++
		default:
			was.Placed = o.CreatedAt
		}
		out = append(out, orderNews{Order: o, before: was.Status, steps: was.Steps})
		was.Status = o.Status
		b.Orders[o.ID] = was
	}
	b.bound()
	return out
}

// bound forgets the orders that were placed first, those that are closed before
// those that are open; the floor rises to them.
func (b *book) bound() {
	if len(b.Orders) <= maxOrders {
		return
	}
	ids := slices.SortedFunc(maps.Keys(b.Orders), func(x, y string) int {
		if over := closed(b.Orders[x].Status); over != closed(b.Orders[y].Status) {
			if over {
				return -1
			}
			return 1
		}
		return cmp.Or(b.Orders[x].Placed.Compare(b.Orders[y].Placed), cmp.Compare(x, y))
	})
	for _, id := range ids[:len(ids)-maxOrders] {
		b.Floor = later(b.Floor, b.Orders[id].Placed)
		delete(b.Orders, id)
	}
}

// closed reports whether an order of this status changes no more.
func closed(status string) bool {
	return slices.Contains([]string{"COMPLETED", "CANCELLED", "REFUNDED"}, strings.ToUpper(status))
}

func (o *orders) events(news []orderNews, now time.Time) []events.Event {
	base := o.agent.API.BaseURL()
	s := site(base)
	var out []events.Event
	for _, n := range news {
		order := s.orderOf(n.Order, o.agent.Handle)
		id := "service_" + o.agent.Handle + "_ordered_" + n.ID
		at, data := n.CreatedAt, events.Payload(events.ServiceOrdered{Order: order})
		if n.before != "" {
			at = later(n.CreatedAt, n.UpdatedAt)
			step := int64(n.steps)
			if !n.UpdatedAt.IsZero() {
				step = n.UpdatedAt.Unix()
			}
			id = fmt.Sprintf("service_%s_order_%s_%s_%d", o.agent.Handle, n.ID, strings.ToLower(n.Status), step)
			data = events.ServiceOrderChanged{Order: order, Before: n.before}
		}
		if at.IsZero() {
			at = now.UTC()
		}
		out = append(out, events.New(base, o.agent.Handle, id, n.ID, at, data))
	}
	return out
}

func (s site) orderOf(o imagine.Order, handle string) events.Order {
	role := "buyer"
	if o.Seller.Handle == handle {
		role = "seller"
	}
	return events.Order{
		ID: o.ID, Status: clip(o.Status, maxName), Role: role, ServiceID: o.ServiceID, Title: clip(o.Title, maxName), PriceCents: o.Price,
		Buyer: s.agentOf(o.Buyer), Seller: s.agentOf(o.Seller), CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
}
