package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
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
	respond               string // response_url
	ephemeral             bool   // on a message that only this person sees
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

// interaction is what Slack sends of a click, shortcut, form or query, narrow on
// purpose: the library's type fails on fields that nobody here reads.
type interaction struct {
	Type     string `json:"type"`
	Trigger  string `json:"trigger_id"`
	Respond  string `json:"response_url"`
	Callback string `json:"callback_id"`
	Team     struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
		Team     string `json:"team_id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		Channel   string `json:"channel_id"`
		Message   string `json:"message_ts"`
		Thread    string `json:"thread_ts"`
		Ephemeral bool   `json:"is_ephemeral"`
	} `json:"container"`
	Message shown `json:"message"`
	View    view  `json:"view"`
	Actions []struct {
		Action  string `json:"action_id"`
		Block   string `json:"block_id"`
		Value   string `json:"value"`
		Option  option `json:"selected_option"`
		Channel string `json:"selected_conversation"`
	} `json:"actions"`
	// Of a query.
	Action string `json:"action_id"`
	Block  string `json:"block_id"`
	Value  string `json:"value"`
}

var kinds = map[string]matter{
	"block_actions": click, "shortcut": shortcut, "message_action": shortcut,
	"view_submission": submit, "view_closed": closing, "block_suggestion": query,
}

var errNotADelivery = errors.New("not a delivery of Slack")

// lenient reads JSON and forgives fields of another type than expected: they stay
// empty, the rest is read.
func lenient(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd && firstByte(raw) == '{' {
		return nil
	}
	return err
}

func firstByte(raw []byte) byte {
	for _, b := range raw {
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b
		}
	}
	return 0
}

// decodeInteraction reads a click, shortcut, form or query.
func decodeInteraction(raw []byte) (inbound, error) {
	var i interaction
	if lenient(raw, &i) != nil || i.Type == "" {
		return inbound{}, errNotADelivery
	}
	in := inbound{
		kind: kinds[i.Type], name: i.Type, trigger: i.Trigger, callback: i.Callback, message: i.Message, view: i.View,
		who: person{id: i.User.ID, name: cmp.Or(i.User.Username, i.User.Name), team: i.User.Team},
		at: scene{
			team: i.Team.ID, channel: cmp.Or(i.Channel.ID, i.Container.Channel), respond: i.Respond,
			thread: cmp.Or(i.Message.Thread, i.Container.Thread), ephemeral: i.Container.Ephemeral,
		},
	}
	in.message.TS = cmp.Or(i.Message.TS, i.Container.Message)
	if in.at.team == "" { // an organisation's own interaction names the person's team alone
		in.at.team = i.User.Team
	}
	switch {
	case in.kind == query:
		in.press = press{action: i.Action, block: i.Block, value: i.Value}
	case len(i.Actions) > 0:
		a := i.Actions[0]
		in.press = press{action: a.Action, block: a.Block, value: cmp.Or(a.Value, a.Option.Value, a.Channel)}
	}
	return in, nil
}

// decodeSlash reads a command, from a form or from the socket's JSON.
func decodeSlash(get func(string) string) inbound {
	return inbound{
		kind: slash, name: "slash_commands", text: get("text"), trigger: get("trigger_id"),
		who: person{id: get("user_id"), name: get("user_name")},
		at:  scene{team: get("team_id"), channel: get("channel_id"), respond: get("response_url"), thread: get("thread_ts")},
	}
}

// fromSocket reads the payload of an envelope.
func fromSocket(e envelope) (inbound, error) {
	switch e.Type {
	case "events_api":
		return fromEvent(e.Payload)
	case "interactive":
		return decodeInteraction(e.Payload)
	case "slash_commands":
		var fields map[string]json.RawMessage
		if lenient(e.Payload, &fields) != nil {
			return inbound{}, errNotADelivery
		}
		return decodeSlash(func(name string) string { return text(fields[name]) }), nil
	}
	return inbound{name: e.Type}, nil
}

func fromEvent(raw []byte) (inbound, error) {
	d, ok := decodeEvent(raw)
	if !ok {
		return inbound{}, errNotADelivery
	}
	in := inbound{kind: event, name: "events_api/" + cmp.Or(d.Event.Type, d.Type), event: d, at: scene{team: d.TeamID}}
	if d.Type != "event_callback" {
		in.kind = unknown
	}
	return in, nil
}

// fromForm reads the body of a command or interaction over HTTP.
func fromForm(body []byte) (inbound, error) {
	form, err := url.ParseQuery(string(body))
	switch {
	case err != nil:
		return inbound{}, errNotADelivery
	case form.Has("payload"):
		return decodeInteraction([]byte(form.Get("payload")))
	case form.Get("ssl_check") == "1":
		return inbound{name: "ssl_check"}, nil
	case form.Get("command") != "":
		return decodeSlash(form.Get), nil
	}
	return inbound{}, errNotADelivery
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
