package slack

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// Ids of what people press. A command's button is "ia1:post.like", with ":1" and
// so on added where a block has it twice.
const (
	idPrefix = "ia1:"
	idOpen   = idPrefix + "open"   // a link: nothing to do
	idMore   = idPrefix + "more"   // a menu of commands
	idCancel = idPrefix + "cancel" // no, thanks
	idHelp   = idPrefix + "help"
	idPick   = idPrefix + "pick." // a select of a form that we complete
)

// Lengths of values (Slack docs: "Button element", "Option object").
const (
	maxButtonValue = 2000
	maxOptionValue = 150
)

// sure marks the arguments of a button whose question was answered with yes.
const sure = "!"

// bound is what a button does. Slack carries it to people and back; nothing in it
// proves anything, and who presses is authorised then.
type bound struct {
	Team    string            `json:"team"`
	Command string            `json:"command"` // "post.like"
	Agent   string            `json:"agent"`
	Args    map[string]string `json:"args,omitempty"`
}

// binder makes the buttons of one message. The zero value makes none that act.
type binder struct {
	on   bool
	team string
	kept map[string][]byte // what was too long for Slack, by key, to be stored before the message goes out
}

func (s *Sink) binder() binder {
	return binder{on: s.opt.Commands != nil, team: s.web.selfKnown().TeamID, kept: map[string][]byte{}}
}

// bind makes a value of at most limit characters.
func (b binder) bind(agent string, a bridge.Action, limit int, menu bool) string {
	args := url.Values{}
	for name, v := range a.Args {
		if name != agentArg {
			args.Set(name, v)
		}
	}
	if own := a.Args[agentArg]; own != "" {
		agent = own
	}
	name := dotted(a.Command)
	value := agent + ":" + args.Encode()
	if menu {
		value = name + ":" + value
	}
	if len(value) <= limit {
		return value
	}
	raw, err := json.Marshal(bound{Team: b.team, Command: name, Agent: agent, Args: a.Args})
	if err != nil || b.kept == nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	key := base64.RawURLEncoding.EncodeToString(sum[:])[:22]
	b.kept[key] = raw
	if menu {
		return name + ":~" + key
	}
	return "~" + key
}

// agentArg is the bound argument that says which agent acts.
const agentArg = "agent"

func dotted(name string) string {
	group, verb, _ := strings.Cut(name, " ")
	return group + "." + verb
}

// errStale is a button whose value is not known, or not from here.
var errStale = errors.New("value not known")

// unbind reads a press back. Errors: errStale, and those of Notes.
func (s *Sink) unbind(ctx context.Context, team string, p press) (bound, error) {
	name, _, _ := strings.Cut(strings.TrimPrefix(p.action, idPrefix), ":")
	value := p.value
	if strings.HasPrefix(p.action, idMore) {
		name, value, _ = strings.Cut(p.value, ":")
	}
	if key, long := strings.CutPrefix(value, "~"); long {
		return s.recall(ctx, team, name, key)
	}
	b := bound{Team: team, Command: name, Args: map[string]string{}}
	agent, rest, _ := strings.Cut(value, ":")
	args, err := url.ParseQuery(rest)
	if err != nil || len(value) > maxButtonValue {
		return bound{}, errStale
	}
	b.Agent = agent
	for k := range args {
		b.Args[k] = args.Get(k)
	}
	return b, nil
}

func (s *Sink) recall(ctx context.Context, team, name, key string) (bound, error) {
	if len(key) != 22 || strings.Trim(key, keyLetters) != "" {
		return bound{}, errStale
	}
	raw, err := s.opt.Notes.Note(ctx, valueKey(team, key))
	if err != nil {
		return bound{}, err
	}
	var b bound
	if json.Unmarshal(raw, &b) != nil || b.Team != team || b.Command != name {
		return bound{}, errStale
	}
	delete(b.Args, agentArg)
	if b.Args == nil {
		b.Args = map[string]string{}
	}
	return b, nil
}

const keyLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func valueKey(team, key string) string { return "slack/" + noteWord(team) + "/value/" + key }

// keep stores the long values of a message that is about to go out.
func (s *Sink) keep(ctx context.Context, kept map[string][]byte) {
	for key, raw := range kept {
		if err := s.opt.Notes.PutNote(ctx, valueKey(s.web.selfKnown().TeamID, key), raw); err != nil {
			s.log.WarnContext(ctx, "value of a button not stored", "err", err) // the button will say that it is stale
		}
	}
}

// noteWord is a part of a note's key: ids from outside without anything that
// means something in a key.
func noteWord(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(keyLetters+".", r) {
			return r
		}
		return '='
	}, s)
}

// spec is the command a button names, if there is one.
func (b bound) spec() (*command.Spec, bool) {
	group, verb, _ := strings.Cut(b.Command, ".")
	return command.Find(group, verb)
}

// values are the arguments as a request takes them, and whether a form is asked
// for and a question was answered.
func (b bound) values() (values map[string]any, form, confirmed bool) {
	values = map[string]any{}
	for name, v := range b.Args {
		switch name {
		case command.Form:
			form = true
		case sure:
			confirmed = true
		default:
			values[name] = v
		}
	}
	return values, form, confirmed
}
