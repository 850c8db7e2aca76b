package discord

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"math/big"
	"net/url"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	pressPrefix = "ia1:" // of every custom_id of ours; the number grows with its form
	maxCustomID = 100
	maxBound    = 25       // arguments of one press
	maxValue    = 16 << 10 // bytes of all of them
	keySize     = 22       // of a press that is kept apart
	pressLife   = 30 * 24 * time.Hour
)

// press is what a button, a choice or a form is bound to. What comes back from
// Discord may be forged: it carries no authority, and is parsed anew.
type press struct {
	Group     string            `json:"group"`
	Verb      string            `json:"verb"`
	Agent     string            `json:"agent,omitempty"`
	Args      map[string]string `json:"args,omitempty"`
	Form      bool              `json:"form,omitempty"`      // opens the command's form
	Confirmed bool              `json:"confirmed,omitempty"` // the person was asked
	Open      bool              `json:"open,omitempty"`      // the form of a typed command: others see its answer
	Files     string            `json:"files,omitempty"`     // files that wait for the form
}

// pressOf is what an action of a card binds. agent acts where the action names none.
func pressOf(a bridge.Action, agent string) press {
	group, verb, ok := strings.Cut(a.Command, " ")
	if !ok {
		group, verb = "", a.Command
	}
	p := press{Group: group, Verb: verb, Agent: agent, Args: maps.Clone(a.Args)}
	if own := p.Args[agentOption]; own != "" {
		p.Agent = own
	}
	delete(p.Args, agentOption)
	if _, p.Form = p.Args[command.Form]; p.Form {
		delete(p.Args, command.Form)
	}
	return p
}

// text is the press as a custom_id where it is short enough.
func (p press) text() string {
	flags := ""
	for _, f := range p.flags() {
		if *f.on {
			flags += string(f.letter)
		}
	}
	if flags != "" {
		flags += "."
	}
	values := url.Values{}
	for k, v := range p.Args {
		values.Set(k, v)
	}
	if p.Files != "" {
		values.Set(filesKey, p.Files)
	}
	return strings.TrimRight(pressPrefix+flags+p.Group+"."+p.Verb+":"+url.QueryEscape(p.Agent)+":"+values.Encode(), ":")
}

// filesKey stands for waiting files among the arguments; no argument is spelled so.
const filesKey = "~"

type pressFlag struct {
	letter byte
	on     *bool
}

func (p *press) flags() []pressFlag {
	return []pressFlag{{'m', &p.Form}, {'o', &p.Open}, {'y', &p.Confirmed}}
}

// readPress reads a short custom_id; false where it is not one of ours.
func readPress(id string) (press, bool) {
	rest, ok := strings.CutPrefix(id, pressPrefix)
	parts := strings.SplitN(rest, ":", 3)
	if !ok || len(id) > maxCustomID {
		return press{}, false
	}
	var p press
	name := strings.Split(parts[0], ".")
	if len(name) == 3 {
		for _, f := range p.flags() {
			*f.on = strings.IndexByte(name[0], f.letter) >= 0
		}
		name = name[1:]
	}
	if len(name) != 2 || name[1] == "" || !wordShaped(name[0]) || !wordShaped(name[1]) {
		return press{}, false
	}
	p.Group, p.Verb = name[0], name[1]
	var err error
	if len(parts) > 1 {
		if p.Agent, err = url.QueryUnescape(parts[1]); err != nil {
			return press{}, false
		}
	}
	if len(parts) > 2 {
		values, err := url.ParseQuery(parts[2])
		if err != nil || len(values) > maxBound {
			return press{}, false
		}
		p.Args = map[string]string{}
		for k, v := range values {
			if len(v) != 1 {
				return press{}, false
			}
			p.Args[k] = v[0]
		}
		p.Files = p.Args[filesKey]
		delete(p.Args, filesKey)
	}
	return p, p.sane()
}

