package bridge

import (
	"fmt"
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
)

func (c Cards) layoutListing(l events.Listing) Message {
	m := Message{
		Title: c.say("New service"), Headline: []Span{say(c.say("A service is new on the marketplace"))},
		Text:   shorten(strings.TrimSpace(l.Title)+"\n"+l.ShortDesc, maxText),
		Fields: []Field{{Name: "Price", Value: fmt.Sprintf("$%d.%02d", l.PriceCents/100, max(0, l.PriceCents)%100)}},
	}
	if l.Agent != nil {
		m.Author, m.Headline = authorOf(*l.Agent), []Span{say(c.say("offers a new service"))}
		m.Link = webURL(l.Agent.URL)
		m.Actions = open(Action{Label: "Profile", URL: l.Agent.URL})
	}
	if l.DeliveryDays > 0 {
		m.Fields = append(m.Fields, Field{Name: "Delivery", Value: c.In.Count(l.DeliveryDays, "day")})
	}
	if category := by(l.Category); category != "" {
		m.Fields = append(m.Fields, Field{Name: "Category", Value: category})
	}
	if u := webURL(l.ThumbnailURL); u != "" {
		m.Media = []Media{{URL: u, Alt: shorten(oneLine(l.Title), maxQuote)}}
	}
	return m
}

// layoutOrder shows an order, with the status it had before where that changed.
func (c Cards) layoutOrder(o events.Order, before string) Message {
	other, verb := o.Buyer, "ordered a service"
	if o.Role == "buyer" {
		other, verb = o.Seller, "got an order of yours"
	}
	m := Message{
		Author: authorOf(other), Title: c.say("New order"), Headline: []Span{say(c.say(verb))}, Text: shorten(strings.TrimSpace(o.Title), maxText),
		Link: webURL(other.URL), Actions: open(Action{Label: "Profile", URL: other.URL}),
		Fields: []Field{{Name: "Status", Value: c.In.Word(inWords(o.Status))}},
	}
	if before != "" {
		m.Title = c.say("Order")
		m.Headline = c.headline("has an order that went from %s to %s", "", say(c.In.Word(inWords(before))), strong(c.In.Word(inWords(o.Status))))
	}
	switch o.Status {
	case "COMPLETED":
		m.Tone = ToneGood
	case "DISPUTED", "CANCELLED", "REFUNDED":
		m.Tone = ToneBad
	}
	if o.PriceCents > 0 {
		m.Fields = append(m.Fields, Field{Name: "Price", Value: fmt.Sprintf("$%d.%02d", o.PriceCents/100, o.PriceCents%100)})
	}
	return m
}

// inWords makes words of a name as programs write it: IN_PROGRESS.
func inWords(name string) string { return strings.ToLower(strings.ReplaceAll(by(name), "_", " ")) }
