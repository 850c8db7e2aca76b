package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	maxSend  = 15 * time.Second // for a whole Send; what is left beside a call goes into waits
	maxFlush = time.Minute      // for an edit that waits for its turn after Send
)

// Send implements bridge.Sink. It waits a few seconds for the channel's turn and
// Slack's pace, and ends within 15 s whatever Slack does.
func (s *Sink) Send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	if problem := PlaceProblem(d.To.Place); problem != "" {
		return bridge.Receipt{}, &bridge.SendError{
			Verdict: bridge.Gone, Advice: d.To.String() + ": " + problem, Err: errors.New("place is not a channel id"),
		}
	}
	ctx, cancel := context.WithTimeout(ctx, maxSend)
	defer cancel()
	if s.opt.Commands != nil {
		s.acquaint(ctx) // buttons and threads belong to a workspace
	}
	if s.repeats(ctx, d) {
		return bridge.Receipt{}, nil // it stands there as the person typed it
	}
	d.Message.Actions = s.buttons(d)
	var r bridge.Receipt
	var err *bridge.SendError
	if d.Replaces.Message == "" || d.Replaces.Channel != d.To.Place { // nothing to replace, or the subscription moved to another channel
		r, err = s.post(ctx, d)
	} else {
		r, err = s.edit(ctx, d)
	}
	if err != nil {
		return bridge.Receipt{}, err
	}
	s.mirror.Show(r.Channel+"/"+cmp.Or(r.Root, r.Message), d.Message.Text)
	s.shownNow(r, d)
	s.noteTalk(ctx, r, d)
	return r, nil
}

// post sends a message that is not there yet.
func (s *Sink) post(ctx context.Context, d bridge.Delivery) (bridge.Receipt, *bridge.SendError) {
	again := false
	if !d.Doubt.IsZero() {
		r, repeat, err := s.resolve(ctx, d)
		if err != nil || !r.IsZero() {
			return r, err
		}
		again = repeat
	}
	leave, err := s.turns.enter(ctx, d.To.Place, s.spare(ctx))
	if err != nil {
		return bridge.Receipt{}, err
	}
	defer leave()
	r, err := s.postSmaller(ctx, d, again || d.Unsure)
	switch {
	case !again:
	case err == nil || err.Verdict == bridge.InDoubt:
		s.repeated.put(d.Key, true)
		s.opt.Count("slack_repeats_without_look")
	}
	return r, err
}

// postSmaller posts the message, in smaller forms where Slack refuses it.
func (s *Sink) postSmaller(ctx context.Context, d bridge.Delivery, again bool) (bridge.Receipt, *bridge.SendError) {
	thread, marked := threadOf(d), true
	for f := full; ; {
		b := s.binder().render(d, f, again)
		s.keep(ctx, b.kept)
		if !marked {
			b.metadata = slackgo.SlackMetadata{}
		}
		r, bad := s.postOnce(ctx, d, b, thread)
		switch {
		case bad == nil:
			return r, nil
		case bad.paced != nil:
			return r, bad.paced
		case thread != "" && bad.threadGone():
			thread = ""
		case bad.metadata() && len(d.Told.Keys) > 0:
			d.Told = bridge.Told{} // known by its own key alone
		case marked && bad.metadata():
			marked = false
		case bad.verdict(posting) == bridge.Reject && f < textOnly:
			s.log.Warn("slack refuses the message, a smaller one follows", "destination", d.To.String(), "event_id", d.Event.ID, "err", bad)
			s.opt.Count("slack_messages_refused")
			f++
		default:
			return r, s.turnedAway(ctx, bad, d)
		}
	}
}

// metadata reports that Slack refuses what rides along unseen.
func (f *fault) metadata() bool { return strings.Contains(f.code, "metadata") }

func (s *Sink) postOnce(ctx context.Context, d bridge.Delivery, b body, thread string) (bridge.Receipt, *fault) {
	options := append(b.options(),
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(), slackgo.MsgOptionDisableMarkdown())
	if thread != "" {
		options = append(options, slackgo.MsgOptionTS(thread))
	}
	var r bridge.Receipt
	bad := s.paced(ctx, call{method: methodPost, channel: d.To.Place}, func(ctx context.Context, api *slackgo.Client) error {
		channel, ts, shown, err := api.PostMessageWithResponseContext(ctx, d.To.Place, options...)
		if err == nil && ts == "" {
			return errPoor
		}
		r = receipt(channel, ts, shown.ThreadTimestamp, d)
		return err
	})
	if bad == nil && d.Message.UpdateKey != "" { // its first edit keeps the distance too
		s.pacer.done(time.Now(), call{method: methodUpdate, channel: r.Channel, ts: r.Message})
	}
	return r, bad
}

