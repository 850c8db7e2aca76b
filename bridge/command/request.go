package command

import (
	"context"
	"encoding/json"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Platforms a principal can come from. NATS and the terminal let in only whom
// their own permissions let in, so nothing more is asked of them here.
const (
	Discord  = "discord"
	Slack    = "slack"
	NATS     = "nats"
	Terminal = "terminal"
)

// Principal is who asks, as the door has verified it.
type Principal struct {
	Platform  string   `json:"platform"`
	Workspace string   `json:"workspace,omitempty"` // guild or team
	User      string   `json:"user,omitempty"`
	Name      string   `json:"name,omitempty"`    // for the audit
	Roles     []string `json:"roles,omitempty"`   // ids of Discord roles, or of those Slack groups that the lists name
	Manages   bool     `json:"manages,omitempty"` // may manage the server, or installed the app
	Gone      bool     `json:"gone,omitempty"`    // was there when they ordered it, and has left since
}

// Request is one command as a door heard it.
type Request struct {
	ID        string            `json:"id,omitempty"` // stable over redeliveries: it runs once. Empty: never recorded
	Principal Principal         `json:"principal"`
	Agent     string            `json:"agent,omitempty"` // handle; empty where the principal reaches one only
	Group     string            `json:"group"`
	Verb      string            `json:"verb"`
	Values    map[string]any    `json:"values,omitempty"` // strings, numbers, booleans, lists; a string may stand for any of them
	Files     map[string][]File `json:"-"`
	Confirmed bool              `json:"confirmed,omitempty"` // the person was asked and said yes
	Button    bool              `json:"button,omitempty"`    // came from a button or a form on an earlier message
	Open      bool              `json:"open,omitempty"`      // typed where others read it: secrets are refused
	Door      string            `json:"door"`                // "discord", "slack", "nats", "terminal", "console": for the audit and for wording
	Place     string            `json:"place,omitempty"`     // channel or subject, for the audit
	Zone      string            `json:"zone,omitempty"`      // the person's time zone, "Europe/Berlin", where the door knows it
	Back      json.RawMessage   `json:"back,omitempty"`      // how the door finds the person again after a restart; kept, never shown
	Locale    string            `json:"locale,omitempty"`    // the language the person reads, as the platform names it: "de", "en-GB"; empty: English
	Tell      func(Reply)       `json:"-"`                   // hears how far slow work has come, one thing at a time and never after the answer
}

// Form is the name of a bound argument that asks the door to open the command's
// form, filled with the other bound arguments, and not to run it yet. Buttons
// bind the agent too, by the name "agent"; doors may pass both on as they are.
const Form = "form"

// Reply is what a command gives.
type Reply struct {
	Data     any               `json:"data,omitempty"`     // for programs; Spec.Result is its type
	Text     string            `json:"text"`               // one plain sentence
	Messages []bridge.Message  `json:"messages,omitempty"` // what people see, as cards
	More     map[string]string `json:"more,omitempty"`     // the arguments of a further page, nil for none
	Job      string            `json:"job,omitempty"`      // the generation to follow: Messages[0] carries its UpdateKey
	Undo     *bridge.Action    `json:"undo,omitempty"`     // the command that takes it back
	Planned  *Planned          `json:"planned,omitempty"`  // it was not done yet, but waits for its time

	about string // the agent that it turned out to be about, for the audit
}

// Answer is what became of a request. Exactly one of OK, Problem, NeedsConfirm
// and Running says so.
type Answer struct {
	OK      bool     `json:"ok"`
	Agent   string   `json:"agent,omitempty"`
	Group   string   `json:"group,omitempty"`
	Verb    string   `json:"verb,omitempty"`
	Private bool     `json:"private,omitempty"` // only for the person who asked; every problem is
	Reply   Reply    `json:"reply,omitzero"`
	Problem *Problem `json:"problem,omitempty"`

	told func(context.Context) // notes that the person has it; nil where nobody asks

	NeedsConfirm bool   `json:"needs_confirm,omitempty"` // ask Question, then come again with a new id and Confirmed
	Question     string `json:"question,omitempty"`
	Agree        string `json:"agree,omitempty"` // what the button of the yes says; "" for the usual

	Repeat  bool `json:"-"` // the stored answer of an earlier delivery
	Running bool `json:"-"` // an earlier delivery is still at work and will answer
}

// Problem is why a command was not done, or is not known to be done.
type Problem struct { //nolint:errname // an answer first of all; commands may return it as their error
	Code    int             `json:"code"`   // as HTTP has them
	Status  string          `json:"status"` // a stable word for programs
	Field   string          `json:"field,omitempty"`
	Message string          `json:"message"`
	Hint    string          `json:"hint,omitempty"`
	Unknown bool            `json:"unknown,omitempty"` // it may have been done
	Buttons []bridge.Action `json:"buttons,omitempty"`
	Ask     []string        `json:"ask,omitempty"` // who may, as principals: "discord:role:1"

	reference string // of a defect of ours, for the log
}

// Error is the sentence and the next step, as plain text.
func (p *Problem) Error() string {
	if p.Hint == "" {
		return p.Message
	}
	return p.Message + " " + p.Hint
}
