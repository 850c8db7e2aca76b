package fakediscord

import (
	"errors"
	"fmt"
	"slices"
)

var errNoChannel = errors.New("no such channel")

// Slash lets a person send a slash command, such as "/ia post create text:hi".
// The line is parsed against the registered commands; what a client wouldn't
// let through is an error. Values of attachment options name one of the files.
func (s *Server) Slash(user, channelID, line string, files ...Upload) (*Interaction, error) {
	return s.typeLine(user, channelID, line, false, files)
}

// Complete lets a person type a command line whose last option, which must have
// completion, isn't finished.
func (s *Server) Complete(user, channelID, line string) (*Interaction, error) {
	return s.typeLine(user, channelID, line, true, nil)
}

func (s *Server) typeLine(user, channelID, line string, partial bool, files []Upload) (*Interaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.theChannel(channelID)
	if ch == nil {
		return nil, errNoChannel
	}
	t := &typed{server: s, channel: ch, uploads: files}
	cmd, options, err := t.parse(line, partial)
	if err != nil {
		return nil, fmt.Errorf("type %q: %w", line, err)
	}
	if err := s.usable(user, ch, cmd); err != nil {
		return nil, fmt.Errorf("type %q: %w", line, err)
	}
	data := map[string]any{"id": cmd.ID, "name": cmd.Name, "type": cmd.Type}
	if len(options) > 0 {
		data["options"] = options
	}
	if t.resolved != nil {
		data["resolved"] = t.resolved
	}
	kind := interactionCommand
	if partial {
		kind = interactionComplete
	}
	return s.begun(user, ch, kind, nil, data), nil
}

// usable says whether the client shows the command to that person there.
func (s *Server) usable(user string, ch *channel, cmd *command) error {
	m := s.join(ch.guild, s.person(user))
	where := 0
	if m == nil {
		where = 1
	}
	if len(cmd.Contexts) > 0 && !slices.Contains(cmd.Contexts, where) {
		return fmt.Errorf("/%s isn't offered here", cmd.Name)
	}
	if m != nil && cmd.Permissions != nil {
		if want := parseBits(*cmd.Permissions); m.may&want != want {
			return fmt.Errorf("/%s isn't shown to %s", cmd.Name, user)
		}
	}
	return nil
}

// MessageCommand lets a person use a message command on a message.
func (s *Server) MessageCommand(user, channelID, messageID, name string) (*Interaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.theChannel(channelID)
	if ch == nil {
		return nil, errNoChannel
	}
	cmd, m := s.findCommand(ch, 3, name), ch.message(messageID)
	if cmd == nil || m == nil {
		return nil, fmt.Errorf("use %q: no such command or message", name)
	}
	if err := s.usable(user, ch, cmd); err != nil {
		return nil, err
	}
	return s.begun(user, ch, interactionCommand, nil, map[string]any{
		"id": cmd.ID, "name": cmd.Name, "type": cmd.Type, "target_id": m.ID,
		"resolved": map[string]any{"messages": map[string]any{m.ID: s.present(m)}},
	}), nil
}

// Click lets a person press the button of that label below a message.
func (s *Server) Click(user, channelID, messageID, label string) (*Interaction, error) {
	return s.use(user, channelID, messageID, func(c Component) bool { return c.Type == typeButton && c.Label == label }, nil)
}

// Choose lets a person pick values of the menu with that custom_id.
func (s *Server) Choose(user, channelID, messageID, customID string, values ...string) (*Interaction, error) {
	return s.use(user, channelID, messageID, func(c Component) bool { return c.Type != typeButton && c.CustomID == customID }, values)
}

func (s *Server) use(user, channelID, messageID string, wanted func(Component) bool, values []string) (*Interaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.theChannel(channelID)
	if ch == nil {
		return nil, errNoChannel
	}
	m := ch.message(messageID)
	if m == nil || (m.private != "" && m.private != s.person(user).ID) {
		return nil, fmt.Errorf("click: %s sees no such message", user)
	}
	c, found := findComponent(m.Components, wanted)
	switch {
	case !found:
		return nil, errors.New("click: no such button or menu")
	case c.Disabled:
		return nil, fmt.Errorf("click: %q is disabled", c.Label)
	case c.CustomID == "":
		return nil, fmt.Errorf("click: %q is a link", c.Label)
	}
	data := map[string]any{"id": c.ID, "component_type": c.Type, "custom_id": c.CustomID}
	if c.Type != typeButton {
		t := &typed{server: s, channel: ch}
		picked, err := t.pick(c, values)
		if err != nil {
			return nil, err
		}
		data["values"] = picked
		if t.resolved != nil {
			data["resolved"] = t.resolved
		}
	}
	return s.begun(user, ch, interactionComponent, m, data), nil
}

