package command

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

func listSubscriptions(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	all, err := h.inSight(ctx, who)
	if err != nil {
		return Reply{}, err
	}
	slices.SortStableFunc(all, func(a, b bridge.SubscriptionRecord) int { return strings.Compare(a.Name, b.Name) })
	out := SubscriptionList{Items: []SubscriptionView{}}
	reply := Reply{Text: found(a.in, len(all), "subscription")}
	for _, r := range all {
		v, err := h.view(ctx, r)
		if err != nil {
			return Reply{}, err
		}
		out.Items = append(out.Items, v)
		if len(reply.Messages) < maxShown {
			reply.Messages = append(reply.Messages, v.card(a.in, a.zone))
		}
	}
	if n := len(all) - len(reply.Messages); n > 0 {
		reply.Text += " " + a.say("The first %d are shown.", maxShown)
	}
	reply.Data = out
	return reply, nil
}

// maxShown is how many subscriptions a person is shown at once.
const maxShown = 25

func showSubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	r, err := h.find(ctx, who, a.Text("subscription"))
	if err != nil {
		return Reply{}, err
	}
	return h.shown(ctx, a, r, "")
}

// shown is a subscription as it stands, with a sentence before it.
func (h *House) shown(ctx context.Context, a Args, r bridge.SubscriptionRecord, text string) (Reply, error) {
	v, err := h.view(ctx, r)
	if err != nil {
		return Reply{}, err
	}
	if text == "" {
		text = v.Name + ": " + strings.TrimSuffix(v.state(a.in, a.zone), ".") + "."
	}
	return Reply{Data: v, Text: text, Messages: []bridge.Message{v.card(a.in, a.zone)}}, nil
}

// view is a subscription with where its lane stands.
func (h *House) view(ctx context.Context, r bridge.SubscriptionRecord) (SubscriptionView, error) {
	s, known, err := h.History.Standing(ctx, h.now(r))
	if err != nil {
		return SubscriptionView{}, unread(err)
	}
	v := SubscriptionView{
		ID: r.ID, Name: r.Name, Agents: r.Agents, Preset: r.Preset, Events: r.Events, Filter: r.Filter, To: r.Label(), Start: r.Start,
		Digest: r.DigestAt, Quiet: r.Quiet.String(), Cap: r.Cap, CatchUp: r.UnusualCatchUp(), Notify: r.Notify, Audience: r.Audience, Template: r.Template, State: "starting", Waiting: s.Waiting, Origin: r.Origin, By: r.By.Name, Made: r.Made,
	}
	if r.Digest > 0 {
		v.Digest = span(r.Digest)
	}
	if r.Fold > 0 {
		v.Fold = span(r.Fold)
	}
	if r.Strict {
		v.Order = strictOrder
	}
	v.clock = r.Zone()
	if known {
		v.State, v.Reason = string(s.Record.State), s.Record.Reason
	}
	switch sends, until := r.Sends(time.Now()); {
	case !sends:
		v.State, v.Reason, v.PausedUntil = string(bridge.Paused), "", until
	case v.State == string(bridge.Paused):
		v.State, v.Reason = string(bridge.Live), "" // its worker is about to begin
	}
	return v, nil
}

// span writes a duration without the parts that are zero: 1h, 90m is 1h30m.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// card is the subscription for people, with times by the clock of who reads it.
func (v SubscriptionView) card(in language.Speaker, zone *time.Location) bridge.Message {
	m := bridge.Message{Event: "subscription", Title: v.Name, Footnote: v.origin(in)}
	fact := func(name, value string) {
		if value != "" {
			m.Fields = append(m.Fields, bridge.Field{Name: name, Value: value})
		}
	}
	fact("Events", v.what(in))
	fact("Agents", v.who(in))
	fact("Where", v.To)
	fact("State", v.state(in, zone))
	fact("Only where", v.Filter)
	fact("Digest", v.Digest)
	fact("Quiet", v.Quiet)
	if v.Cap > 0 {
		fact("At most", in.Say("%s a minute", counted(v.Cap, "message")))
	}
	fact("Folded within", v.Fold)
	fact("After an outage", v.CatchUp)
	fact("Order", v.Order)
	fact("Told of troubles", v.Notify)
	fact("Mentions", v.audience())
	fact("Template", cut(oneLine(v.Template), 200))
	m.Actions = append(v.snoozes(), press("Send test", "subscribe test", "subscription", v.ID))
	if v.Origin != bridge.FromFile {
		remove := press("Remove", "subscribe remove", "subscription", v.ID)
		remove.Danger = true
		m.Actions = append(m.Actions, remove)
	}
	return m
}

// snoozes are the buttons that let a subscription rest, and go on.
func (v SubscriptionView) snoozes() []bridge.Action {
	pause := func(label, until string) bridge.Action {
		a := press(label, "subscribe pause", "subscription", v.ID)
		a.Args["until"] = until
		return a
	}
	morning := pause("Until tomorrow 9:00", strings.TrimSpace("tomorrow 9:00 "+v.clock))
	if v.State == string(bridge.Paused) {
		return []bridge.Action{press("Resume", "subscribe resume", "subscription", v.ID), morning}
	}
	rest := []bridge.Action{press("Pause", "subscribe pause", "subscription", v.ID), pause("Pause 1 h", "1h"), morning}
	if v.State == string(bridge.Suspended) {
		return append([]bridge.Action{lookAgain(v.ID, v.To)}, rest...)
	}
	return rest
}

func (v SubscriptionView) what(in language.Speaker) string {
	if p, ok := bridge.FindPreset(v.Preset); ok {
		return v.Preset + ": " + in.Word(p.Summary)
	}
	return strings.Join(v.Events, ", ")
}

func (v SubscriptionView) who(in language.Speaker) string {
	switch {
	case slices.Contains(v.Agents, bridge.EveryAgent) && v.Origin == bridge.FromChat:
		return in.Word("all that are connected here")
	case slices.Contains(v.Agents, bridge.EveryAgent):
		return in.Word("all")
	}
	var out []string
	for _, h := range v.Agents {
		out = append(out, "@"+h)
	}
	return strings.Join(out, ", ")
}

func (v SubscriptionView) state(in language.Speaker, zone *time.Location) string {
	s := in.Word(v.State)
	if !v.PausedUntil.IsZero() {
		s = in.Say("%s until %s", s, Moment(v.PausedUntil, zone))
	}
	if v.Waiting > 0 {
		s = in.Say("%s, %s waiting", s, counted(v.Waiting, "event"))
	}
	return strings.TrimSpace(s + prefixed(": ", v.Reason))
}

func (v SubscriptionView) origin(in language.Speaker) string {
	switch {
	case v.Origin == bridge.FromFile:
		return in.Word("from the file") + " · " + v.ID
	case v.By != "":
		return in.Say("made by %s", v.By) + " · " + v.ID
	}
	return v.ID
}