// sane bounds what a press may hold.
func (p press) sane() bool {
	n := len(p.Agent)
	for k, v := range p.Args {
		if !wordShaped(k) || k == "" {
			return false
		}
		n += len(k) + len(v)
	}
	return n <= maxValue && len(p.Args) <= maxBound
}

func wordShaped(s string) bool {
	return len(s) <= 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// kept is a press that is too long for a custom_id, as it is noted.
type kept struct {
	Press press     `json:"press"`
	Guild string    `json:"guild,omitempty"` // only this one may use it; "" for cards, which bind no words of people
	At    time.Time `json:"at"`
}

// customID names a press, noting what has no room in the name. An empty id means
// that it could not be noted: there is no such button then.
func (s *Sink) customID(ctx context.Context, p press, guild string) string {
	if id := p.text(); len(id) <= maxCustomID {
		return id
	}
	form, err := json.Marshal(kept{Press: p, Guild: guild})
	if err != nil || !p.sane() {
		return ""
	}
	key := shortKey(form)
	form, err = json.Marshal(kept{Press: p, Guild: guild, At: time.Now().UTC()})
	if err == nil {
		err = s.notes.PutNote(ctx, pressNote(key), form)
	}
	if err != nil {
		s.log.Warn("button value not noted", "command", p.Group+" "+p.Verb, "err", err)
		return ""
	}
	return keptID(key, p)
}

// keptID names a noted press, and its command besides: that is known even when
// the note is gone, so that its form can be opened anew.
func keptID(key string, p press) string {
	id := pressPrefix + "~" + key + ":" + p.Group + "." + p.Verb
	if named := id + ":" + url.QueryEscape(p.Agent); len(named) <= maxCustomID {
		return strings.TrimRight(named, ":")
	}
	return id
}

// readKept reads what keptID wrote; the press names the command alone.
func readKept(rest string) (key string, p press, ok bool) {
	key, rest, _ = strings.Cut(rest, ":")
	if len(key) != keySize || strings.ContainsFunc(key, func(r rune) bool { return !strings.ContainsRune(base62, r) }) {
		return "", press{}, false
	}
	p, ok = readPress(pressPrefix + rest)
	return key, press{Group: p.Group, Verb: p.Verb, Agent: p.Agent}, ok
}

func pressNote(key string) string { return "discord.press." + key }

// shortKey is a name of 22 letters that nobody can guess without the content.
func shortKey(content []byte) string {
	sum := sha256.Sum256(content)
	text := new(big.Int).SetBytes(sum[:]).Text(62)
	return (strings.Repeat("0", keySize) + text)[len(text):][:keySize]
}

// found says what became of looking a custom_id up.
type found int

const (
	readable found = iota
	tooOld         // it was ours, and is no longer known
	foreign        // nothing of ours
)

// press finds what a custom_id is bound to. Values noted for another guild read
// as forgotten. Of what is forgotten, the command is given alone.
func (s *Sink) press(ctx context.Context, id, guild string) (press, found) {
	rest, long := strings.CutPrefix(id, pressPrefix+"~")
	if !long {
		p, ok := readPress(id)
		if !ok {
			return press{}, foreign
		}
		return p, readable
	}
	key, bare, ok := readKept(rest)
	if !ok || len(id) > maxCustomID {
		return press{}, foreign
	}
	form, err := s.notes.Note(ctx, pressNote(key))
	var k kept
	if err != nil || form == nil || json.Unmarshal(form, &k) != nil {
		return bare, tooOld
	}
	if k.Guild != "" && k.Guild != guild || time.Since(k.At) > pressLife || !k.Press.sane() {
		return bare, tooOld
	}
	return k.Press, readable
}

const base62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// ids names the presses of a card's actions, "" for those that are links.
func (s *Sink) ids(ctx context.Context, actions []bridge.Action, agent, guild string) []string {
	out := make([]string, len(actions))
	if s.o.Commands == nil {
		return out
	}
	for i, a := range actions {
		if a.URL == "" && a.Command != "" {
			out[i] = s.customID(ctx, pressOf(a, agent), guild)
		}
	}
	return out
}
