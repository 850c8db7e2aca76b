package fakediscord

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// commandStore holds the registered application commands by scope: "" for
// global ones, else a guild's id.
type commandStore struct {
	byScope map[string][]*command
	created map[string][]time.Time // creates of the last day, by scope
}

// dailyCreates: 200 new commands a day and scope; overwriting is free. Docs
// "Application Commands".
const dailyCreates = 200

// command is an application command, in requests and answers.
type command struct {
	ID            string            `json:"id"`
	ApplicationID string            `json:"application_id"`
	GuildID       string            `json:"guild_id,omitempty"`
	Version       string            `json:"version"`
	Type          int               `json:"type"`
	Name          string            `json:"name"`
	NameLocal     map[string]string `json:"name_localizations"`
	Description   string            `json:"description"`
	DescLocal     map[string]string `json:"description_localizations"`
	Options       []commandOption   `json:"options,omitempty"`
	Permissions   *string           `json:"default_member_permissions"`
	DMPermission  *bool             `json:"dm_permission,omitempty"`
	Contexts      []int             `json:"contexts"`
	Integrations  []int             `json:"integration_types"`
	NSFW          bool              `json:"nsfw"`
}

type commandOption struct {
	Type         int               `json:"type"`
	Name         string            `json:"name"`
	NameLocal    map[string]string `json:"name_localizations,omitempty"`
	Description  string            `json:"description"`
	DescLocal    map[string]string `json:"description_localizations,omitempty"`
	Required     bool              `json:"required,omitempty"`
	Autocomplete bool              `json:"autocomplete,omitempty"`
	MinLength    *int              `json:"min_length,omitempty"`
	MaxLength    *int              `json:"max_length,omitempty"`
	MinValue     *float64          `json:"min_value,omitempty"`
	MaxValue     *float64          `json:"max_value,omitempty"`
	ChannelTypes []int             `json:"channel_types,omitempty"`
	Choices      []Choice          `json:"choices,omitempty"`
	Options      []commandOption   `json:"options,omitempty"`
}

// Choice is one of the values an option offers, fixed or by completion.
type Choice struct {
	Name      string            `json:"name"`
	NameLocal map[string]string `json:"name_localizations,omitempty"`
	Value     any               `json:"value"`
}

func commandRoutes() []route {
	var out []route
	for _, base := range []string{"/applications/{application_id}/commands", "/applications/{application_id}/guilds/{guild_id}/commands"} {
		one := base + "/{command_id}"
		out = append(out,
			route{method: "GET", path: base, handle: (*Server).listCommands, limit: per(5, 5*time.Second)},
			route{
				method: "PUT", path: base, handle: (*Server).putCommands, limit: per(2, 20*time.Second),
				body: commandListBody(), rules: (*Server).commandListRules,
			},
			route{
				method: "POST", path: base, handle: (*Server).postCommand, limit: per(5, 20*time.Second),
				body: commandBody(), rules: (*Server).oneCommandRules,
			},
			route{method: "DELETE", path: one, handle: (*Server).deleteCommand, limit: per(5, 20*time.Second)},
		)
	}
	return out
}

var (
	chatName  = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)
	typeLimit = map[int]int{1: 100, 2: 15, 3: 15, 4: 1}
)

