package command

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// maxSubscriptions is how many subscriptions a workspace may have; and all
// together, for callers without one (docs/reliability.md, limits).
const (
	maxSubscriptions    = 100
	maxAllSubscriptions = 2000
)

func addSubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	now := time.Now().UTC()
	r := bridge.SubscriptionRecord{Start: a.Text("start"), Origin: originOf(who), By: who.person(), Made: now, Changed: now, Agents: who.Agents}
	if r.Workspace = who.Principal.Workspace; who.trusted() {
		r.Agents = []string{"*"}
	}
	if a.Agent() != "" {
		r.Agents = []string{a.Agent()}
	}
	if !a.Has("preset") && !a.Has("events") {
		usual := "quiet"
		if !who.May(Admin) {
			usual = "public"
		}
		p, _ := bridge.FindPreset(usual)
		r.Preset, r.Events = p.Name, p.Events
	}
	all, err := h.inSight(ctx, who)
	if err != nil {
		return Reply{}, err
	}
	if limit := limitOf(who); len(all) >= limit {
		return Reply{}, &Problem{Code: 409, Status: "too_many", Message: a.say("Not subscribed: there are %d subscriptions, the most there may be.", limit), Hint: "Remove one first: /ia subscribe list."}
	}
	if err := h.settle(ctx, &r, who, a); err != nil {
		return Reply{}, err
	}
	if err := h.guard(ctx, r, bridge.SubscriptionRecord{}, who, a, "Not subscribed"); err != nil {
		return Reply{}, err
	}
	base := r.Name
	if base == "" {
		base = r.Preset
	}
	if base == "" {
		base = "custom"
	}
	r.ID = strings.ToLower(base) + "-" + mark(who.ID)
	if i := slices.IndexFunc(all, func(o bridge.SubscriptionRecord) bool { return o.ID == r.ID }); i >= 0 {
		return h.added(ctx, a, all[i]) // this very request was done before
	}
	if r.Name, err = freeName(base, r.Name != "", all); err != nil {
		return Reply{}, err
	}
	stored, err := h.Subscriptions.Put(ctx, r)
	if err != nil {
		return Reply{}, unwritten(err)
	}
	return h.added(ctx, a, stored)
}

func (h *House) added(ctx context.Context, a Args, r bridge.SubscriptionRecord) (Reply, error) {
	text := a.say("Subscribed: %s.", r.Name)
	if r.Preset == "public" {
		text += " " + a.say("Direct messages are left out; an administrator may add them.")
	}
	reply, err := h.shown(ctx, a, r, text)
	if err != nil { // it is stored all the same
		return Reply{Text: text, Data: SubscriptionView{ID: r.ID, Name: r.Name, Agents: r.Agents, Events: r.Events, To: r.Label(), State: "starting", Origin: r.Origin}}, nil //nolint:nilerr // how it stands is not what was asked
	}
	return reply, nil
}

func limitOf(who Caller) int {
	if who.program() {
		return maxAllSubscriptions
	}
	return maxSubscriptions
}

func originOf(who Caller) string {
	switch {
	case strings.HasPrefix(who.ID, "nats:") && strings.Contains(who.ID, "do-"), who.Principal.Platform == Terminal:
		return bridge.FromCLI
	case who.Principal.Platform == NATS:
		return bridge.FromNATS
	}
	return bridge.FromChat
}

// mark tells one subscription from all others: six letters, the same for the same
// request.
func mark(request string) string {
	if request == "" {
		request = rand.Text()
	}
	sum := sha256.Sum256([]byte(request))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:6])
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// freeName is the wished name, or the usual one with a number behind it where it
// is taken.
func freeName(base string, wished bool, all []bridge.SubscriptionRecord) (string, error) {
	taken := func(name string) bool {
		return slices.ContainsFunc(all, func(r bridge.SubscriptionRecord) bool { return strings.EqualFold(r.Name, name) || r.ID == name })
	}
	switch {
	case !taken(base):
		return base, nil
	case wished:
		return "", &ArgError{Arg: "name", Status: "taken", Reason: phrase("There is a subscription %q already.", base), Hint: phrase("Choose another name.")}
	}
	for n := 2; ; n++ {
		if name := fmt.Sprintf("%s-%d", base, n); !taken(name) {
			return name, nil
		}
	}
}

func editSubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	if len(a.values) == 0 || len(a.values) == 1 && a.Has("subscription") {
		return Reply{}, &ArgError{Status: "empty", Reason: phrase("There is nothing to change."), Hint: phrase("Give what is to be different, such as events, filter, to, digest, quiet, cap or name.")}
	}
	r, err := h.change(ctx, who, a.Text("subscription"), func(r *bridge.SubscriptionRecord) error {
		before := *r
		if err := ownSettings(a.in, r); err != nil {
			return err
		}
		if err := h.settle(ctx, r, who, a); err != nil {
			return err
		}
		if !strings.EqualFold(r.Name, before.Name) {
			all, err := h.inSight(ctx, who)
			if err != nil {
				return err
			}
			if _, err := freeName(r.Name, true, all); err != nil {
				return err
			}
		}
		return h.guard(ctx, *r, before, who, a, "Not changed")
	})
	if err != nil {
		return Reply{}, err
	}
	return h.shown(ctx, a, r, a.say("Changed: %s.", r.Name))
}

