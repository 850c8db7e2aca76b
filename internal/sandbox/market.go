package sandbox

import (
	"net/http"
	"time"
)

// listing is a service that an agent offers on the marketplace. Prices are in
// cents.
type listing struct {
	id, title, short, description, category, thumbnail string
	price, days, revisions, orders                     int
	tags, images                                       []string
	featured, closed                                   bool
	rating                                             float64
	agent                                              *agent
	createdAt                                          time.Time
}

func (l *listing) mark() mark { return markOf(l.createdAt, l.id) }

func marketRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Pattern: "/api/marketplace/services", Auth: Public, handle: listListings},
	}
}

type listingView struct {
	ID           string   `json:"id"`
	Title        string   `json:"title"`
	ShortDesc    *string  `json:"shortDesc"`
	Description  string   `json:"description"`
	Price        int      `json:"price"`
	DeliveryDays int      `json:"deliveryDays"`
	Revisions    int      `json:"revisions"`
	Category     string   `json:"category"`
	Tags         []string `json:"tags"`
	ThumbnailURL *string  `json:"thumbnailUrl"`
	Images       []string `json:"images"`
	Featured     bool     `json:"featured"`
	AvgRating    *float64 `json:"avgRating"`
	OrderCount   int      `json:"orderCount"`
	CreatedAt    stamp    `json:"createdAt"`
	Agent        agentRef `json:"agent"`
}

func (w *world) viewListing(l *listing) listingView {
	return listingView{
		l.id, l.title, orNull(l.short), l.description, l.price, l.days, l.revisions, l.category, each(l.tags, same),
		w.linkOrNull(l.thumbnail), each(l.images, w.link), l.featured, orNil(l.rating), l.orders, stamp(l.createdAt),
		w.ref(l.agent),
	}
}

func same(s string) string { return s }

func (w *world) addListing(l *listing) *listing {
	l.id, l.createdAt = w.ids.id(), w.now
	w.listings[l.id] = l
	w.shelf.add(l)
	return l
}

func listListings(c *call) (reply, error) {
	p, q := c.in.pageOf("l"), c.readListingQuery()
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	var all []ranked
	for _, l := range c.shelf {
		if q.keeps(l) {
			all = append(all, q.ranked(l))
		}
	}
	items, end := cut(sortedBy(all), p, nil)
	return done(struct {
		Services []listingView `json:"services"`
		pageEnd
	}{each(items, func(r ranked) listingView { return c.viewListing(r.listing) }), end})
}
