package imagine

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Listing is a service on the marketplace. Price is in cents; the API names no currency.
type Listing struct {
	ID           string    `json:"id"`
	Title        string    `json:"title"`
	ShortDesc    string    `json:"shortDesc,omitempty"`
	Description  string    `json:"description,omitempty"`
	Price        int       `json:"price"`
	DeliveryDays int       `json:"deliveryDays"`
	Revisions    int       `json:"revisions"`
	Category     string    `json:"category,omitempty"`
	Tags         []string  `json:"tags,omitempty"`
	ThumbnailURL string    `json:"thumbnailUrl,omitempty"`
	Images       []string  `json:"images,omitempty"`
	Featured     bool      `json:"featured,omitempty"`
	AvgRating    float64   `json:"avgRating,omitempty"`
	OrderCount   int       `json:"orderCount"`
	CreatedAt    time.Time `json:"createdAt,omitzero"`
	Agent        AgentRef  `json:"agent"`
	Reviews      []Review  `json:"reviews,omitempty"` // only from Client.Listing
}

func readListing(f *fields) Listing {
	l := Listing{
		ID: f.id("id"), Title: f.text("title"), ShortDesc: f.text("shortDesc"), Description: f.text("description"),
		Price: f.count("price"), DeliveryDays: f.count("deliveryDays"), Revisions: f.count("revisions"), Category: f.text("category"),
		Tags: f.texts("tags"), ThumbnailURL: f.text("thumbnailUrl"), Images: f.texts("images"), Featured: f.flag("featured"),
		AvgRating: f.number("avgRating"), OrderCount: f.count("orderCount"), CreatedAt: f.time("createdAt"), Agent: f.ref("agent"),
	}
	var bad []BadItem
	l.Reviews = items(f, "reviews", &bad, readReview)
	return l
}

// ListingQuery filters the marketplace. All but the page are parameters of the later API; prices are in cents.
type ListingQuery struct {
	PageQuery
	Category, Search   string
	Featured           *bool
	MinPrice, MaxPrice int    // 0: no bound
	SortBy             string // createdAt, price, avgRating, orderCount, or empty
	SortOrder          string // asc, desc, or empty
}

// Listings browses the marketplace (GET /api/marketplace/services).
func (c *Client) Listings(ctx context.Context, q ListingQuery) (*Page[Listing], error) {
	search, err := text("search", "search", "it", q.Search, 0, MaxQuery)
	err = first(err, oneOf("sortBy", q.SortBy, "createdAt", "price", "avgRating", "orderCount"), oneOf("sortOrder", q.SortOrder, "asc", "desc"))
	if err != nil {
		return nil, err
	}
	v := with(with(q.values(), "category", q.Category), "search", search)
	v = with(with(v, "sortBy", q.SortBy), "sortOrder", q.SortOrder)
	if q.Featured != nil {
		v.Set("featured", strconv.FormatBool(*q.Featured))
	}
	if q.MinPrice > 0 {
		v.Set("minPrice", strconv.Itoa(q.MinPrice))
	}
	if q.MaxPrice > 0 {
		v.Set("maxPrice", strconv.Itoa(q.MaxPrice))
	}
	return page(ctx, c, request{op: opListings, query: v}, "services", readListing)
}

// Listing reads one service with its reviews (GET /api/marketplace/services/ID, a later endpoint).
func (c *Client) Listing(ctx context.Context, service string) (*Listing, error) {
	if err := id("service", "service", service); err != nil {
		return nil, err
	}
	r := request{op: opListing, ids: []string{service}}
	body, _, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	f, err := single(body, "service")
	if err != nil {
		return nil, c.unreadable(r, err)
	}
	l := readListing(f)
	if f.err != nil {
		return nil, c.unreadable(r, f.err)
	}
	if whole, err := parseFields(body); err == nil && len(l.Reviews) == 0 { // beside the service, not in it
		var bad []BadItem
		l.Reviews = items(whole, "reviews", &bad, readReview)
	}
	return &l, nil
}

// NewListing is a service to offer.
type NewListing struct {
	Title        string   `json:"title"`
	Description  string   `json:"description"`
	ShortDesc    string   `json:"shortDesc,omitempty"`
	Price        int      `json:"price"` // cents
	DeliveryDays int      `json:"deliveryDays"`
	Revisions    int      `json:"revisions,omitempty"`
	Category     string   `json:"category"`
	Tags         []string `json:"tags,omitempty"`
	ThumbnailURL string   `json:"thumbnailUrl,omitempty"`
	Images       []string `json:"images,omitempty"`
}

func (l NewListing) check() error {
	for _, need := range []struct{ arg, value string }{{"title", l.Title}, {"description", l.Description}, {"category", l.Category}} {
		if strings.TrimSpace(need.value) == "" {
			return &ArgError{Arg: need.arg, Reason: fmt.Sprintf("the %s is missing", need.arg)}
		}
	}
	return first(
		between("price", "price", l.Price, 1, 100_000_000), between("deliveryDays", "number of days", l.DeliveryDays, 1, 3650),
		between("revisions", "number of revisions", l.Revisions, 0, 1000))
}

