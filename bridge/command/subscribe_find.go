package command

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// inSight lists the subscriptions that a caller reaches: all of them for whom NATS
// or the terminal let in (over NATS those of the agent alone whose subject it is),
// else those of their workspace.
func (h *House) inSight(ctx context.Context, who Caller) ([]bridge.SubscriptionRecord, error) {
	all, err := h.Subscriptions.List(ctx)
	switch {
	case err != nil:
		return nil, unread(err)
	case who.only != "":
		return slices.DeleteFunc(all, func(r bridge.SubscriptionRecord) bool { return !slices.Equal(r.Agents, []string{who.only}) }), nil
	case who.trusted():
		return all, nil
	}
	return slices.DeleteFunc(all, func(r bridge.SubscriptionRecord) bool { return !h.belongs(ctx, r, who) }), nil
}

// belongs reports that a subscription is of the caller's workspace: that of its
// channel, or the one that made it where nobody can tell whose the channel is.
func (h *House) belongs(ctx context.Context, r bridge.SubscriptionRecord, who Caller) bool {
	to := bridge.ParseDestination(r.To)
	if to.Scheme != who.Principal.Platform || who.Principal.Workspace == "" {
		return false
	}
	if r.Workspace != "" {
		return r.Workspace == who.Principal.Workspace
	}
	return h.Channels.Workspace(ctx, to) == who.Principal.Workspace
}

// find gives the subscription of a name or id; without one the only one of this
// channel, or the only one there is. One out of reach reads like one that does not
// exist.
func (h *House) find(ctx context.Context, who Caller, name string) (bridge.SubscriptionRecord, error) {
	all, err := h.inSight(ctx, who)
	if err != nil {
		return bridge.SubscriptionRecord{}, err
	}
	var found []bridge.SubscriptionRecord
	switch {
	case name != "":
		for _, r := range all {
			if r.ID == name {
				return r, nil
			}
			if strings.EqualFold(r.Name, name) {
				found = append(found, r)
			}
		}
	case len(all) == 1:
		return all[0], nil
	default:
		for _, r := range all {
			if r.To == who.Principal.Platform+":"+who.Place {
				found = append(found, r)
			}
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return bridge.SubscriptionRecord{}, notFound(who.in, name, all, found)
}

func notFound(in language.Speaker, name string, all, found []bridge.SubscriptionRecord) *Problem {
	names := func(list []bridge.SubscriptionRecord, of func(bridge.SubscriptionRecord) string) []string {
		var out []string
		for _, r := range list[:min(len(list), 10)] {
			out = append(out, of(r))
		}
		return out
	}
	byName := func(r bridge.SubscriptionRecord) string { return r.Name }
	switch {
	case len(all) == 0:
		return &Problem{Code: 404, Status: "no_subscription", Field: "subscription", Message: "There are no subscriptions here yet.", Hint: "Make one: /ia subscribe add."}
	case name == "":
		return &Problem{
			Code: 400, Status: "subscription_required", Field: "subscription", Message: in.Say("There are several subscriptions here: %s.", allOf(names(all, byName))),
			Hint: in.Say("Say which one: %s", "subscription:"+all[0].Name),
		}
	case len(found) > 1:
		ids := names(found, func(r bridge.SubscriptionRecord) string { return r.ID })
		return &Problem{Code: 409, Status: "ambiguous", Field: "subscription", Message: in.Say("Several are called %s: %s.", found[0].Name, allOf(ids)), Hint: "Say which one by its id."}
	}
	p := &Problem{Code: 404, Status: "no_subscription", Field: "subscription", Message: in.Say("There is no subscription %q here.", cut(name, 64)), Hint: "/ia subscribe list shows all."}
	if near := nearest(name, names(all, byName)); near != "" {
		p.Hint = in.Say("Did you mean %q?", near) + " " + in.Word(p.Hint)
	}
	return p
}

// change makes a change to a subscription that others may change at the same time.
func (h *House) change(ctx context.Context, who Caller, name string, how func(*bridge.SubscriptionRecord) error) (bridge.SubscriptionRecord, error) {
	return h.changing(ctx, func() (bridge.SubscriptionRecord, error) { return h.find(ctx, who, name) }, how)
}

// changing is change for what find gives.
func (h *House) changing(ctx context.Context, find func() (bridge.SubscriptionRecord, error), how func(*bridge.SubscriptionRecord) error) (bridge.SubscriptionRecord, error) {
	for attempt := 0; ; attempt++ {
		r, err := find()
		if err == nil {
			err = how(&r)
		}
		if err != nil {
			return r, err
		}
		r.Changed = time.Now().UTC()
		stored, err := h.Subscriptions.Put(ctx, r)
		if attempt < 3 && errors.Is(err, ErrMoved) {
			continue
		}
		return stored, unwritten(err)
	}
}

// ownSettings refuses to change what the configuration file says.
func ownSettings(in language.Speaker, r *bridge.SubscriptionRecord) error {
	if r.Origin != bridge.FromFile {
		return nil
	}
	return &Problem{
		Code: 409, Status: "from_the_file", Message: in.Say("Not done: %s is from the configuration file.", r.Name),
		Hint: "Change it there. It can be paused, resumed, replayed and tested here.",
	}
}
