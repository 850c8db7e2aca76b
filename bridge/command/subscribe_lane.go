package command

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

func removeSubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	r, err := h.find(ctx, who, a.Text("subscription"))
	if err == nil {
		err = ownSettings(a.in, &r)
	}
	if err != nil {
		return Reply{}, err
	}
	if err := h.Subscriptions.Remove(ctx, r); err != nil {
		return Reply{}, unwritten(err)
	}
	return success(a.say("Removed: %s. Its dead letters stay.", r.Name)), nil
}

func pauseSubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	pause := &bridge.Pause{At: time.Now().UTC(), By: who.person()}
	until := ""
	if wish := a.Text("until"); wish != "" {
		at, err := untilWhen(wish, pause.At, a.zone)
		if err != nil {
			return Reply{}, err
		}
		pause.Until, until = at.UTC(), Moment(at, a.zone)
	}
	r, err := h.change(ctx, who, a.Text("subscription"), func(r *bridge.SubscriptionRecord) error {
		r.Paused = pause
		return nil
	})
	if err != nil {
		return Reply{}, err
	}
	if until != "" {
		return h.shown(ctx, a, r, a.say("Paused until %s: %s. What happens meanwhile waits.", until, r.Name))
	}
	return h.shown(ctx, a, r, a.say("Paused: %s. What happens meanwhile waits.", r.Name))
}

func resumeSubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	r, err := h.findTold(ctx, who, a.Text("subscription"))
	if err != nil {
		return Reply{}, err
	}
	if r.Paused == nil {
		lane, refused, err := h.suspended(ctx, r)
		if err != nil {
			return Reply{}, err
		}
		if refused {
			return h.tryAgain(ctx, who, a, r, lane)
		}
	}
	waited := false
	r, err = h.change(ctx, who, a.Text("subscription"), func(r *bridge.SubscriptionRecord) error {
		waited, r.Paused = r.Paused != nil, nil
		return nil
	})
	if err != nil {
		return Reply{}, err
	}
	if !waited {
		return h.shown(ctx, a, r, a.say("It was not paused: %s.", r.Name))
	}
	return h.shown(ctx, a, r, a.say("It goes on: %s.", r.Name))
}

func replaySubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	since, err := earlier(a.Text("since"), time.Now(), a.zone)
	if err != nil {
		return Reply{}, err
	}
	r, err := h.find(ctx, who, a.Text("subscription"))
	if err != nil {
		return Reply{}, err
	}
	got, err := h.previewed(ctx, r, since, a.zone)
	if err != nil {
		return Reply{}, err
	}
	if n := got.Sends; n > maxUnasked && !a.Confirmed() {
		return Reply{}, &AskError{Question: a.say("That sends %s again since %s. Do it?", counted(n, "event"), Moment(since, a.zone))}
	}
	wish := a.Since().UTC() // of the first attempt of this request: it is noted once
	r, err = h.change(ctx, who, r.ID, func(r *bridge.SubscriptionRecord) error {
		if r.Rerun == nil || !r.Rerun.At.Equal(wish) {
			r.Rerun = &bridge.Rerun{Number: r.Reruns() + 1, At: wish, Since: since.UTC(), By: who.person()}
		}
		return nil
	})
	if err != nil {
		return Reply{}, err
	}
	text := a.say("Replaying %s since %s: %s to send.", r.Name, Moment(since, a.zone), counted(got.Sends, "event"))
	if yes, _ := r.Sends(time.Now()); !yes {
		text += " " + a.say("It is paused: they go when it is resumed.")
	}
	return h.shown(ctx, a, r, text)
}

// maxUnasked is how many events a replay sends without asking first.
const maxUnasked = 50

func testSubscription(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	r, err := h.find(ctx, who, a.Text("subscription"))
	if err != nil {
		return Reply{}, err
	}
	m := bridge.Message{
		Event: "subscription.test", Title: "Test message", At: time.Now(), Tone: bridge.ToneGood,
		Text: a.say("This is how messages of the subscription %s arrive here.", r.Name), Footnote: "nothing happened at ImagineAnything",
	}
	err = h.Send(ctx, r, "test_"+mark(who.ID), m)
	if e, ok := errors.AsType[*bridge.SendError](err); ok {
		p := &Problem{Code: 502, Status: e.Verdict.String(), Message: a.say("Not sent to %s.", r.Label()), Hint: e.Advice}
		if e.Verdict == bridge.InDoubt {
			p.Message, p.Unknown = a.say("I can't tell whether it arrived at %s.", r.Label()), true
		}
		return Reply{}, p
	}
	if err != nil {
		return Reply{}, err
	}
	return success(a.say("Sent to %s.", r.Label())), nil
}

// backForm is a stretch of time such as 2h, 90m, 3d.
var backForm = regexp.MustCompile(`^\d`)

// untilWhen reads until when, a stretch of time from now or a moment, by the given
// clock where it names no zone.
func untilWhen(text string, now time.Time, zone *time.Location) (time.Time, error) {
	at, err := When(text, now, zone)
	if err != nil && backForm.MatchString(text) {
		if in, err := When("in "+text, now, zone); err == nil {
			return in, nil
		}
	}
	return at, about("until", err)
}

// earlier reads since when: a stretch of time back from now, or a moment by the given
// clock where it names no zone.
func earlier(text string, now time.Time, zone *time.Location) (time.Time, error) {
	wrong := &ArgError{Arg: "since", Status: "not_a_time", Reason: phrase("%q is no time in the past.", cut(text, 64)), Hint: phrase("Write 2h, 3d, or 2026-12-01 09:00.")}
	if in, err := When("in "+text, now, zone); err == nil {
		return now.Add(-in.Sub(now)), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			if at.After(now) {
				return time.Time{}, wrong
			}
			return at, nil
		}
	}
	return time.Time{}, wrong
}

// about says which argument an error is about.
func about(arg string, err error) error {
	if e, ok := errors.AsType[*ArgError](err); ok && e.Arg == "" {
		e.Arg = arg
	}
	return err
}
