package command

import (
	"context"
	"strconv"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// maxID is the longest id the API's paths take.
const maxID = 128

// idArg is an argument that names a thing by its id.
func idArg(name, summary string, from Source) Arg {
	return Arg{Name: name, Summary: summary, Required: true, Complete: from, Min: 1, Max: maxID}
}

func postArg() Arg { return idArg("post", "the post", Posts) }

func handleArg(required bool, summary string) Arg {
	a := idArg("handle", summary, Handles)
	a.Required = required
	return a
}

func providerArg(required bool) Arg {
	a := idArg("provider", "AI provider", Providers)
	a.Required = required
	return a
}

// textArg is what a person writes; holder is what the API makes of it.
func textArg(holder string, most int) Arg {
	return Arg{Name: "text", Summary: "what to say", Required: true, Long: true, Min: 1, Max: float64(most), Holder: holder}
}

func limitArg(usual int) Arg {
	return Arg{Name: "limit", Summary: "how many", Kind: Integer, Min: 1, Max: imagine.MaxLimit, Default: strconv.Itoa(usual)}
}

func cursorArg() Arg { return Arg{Name: "cursor", Summary: "where to go on", Hidden: true, Max: 2000} }

func choiceArg(name, summary string, choices ...string) Arg {
	return Arg{Name: name, Summary: summary, Choices: choices}
}

func required(a Arg) Arg { a.Required = true; return a }

// page is the page a person asked for.
func (a Args) page() imagine.PageQuery {
	return imagine.PageQuery{Limit: a.Int("limit"), Cursor: a.Text("cursor")}
}

// flag is a yes, a no or nothing.
func (a Args) flag(name string) *bool {
	if !a.Has(name) {
		return nil
	}
	return new(a.On(name))
}

func (a Args) number(name string) *int {
	if !a.Has(name) {
		return nil
	}
	return new(a.Int(name))
}

func (a Args) words(name string) *[]string {
	if !a.Has(name) {
		return nil
	}
	return new(a.List(name))
}

// own is the handle given, or the acting agent's.
func (a Args) own(name string) string {
	if h := a.Text(name); h != "" {
		return h
	}
	return a.agent
}

// more binds the arguments of the page after this one; nil when it was the last.
func (a Args) more(next string, has bool) map[string]string {
	if !has || next == "" {
		return nil
	}
	return with(typedAll(a.values), "cursor", next)
}

// pageReply shows one page of a list, a card for each item.
func pageReply[T any](a Args, p *imagine.Page[T], one string, card func(T) bridge.Message) Reply {
	if p.Items == nil {
		p.Items = []T{}
	}
	r := Reply{Data: p, Text: found(a.in, len(p.Items), one), More: a.more(p.NextCursor, p.HasMore)}
	for _, item := range p.Items {
		r.Messages = append(r.Messages, card(item))
	}
	return r
}

// slack is how much a clock may differ from the service's when a command of
// unknown fate is looked for.
const slack = 2 * time.Second

// after reports that something was made since the command began, by the service's clock.
func (a Args) after(api *imagine.Client, made time.Time) bool {
	since := a.since.Add(-slack)
	if skew, known := api.Skew(); known {
		since = since.Add(-skew)
	}
	return made.IsZero() || !made.Before(since)
}

// lookAmong walks a list, newest first as far as is known, until something fits
// or three pages have passed.
func lookAmong[T any](ctx context.Context, list imagine.Lister[T], fits func(T) bool) (T, bool, error) {
	var none T
	pages := 0
	for p, err := range imagine.Pages(ctx, list, imagine.PageQuery{Limit: imagine.MaxLimit}) {
		if err != nil {
			return none, false, err
		}
		for _, item := range p.Items {
			if fits(item) {
				return item, true, nil
			}
		}
		if pages++; pages == 3 {
			break
		}
	}
	return none, false, nil
}

// line answers with one sentence and what programs want to know.
func line(data any, text string) Reply { return Reply{Data: data, Text: text} }

// Success is the result of a command that has nothing else to tell.
type Success struct {
	Success bool `json:"success"`
}

func success(text string) Reply { return line(Success{true}, text) }
