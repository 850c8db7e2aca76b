package discord

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// connecting opens the form that connects an agent, or carries it out when it comes
// back filled in.
func (v *visit) connecting(ctx context.Context, w wizard, verb string) {
	spec := v.spec(connectGroup, verb)
	if spec == nil {
		v.say(ctx, "This bridge can't do that.")
		return
	}
	q := v.request(press{Group: connectGroup, Verb: verb})
	if v.in.Kind != visitForm {
		f := v.form(ctx, spec, q, false)
		f.CustomID = v.in.CustomID
		v.offer(ctx, f)
		return
	}
	v.fill(spec, &q, press{})
	a, ok := v.carryOut(ctx, q)
	if !ok {
		return
	}
	problem := ""
	if a.OK {
		v.await(ctx, a)
		w.Agent = ""
		w.At = time.Now().UTC()
	} else {
		problem = v.wrong(a)
	}
	v.show(ctx, w, problem)
}

// carryOut does a command for the wizard: recorded, acknowledged, done. It is false
// where there is nothing to show any more.
func (v *visit) carryOut(ctx context.Context, q command.Request) (command.Answer, bool) {
	limit, cancel := context.WithTimeout(ctx, acceptLimit)
	defer cancel()
	q.Back = v.back(inPlace)
	if v.o.Commands.Check(ctx, q) == nil {
		if err := v.o.Commands.Accept(limit, q); err != nil {
			_ = v.first(ctx, respondMessage, v.problem(ctx, v.in.Guild, q.Agent, command.Explain(v.reader(), err)).private()) // logged there
			return command.Answer{}, false
		}
	}
	if err := v.first(ctx, respondSilent, nil); err != nil && !errors.Is(err, errAcknowledged) && !unsure(err) {
		v.log.Warn("command goes on without its acknowledgement", "command", q.Group+" "+q.Verb, "interaction", v.in.ID)
	}
	a := v.o.Commands.Do(ctx, q)
	a.Told(ctx) // the wizard goes on from it
	return a, !a.Running && (a.Problem == nil || a.Problem.Status != "id_taken")
}

// wrong says in a sentence why a command was not done.
func (v *visit) wrong(a command.Answer) string {
	switch {
	case a.Problem != nil:
		return a.Problem.Error()
	case a.NeedsConfirm:
		return a.Question
	}
	return ""
}

// await waits until this process knows an agent that was just connected: other
// processes and the next screen look at the same store.
func (v *visit) await(ctx context.Context, a command.Answer) {
	ctx, cancel := context.WithTimeout(ctx, agentSoon)
	defer cancel()
	view, _ := a.Reply.Data.(command.ConnectionView)
	for !slices.Contains(v.agents(), view.Handle) {
		if pause(ctx, 50*time.Millisecond) != nil {
			return
		}
	}
}

// show brings the wizard's message to its present state, after its acknowledgement.
func (v *visit) show(ctx context.Context, w wizard, note string) {
	if !v.keep(ctx, &w) {
		return
	}
	v.amend(ctx, v.screen(w, note))
}

func (v *visit) amend(ctx context.Context, r reply) {
	if err := v.edit(ctx, r); err != nil && !dismissed(err) {
		v.log.Warn("answer not shown", "interaction", v.in.ID, "err", err)
	}
}

// testing sends a test message the way that all others go.
func (v *visit) testing(ctx context.Context, w wizard) {
	if p := v.o.Commands.Check(ctx, v.subscribing(w)); p != nil && refuses(p) {
		v.quick(ctx, v.subscribing(w))
		return
	}
	_ = v.first(ctx, respondSilent, nil) // logged there
	in := v.reader()
	guild, err := v.Guild(ctx, w.Channel)
	if err == nil && guild != w.Guild {
		v.show(ctx, w, in.Say("That channel belongs to another server."))
		return
	}
	m := bridge.Message{
		Event: "subscription.test", Title: in.Say("Test message"), At: time.Now(), Tone: bridge.ToneGood,
		Text: in.Say("This is how messages arrive here."), Footnote: in.Say("nothing happened at ImagineAnything"),
	}
	if err == nil {
		_, err = v.Send(ctx, bridge.Delivery{
			Key: "setup_" + v.in.ID, Subscription: "setup", To: bridge.Destination{Scheme: command.Discord, Place: w.Channel},
			Event: events.Event{ID: "setup_" + v.in.ID, Time: m.At}, Message: m, Attempt: 1,
		})
	}
	note := in.Say("The test message is there.")
	if e, ok := errors.AsType[*bridge.SendError](err); ok && e.Advice != "" {
		note = in.Word(e.Advice)
	} else if err != nil {
		note = in.Say("The test message could not be sent. Try again in a minute.")
	}
	v.show(ctx, w, note)
}

// subscribing is the command that the wizard ends with. The person read on the
// screen who will see direct messages, and started it knowing.
func (v *visit) subscribing(w wizard) command.Request {
	q := v.request(press{Group: "subscribe", Verb: "add"})
	q.Values["to"] = w.Channel
	if preset := presetOf(w.Topics); preset != "" {
		q.Values["preset"] = preset
	} else {
		q.Values["events"] = patternsOf(w.Topics)
	}
	if w.Agent != "" {
		q.Values["agents"] = w.Agent
	}
	maps.Copy(q.Values, paceOf(w.Pace).values)
	q.Confirmed, q.Button = true, true
	return q
}

// starting makes the subscription; pressed twice it makes one.
func (v *visit) starting(ctx context.Context, w wizard) {
	q := v.subscribing(w)
	q.ID = v.once()
	a, ok := v.carryOut(ctx, q)
	if !ok {
		return
	}
	if !a.OK {
		v.show(ctx, w, v.wrong(a))
		return
	}
	w.Over = true
	if v.keep(ctx, &w) {
		v.amend(ctx, v.answer(ctx, v.in.Guild, q, a))
	}
}