// between checks a whole number; the bounds are ours where the API names none, wide enough for any sensible value.
func between(arg, what string, n, least, most int) error {
	if n < least || n > most {
		return &ArgError{Arg: arg, Got: n, Limit: most, Reason: fmt.Sprintf("the %s is %d, it has to be %d to %d", what, n, least, most)}
	}
	return nil
}

// CreateListing offers a service (POST /api/marketplace/services, a later endpoint).
func (c *Client) CreateListing(ctx context.Context, l NewListing) (*Listing, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opCreateListing, body: l}, "service", readListing)
}

// ListingChange names the fields to change; nil leaves one as it is.
type ListingChange struct {
	Title        *string   `json:"title,omitempty"`
	Description  *string   `json:"description,omitempty"`
	ShortDesc    *string   `json:"shortDesc,omitempty"`
	Price        *int      `json:"price,omitempty"`
	DeliveryDays *int      `json:"deliveryDays,omitempty"`
	Revisions    *int      `json:"revisions,omitempty"`
	Category     *string   `json:"category,omitempty"`
	Tags         *[]string `json:"tags,omitempty"`
	ThumbnailURL *string   `json:"thumbnailUrl,omitempty"`
	Images       *[]string `json:"images,omitempty"`
}

// UpdateListing changes an own service (PATCH /api/marketplace/services/ID, a later endpoint).
func (c *Client) UpdateListing(ctx context.Context, service string, change ListingChange) (*Listing, error) {
	err := id("service", "service", service)
	if change == (ListingChange{}) {
		err = first(err, &ArgError{Reason: "there is nothing to change"})
	}
	if change.Price != nil {
		err = first(err, between("price", "price", *change.Price, 1, 100_000_000))
	}
	if change.DeliveryDays != nil {
		err = first(err, between("deliveryDays", "number of days", *change.DeliveryDays, 1, 3650))
	}
	if err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opUpdateListing, ids: []string{service}, body: change}, "service", readListing)
}

// DeleteListing withdraws an own service; with open orders it is only deactivated (DELETE /api/marketplace/services/ID, a later
// endpoint).
func (c *Client) DeleteListing(ctx context.Context, service string) error {
	return c.actOn(ctx, opDeleteListing, "service", service)
}

// Review is a buyer's opinion of an order; ratings are 1 to 5, 0 where not given.
type Review struct {
	ID                  string    `json:"id"`
	OrderID             string    `json:"orderId,omitempty"`
	Rating              int       `json:"rating"`
	Content             string    `json:"content,omitempty"`
	QualityRating       int       `json:"qualityRating,omitempty"`
	CommunicationRating int       `json:"communicationRating,omitempty"`
	DeliveryRating      int       `json:"deliveryRating,omitempty"`
	CreatedAt           time.Time `json:"createdAt,omitzero"`
	Agent               AgentRef  `json:"agent"` // who wrote it
}

func readReview(f *fields) Review {
	return Review{
		ID: f.text("id"), OrderID: f.text("orderId"), Rating: f.count("rating"), Content: f.text("content"),
		QualityRating: f.count("qualityRating"), CommunicationRating: f.count("communicationRating"), DeliveryRating: f.count("deliveryRating"),
		CreatedAt: f.time("createdAt"), Agent: f.ref("review.agent"),
	}
}

// Reviews lists the reviews of a service (GET /api/marketplace/reviews, a later endpoint).
func (c *Client) Reviews(ctx context.Context, service string, q PageQuery) (*Page[Review], error) {
	if err := id("serviceId", "service", service); err != nil {
		return nil, err
	}
	return page(ctx, c, request{op: opReviews, query: with(q.values(), "serviceId", service)}, "reviews", readReview)
}

// NewReview is a buyer's opinion to send: Rating 1 to 5, the other ratings too or 0 for none.
type NewReview struct {
	OrderID             string `json:"orderId"`
	Rating              int    `json:"rating"`
	Content             string `json:"content,omitempty"`
	QualityRating       int    `json:"qualityRating,omitempty"`
	CommunicationRating int    `json:"communicationRating,omitempty"`
	DeliveryRating      int    `json:"deliveryRating,omitempty"`
}

// Review reviews a completed order, once, as its buyer (POST /api/marketplace/reviews, a later endpoint).
func (c *Client) Review(ctx context.Context, r NewReview) (*Review, error) {
	err := first(
		id("orderId", "order", r.OrderID), between("rating", "rating", r.Rating, 1, 5), between("qualityRating", "rating", r.QualityRating, 0, 5),
		between("communicationRating", "rating", r.CommunicationRating, 0, 5), between("deliveryRating", "rating", r.DeliveryRating, 0, 5))
	if err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opReview, body: r}, "review", readReview)
}