// pick turns a menu's labels, names or ids into values.
func (t *typed) pick(c Component, values []string) ([]any, error) {
	least, most := 1, 1
	if c.MinValues != nil {
		least = *c.MinValues
	}
	if c.MaxValues != nil {
		most = *c.MaxValues
	}
	if len(values) < least || len(values) > most {
		return nil, fmt.Errorf("choose: between %d and %d values", least, most)
	}
	kinds := map[int]int{typeUserSelect: optionUser, typeRoleSelect: optionRole, typeMentionable: optionMention, typeChannel: optionChannel}
	out := []any{}
	for _, v := range values {
		if c.Type != typeStringSelect {
			id, err := t.thing(commandOption{Type: kinds[c.Type], ChannelTypes: c.ChannelTypes}, v)
			if err != nil {
				return nil, err
			}
			out = append(out, id)
			continue
		}
		i := slices.IndexFunc(c.Options, func(o Option) bool { return o.Label == v || o.Value == v })
		if i < 0 {
			return nil, fmt.Errorf("choose: no option %q", v)
		}
		out = append(out, c.Options[i].Value)
	}
	return out, nil
}

// findComponent searches rows, sections and containers.
func findComponent(list []Component, wanted func(Component) bool) (Component, bool) {
	for _, c := range list {
		if wanted(c) {
			return c, true
		}
		inner := c.Components
		if c.Accessory != nil {
			inner = append(slices.Clone(inner), *c.Accessory)
		}
		if found, ok := findComponent(inner, wanted); ok {
			return found, true
		}
	}
	return Component{}, false
}

// Submit lets the person who was shown a modal send it. Values go by label or
// custom_id; fields left out keep their preset value. What the form wouldn't
// let through is an error.
func (s *Server) Submit(i *Interaction, values map[string]string, files ...Upload) (*Interaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i.modal == nil {
		return nil, errors.New("submit: no modal is open")
	}
	t := &typed{server: s, channel: i.channel, uploads: files}
	var fields []any
	used := 0
	for _, c := range i.modal.Components {
		filled, n, err := t.fill(c, values)
		if err != nil {
			return nil, fmt.Errorf("submit %q: %w", i.modal.Title, err)
		}
		used += n
		fields = append(fields, filled)
	}
	if used < len(values) {
		return nil, fmt.Errorf("submit %q: a value for no field", i.modal.Title)
	}
	data := map[string]any{"custom_id": i.modal.CustomID, "components": fields}
	if t.resolved != nil {
		data["resolved"] = t.resolved
	}
	i.modal = nil
	return s.begun(i.user.Username, i.channel, interactionModal, i.source, data), nil
}

// fill answers one top-level component of a modal; n counts the values used.
func (t *typed) fill(c Component, values map[string]string) (_ any, n int, err error) {
	switch c.Type {
	case typeLabel:
		inner, n, err := t.field(*c.Component, c.Label, values)
		return map[string]any{"type": c.Type, "id": c.ID, "component": inner}, n, err
	case typeRow:
		inner, n, err := t.field(c.Components[0], c.Components[0].Label, values)
		return map[string]any{"type": c.Type, "id": c.ID, "components": []any{inner}}, n, err
	}
	return map[string]any{"type": c.Type, "id": c.ID}, 0, nil
}

func (t *typed) field(c Component, label string, values map[string]string) (any, int, error) {
	given, n := values[c.CustomID], 0
	_, ok := values[c.CustomID]
	if v, named := values[label]; named {
		given, ok = v, true
	}
	if ok {
		n = 1
	} else {
		given = c.Value
		for _, o := range c.Options {
			if o.Default {
				given = o.Value
			}
		}
	}
	out := map[string]any{"type": c.Type, "id": c.ID, "custom_id": c.CustomID}
	required := c.Required == nil || *c.Required
	switch c.Type {
	case typeTextInput:
		size := units(given)
		if (required && size == 0) || (c.MaxLength != nil && size > *c.MaxLength) || (size > 0 && c.MinLength != nil && size < *c.MinLength) || size > 4000 {
			return nil, n, fmt.Errorf("%q: %d characters are too few or too many", label, size)
		}
		out["value"] = given
	case typeFileUpload:
		ids := []string{}
		for _, u := range t.uploads {
			ids = append(ids, t.keep(u))
		}
		if (required && len(ids) == 0) || (c.MaxValues != nil && len(ids) > *c.MaxValues) {
			return nil, n, fmt.Errorf("%q: %d files are too few or too many", label, len(ids))
		}
		out["values"] = ids
	default:
		if given == "" && !required {
			out["values"] = []any{}
			break
		}
		picked, err := t.pick(c, []string{given})
		if err != nil {
			return nil, n, err
		}
		out["values"] = picked
	}
	return out, n, nil
}
