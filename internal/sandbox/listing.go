package sandbox

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxTitle     = 100
	maxShortDesc = 200
	maxDesc      = 5000
	maxPrice     = 100_000_000 // cents
	maxDays      = 365
	maxRevisions = 100
	maxTags      = 20
	maxPictures  = 10
)

func listingRoutes() []Route {
	const one = "/api/marketplace/services/{id}"
	return []Route{
		{Method: http.MethodGet, Pattern: one, Auth: Public, handle: showListing},
		{Method: http.MethodPost, Pattern: "/api/marketplace/services", Body: JSON, Create: true, handle: createListing},
		{Method: http.MethodPatch, Pattern: one, Body: JSON, handle: updateListing},
		{Method: http.MethodDelete, Pattern: one, handle: deleteListing},
	}
}

// listing is the one of the path; an inactive one only its agent sees.
func (c *call) listing() (*listing, error) {
	l := c.listings[c.in.vars["id"]]
	if l == nil || (l.closed && l.agent != c.me) {
		return nil, notFound("No such service")
	}
	return l, nil
}

func (c *call) ownListing() (*listing, error) {
	l, err := c.listing()
	if err == nil && l.agent != c.me {
		err = forbidden("You can only change your own services")
	}
	return l, err
}

type listingReply struct {
	Service listingView `json:"service"`
}

func showListing(c *call) (reply, error) {
	l, err := c.listing()
	if err != nil {
		return reply{}, err
	}
	reviews := []reviewView{}
	for r := range c.reviews.newest {
		if r.of.listing == l {
			reviews = append(reviews, c.viewReview(r))
		}
	}
	return done(struct {
		Service struct {
			listingView
			Reviews    []reviewView `json:"reviews"`
			AgentStats profileStats `json:"agentStats"`
		} `json:"service"`
	}{struct {
		listingView
		Reviews    []reviewView `json:"reviews"`
		AgentStats profileStats `json:"agentStats"`
	}{c.viewListing(l), reviews, profileStats{len(l.agent.followers), len(l.agent.following), len(l.agent.posts)}}})
}

// readListing puts the fields of a body into a listing; whole wants those a new
// one needs. It says whether anything was named.
func (in *input) readListing(l *listing, whole bool) (named bool) {
	text := func(name string, lo, hi int, field *string) {
		s := in.optional(name, lo, hi)
		if s == nil && whole && lo > 0 {
			in.reject(invalid("%s must be %d to %d characters", name, lo, hi))
		}
		set(field, s)
		named = named || s != nil
	}
	number := func(name string, lo, hi int, needed bool, field *int) {
		n := in.integer(name, lo, hi)
		if n == nil && whole && needed {
			in.reject(invalid("%s must be an integer from %d to %d", name, lo, hi))
		}
		if n != nil {
			*field, named = *n, true
		}
	}
	words := func(name string, most int, field *[]string) {
		if list := in.words(name, most); list != nil {
			*field, named = list, true
		}
	}
	text("title", 1, maxTitle, &l.title)
	text("description", 1, maxDesc, &l.description)
	text("shortDesc", 0, maxShortDesc, &l.short)
	text("category", 1, maxName, &l.category)
	number("price", 1, maxPrice, true, &l.price)
	number("deliveryDays", 1, maxDays, true, &l.days)
	number("revisions", 0, maxRevisions, false, &l.revisions)
	words("tags", maxTags, &l.tags)
	words("images", maxPictures, &l.images)
	if s := in.link("thumbnailUrl"); s != nil {
		l.thumbnail, named = *s, true
	}
	for _, u := range l.images {
		if !isWebLink(u) {
			in.reject(invalid("images must be http or https URLs"))
		}
	}
	return named
}

func createListing(c *call) (reply, error) {
	l := &listing{agent: c.me}
	c.in.readListing(l, true)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	return created(listingReply{c.viewListing(c.addListing(l))})
}

func updateListing(c *call) (reply, error) {
	next := listing{}
	l, err := c.ownListing()
	if err == nil {
		next = *l
	}
	if !c.in.readListing(&next, false) {
		c.in.reject(invalid("nothing to change was named"))
	}
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	*l = next
	return done(listingReply{c.viewListing(l)})
}

// deleteListing only closes one that has open orders.
func deleteListing(c *call) (reply, error) {
	l, err := c.ownListing()
	if err != nil {
		return reply{}, err
	}
	c.shelf.remove(l)
	l.closed = true
	for _, d := range c.orders {
		if d.listing == l && d.open() {
			return done(success{true})
		}
	}
	delete(c.listings, l.id)
	return done(success{true})
}

// listingQuery is what a list of services is narrowed and ordered by.
type listingQuery struct {
	category, search, featured string
	least, most                int
	by                         string
	rising                     bool
}

// readListingQuery reads the parameters that came later; the first description
// knows none.
func (c *call) readListingQuery() listingQuery {
	if c.opt.Dialect == DialectSeed {
		return listingQuery{by: "createdAt", most: maxPrice}
	}
	return listingQuery{
		category: c.in.param("category"), search: strings.ToLower(c.in.param("search")),
		featured: c.in.filter("featured", []string{"true", "false"}),
		least:    c.in.cents("minPrice", 0), most: c.in.cents("maxPrice", maxPrice),
		by:     c.in.pick("sortBy", "createdAt", []string{"createdAt", "price", "avgRating", "orderCount"}),
		rising: c.in.pick("sortOrder", "desc", []string{"asc", "desc"}) == "asc",
	}
}

func (in *input) cents(name string, fallback int) int {
	s := in.param(name)
	if s == "" {
		return fallback
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		in.reject(invalid("%s must be an integer of at least 0", name))
	}
	return n
}

func (q listingQuery) keeps(l *listing) bool {
	return (q.category == "" || strings.EqualFold(q.category, l.category)) && l.price >= q.least && l.price <= q.most &&
		(q.featured == "" || l.featured == (q.featured == "true")) &&
		(q.search == "" || strings.Contains(strings.ToLower(l.title+" "+l.short+" "+l.description), q.search))
}

// ranked is a listing in a list ordered by something else than its date.
type ranked struct {
	*listing

	rank int64
}

func (r ranked) mark() mark { return mark{r.rank, r.id} }

func (q listingQuery) ranked(l *listing) ranked {
	n := map[string]int64{"price": int64(l.price), "avgRating": int64(l.rating * 1000), "orderCount": int64(l.orders)}
	rank := cmp.Or(n[q.by], 0)
	if q.by == "createdAt" {
		rank = l.createdAt.UnixMilli()
	}
	if q.rising {
		rank = -rank
	}
	return ranked{l, rank}
}
