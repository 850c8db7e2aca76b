package discord

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// The wizard sets a server up in one private message, which each step edits:
// connect an agent or redeem a code, then choose channel, events and pace, send a
// test message, start. It holds no authority: what it does in the end are commands
// of the person who presses, decided on as if they had been typed.

const (
	wizardPrefix = pressPrefix + "w:" // ia1:w:STEP:KEY
	wizardLife   = 14 * time.Minute   // of a wizard that nobody touches
	agentSoon    = 5 * time.Second    // for a connected agent to be known in this process
)

// Steps of the wizard, as custom_ids name them.
const (
	stepAgent   = "agent"
	stepChannel = "channel"
	stepEvents  = "events"
	stepPace    = "pace"
	stepConnect = "connect" // opens the form; the filled one comes back by the same name
	stepRedeem  = "redeem"
	stepTest    = "test"
	stepStart   = "start"
	stepCancel  = "cancel"
)

// wizard is how far somebody is, as it is noted: it survives a restart, and any
// process goes on with it.
type wizard struct {
	Guild   string    `json:"guild"`
	User    string    `json:"user"`
	At      time.Time `json:"at"`
	Agent   string    `json:"agent,omitempty"` // "" for all
	Channel string    `json:"channel"`
	Venue   venue     `json:"venue"` // of the channel, as it was when it was chosen
	Topics  []string  `json:"topics"`
	Pace    string    `json:"pace"`
	Over    bool      `json:"over,omitempty"`

	key string
}

func wizardNote(key string) string { return "discord.wizard." + key }

func (w wizard) id(step string) string { return wizardPrefix + step + ":" + w.key }

// begin opens a wizard for whoever may do what it ends with; agent is chosen
// already where it is named.
func (v *visit) begin(ctx context.Context, agent string) {
	if v.in.Guild == "" {
		v.say(ctx, "Set-up belongs to a server: send /ia setup in one of its channels.")
		return
	}
	w := wizard{
		Guild: v.in.Guild, User: v.in.User.ID, Agent: agent, Channel: v.in.Channel, Venue: v.in.Spots[v.in.Channel],
		Topics: topicsOf("quiet"), Pace: paces()[0].key, key: rand.Text(),
	}
	if !v.may(ctx, connectVerb) {
		w.Topics = topicsOf("public") // direct messages are for administrators to give away
	}
	if !v.keep(ctx, &w) {
		return
	}
	_ = v.first(ctx, respondMessage, v.screen(w, "").private()) // logged there
}

// setup opens the wizard from a welcome or by /ia setup. Who may not connect agents
// is told whom to ask, and it is in the audit.
func (v *visit) setup(ctx context.Context) {
	if v.in.Guild != "" && !v.may(ctx, connectVerb) {
		v.quick(ctx, v.request(press{Group: connectGroup, Verb: connectVerb}))
		return
	}
	v.begin(ctx, "")
}

// The commands that the wizard carries out.
const (
	connectGroup = "connect"
	connectVerb  = "agent"
	redeemVerb   = "redeem"
)

// may reports whether whoever asks has the access that connecting an agent takes.
func (v *visit) may(ctx context.Context, verb string) bool {
	p := v.o.Commands.Check(ctx, v.request(press{Group: connectGroup, Verb: verb}))
	return p == nil || p.Code != http.StatusForbidden
}

// guides reports a command that the wizard asks for better than a form: a new
// subscription of which nothing is said yet, but perhaps the agent.
func (v *visit) guides(spec *command.Spec, q command.Request) bool {
	if spec.Group != "subscribe" || spec.Verb != "add" || v.in.Guild == "" || len(q.Files) > 0 {
		return false
	}
	for name := range q.Values {
		if name != "agents" {
			return false
		}
	}
	return true
}

// keep notes how far it is. Where that fails the person is told.
func (v *visit) keep(ctx context.Context, w *wizard) bool {
	w.At = time.Now().UTC()
	form, err := json.Marshal(w)
	if err == nil {
		err = v.notes.PutNote(ctx, wizardNote(w.key), form)
	}
	if err != nil {
		v.log.Warn("set-up not noted", "interaction", v.in.ID, "err", err)
		v.say(ctx, "The bridge's store does not answer, so nothing can be set up now. Try again in a minute.")
	}
	return err == nil
}

// wizard finds the one that a press belongs to, false for one that is too old, or
// was never this person's.
func (v *visit) wizard(ctx context.Context, key string) (wizard, bool) {
	form, err := v.notes.Note(ctx, wizardNote(key))
	var w wizard
	if err != nil || form == nil || json.Unmarshal(form, &w) != nil {
		return w, false
	}
	w.key = key
	return w, w.Guild == v.in.Guild && w.User == v.in.User.ID && time.Since(w.At) < wizardLife
}

// wizardly carries out a step.
func (v *visit) wizardly(ctx context.Context, id string) {
	step, key, _ := strings.Cut(strings.TrimPrefix(id, wizardPrefix), ":")
	w, ok := v.wizard(ctx, key)
	switch {
	case !ok:
		v.replace(ctx, v.ended("This set-up was begun too long ago. Run it again: /ia setup."))
		return
	case w.Over:
		_ = v.first(ctx, respondSilent, nil) // pressed twice: its last word stands there, or comes
		return
	}
	switch step {
	case stepConnect, stepRedeem:
		v.connecting(ctx, w, map[string]string{stepConnect: connectVerb, stepRedeem: redeemVerb}[step])
	case stepTest:
		v.testing(ctx, w)
	case stepStart:
		v.starting(ctx, w)
	case stepCancel:
		w.Over = true
		if v.keep(ctx, &w) {
			v.replace(ctx, v.ended("Nothing was set up. /ia setup begins anew."))
		}
	default:
		if !v.chosen(&w, step) {
			v.say(ctx, "This button is not known here any more. Run the command again: /ia help lists all.")
		} else if v.keep(ctx, &w) {
			v.replace(ctx, v.screen(w, ""))
		}
	}
}

// chosen puts a choice into the wizard; false for one that was never offered.
func (v *visit) chosen(w *wizard, step string) bool {
	if len(v.in.Chosen) == 0 {
		return false
	}
	first := v.in.Chosen[0]
	switch step {
	case stepAgent:
		if w.Agent = first; first == bridge.EveryAgent {
			w.Agent = ""
		}
		return w.Agent == "" || slices.Contains(v.agents(), w.Agent)
	case stepChannel:
		at, known := v.in.Spots[first]
		w.Channel, w.Venue = first, at
		return known && isSnowflake(first)
	case stepEvents:
		w.Topics = slices.DeleteFunc(slices.Clone(v.in.Chosen), func(key string) bool { return topicOf(key).key == "" })
		return len(w.Topics) > 0
	case stepPace:
		w.Pace = first
		return paceOf(first).key != ""
	}
	return false
}

// replace puts an answer in the place of the wizard's message.
func (v *visit) replace(ctx context.Context, r reply) {
	if !v.in.Message.Private { // it has none: a foreign message carried the button
		_ = v.first(ctx, respondMessage, r.private()) // logged there
		return
	}
	_ = v.first(ctx, respondChange, r) // logged there
}

// ended is the wizard's last word.
func (v *visit) ended(text string) reply { return sentence(v.reader().Word(text)) }
