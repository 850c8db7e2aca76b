package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func serviceIDArg() Arg { return idArg("service", "the offer's id", "") }

// listingArgs are the fields of an offer; mustHave are those a new one needs.
func listingArgs(create bool) []Arg {
	return []Arg{
		{Name: "title", Summary: "what is offered", Required: create, Min: 1, Max: 100},
		{Name: "description", Summary: "in full", Required: create, Long: true, Min: 1, Max: 5000},
		{Name: "price", Summary: "in cents", Kind: Integer, Required: create, Min: 1, Max: 100_000_000},
		{Name: "days", Summary: "until delivery", Kind: Integer, Required: create, Min: 1, Max: 365},
		{Name: "category", Summary: "kind of service", Required: create, Min: 1, Max: 50},
		{Name: "short", Summary: "in one line", Max: 200},
		{Name: "revisions", Summary: "included", Kind: Integer, Max: 100},
		{Name: "tags", Summary: "words to find it by", Kind: List, Max: 20},
		{Name: "thumbnail", Summary: "picture's address", Max: 2000},
	}
}

func marketSpecs() []Spec {
	return []Spec{
		{
			Group: "market", Verb: "list", Summary: "Browse the marketplace",
			Args: []Arg{
				{Name: "search", Summary: "words", Max: imagine.MaxQuery},
				{Name: "category", Summary: "kind of service", Max: 50},
				choiceArg("sort", "by what", "createdAt", "price", "avgRating", "orderCount"), limitArg(10), cursorArg(),
			},
			Calls: []string{"GET /api/marketplace/services"}, Result: imagine.Page[imagine.Listing]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Listings(ctx, imagine.ListingQuery{PageQuery: a.page(), Category: a.Text("category"), Search: a.Text("search"), SortBy: a.Text("sort")})
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "offer", func(l imagine.Listing) bridge.Message {
					return siteOf(api, a).listingCard(l, press("Details", "market show", "service", l.ID))
				}), nil
			},
		},
		{
			Group: "market", Verb: "show", Summary: "Show an offer", Later: true,
			Args: []Arg{serviceIDArg()}, Calls: []string{"GET /api/marketplace/services/{service}"}, Result: imagine.Listing{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				l, err := api.Listing(ctx, a.Text("service"))
				if err != nil {
					return Reply{}, err
				}
				m := siteOf(api, a).listingCard(*l, press("Order it", "order place", "service", l.ID))
				for _, r := range l.Reviews {
					m.Quotes = append(m.Quotes, quote(fmt.Sprintf("%s · %s", stars(r.Rating), by(r.Agent, a.say("a buyer"))), r.Content)...)
				}
				return Reply{Data: l, Text: listingLine(a, l), Messages: []bridge.Message{m}}, nil
			},
		},
		{
			Group: "market", Verb: "reviews", Summary: "Reviews of an offer", Later: true,
			Args: []Arg{serviceIDArg(), limitArg(10), cursorArg()}, Calls: []string{"GET /api/marketplace/reviews"}, Result: imagine.Page[imagine.Review]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Reviews(ctx, a.Text("service"), a.page())
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "review", func(r imagine.Review) bridge.Message {
					return bridge.Message{Event: "service.review", At: r.CreatedAt, Author: siteOf(api, a).author(r.Agent), Headline: []bridge.Span{plain(stars(r.Rating))}, Text: cut(r.Content, maxText)}
				}), nil
			},
		},
		{
			Group: "market", Verb: "create", Summary: "Offer a service", Access: Admin, Later: true, Repeat: Creates, Failed: "Not offered", Again: "Offer again",
			Args: listingArgs(true), Calls: []string{"POST /api/marketplace/services", "GET /api/marketplace/services"}, Result: imagine.Listing{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				l, err := api.CreateListing(ctx, imagine.NewListing{
					Title: a.Text("title"), Description: a.Text("description"), ShortDesc: a.Text("short"), Price: a.Int("price"), DeliveryDays: a.Int("days"),
					Revisions: a.Int("revisions"), Category: a.Text("category"), Tags: a.List("tags"), ThumbnailURL: a.Text("thumbnail"),
				})
				if err != nil {
					return Reply{}, err
				}
				return offered(api, a, l), nil
			},
			Look: func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
				l, ok, err := lookAmong(ctx, func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Listing], error) {
					return api.Listings(ctx, imagine.ListingQuery{PageQuery: q, Search: cut(a.Text("title"), imagine.MaxQuery)})
				}, func(l imagine.Listing) bool {
					return a.mine(l.Agent) && sameText(l.Title, a.Text("title")) && a.after(api, l.CreatedAt)
				})
				return offered(api, a, &l), ok, err
			},
			Where: func(_ *imagine.Client, a Args) bridge.Action {
				return press("Look", "market list", "search", a.Text("title"))
			},
		},
		{
			Group: "market", Verb: "edit", Summary: "Change an own offer", Access: Admin, Later: true, Repeat: Same, Failed: "Not changed",
			Args: append([]Arg{serviceIDArg()}, listingArgs(false)...), AnyOf: []string{"title", "description", "price", "days", "category", "short", "revisions", "tags", "thumbnail"},
			Calls: []string{"PATCH /api/marketplace/services/{service}", "GET /api/marketplace/services/{service}"}, Result: imagine.Listing{}, Run: editListing,
		},
		{
			Group: "market", Verb: "delete", Summary: "Withdraw an own offer", Access: Admin, Confirm: true, Later: true, Repeat: Same, Failed: "Not withdrawn",
			Question: "Withdraw this offer? With open orders it is only switched off.",
			Args:     []Arg{serviceIDArg()}, Calls: []string{"DELETE /api/marketplace/services/{service}"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The offer is withdrawn; with open orders it is only switched off."), api.DeleteListing(ctx, a.Text("service"))
			},
		},
	}
}

