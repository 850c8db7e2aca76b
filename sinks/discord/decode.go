package discord

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
)

// Kinds of interactions, Discord docs "Interaction Type".
const (
	visitPing     = 1
	visitCommand  = 2
	visitPress    = 3
	visitComplete = 4
	visitForm     = 5
)

const (
	maxDepth  = 16 // of components and options that are looked into
	maxInForm = 25 // values of one form
)

// interaction is what a person did, as far as we read it. The library's decoder
// fails as a whole on components it does not know and on numbers where it wants
// strings; this one skips them.
type interaction struct {
	ID, App, Token string
	Kind           int
	Guild, Channel string
	Parent         string // of the channel where that is a thread
	User           sender
	Locale         string // of the person, else of the server
	GuildInstalled bool   // the app is in the server, not only a person's own

	Command string // name of the command
	Menu    bool   // a message's menu
	Path    []string
	Focused string // option that is being completed
	Values  map[string]any
	Files   map[string][]attachment
	Target  node // message of a menu

	CustomID string
	Chosen   []string         // of a select
	Spots    map[string]venue // channels that it is about: where it was done, and those chosen

	Message message // with the button, or behind the form
}

// sender is a person as an event names them.
type sender struct {
	ID, Name string
	Bot      bool
	Roles    []string
	Manages  bool // may manage the server, as the event says
}

type attachment struct {
	Name, Type, URL string
	Size            int64
}

// message is one that carries buttons.
type message struct {
	ID, Edited string
	Private    bool // seen by one person only
	Rows       []any
}

// node is a piece of JSON of any shape. What is not there reads as nothing.
type node struct{ v any }

func parse(raw []byte) (node, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v map[string]any
	if d.Decode(&v) != nil || v == nil {
		return node{}, false
	}
	return node{v}, true
}

// at follows keys.
func (n node) at(keys ...string) node {
	for _, k := range keys {
		m, _ := n.v.(map[string]any)
		n = node{m[k]}
	}
	return n
}

func (n node) list() []node {
	l, _ := n.v.([]any)
	out := make([]node, 0, len(l))
	for _, v := range l {
		out = append(out, node{v})
	}
	return out
}

// text is a string, or a number as it was written.
func (n node) text() string {
	switch v := n.v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// id is a snowflake, or "".
func (n node) id() string {
	if s := n.text(); isSnowflake(s) {
		return s
	}
	return ""
}

func (n node) number() int {
	i, err := json.Number(n.text()).Int64()
	if err != nil {
		return 0
	}
	return int(i)
}

func (n node) yes() bool { b, _ := n.v.(bool); return b }

// ids are those of a list, which may hold them bare or inside objects.
func (n node) ids() []string {
	var out []string
	for _, e := range n.list() {
		id := e.id()
		if id == "" {
			id = e.at("id").id()
		}
		if id != "" {
			out = append(out, id)
		}
	}
	return out
}

// decode reads an interaction; false where it is none.
func decode(raw []byte) (interaction, bool) {
	n, ok := parse(raw)
	if !ok {
		return interaction{}, false
	}
	in := interaction{
		ID: n.at("id").id(), App: n.at("application_id").id(), Token: n.at("token").text(), Kind: n.at("type").number(),
		Guild: n.at("guild_id").id(), Channel: n.at("channel_id").id(), User: senderOf(n), Locale: cmp.Or(n.at("locale").text(), n.at("guild_locale").text()),
		Values: map[string]any{}, Files: map[string][]attachment{},
	}
	if in.Channel == "" {
		in.Channel = n.at("channel", "id").id()
	}
	if isThread(n.at("channel", "type").number()) {
		in.Parent = n.at("channel", "parent_id").id()
	}
	in.Spots = map[string]venue{}
	if in.Channel != "" {
		in.Spots[in.Channel] = venueOf(n.at("channel"), n.at("app_permissions"))
	}
	chosen, _ := n.at("data", "resolved", "channels").v.(map[string]any)
	for id, c := range chosen {
		if len(in.Spots) < maxOptions {
			in.Spots[id] = venueOf(node{c}, node{c}.at("app_permissions"))
		}
	}
	owners := n.at("authorizing_integration_owners")
	in.GuildInstalled = owners.v == nil || owners.at("0").v != nil
	data := n.at("data")
	in.Command, in.CustomID = data.at("name").text(), data.at("custom_id").text()
	in.Menu = in.Kind == visitCommand && data.at("type").number() == kindMenu
	in.Target = data.at("resolved", "messages", data.at("target_id").text())
	for _, v := range data.at("values").list() {
		in.Chosen = append(in.Chosen, v.text())
	}
	in.options(data.at("options"), data, 0)
	in.components(data.at("components"), data, 0)
	m := n.at("message")
	in.Message = message{ID: m.at("id").id(), Edited: m.at("edited_timestamp").text(), Private: m.at("flags").number()&flagPrivate != 0}
	in.Message.Rows, _ = m.at("components").v.([]any)
	if in.ID == "" || in.Token == "" || !tokenShaped(in.Token) {
		return in, in.Kind == visitPing && in.ID != ""
	}
	return in, true
}

// venue is a channel as an interaction describes it.
type venue struct {
	Name string
	Type int
	May  uint64 // the bot's permissions there; all where Discord does not tell
}

func venueOf(channel, may node) venue {
	v := venue{Name: plain(channel.at("name").text(), maxThreadName), Type: channel.at("type").number(), May: everyPermitted}
	if have, err := strconv.ParseUint(may.text(), 10, 64); err == nil {
		v.May = have
	}
	return v
}

// tokenShaped reports that a token can stand in a path.
func tokenShaped(s string) bool {
	return len(s) <= 1024 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_=.:~", r)
	})
}

