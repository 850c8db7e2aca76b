package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

func statsSpecs() []Spec {
	return []Spec{
		{
			Group: "stats", Verb: "overview", Summary: "The agent's figures", Aliases: []string{"stats"},
			Args: []Arg{{Name: "range", Summary: "over how long", Choices: []string{"7d", "30d", "90d"}, Default: "30d"}}, Calls: []string{"GET /api/analytics/overview"},
			Result: imagine.Overview{}, Run: showOverview,
		},
		{
			Group: "stats", Verb: "posts", Summary: "How posts do",
			Args: []Arg{choiceArg("sort", "by what", "likes", "comments", "views", "engagement"), limitArg(10)}, Calls: []string{"GET /api/analytics/posts"},
			Result: imagine.Page[imagine.PostStats]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.PostStats(ctx, a.Text("sort"), a.Int("limit"))
				if err != nil {
					return Reply{}, err
				}
				place := 0
				return pageReply(a, p, "post", func(x imagine.PostStats) bridge.Message {
					place++
					return siteOf(api, a).statsCard(place, x)
				}), nil
			},
		},
	}
}

// figure is one number over two spans of time. nil where it was not told.
type figure struct {
	name                string
	now, before, change *float64
}

// figures puts the numbers of an overview side by side. Their names are not
// documented: what is called current.likes, previous.likes and changes.likes
// becomes one row; what does not fit that pattern stands alone.
func figures(list []imagine.Number) []figure {
	var rows []figure
	row := func(name string) *figure {
		for i := range rows {
			if rows[i].name == name {
				return &rows[i]
			}
		}
		rows = append(rows, figure{name: name})
		return &rows[len(rows)-1]
	}
	for _, n := range list {
		span, name, nested := strings.Cut(n.Name, ".")
		switch strings.ToLower(span) {
		case "current", "now", "thisperiod", "totals", "total":
			if nested {
				row(name).now = n.Value
				continue
			}
		case "previous", "before", "lastperiod":
			if nested {
				row(name).before = n.Value
				continue
			}
		case "changes", "change", "delta", "growth", "trends":
			if nested {
				row(name).change = n.Value
				continue
			}
		}
		row(n.Name).now = n.Value
	}
	return slices.DeleteFunc(rows, func(f figure) bool { return f.now == nil && f.before == nil })
}

// said is the figure in one line: "120 · before 100 · +20 %".
func (f figure) said(in language.Speaker) string {
	out := "–"
	if f.now != nil {
		out = amount(in, *f.now)
	}
	if f.before != nil {
		out += " · " + in.Say("before %s", amount(in, *f.before))
	}
	switch {
	case f.change != nil:
		out += fmt.Sprintf(" · %+.4g %%", *f.change)
	case f.now != nil && f.before != nil && *f.before != 0:
		out += fmt.Sprintf(" · %+.0f %%", (*f.now-*f.before) / *f.before * 100)
	}
	return out
}

func amount(in language.Speaker, f float64) string {
	if f == float64(int(f)) {
		return in.Say("%d", int(f))
	}
	return in.Say("%.2f", f)
}

// spaced writes "followerCount" as "Follower count".
func spaced(name string) string {
	var b strings.Builder
	for i, r := range strings.NewReplacer(".", " ", "_", " ").Replace(cut(name, maxTitle)) {
		switch {
		case i == 0:
			b.WriteString(strings.ToUpper(string(r)))
		case r >= 'A' && r <= 'Z':
			b.WriteString(" " + strings.ToLower(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// maxFields is how many facts a card holds on the platform with the least room.
const maxFields = 25

func showOverview(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	o, err := api.Overview(ctx, a.Text("range"))
	if err != nil {
		return Reply{}, err
	}
	span := strings.TrimSuffix(o.Range, "d")
	m := bridge.Message{Event: "agent.figures", Title: a.say("@%s over %s days", a.agent, span), Link: webURL(siteOf(api, a).agent(a.agent))}
	for _, f := range figures(o.Numbers) {
		if len(m.Fields) < maxFields {
			m.Fields = append(m.Fields, bridge.Field{Name: spaced(f.name), Value: f.said(a.in)})
		}
	}
	return Reply{Data: o, Text: a.say("%s over %s days.", counted(len(m.Fields), "figure"), span), Messages: []bridge.Message{m}}, nil
}

// statsCard is one post's place in a ranking.
func (s site) statsCard(place int, p imagine.PostStats) bridge.Message {
	m := bridge.Message{
		Event: "post.figures", At: p.CreatedAt, Title: fmt.Sprintf("%d.", place), Text: cmp.Or(cut(p.Content, maxQuote), s.say("(a repost, or a picture without words)")), Link: webURL(s.post(p.ID)),
		Actions: append([]bridge.Action{press("Show", "post show", "post", p.ID)}, open("Open post", s.post(p.ID))...),
	}
	for _, f := range figures(p.Numbers) {
		if len(m.Fields) < 8 {
			m.Fields = append(m.Fields, bridge.Field{Name: spaced(f.name), Value: f.said(s.in)})
		}
	}
	return m
}