// settle puts what the caller gave into the record, and checks the whole.
func (h *House) settle(ctx context.Context, r *bridge.SubscriptionRecord, who Caller, a Args) error {
	if err := choose(r, a); err != nil {
		return err
	}
	if name := a.Text("name"); name != "" {
		if !nameForm.MatchString(name) {
			return &ArgError{Arg: "name", Status: "wrong_type", Reason: phrase("A name is letters, digits, - and _.")}
		}
		r.Name = name
	}
	if err := paced(r, a); err != nil {
		return err
	}
	if err := reached(r, who, a); err != nil {
		return err
	}
	if r.Start != "" && r.Start != "new" && r.Start != "all" {
		if back, err := time.ParseDuration(r.Start); err != nil || back < 0 {
			return &ArgError{Arg: "start", Status: "wrong_type", Reason: phrase("%q is none of new, all, or a duration back from now such as 24h.", cut(r.Start, 32))}
		}
	}
	if err := h.address(ctx, r, who, a); err != nil {
		return err
	}
	if err := h.notified(ctx, r, who, a); err != nil {
		return err
	}
	if err := addressed(r, who, a); err != nil {
		return err
	}
	s, err := r.Compile()
	if err == nil {
		err = r.Fits()
	}
	if called := s.Audience.All(); err == nil && len(called) > 0 && (a.Has("audience") || a.Has("to")) {
		if p := h.Channels.CheckAudience(ctx, r.Workspace, s.To, called); p != nil {
			p.Field = "audience"
			return p
		}
	}
	if e, ok := errors.AsType[*bridge.RecordError](err); ok {
		return &ArgError{Arg: e.Field, Status: "refused", Reason: phrase("%s", ended(e.Reason))}
	}
	return err
}

// ended is a reason as a sentence.
func ended(reason string) string {
	reason = upper(reason)
	if strings.HasSuffix(reason, ".") || strings.HasSuffix(reason, "?") {
		return reason
	}
	return reason + "."
}

// choose settles which events are meant.
func choose(r *bridge.SubscriptionRecord, a Args) error {
	switch {
	case a.Has("preset") && a.Has("events"):
		return &ArgError{Arg: "events", Status: "one_of", Reason: phrase("Give a preset or events, not both.")}
	case a.Has("preset"):
		p, _ := bridge.FindPreset(a.Text("preset")) // one of the choices
		r.Preset, r.Events = p.Name, p.Events
	case a.Has("events"):
		r.Preset, r.Events = "", a.List("events")
	}
	if a.Has("filter") {
		r.Filter = off(a.Text("filter"))
	}
	if a.Has("template") {
		r.Template = off(a.Text("template"))
	}
	return nil
}

// off is a setting, empty where a person wrote that there be none.
func off(text string) string {
	switch strings.ToLower(text) {
	case "off", "none", "no", "0", "0s":
		return ""
	}
	return text
}

// reached settles the agents: those within the caller's reach and no others.
func reached(r *bridge.SubscriptionRecord, who Caller, a Args) error {
	if wished := a.List("agents"); len(wished) > 0 {
		r.Agents = nil
		for _, w := range wished {
			handle := bareHandle(w)
			i := slices.IndexFunc(who.Agents, func(h string) bool { return strings.EqualFold(h, handle) })
			switch {
			case handle == bridge.EveryAgent && who.narrow:
				r.Agents = slices.Clone(who.Agents)
			case handle == bridge.EveryAgent && (who.trusted() || len(who.Agents) > 0): // from chat: whatever is connected there when something happens
				r.Agents = []string{bridge.EveryAgent}
			case i < 0:
				return noAgent(Request{Agent: handle, Principal: who.Principal}, who.Agents)
			default:
				r.Agents = append(r.Agents, who.Agents[i])
			}
		}
		slices.Sort(r.Agents)
		r.Agents = slices.Compact(r.Agents)
	}
	if len(r.Agents) == 0 {
		return &Problem{Code: 404, Status: "no_agent", Message: "No agent is connected here yet.", Hint: "An admin can connect one: /ia connect."}
	}
	return nil
}

// guard keeps direct messages out of channels until somebody who may says so:
// everybody there reads them.
func (h *House) guard(ctx context.Context, r, before bridge.SubscriptionRecord, who Caller, a Args, failed string) error {
	to := bridge.ParseDestination(r.To)
	same := before.To == r.To && bridge.HoldsDMs(before.Events) && !slices.ContainsFunc(r.Agents, func(h string) bool { return !slices.Contains(before.Agents, h) })
	switch {
	case !bridge.HoldsDMs(r.Events) || same || to.Scheme != Discord && to.Scheme != Slack:
		return nil
	case !who.May(Admin):
		return &Problem{
			Code: 403, Status: "denied", Message: a.say("%s: only administrators may send direct messages into a channel.", a.in.Word(failed)), Hint: "Leave them out with preset:public, or ask an administrator.",
		}
	case a.Confirmed():
		return nil
	}
	whose := (SubscriptionView{Agents: r.Agents}).dms(a.in)
	if who.program() {
		return &AskError{Question: a.say("Everybody in that channel will read the direct messages of %s. Send them there?", whose)}
	}
	ask := &AskError{Question: a.say("Everybody in that channel will read the direct messages of %s.", whose), Agree: a.say("I understand")}
	switch name, people := h.Channels.Readers(ctx, who.Principal.Workspace, to); {
	case people > 1:
		ask.Question = a.say("%s can be read by %d people, and the direct messages of %s would appear there.", name, people, whose)
	case name != "":
		ask.Question = a.say("Everybody in %s will read the direct messages of %s.", name, whose)
	}
	ask.Question += " " + a.say("Use a private channel, or press “%s”.", ask.Agree)
	return ask
}

// dms names whose direct messages are meant.
func (v SubscriptionView) dms(in language.Speaker) string {
	if slices.Contains(v.Agents, "*") {
		return in.Word("all agents")
	}
	return v.who(in)
}
