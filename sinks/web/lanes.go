package web

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// subscriptionRow is a subscription as the console shows it.
type subscriptionRow struct {
	command.SubscriptionView
	counted
	Rate   string
	Dot    string // the state as one of the States
	What   string
	Who    string
	Dead   int
	Origin string
	Deeds  []deed
	Path   string
}

// rows lays subscriptions out, with what the journal told of them.
func (s *Server) rows(in language.Speaker, all []command.SubscriptionView) []subscriptionRow {
	now := time.Now()
	dead := map[string]int{}
	for _, l := range s.desk.dead.last() {
		dead[l.Subscription]++
	}
	out := make([]subscriptionRow, 0, len(all))
	for _, v := range all {
		v.Name, v.Filter, v.Reason, v.By = oneLine(v.Name, maxName), clean(v.Filter, maxText), oneLine(v.Reason, maxQuote), oneLine(v.By, maxName)
		row := subscriptionRow{
			SubscriptionView: v, counted: s.desk.tallies.of(v.ID, now), Dead: dead[v.ID], Dot: dotOf(v.State),
			What: cmp.Or(v.Preset, strings.Join(v.Events, ", ")), Who: handles(in, v.Agents), Origin: originOf(in, v), Path: pathOf("subscription", "id", v.ID),
		}
		row.Rate = rate(in, row.counted)
		out = append(out, row)
	}
	return out
}

// dotOf is a lane's state as the colours know it.
func dotOf(state string) string {
	switch state {
	case string(bridge.Live):
		return StateOK
	case string(bridge.Held), string(bridge.Paused), StateStarting:
		return StateStarting
	}
	return StateDown
}

// rate is how much goes out: of the last five minutes where anything did, else of
// the last hour.
func rate(in language.Speaker, c counted) string {
	switch {
	case c.Five > 0:
		return in.Say("%.1f a minute", float64(c.Five)/5)
	case c.Hour > 0:
		return in.Say("%d in the last hour", c.Hour)
	}
	return in.Say("none in the last hour")
}

func handles(in language.Speaker, all []string) string {
	if len(all) == 0 || slices.Contains(all, bridge.EveryAgent) {
		return in.Say("all agents")
	}
	return "@" + strings.Join(all, ", @")
}

func originOf(in language.Speaker, v command.SubscriptionView) string {
	switch v.Origin {
	case bridge.FromFile:
		return in.Say("from the configuration file")
	case bridge.FromChat:
		return joined(in.Say("made in chat"), v.By)
	case bridge.FromCLI:
		return in.Say("made by the operator")
	}
	return in.Say("made over NATS")
}

// deedsOf are the buttons that fit a subscription's state.
func deedsOf(v visit, row subscriptionRow) []deed {
	if row.State == string(bridge.Paused) {
		return []deed{v.press(v.In.Say("Resume"), "subscribe resume", "subscription", row.ID)}
	}
	return []deed{v.press(v.In.Say("Pause"), "subscribe pause", "subscription", row.ID)}
}

func (s *Server) subscriptions(ctx context.Context, v visit) (any, error) {
	all, err := s.desk.subscriptions.get(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.desk.dead.get(ctx); err != nil {
		return nil, err
	}
	rows := s.rows(v.In, all)
	for i := range rows {
		rows[i].Deeds = deedsOf(v, rows[i])
	}
	return map[string]any{"Rows": rows}, nil
}

// subscriptionPage is one subscription with all that can be done to it.
type subscriptionPage struct {
	subscriptionRow
	Resume, Pause, Test, Remove, Replay deed
	Letters                             []letterRow
	Recent                              []eventLine
}

func (s *Server) subscription(ctx context.Context, v visit) (any, error) {
	all, err := s.desk.subscriptions.get(ctx)
	if err != nil {
		return nil, err
	}
	letters, err := s.desk.dead.get(ctx)
	if err != nil {
		return nil, err
	}
	id := v.Query.Get("id")
	rows := s.rows(v.In, all)
	i := slices.IndexFunc(rows, func(r subscriptionRow) bool { return r.ID == id })
	if i < 0 {
		return nil, noSubscription()
	}
	p := subscriptionPage{
		subscriptionRow: rows[i],
		Resume:          v.press(v.In.Say("Resume"), "subscribe resume", "subscription", id), Pause: v.press(v.In.Say("Pause"), "subscribe pause", "subscription", id),
		Test: v.press(v.In.Say("Send a test message"), "subscribe test", "subscription", id), Replay: v.press(v.In.Say("Replay"), "subscribe replay", "subscription", id),
		Remove: v.press(v.In.Say("Remove"), "subscribe remove", "subscription", id),
	}
	p.Remove.Danger, p.Remove.Back = true, "/console/subscriptions"
	for _, l := range letters {
		if l.Subscription == id && len(p.Letters) < shownLetters {
			p.Letters = append(p.Letters, letterOf(v, l))
		}
	}
	p.Recent = s.desk.recent.newest(nil, 10)
	return p, nil
}

// preview is a dry run: what a subscription would have sent.
func (s *Server) preview(ctx context.Context, v visit) (any, error) {
	values := map[string]any{"subscription": v.typed("subscription")}
	for _, name := range []string{"since", "filter"} {
		if text := v.typed(name); text != "" {
			values[name] = text
		}
	}
	page := map[string]any{"Subscription": v.typed("subscription"), "Since": v.typed("since"), "Filter": v.typed("filter"), "Text": "", "Items": nil}
	a, err := s.ask(ctx, v, "preview", values)
	if err != nil {
		return page, err
	}
	p, _ := a.Reply.Data.(command.Preview)
	page["Text"], page["Items"] = a.Reply.Text, p.Items
	return page, nil
}

// why is the way of one event through one subscription.
func (s *Server) why(ctx context.Context, v visit) (any, error) {
	page := map[string]any{"Subscription": v.typed("subscription"), "Event": v.typed("event"), "Text": "", "Trace": command.Trace{}}
	a, err := s.ask(ctx, v, "why", map[string]any{"subscription": v.typed("subscription"), "event": v.typed("event")})
	if err != nil {
		return page, err
	}
	t, _ := a.Reply.Data.(command.Trace)
	page["Text"], page["Trace"] = a.Reply.Text, t
	return page, nil
}

// ask has a command look something up. The error is its *command.Problem.
func (s *Server) ask(ctx context.Context, v visit, verb string, values map[string]any) (command.Answer, error) {
	a := s.desk.o.Do(ctx, command.Request{
		Principal: operator(), Group: "subscribe", Verb: verb, Values: values, Door: door, Place: v.Place, Locale: v.In.Tag(),
	})
	switch {
	case a.OK:
		return a, nil
	case a.Problem != nil:
		return a, a.Problem
	}
	return a, noAnswer()
}