func (s *Server) commandListRules(c *call, r *report) {
	count, seen := map[int]int{}, map[string]bool{}
	for i, cmd := range decode[[]commandInput](c.raw) {
		path := at("", i)
		commandRules(r, path, cmd.command())
		k := cmd.command().Type
		count[k]++
		if count[k] == typeLimit[k]+1 {
			r.add("", "APPLICATION_COMMANDS_MAX", fmt.Sprintf("At most %d commands of type %d", typeLimit[k], k))
		}
		key := fmt.Sprint(k, " ", cmd.Name)
		if seen[key] {
			r.add(at(path, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		seen[key] = true
	}
}

func (s *Server) oneCommandRules(c *call, r *report) {
	commandRules(r, "", decode[commandInput](c.raw).command())
}

// commandRules holds what the table can't, docs "Application Command Naming"
// and "Limits": 8,000 characters of names, descriptions and values a command.
func commandRules(r *report, path string, c command) {
	if c.Type == 1 {
		nameRules(r, at(path, "name"), c.Name)
		if c.Description == "" {
			r.add(at(path, "description"), "BASE_TYPE_REQUIRED", "This field is required")
		}
	} else if c.Description != "" || len(c.Options) > 0 {
		r.add(path, "APPLICATION_COMMAND_CONTEXT_MENU", "User and message commands have neither description nor options")
	}
	optionRules(r, at(path, "options"), c.Options)
	if n := commandSize(c); n > 8000 {
		r.add(path, "APPLICATION_COMMAND_TOO_LARGE", fmt.Sprintf("Command exceeds maximum size (8000): %d", n))
	}
}

func nameRules(r *report, path, name string) {
	if !chatName.MatchString(name) || name != strings.ToLower(name) {
		r.add(path, "APPLICATION_COMMAND_INVALID_NAME", fmt.Sprintf("Command name %q is invalid", name))
	}
}

func optionRules(r *report, path string, options []commandOption) {
	optional, nested, seen := false, 0, map[string]bool{}
	for i, o := range options {
		here := at(path, i)
		nameRules(r, at(here, "name"), o.Name)
		if seen[o.Name] {
			r.add(at(here, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
		}
		seen[o.Name] = true
		if o.Type == optionVerb || o.Type == optionGroup {
			nested++
		} else if o.Required && optional {
			r.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options")
		}
		optional = optional || !o.Required
		if o.Autocomplete && len(o.Choices) > 0 {
			r.add(at(here, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", "Autocomplete and choices are mutually exclusive")
		}
		if o.MinLength != nil && o.MaxLength != nil && *o.MinLength > *o.MaxLength {
			r.add(at(here, "min_length"), "APPLICATION_COMMAND_OPTION_MIN_LENGTH", "min_length is larger than max_length")
		}
		optionRules(r, at(here, "options"), o.Options)
	}
	if nested > 0 && nested < len(options) {
		r.add(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-commands and other options can't be mixed")
	}
}

// commandSize counts as Discord does: the longest of each text and its
// translations.
func commandSize(c command) int {
	n := longest(c.Name, c.NameLocal) + longest(c.Description, c.DescLocal)
	var options func([]commandOption) int
	options = func(list []commandOption) int {
		sum := 0
		for _, o := range list {
			sum += longest(o.Name, o.NameLocal) + longest(o.Description, o.DescLocal) + options(o.Options)
			for _, ch := range o.Choices {
				sum += longest(ch.Name, ch.NameLocal)
				if v, ok := ch.Value.(string); ok {
					sum += utf8.RuneCountInString(v)
				}
			}
		}
		return sum
	}
	return n + options(c.Options)
}

func longest(s string, local map[string]string) int {
	n := utf8.RuneCountInString(s)
	for v := range maps.Values(local) {
		n = max(n, utf8.RuneCountInString(v))
	}
	return n
}

// commandInput is a command's body: permissions as string or number.
type commandInput struct {
	command0
	Permissions json.RawMessage `json:"default_member_permissions"`
}

type command0 command

func (c commandInput) command() command {
	out := command(c.command0)
	if p := strings.Trim(string(c.Permissions), `"`); p != "" && p != "null" {
		out.Permissions = &p
	}
	if out.Type == 0 {
		out.Type = 1
	}
	if len(out.Integrations) == 0 {
		out.Integrations = []int{0}
	}
	return out
}

// ownCommands refuses another application's path.
func (s *Server) ownCommands(c *call) (scope string, refusal *reply) {
	if c.PathValue("application_id") != s.opts.ApplicationID {
		return "", new(refuse(codeMissingAccess))
	}
	scope = c.PathValue("guild_id")
	if scope != "" {
		if _, refusal := s.openGuild(c); refusal != nil {
			return "", new(refuse(codeMissingAccess))
		}
	}
	return scope, nil
}

func (s *Server) listCommands(c *call) reply {
	scope, refusal := s.ownCommands(c)
	if refusal != nil {
		return *refusal
	}
	out := []command{}
	for _, cmd := range s.commands.byScope[scope] {
		shown := *cmd
		if c.URL.Query().Get("with_localizations") != "true" {
			shown.NameLocal, shown.DescLocal = nil, nil
		}
		out = append(out, shown)
	}
	return ok(out)
}

// putCommands is "Bulk Overwrite": what isn't named goes, ids stay by name.
func (s *Server) putCommands(c *call) reply {
	scope, refusal := s.ownCommands(c)
	if refusal != nil {
		return *refusal
	}
	old := s.commands.byScope[scope]
	next := []*command{}
	fresh := 0
	for _, in := range decode[[]commandInput](c.raw) {
		cmd, isNew := s.upsert(scope, old, in.command())
		if isNew {
			fresh++
		}
		next = append(next, cmd)
	}
	if !s.spend(scope, fresh) {
		return refuse(codeDailyCommands)
	}
	s.setCommands(scope, next)
	return ok(next)
}

// upsert gives the command its id and version: those it had when nothing
// changed.
func (s *Server) upsert(scope string, old []*command, cmd command) (_ *command, isNew bool) {
	cmd.ApplicationID, cmd.GuildID = s.opts.ApplicationID, scope
	i := slices.IndexFunc(old, func(o *command) bool { return o.Name == cmd.Name && o.Type == cmd.Type })
	if i < 0 {
		cmd.ID = s.world.newID(s.now())
		cmd.Version = s.world.newID(s.now())
		return &cmd, true
	}
	cmd.ID, cmd.Version = old[i].ID, old[i].Version
	if string(jsonOf(cmd)) != string(jsonOf(old[i])) {
		cmd.Version = s.world.newID(s.now())
	}
	return &cmd, false
}

func (s *Server) spend(scope string, n int) bool {
	if s.commands.created == nil {
		s.commands.created = map[string][]time.Time{}
	}
	now := s.now()
	recent := slices.DeleteFunc(s.commands.created[scope], func(t time.Time) bool { return now.Sub(t) > 24*time.Hour })
	if len(recent)+n > dailyCreates {
		return false
	}
	for range n {
		recent = append(recent, now)
	}
	s.commands.created[scope] = recent
	return true
}

func (s *Server) setCommands(scope string, list []*command) {
	if s.commands.byScope == nil {
		s.commands.byScope = map[string][]*command{}
	}
	s.commands.byScope[scope] = list
}

// postCommand is "Create": the same name overwrites.
func (s *Server) postCommand(c *call) reply {
	scope, refusal := s.ownCommands(c)
	if refusal != nil {
		return *refusal
	}
	old := s.commands.byScope[scope]
	cmd, isNew := s.upsert(scope, old, decode[commandInput](c.raw).command())
	if !isNew {
		next := slices.Clone(old)
		next[slices.IndexFunc(old, func(o *command) bool { return o.ID == cmd.ID })] = cmd
		s.setCommands(scope, next)
		return ok(cmd)
	}
	if !s.spend(scope, 1) {
		return refuse(codeDailyCommands)
	}
	s.setCommands(scope, append(slices.Clone(old), cmd))
	return reply{status: http.StatusCreated, body: cmd}
}

func (s *Server) deleteCommand(c *call) reply {
	scope, refusal := s.ownCommands(c)
	if refusal != nil {
		return *refusal
	}
	old := s.commands.byScope[scope]
	next := slices.DeleteFunc(slices.Clone(old), func(o *command) bool { return o.ID == c.PathValue("command_id") })
	if len(next) == len(old) {
		return refuse(codeUnknownCommand)
	}
	s.setCommands(scope, next)
	return noContent()
}