func listingLine(a Args, l *imagine.Listing) string {
	return a.say("“%s” for %s.", cut(oneLine(l.Title), maxTitle), price(l.Price))
}

func offered(api *imagine.Client, a Args, l *imagine.Listing) Reply {
	undo := danger(press("Withdraw", "market delete", "service", l.ID))
	return Reply{Data: l, Text: a.say("Offered: %s", listingLine(a, l)), Messages: []bridge.Message{siteOf(api, a).listingCard(*l, undo)}, Undo: &undo}
}

func editListing(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	before, err := api.Listing(ctx, a.Text("service"))
	if err != nil {
		return Reply{}, err
	}
	l, err := api.UpdateListing(ctx, a.Text("service"), imagine.ListingChange{
		Title: a.ptr("title"), Description: a.ptr("description"), ShortDesc: a.ptr("short"), Price: a.number("price"), DeliveryDays: a.number("days"),
		Revisions: a.number("revisions"), Category: a.ptr("category"), Tags: a.words("tags"), ThumbnailURL: a.ptr("thumbnail"),
	})
	if err != nil {
		return Reply{}, err
	}
	m := siteOf(api, a).listingCard(*l)
	m.Fields, m.Text = nil, ""
	for _, f := range []struct{ arg, name, before, after string }{
		{"title", "Title", before.Title, l.Title},
		{"description", "Description", before.Description, l.Description},
		{"short", "In short", before.ShortDesc, l.ShortDesc},
		{"price", "Price", price(before.Price), price(l.Price)},
		{"days", "Delivery", a.in.Count(before.DeliveryDays, "day"), a.in.Count(l.DeliveryDays, "day")},
		{"revisions", "Revisions", thousands(before.Revisions), thousands(l.Revisions)},
		{"category", "Category", before.Category, l.Category},
		{"tags", "Tags", strings.Join(before.Tags, ", "), strings.Join(l.Tags, ", ")},
		{"thumbnail", "Picture", before.ThumbnailURL, l.ThumbnailURL},
	} {
		m.Fields = append(m.Fields, change(a, f.arg, f.name, f.before, f.after)...)
	}
	return Reply{Data: l, Text: a.say("The offer is changed: %s", listingLine(a, l)), Messages: []bridge.Message{m}}, nil
}

func stars(n int) string {
	n = min(max(n, 0), 5)
	return strings.Repeat("★", n) + strings.Repeat("☆", 5-n)
}
