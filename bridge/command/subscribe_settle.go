package command

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// paced settles when messages go.
func paced(r *bridge.SubscriptionRecord, a Args) error {
	if a.Has("digest") {
		r.Digest, r.DigestAt = 0, ""
		text := off(a.Text("digest"))
		if d, err := time.ParseDuration(text); err == nil {
			r.Digest = d
		} else {
			r.DigestAt = text // Compile says what is wrong with it
		}
	}
	if a.Has("quiet") {
		r.Quiet = nil
		if text := off(a.Text("quiet")); text != "" {
			hours, zone, _ := strings.Cut(text, " ")
			from, to, ok := strings.Cut(strings.ReplaceAll(hours, "–", "-"), "-")
			if !ok {
				return &ArgError{Arg: "quiet", Status: "wrong_type", Reason: phrase("%q are no quiet hours.", cut(text, 64)), Hint: phrase("Write 22:00-07:00 Europe/Berlin, or off.")}
			}
			r.Quiet = &bridge.QuietHours{From: from, To: to, Zone: strings.TrimSpace(zone)}
		}
	}
	if a.Has("cap") {
		r.Cap = a.Int("cap")
	}
	return following(r, a)
}

// following settles how messages follow each other.
func following(r *bridge.SubscriptionRecord, a Args) error {
	if a.Has("fold") {
		r.Fold = 0
		if text := off(a.Text("fold")); text != "" {
			span, ok := stretch(strings.ToLower(text))
			if !ok {
				return &ArgError{Arg: "fold", Status: "wrong_type", Reason: phrase("%q is no stretch of time.", cut(text, 32)), Hint: phrase("Write 10m or 1h, or off.")}
			}
			r.Fold = span
		}
	}
	if a.Has("catch_up") {
		r.CatchUp = a.Text("catch_up")
	}
	if a.Has("order") {
		r.Strict = a.Text("order") == strictOrder
	}
	return nil
}

// The choices of order.
const (
	strictOrder = "strict"
	freeOrder   = "free"
)

// channelForm is a channel as Discord and Slack write a mention of it.
var channelForm = regexp.MustCompile(`^<#([A-Za-z0-9]+)(?:\|[^>]*)?>$`)

// address settles where messages go: for people in chat a channel of their own
// workspace, usually that where they are.
func (h *House) address(ctx context.Context, r *bridge.SubscriptionRecord, who Caller, a Args) error {
	text := a.Text("to")
	switch {
	case text == "" && r.To != "":
		return nil
	case text == "" && who.program():
		return &ArgError{Arg: "to", Status: "required", Reason: phrase("to is required: discord:CHANNEL, slack:CHANNEL, webhook:URL or console.")}
	case text == "":
		text = who.Principal.Platform + ":" + who.Place
	}
	to, err := h.place(ctx, who, "to", text)
	if err != nil {
		return err
	}
	r.To, r.Sealed = to.String(), ""
	return nil
}

// place reads where messages are to go, and looks whether they can: for people in
// chat into channels of their own workspace alone.
func (h *House) place(ctx context.Context, who Caller, arg, text string) (bridge.Destination, error) {
	if m := channelForm.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	if !strings.Contains(text, ":") && !who.program() {
		text = who.Principal.Platform + ":" + text
	}
	to := bridge.ParseDestination(text)
	if !who.program() {
		if to.Scheme != who.Principal.Platform {
			return to, &ArgError{Arg: arg, Status: "elsewhere", Reason: phrase("From chat a subscription goes into a channel of this workspace."), Hint: phrase("Other places are for the configuration file and the terminal.")}
		}
		sees := h.Channels.Sees(ctx, who.Principal.Workspace, to)
		if !sees && to.Scheme == Slack && to.Place == who.Place {
			return to, notHere() // Slack hides a private channel from whom nobody invited
		}
		if !sees {
			return to, &ArgError{Arg: arg, Status: "no_channel", Reason: phrase("There is no such channel here that the bridge can see."), Hint: phrase("Name the channel by its id, and let the bridge into it.")}
		}
	}
	if p := h.Channels.Check(ctx, who.Principal.Workspace, to); p != nil {
		p.Field = arg
		return to, p
	}
	return to, nil
}

// notified settles where the owner is told of troubles: a channel, never a program.
func (h *House) notified(ctx context.Context, r *bridge.SubscriptionRecord, who Caller, a Args) error {
	if !a.Has("notify") {
		return nil
	}
	text := off(a.Text("notify"))
	if text == "" {
		r.Notify = ""
		return nil
	}
	to, err := h.place(ctx, who, "notify", text)
	if err != nil {
		return err
	}
	if to.Scheme != Discord && to.Scheme != Slack {
		return &ArgError{Arg: "notify", Status: "wrong_type", Reason: phrase("%q is no channel.", cut(text, 64)), Hint: phrase("Write discord:CHANNEL or slack:CHANNEL, or off.")}
	}
	r.Notify = to.String()
	return nil
}
