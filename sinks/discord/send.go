package discord

import (
	"context"
	"errors"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// sendTimeout ends a Send whatever Discord does.
const sendTimeout = 20 * time.Second

const routeMessages = "/channels/{channel}/messages"

// Send implements bridge.Sink. A delivery that replaces a message edits it; any
// other is posted once, under a nonce made of its key. Errors are
// *bridge.SendError and hold no secret.
func (s *Sink) Send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	if !isSnowflake(d.To.Place) {
		return bridge.Receipt{}, &bridge.SendError{
			Verdict: bridge.Gone, Err: errors.New("destination is no channel id"),
			Advice: "Discord needs the channel's number, not its name. In Discord: Settings → Advanced → Developer Mode, then right-click the channel → Copy Channel ID.",
		}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if s.repeats(ctx, d) {
		return bridge.Receipt{}, nil // it stands there as the person typed it
	}
	j := &job{Sink: s, d: d, nonce: nonceOf(d)}
	if s.o.Commands != nil && s.o.Actions != nil {
		j.d.Message.Actions = bridge.Merge(s.o.Actions(d.Event), d.Message.Actions)
	}
	j.ids = s.ids(ctx, j.d.Message.Actions, d.Message.Agent, "")
	if d.Replaces.Message != "" {
		if r, anew, err := j.replace(ctx); !anew {
			return r, err
		}
	}
	r, err := j.post(ctx)
	if err == nil && r.Thread != "" {
		s.mirror.Show(r.Thread, d.Message.Text)
	}
	return r, err
}

// job is one Send under way.
type job struct {
	*Sink
	d     bridge.Delivery
	nonce string
	ids   []string // custom_ids of the message's actions
}

func (j *job) card(inThread bool) card {
	return render(j.d.Message, inThread, j.sign(), j.ids...)
}

func (j *job) plain(inThread bool) card { return renderPlain(j.d.Message, inThread, j.mark()) }

// post shows the message anew, in its thread where it belongs to one.
func (j *job) post(ctx context.Context) (bridge.Receipt, error) {
	at, err := j.target(ctx)
	if err != nil {
		return bridge.Receipt{}, err
	}
	r, err := j.postAt(ctx, at)
	if err == nil || at.channel == j.d.To.Place {
		return r, err
	}
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok && e.Code == codeUnknownChannel: // somebody deleted the thread: begin another
		return j.postAt(ctx, spot{channel: j.d.To.Place, head: true})
	case ok && (e.Code == codeThreadLocked || e.Code == codeArchived):
		// One conversation was closed on purpose; the others go on.
		locked := judge(err, create, j.place(at.channel))
		locked.Verdict = bridge.Reject
		return r, locked
	}
	return r, err
}

// spot is where a message goes.
type spot struct {
	channel string // or thread
	root    string // message that heads the thread
	reply   string // message in the same channel that it answers
	head    bool   // a thread is made from it
}

func (at spot) receipt(message string) bridge.Receipt {
	r := bridge.Receipt{Channel: at.channel, Message: message, At: timeOf(message)}
	if at.root != "" {
		r.Thread, r.Root = at.channel, at.root
	}
	return r
}

// postAt posts at a spot, or finds there what an earlier attempt posted.
func (j *job) postAt(ctx context.Context, at spot) (bridge.Receipt, error) {
	id, err := j.found(ctx, at.channel)
	if err != nil {
		return bridge.Receipt{}, err
	}
	if id == "" {
		if id, err = j.create(ctx, at); err != nil {
			return bridge.Receipt{}, err
		}
	}
	if id == "" {
		return bridge.Receipt{}, nil // sent, and removed by somebody since
	}
	r := at.receipt(id)
	r.Version = j.d.Message.Version
	if at.head {
		if r.Thread, err = j.openThread(ctx, at.channel, id, j.d.Message); err != nil {
			j.log.Debug("no thread yet", "destination", j.d.To.String(), "event_id", j.d.Event.ID, "err", err)
		}
	}
	j.chart(ctx, r)
	return r, nil
}

// create posts the message. An empty id without error means that it was posted
// before and has been deleted since.
func (j *job) create(ctx context.Context, at spot) (string, error) {
	body := j.card(at.root != "").create(j.nonce).calling(j.d.Mentions)
	if at.reply != "" {
		body.Reference = &reference{Message: at.reply}
	}
	for plainer := false; ; {
		id, err := j.createOnce(ctx, at.channel, body)
		if err == nil {
			return id, nil
		}
		e, ok := errors.AsType[*Error](err)
		switch {
		case ok && e.Code == codeUnknownMessage:
			return "", nil
		case ok && e.Code == codeNoHistory && body.Reference != nil:
			body.Reference = nil
			continue
		case ok && e.badForm() && !plainer:
			j.log.Warn("message refused, sending it as plain text", "destination", j.d.To.String(), "event_id", j.d.Event.ID, "err", err)
			reference := body.Reference
			body, plainer = j.plain(at.root != "").create(j.nonce).calling(j.d.Mentions), true
			body.Reference = reference
			continue
		}
		return "", judge(err, createIn(at), j.place(at.channel))
	}
}

func createIn(at spot) deed {
	if at.root != "" {
		return createInThread
	}
	return create
}

// createOnce makes one request, and where its answer is lost waits a moment for
// the message to come back by the gateway.
func (j *job) createOnce(ctx context.Context, channel string, body createBody) (string, error) {
	echo := j.echoes.expect(j.nonce)
	defer echo.forget()
	var made struct {
		ID flexID `json:"id"`
	}
	err := j.rest.do(ctx, fill("POST", routeMessages, channel), body, &made)
	if err == nil && made.ID == "" {
		err = &Error{Method: "POST", Route: routeMessages, Text: "the answer names no message", Unsure: true}
	}
	if err == nil {
		return string(made.ID), nil
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Unsure {
		if id := echo.wait(ctx); id != "" {
			return id, nil
		}
	}
	return "", err
}

// place is a channel as people know it.
func (s *Sink) place(channel string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name := s.names[channel]; name != "" {
		return "#" + name
	}
	return "channel " + channel
}
