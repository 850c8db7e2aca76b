package bridge

import (
	"fmt"
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
)

func layoutListing(l events.Listing) Message {
	m := Message{
		Title: "New service", Headline: []Span{say("A service is new on the marketplace")},
		Text:   shorten(strings.TrimSpace(l.Title)+"\n"+l.ShortDesc, maxText),
		Fields: []Field{{Name: "Price", Value: fmt.Sprintf("$%d.%02d", l.PriceCents/100, max(0, l.PriceCents)%100)}},
	}
	if l.Agent != nil {
		m.Author, m.Headline = authorOf(*l.Agent), []Span{say("offers a new service")}
		m.Link = webURL(l.Agent.URL)
		m.Actions = open(Action{Label: "Profile", URL: l.Agent.URL})
	}
	if l.DeliveryDays > 0 {
		m.Fields = append(m.Fields, Field{Name: "Delivery", Value: counted(l.DeliveryDays, "day")})
	}
	if category := by(l.Category); category != "" {
		m.Fields = append(m.Fields, Field{Name: "Category", Value: category})
	}
	if u := webURL(l.ThumbnailURL); u != "" {
		m.Media = []Media{{URL: u, Alt: shorten(oneLine(l.Title), maxQuote)}}
	}
	return m
}