// options are what a message is made of, for posting and editing alike. Edits
// parse their text unless told not to.
func (b body) options() []slackgo.MsgOption {
	options := []slackgo.MsgOption{slackgo.MsgOptionText(b.text, false), slackgo.MsgOptionParse(false)}
	if b.metadata.EventType != "" {
		options = append(options, slackgo.MsgOptionMetadata(b.metadata))
	}
	return append(options, slackgo.MsgOptionBlocks(b.blocks...))
}

// spare is the time that may go into waiting, so that a call begun after it can
// still end in its own time.
func (s *Sink) spare(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return maxSend
	}
	return time.Until(deadline) - s.opt.Timeout
}

// tooEarly says when to come again where waiting would take too long.
func tooEarly(c call, wait time.Duration) *bridge.SendError {
	return &bridge.SendError{Verdict: bridge.Retry, After: wait, Paced: true, Err: fmt.Errorf("%s: waits for Slack's limit", c.method)}
}

func stopped() *bridge.SendError {
	return &bridge.SendError{Verdict: bridge.Retry, Err: errors.New("stopped while it waited")}
}

// await waits until the call's own channel or message may be written again.
func (s *Sink) await(ctx context.Context, c call) *bridge.SendError {
	for {
		wait := s.pacer.wait(time.Now(), c)
		if wait == 0 {
			return nil
		}
		if wait > s.spare(ctx) {
			return tooEarly(c, wait)
		}
		if !sleep(ctx, wait) {
			return stopped()
		}
	}
}

// slot waits until Slack's limits allow the call.
func (s *Sink) slot(ctx context.Context, c call) *bridge.SendError {
	for {
		if err := s.await(ctx, c); err != nil {
			return err
		}
		wait, cancel := s.pacer.book(time.Now(), c.method)
		if wait > max(0, s.spare(ctx)) {
			cancel()
			return tooEarly(c, wait)
		}
		if !sleep(ctx, wait) {
			cancel()
			return stopped()
		}
		if s.pacer.wait(time.Now(), c) == 0 { // no pause came meanwhile
			return nil
		}
	}
}

// paced makes a call when Slack's limits allow it.
func (s *Sink) paced(ctx context.Context, c call, f func(context.Context, *slackgo.Client) error) *fault {
	if early := s.slot(ctx, c); early != nil {
		return &fault{method: c.method, paced: early}
	}
	bad := s.web.do(ctx, c.method, f)
	now := time.Now()
	s.pacer.done(now, c)
	if bad != nil && bad.pause > 0 {
		bad.pause = s.pacer.pause(now, c.method, bad.pause)
		s.log.Warn("slack asks for a pause", "method", c.method, "retry_in", bad.pause)
	}
	return bad
}

// failed is what Send returns of a fault.
func (s *Sink) failed(bad *fault, why purpose, d bridge.Delivery) *bridge.SendError {
	if bad.paced != nil {
		return bad.paced
	}
	e := bad.sendError(why, d.To.Place)
	if s.grant != nil && e.Verdict == bridge.Revoked {
		e.Advice = s.grant.apps.shutOut()
	}
	return e
}

// turnedAway is failed for a message, in the words of people where Slack tells what
// they call its channel.
func (s *Sink) turnedAway(ctx context.Context, bad *fault, d bridge.Delivery) *bridge.SendError {
	e := s.failed(bad, posting, d)
	if e.Verdict == bridge.Gone && (bad.code == "not_in_channel" || bad.code == "is_archived") && slices.Contains(s.web.known(), "channels:read") {
		if info, f := s.channelInfo(ctx, d.To.Place); f == nil && info.Name != "" {
			e.Advice = bad.advice("#" + oneLine(info.Name))
		}
	}
	return e
}

// sleep waits for d and reports whether it could: false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// buttons are those of a relayed card: what one can do about it before the pages
// it links to. A list of what happened has none: its event is only the last.
func (s *Sink) buttons(d bridge.Delivery) []bridge.Action {
	if s.opt.Actions == nil || s.opt.Commands == nil || d.Event.Data == nil || isList(d.Message) {
		return d.Message.Actions
	}
	return bridge.Merge(s.opt.Actions(d.Event), d.Message.Actions)
}