// senderOf reads who acts, of an interaction or a message.
func senderOf(n node) sender {
	m := n.at("member")
	u := m.at("user")
	if u.v == nil {
		u = n.at("user")
	}
	if u.v == nil {
		u = n.at("author")
	}
	s := sender{ID: u.at("id").id(), Name: u.at("global_name").text(), Bot: u.at("bot").yes(), Roles: m.at("roles").ids()}
	if s.Name == "" {
		s.Name = u.at("username").text()
	}
	s.Name = plain(s.Name, maxLabel)
	s.Manages = mayManage(m.at("permissions").text())
	return s
}

// options reads the verbs a person chose and the options they filled in.
func (in *interaction) options(list, data node, depth int) {
	for i, o := range list.list() {
		if depth > maxDepth || i >= maxOptions {
			return
		}
		name := o.at("name").text()
		switch o.at("type").number() {
		case optionVerb, optionGroup:
			in.Path = append(in.Path, name)
			in.options(o.at("options"), data, depth+1)
			continue
		case optionAttachment:
			in.file(name, o.at("value").text(), data)
			continue
		}
		if o.at("focused").yes() {
			in.Focused = name
		}
		switch v := o.at("value").v.(type) {
		case string, bool, json.Number:
			in.Values[name] = v
		}
	}
}

// components reads the fields of a form, whatever they are wrapped in.
func (in *interaction) components(list, data node, depth int) {
	for _, c := range list.list() {
		if depth > maxDepth || len(in.Values)+len(in.Files) >= maxInForm {
			return
		}
		if name := c.at("custom_id").text(); name != "" {
			in.field(name, c, data)
		}
		if inner := c.at("component"); inner.v != nil {
			in.components(node{[]any{inner.v}}, data, depth+1)
		}
		in.components(c.at("components"), data, depth+1)
	}
}

func (in *interaction) field(name string, c, data node) {
	switch v := c.at("value").v.(type) {
	case string, bool, json.Number:
		in.Values[name] = v
	}
	var words []string
	for _, v := range c.at("values").list() {
		if data.at("resolved", "attachments", v.text()).v != nil {
			in.file(name, v.text(), data)
			continue
		}
		words = append(words, v.text())
	}
	if len(words) > 0 {
		in.Values[name] = strings.Join(words, ",")
	}
}

func (in *interaction) file(option, id string, data node) {
	a := data.at("resolved", "attachments", id)
	if a.v == nil || len(in.Files[option]) >= maxOptions {
		return
	}
	in.Files[option] = append(in.Files[option], fileOf(a))
}

func fileOf(a node) attachment {
	return attachment{
		Name: plain(a.at("filename").text(), maxLabel), Type: a.at("content_type").text(), URL: a.at("url").text(),
		Size: int64(max(0, a.at("size").number())),
	}
}
