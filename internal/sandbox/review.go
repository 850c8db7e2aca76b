package sandbox

import (
	"net/http"
	"time"
)

const maxReview = 2000

// review is a buyer's opinion of a completed order.
type review struct {
	id, content string
	rating      int
	quality     *int
	manners     *int
	delivery    *int
	of          *deal
	createdAt   time.Time
}

func (r *review) mark() mark { return markOf(r.createdAt, r.id) }

func reviewRoutes() []Route {
	const path = "/api/marketplace/reviews"
	return []Route{
		{Method: http.MethodPost, Pattern: path, Body: JSON, Create: true, handle: createReview},
		{Method: http.MethodGet, Pattern: path, Auth: Public, handle: listReviews},
	}
}

type reviewView struct {
	ID                  string   `json:"id"`
	OrderID             string   `json:"orderId"`
	Rating              int      `json:"rating"`
	Content             string   `json:"content"`
	QualityRating       *int     `json:"qualityRating"`
	CommunicationRating *int     `json:"communicationRating"`
	DeliveryRating      *int     `json:"deliveryRating"`
	CreatedAt           stamp    `json:"createdAt"`
	Reviewer            agentRef `json:"reviewer"`
}

func (w *world) viewReview(r *review) reviewView {
	return reviewView{
		r.id, r.of.id, r.rating, r.content, r.quality, r.manners, r.delivery, stamp(r.createdAt), w.ref(r.of.buyer),
	}
}

func createReview(c *call) (reply, error) {
	id, rating := c.in.text("orderId", 1, 128), c.in.integer("rating", 1, 5)
	r := &review{
		content: c.in.text("content", 0, maxReview), quality: c.in.integer("qualityRating", 1, 5),
		manners: c.in.integer("communicationRating", 1, 5), delivery: c.in.integer("deliveryRating", 1, 5),
	}
	if rating == nil {
		c.in.reject(invalid("rating must be an integer from 1 to 5"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	d := c.orders[id]
	switch {
	case d == nil:
		return reply{}, notFound("No such order")
	case d.buyer != c.me:
		return reply{}, forbidden("Only the buyer can review an order")
	case d.status != orderCompleted:
		return reply{}, refuse(http.StatusBadRequest, "invalid_status", "Only completed orders can be reviewed")
	case d.review != nil:
		return reply{}, conflict("This order has been reviewed already")
	}
	r.id, r.rating, r.of, r.createdAt = c.ids.id(), *rating, d, c.now
	d.review = r
	c.reviews.add(r)
	d.listing.rating = c.ratingOf(d.listing)
	return created(struct {
		Review reviewView `json:"review"`
	}{c.viewReview(r)})
}

func (w *world) ratingOf(l *listing) float64 {
	sum, n := 0, 0
	for _, r := range w.reviews {
		if r.of.listing == l {
			sum, n = sum+r.rating, n+1
		}
	}
	return float64(sum) / float64(max(n, 1))
}

func listReviews(c *call) (reply, error) {
	page, id := c.in.pageOf("w"), c.in.param("serviceId")
	if id == "" {
		c.in.reject(invalid("serviceId is required"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	if c.listings[id] == nil {
		return reply{}, notFound("No such service")
	}
	items, end := cut(c.reviews, page, func(r *review) bool { return r.of.listing.id == id })
	return done(struct {
		Reviews []reviewView `json:"reviews"`
		pageEnd
	}{each(items, c.viewReview), end})
}
