package fakediscord

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Upload is a file a person adds to a command or a modal.
type Upload struct {
	Name, ContentType string
	Data              []byte
}

// typed is a command line as a person's client turns it into options.
type typed struct {
	server   *Server
	channel  *channel
	uploads  []Upload
	resolved map[string]map[string]any
}

// optionValue is one option as interactions carry it.
type optionValue struct {
	Name    string        `json:"name"`
	Type    int           `json:"type"`
	Value   any           `json:"value,omitempty"`
	Focused bool          `json:"focused,omitempty"`
	Options []optionValue `json:"options,omitempty"`
}

// parse reads "/ia post create text:hello there post:x" against the registered
// commands, as Discord's client does: what isn't registered can't be typed.
// With partial, the last option is being typed and others may be missing.
func (t *typed) parse(line string, partial bool) (*command, []optionValue, error) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(line, "/"), " ")
	cmd := t.server.findCommand(t.channel, 1, name)
	if cmd == nil {
		return nil, nil, fmt.Errorf("no command /%s is registered here", name)
	}
	options, err := t.descend(cmd.Options, rest, partial)
	return cmd, options, err
}

// findCommand looks in the guild's commands, then in the global ones.
func (s *Server) findCommand(ch *channel, kind int, name string) *command {
	for _, scope := range slices.Compact([]string{ch.guildID(), ""}) {
		for _, c := range s.commands.byScope[scope] {
			if c.Name == name && c.Type == kind {
				return c
			}
		}
	}
	return nil
}

// descend walks groups and verbs down to the options of a verb.
func (t *typed) descend(options []commandOption, rest string, partial bool) ([]optionValue, error) {
	if len(options) == 0 || options[0].Type > optionGroup {
		return t.values(options, rest, partial)
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	for _, o := range options {
		if o.Name == word {
			inner, err := t.descend(o.Options, rest, partial)
			return []optionValue{{Name: o.Name, Type: o.Type, Options: inner}}, err
		}
	}
	return nil, fmt.Errorf("no such verb or group: %q", word)
}

// values splits "name:value name:value" at the names of options; a value goes
// up to the next one.
func (t *typed) values(options []commandOption, rest string, partial bool) ([]optionValue, error) {
	var out []optionValue
	given := map[string]bool{}
	rest = strings.TrimLeft(rest, " ")
	for rest != "" {
		name, after, found := strings.Cut(rest, ":")
		i := slices.IndexFunc(options, func(o commandOption) bool { return o.Name == name })
		if !found || i < 0 {
			return nil, fmt.Errorf("no option %q", name)
		}
		end := len(after)
		for _, o := range options {
			if j := strings.Index(after, " "+o.Name+":"); j >= 0 && j < end {
				end = j
			}
		}
		raw := after[:end]
		rest = strings.TrimLeft(after[end:], " ")
		focused := partial && rest == ""
		v, err := t.value(options[i], raw, focused)
		if err != nil {
			return nil, fmt.Errorf("option %s: %w", name, err)
		}
		given[name] = true
		out = append(out, optionValue{Name: name, Type: options[i].Type, Value: v, Focused: focused})
	}
	for _, o := range options {
		if o.Required && !given[o.Name] && !partial {
			return nil, fmt.Errorf("option %s is required", o.Name)
		}
	}
	return out, nil
}

// value turns words into what an option's type carries.
func (t *typed) value(o commandOption, raw string, focused bool) (any, error) {
	if focused {
		if !o.Autocomplete {
			return nil, errors.New("has no completion")
		}
		return raw, nil
	}
	if len(o.Choices) > 0 {
		for _, c := range o.Choices {
			if c.Name == raw {
				return c.Value, nil
			}
		}
		return nil, fmt.Errorf("%q is no choice", raw)
	}
	switch o.Type {
	case optionString:
		return bounded(o, raw)
	case optionInteger:
		n, err := strconv.ParseInt(raw, 10, 64)
		return n, within(o, float64(n), err)
	case optionNumber:
		n, err := strconv.ParseFloat(raw, 64)
		return n, within(o, n, err)
	case optionBoolean:
		return strconv.ParseBool(raw)
	case optionAttachment:
		return t.attachment(raw)
	default:
		return t.thing(o, raw)
	}
}

func bounded(o commandOption, raw string) (any, error) {
	n := units(raw)
	if (o.MinLength != nil && n < *o.MinLength) || (o.MaxLength != nil && n > *o.MaxLength) || n > 6000 {
		return nil, fmt.Errorf("%d characters are too few or too many", n)
	}
	return raw, nil
}

func within(o commandOption, n float64, err error) error {
	if err == nil && ((o.MinValue != nil && n < *o.MinValue) || (o.MaxValue != nil && n > *o.MaxValue)) {
		return fmt.Errorf("%v is out of range", n)
	}
	return err
}

// attachment picks the upload of that name.
func (t *typed) attachment(name string) (any, error) {
	for _, u := range t.uploads {
		if u.Name == name {
			return t.keep(u), nil
		}
	}
	return nil, fmt.Errorf("no file %q", name)
}

// keep stores a person's upload and resolves it.
func (t *typed) keep(u Upload) string {
	s := t.server
	c := &call{files: []upload{{name: u.Name, contentType: u.ContentType, data: u.Data}}}
	a := s.signed(s.store(c, t.channel, nil, nil))[0]
	a.Ephemeral = true
	t.resolve("attachments", a.ID, a)
	return a.ID
}

func (t *typed) resolve(kind, id string, v any) {
	if t.resolved == nil {
		t.resolved = map[string]map[string]any{}
	}
	if t.resolved[kind] == nil {
		t.resolved[kind] = map[string]any{}
	}
	t.resolved[kind][id] = v
}

// thing finds a user, channel or role by name or id.
func (t *typed) thing(o commandOption, raw string) (any, error) {
	name := strings.TrimLeft(raw, "@#")
	if o.Type == optionChannel {
		for _, ch := range t.server.world.inOrder() {
			if ch.guild == t.channel.guild && (ch.Name == name || ch.ID == name) {
				if len(o.ChannelTypes) > 0 && !slices.Contains(o.ChannelTypes, ch.Type) {
					return nil, fmt.Errorf("#%s is of a type that isn't offered", name)
				}
				t.resolve("channels", ch.ID, t.server.partial(ch))
				return ch.ID, nil
			}
		}
		return nil, fmt.Errorf("no channel %q", raw)
	}
	if o.Type != optionRole {
		for _, id := range slices.Sorted(maps.Keys(t.server.world.users)) {
			if u := t.server.world.users[id]; u.Username == name || u.ID == name {
				t.resolve("users", id, u)
				if t.channel.guild != nil && t.channel.guild.members[id] != nil {
					t.resolve("members", id, t.channel.guild.members[id])
				}
				return id, nil
			}
		}
	}
	if o.Type != optionUser && t.channel.guild != nil {
		for _, r := range t.channel.guild.roles {
			if r.Name == name || r.ID == name {
				t.resolve("roles", r.ID, r)
				return r.ID, nil
			}
		}
	}
	return nil, fmt.Errorf("nobody and nothing is called %q", raw)
}

// partial is a channel as interactions resolve it: with the person's and, since
// July 2026, the bot's permissions.
func (s *Server) partial(ch *channel) map[string]any {
	return map[string]any{
		"id": ch.ID, "type": ch.Type, "name": ch.Name, "parent_id": ch.ParentID, "flags": ch.Flags,
		"permissions": bits(everybody), "app_permissions": bits(s.permissions(ch)),
	}
}
