package command

import (
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// SubscriptionView is a subscription as programs see it.
type SubscriptionView struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Agents  []string `json:"agents"`
	Preset  string   `json:"preset,omitempty"`
	Events  []string `json:"events"`
	Filter  string   `json:"filter,omitempty"`
	To      string   `json:"to"` // of an address the host alone
	Start   string   `json:"start,omitempty"`
	Digest  string   `json:"digest,omitempty"` // a duration, or a time of day
	Quiet   string   `json:"quiet,omitempty"`
	Cap     int      `json:"cap,omitempty"`
	Fold    string   `json:"fold,omitempty"`    // a duration
	CatchUp string   `json:"catchUp,omitempty"` // digest, all or skip, where it is not the usual one
	Order   string   `json:"order,omitempty"`   // strict, or nothing
	Notify  string   `json:"notify,omitempty"`  // the channel that is told of troubles

	Audience    map[string]string `json:"audience,omitempty"` // whom which events mention
	Template    string            `json:"template,omitempty"` // words of its own
	State       string            `json:"state"`              // live, held, paused, suspended, starting
	Reason      string            `json:"reason,omitempty"`
	PausedUntil time.Time         `json:"pausedUntil,omitzero"`
	Waiting     int               `json:"waiting"` // events of its kinds that are not done yet
	Origin      string            `json:"origin"`
	By          string            `json:"by,omitempty"`
	Made        time.Time         `json:"made,omitzero"`

	clock string // the zone of its own hours, "" where it has none
}

// SubscriptionList is what "subscribe list" gives programs.
type SubscriptionList struct {
	Items []SubscriptionView `json:"items"`
}

func subscriptionArg() Arg {
	return Arg{Name: "subscription", Summary: "its name", Complete: SubscriptionNames, Max: 80}
}

// chosenEvents are the arguments that say which events are meant.
func chosenEvents() []Arg {
	return []Arg{
		choiceArg("preset", "which events", bridge.PresetNames()...),
		{Name: "events", Summary: "event patterns", Kind: List, Max: 40},
		{Name: "filter", Summary: "only where this holds", Max: 2000, Clears: true},
		{Name: "template", Summary: "words of its own", Max: 2000, Clears: true},
	}
}

// settingArgs are the settings that people may give a subscription.
func settingArgs() []Arg {
	return append(chosenEvents(),
		Arg{Name: "to", Summary: "where, usually here", Max: 2000},
		Arg{Name: "digest", Summary: "gather: 1h or 09:00", Max: 64, Clears: true},
		Arg{Name: "quiet", Summary: "22:00-07:00 and zone", Max: 64, Clears: true},
		Arg{Name: "cap", Summary: "messages a minute", Kind: Integer, Max: 60},
		Arg{Name: "fold", Summary: "likes as one for 10m", Max: 16, Clears: true},
		choiceArg("catch_up", "after an outage", bridge.CatchUps()...),
		choiceArg("order", "of a webhook", strictOrder, freeOrder),
		Arg{Name: "notify", Summary: "told of troubles", Max: 200, Clears: true},
		Arg{Name: "audience", Summary: "mention whom, at what", Kind: List, Max: 25, Clears: true},
		Arg{Name: "agents", Summary: "handles, usually all", Kind: List, Complete: Agents, Max: 100},
	)
}

func subscribeSpecs() []Spec {
	list := append(subscribeLooks(), subscribeDeeds()...)
	list = append(list, subscribeLanes()...)
	for i := range list {
		list[i].Group, list[i].Private = "subscribe", true
	}
	return list
}

func subscribeLooks() []Spec {
	return []Spec{
		{
			Verb: "list", Summary: "List subscriptions", Aliases: []string{"subscriptions"}, Result: SubscriptionList{}, House: listSubscriptions,
		},
		{
			Verb: "show", Summary: "Show a subscription", Args: []Arg{subscriptionArg()}, Result: SubscriptionView{}, House: showSubscription,
		},
		{
			Verb: "why", Summary: "Why an event came, or did not", Args: []Arg{required(Arg{Name: "event", Summary: "the event's id", Max: 200}), subscriptionArg()},
			Result: Trace{}, House: whySubscription,
		},
		{
			Verb: "preview", Summary: "What it would have sent", Access: Write, Result: Preview{}, House: previewSubscription,
			Args: append([]Arg{subscriptionArg(), {Name: "since", Summary: "how far back", Max: 64, Default: "24h"}}, chosenEvents()...),
		},
	}
}

func subscribeDeeds() []Spec {
	name := Arg{Name: "name", Summary: "what to call it", Max: 40}
	return []Spec{
		{
			Verb: "add", Summary: "Subscribe a channel to events", Aliases: []string{"subscribe"}, Access: Write, Repeat: Same, Failed: "Not subscribed", Asks: true,
			Args:   append(settingArgs(), Arg{Name: "start", Summary: "new, all or 24h", Max: 32}, name),
			Result: SubscriptionView{}, House: addSubscription,
		},
		{
			Verb: "edit", Summary: "Change a subscription", Access: Write, Repeat: Same, Failed: "Not changed",
			Args: append([]Arg{subscriptionArg()}, append(settingArgs(), name)...), Result: SubscriptionView{}, House: editSubscription,
		},
		{
			Verb: "remove", Summary: "Remove a subscription", Access: Write, Repeat: Same, Failed: "Not removed", Confirm: true,
			Question: "Remove this subscription? What waits for it will not be sent any more; its dead letters stay.",
			Args:     []Arg{required(subscriptionArg())}, Result: Success{}, House: removeSubscription,
		},
	}
}

func subscribeLanes() []Spec {
	return []Spec{
		{
			Verb: "pause", Summary: "Pause a subscription", Access: Write, Repeat: Same, Failed: "Not paused",
			Args: []Arg{subscriptionArg(), {Name: "until", Summary: "2h, tomorrow 9:00", Max: 64}}, Result: SubscriptionView{}, House: pauseSubscription,
		},
		{
			Verb: "resume", Summary: "Let it send again", Access: Write, Repeat: Same, Failed: "Not resumed",
			Args: []Arg{subscriptionArg()}, Result: SubscriptionView{}, House: resumeSubscription,
		},
		{
			Verb: "replay", Summary: "Send again what was sent", Access: Write, Repeat: Same, Failed: "Not replayed",
			Args: []Arg{required(Arg{Name: "since", Summary: "2h, 2026-12-01 09:00", Max: 64}), subscriptionArg()}, Result: SubscriptionView{}, House: replaySubscription,
		},
		{
			Verb: "test", Summary: "Send a test message", Access: Write, Repeat: Same, Failed: "Not sent",
			Args: []Arg{subscriptionArg()}, Result: Success{}, House: testSubscription,
		},
	}
}
