package slack

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// matter is what a delivery is about.
type matter int

const (
	unknown  matter = iota
	event           // something happened
	slash           // a person typed a command
	click           // pressed a button or chose from a menu, on a message, in a form or at home
	shortcut        // called a shortcut
	submit          // sent a form
	closing         // closed one without sending it
	query           // types into a select that we complete
)

// inbound is one verified delivery, whichever door it came through.
type inbound struct {
	kind  matter
	name  string // its type as Slack spells it
	app   string // whose delivery it is, "" where Slack does not say
	who   person
	at    scene
	event delivery // of events

	trigger  string // opens a form, once, within three seconds
	text     string // of a command
	callback string // of a shortcut
	message  shown  // what a click or a message shortcut is about
	press    press
	view     view
}

// person is who did it.
type person struct {
	id, name string
	team     string // their own, where Slack says it: another than the place's for people of other organisations
}

// scene is where it was done and how an answer gets there.
type scene struct {
	team, channel, thread string

	enterprise string // the organisation of the team, "" for none

	respond   string // response_url
	ephemeral bool   // on a message that only this person sees
}

// shown is a message as an interaction carries it, as far as anybody asks.
type shown struct {
	TS     string            `json:"ts"`
	Thread string            `json:"thread_ts"`
	Text   string            `json:"text"`
	BotID  string            `json:"bot_id"`
	Blocks []json.RawMessage `json:"blocks"`
}

// press is one button pressed or option chosen, or the field that is typed into.
type press struct{ action, block, value string }

// view is the form or home an interaction happened in.
type view struct {
	ID       string `json:"id"`
	Hash     string `json:"hash"`
	Type     string `json:"type"`
	Callback string `json:"callback_id"`
	Meta     string `json:"private_metadata"`
	External string `json:"external_id"`
	State    struct {
		Values map[string]map[string]field `json:"values"` // by block, by action
	} `json:"state"`
}

// field is what stands in one input of a form. Its form differs by the type of
// the input (Slack docs: "Block elements").
type field struct {
	Type    string   `json:"type"`
	Value   string   `json:"value"`
	Option  option   `json:"selected_option"`
	Options []option `json:"selected_options"`
	Files   []upload `json:"files"`
	Channel string   `json:"selected_conversation"`
}

type option struct {
	Value string `json:"value"`
}

// upload is a file that somebody put into a form.
type upload struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"mimetype"`
	Size int64  `json:"size"`
	URL  string `json:"url_private_download"`
}

// ack is how a delivery is acknowledged and what follows.
type ack struct {
	body  any                   // nil for none
	again bool                  // not taken: Slack shall send it again, where it does so
	then  func(context.Context) // the work, begun after the acknowledgement
}

const (
	recordTime = 2 * time.Second  // usually, for what must be stored before the acknowledgement
	workTime   = 12 * time.Minute // for what follows it; a command has ten minutes of its own
)

// handleBy decides what a delivery means, by the time at which it must be
// acknowledged. Whatever takes longer comes after that.
func (s *Sink) handleBy(ctx context.Context, deadline time.Time, in inbound) ack {
	if s.apps != nil {
		return s.apps.handleBy(ctx, deadline, in)
	}
	return s.handleOwn(ctx, deadline, in)
}

// handleOwn is handleBy for what is known to be for this sink.
func (s *Sink) handleOwn(ctx context.Context, deadline time.Time, in inbound) ack {
	if s.web.selfKnown().TeamID == "" { // whose deliveries are ours is good to know, but nothing to wait for
		s.after(ctx, s.acquaint)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return s.handle(ctx, in)
}

func (s *Sink) handle(ctx context.Context, in inbound) ack {
	if own := s.web.selfKnown().TeamID; own != "" && in.at.team != "" && in.at.team != own {
		s.unheard("of another workspace")
		return ack{}
	}
	switch in.kind {
	case event:
		return s.hear(ctx, in)
	case unknown:
	case slash, click, shortcut, submit, closing, query:
		if s.opt.Commands != nil && in.who.id != "" {
			return s.interact(ctx, in)
		}
	}
	s.unheard(in.name)
	return ack{}
}

// after does the work that an acknowledged delivery asked for.
func (s *Sink) after(ctx context.Context, work func(context.Context)) {
	if work == nil {
		return
	}
	free := context.WithoutCancel(ctx) // the delivery is over, its work is not
	s.late.Go(func() {
		ctx, cancel := context.WithTimeout(free, workTime)
		defer cancel()
		defer s.caught(ctx)
		work(ctx)
	})
}

// caught keeps a defect in one delivery's work from the others.
func (s *Sink) caught(ctx context.Context) {
	if v := recover(); v != nil {
		s.opt.Count("slack_panics")
		s.log.ErrorContext(ctx, "work for slack panicked", "panic", v)
	}
}

// outsider reports somebody of another organisation, in a channel that both share.
func (in inbound) outsider() bool {
	return in.who.team != "" && in.at.team != "" && in.who.team != in.at.team && !strings.HasPrefix(in.who.team, "E")
}
