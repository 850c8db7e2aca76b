package discord

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Kinds of commands and options, Discord docs "Application Commands".
const (
	kindChat = 1
	kindMenu = 3

	optionVerb       = 1
	optionGroup      = 2
	optionText       = 3
	optionInteger    = 4
	optionFlag       = 5
	optionNumber     = 10
	optionAttachment = 11
)

const (
	rootCommand  = "ia"
	adminCommand = "ia-admin"
	manageGuild  = "32" // who sees /ia-admin at first; our own access decides

	// maxCommand is what one command may hold of names, descriptions and string
	// values. Discord's limit is 8,000.
	maxCommand = 7800
	maxOptions = 25
	maxChoices = 25
	fewChoices = 10 // more are completed instead: each costs its name and its value
	maxSummary = 100
)

// Names of the commands in a message's menu.
const (
	replyMenu = "Reply on ImagineAnything"
	shareMenu = "Share as post"
)

// daily lists the groups that people use every day: they are verbs of /ia. Each
// other group is a command of its own.
func daily() []string {
	return []string{"subscribe", "connect", "access", "post", "dm", "generate", "feed", "notify", "search"}
}

// connecting is the group of what connects a workspace to agents. It and what else
// is about the whole workspace stand in /ia for everybody to see: who may use them,
// the workspace's own lists say.
const connecting = "connect"

// own is the group of the bridge's own verbs, which stand in /ia without a group.
const own = "bridge"

// appCommand is an application command, as it is registered and compared.
type appCommand struct {
	Type         int         `json:"type"`
	Name         string      `json:"name"`
	Description  string      `json:"description,omitempty"`
	Local        local       `json:"description_localizations,omitempty"`
	Options      []appOption `json:"options,omitempty"`
	Permissions  *string     `json:"default_member_permissions,omitempty"`
	Contexts     []int       `json:"contexts,omitempty"`
	Integrations []int       `json:"integration_types,omitempty"`
}

type appOption struct {
	Type         int         `json:"type"`
	Name         string      `json:"name"`
	Description  string      `json:"description"`
	Local        local       `json:"description_localizations,omitempty"`
	Required     bool        `json:"required,omitempty"`
	Autocomplete bool        `json:"autocomplete,omitempty"`
	MinLength    int         `json:"min_length,omitempty"`
	MaxLength    int         `json:"max_length,omitempty"`
	MinValue     *float64    `json:"min_value,omitempty"`
	MaxValue     *float64    `json:"max_value,omitempty"`
	Choices      []appChoice `json:"choices,omitempty"`
	Options      []appOption `json:"options,omitempty"`
}

// local is a description in other languages, by Discord's locales.
type local map[string]string

// localized is a description in each language there is.
func localized(description string) local {
	out := local{}
	for _, tag := range language.Known()[1:] { // English is the description itself
		if own := plain(language.Match(tag).Word(description), maxSummary); own != description {
			out[tag] = own
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

type appChoice struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// appCommands turns the command table into application commands: /ia with the
// bridge's own verbs and the daily groups as far as they fit, one command for
// each other group, /ia-admin for what only administrators do, and the commands
// in a message's menu. several adds an option that names the agent.
func appCommands(table []command.Spec, several bool) []appCommand {
	groups := map[string][]command.Spec{}
	var order, adminOrder []string
	admin := map[string][]command.Spec{}
	for _, s := range table {
		if s.Access == command.Admin && !isOwn(s.Group) && !s.Whole && s.Group != connecting {
			if admin[s.Group] == nil {
				adminOrder = append(adminOrder, s.Group)
			}
			admin[s.Group] = append(admin[s.Group], s)
			continue
		}
		if groups[s.Group] == nil {
			order = append(order, s.Group)
		}
		groups[s.Group] = append(groups[s.Group], s)
	}
	root := newChat(rootCommand, "ImagineAnything: posts, messages, generations")
	for _, g := range order {
		if isOwn(g) {
			root.Options = append(root.Options, verbOptions(groups[g], several)...)
		}
	}
	var others []appCommand
	if !helped(table) {
		root.Options = append(root.Options, appOption{Type: optionVerb, Name: helpVerb, Description: allCommands, Local: localized(allCommands)})
	}
	root.Options = append(root.Options, appOption{Type: optionVerb, Name: setupVerb, Description: setsUp, Local: localized(setsUp)})
	for _, g := range append(daily(), order...) {
		verbs := groups[g]
		if len(verbs) == 0 || isOwn(g) {
			continue
		}
		delete(groups, g)
		option := groupOption(g, verbs, several)
		if slices.Contains(daily(), g) && fits(root, option) {
			root.Options = append(root.Options, option)
			continue
		}
		c := newChat(rootCommand+"-"+g, "ImagineAnything: "+g)
		c.Options = option.Options
		others = append(others, c)
	}
	if len(adminOrder) > 0 {
		c := newChat(adminCommand, "ImagineAnything: keys and identity")
		c.Permissions = new(manageGuild)
		for _, g := range adminOrder {
			c.Options = append(c.Options, groupOption(g, admin[g], several))
		}
		others = append(others, c)
	}
	out := append([]appCommand{root}, others...)
	for _, name := range []string{replyMenu, shareMenu} {
		out = append(out, appCommand{Type: kindMenu, Name: name, Contexts: []int{0}, Integrations: []int{0}})
	}
	return out
}

const (
	allCommands = "All commands"
	setsUp      = "Set this server up"
	actingAgent = "Acting agent"
)

// setupVerb opens the wizard: its steps are commands of the table.
const setupVerb = "setup"

// helpVerb is answered here where the table has no row for it.
const helpVerb = "help"

func helped(table []command.Spec) bool {
	return slices.ContainsFunc(table, func(s command.Spec) bool { return isOwn(s.Group) && s.Verb == helpVerb })
}

func isOwn(group string) bool { return group == "" || group == own }

func newChat(name, description string) appCommand {
	return appCommand{Type: kindChat, Name: name, Description: description, Local: localized(description), Contexts: []int{0, 1}, Integrations: []int{0}}
}

// fits reports whether the command has room for one more option.
func fits(c appCommand, o appOption) bool {
	return len(c.Options) < maxOptions && c.size()+optionSize(o) <= maxCommand
}

func groupOption(group string, verbs []command.Spec, several bool) appOption {
	return appOption{Type: optionGroup, Name: group, Description: group, Options: verbOptions(verbs, several)}
}

func verbOptions(verbs []command.Spec, several bool) []appOption {
	out := make([]appOption, 0, len(verbs))
	for _, s := range verbs {
		o := appOption{Type: optionVerb, Name: s.Verb, Description: describe(s.Summary, s.Verb), Local: localized(s.Summary)}
		for _, a := range s.Args {
			o.Options = append(o.Options, argOptions(a)...)
		}
		if several {
			o.Options = append(o.Options, appOption{Type: optionText, Name: agentOption, Description: actingAgent, Local: localized(actingAgent), Autocomplete: true})
		}
		slices.SortStableFunc(o.Options, func(a, b appOption) int {
			return cmp.Compare(rank(a.Required), rank(b.Required))
		})
		o.Options = o.Options[:min(len(o.Options), maxOptions)]
		out = append(out, o)
	}
	return out
}

// agentOption names the agent that acts.
const agentOption = "agent"

func rank(required bool) int {
	if required {
		return 0
	}
	return 1
}

func describe(summary, name string) string {
	return plain(cmp.Or(summary, name), maxSummary)
}

// argOptions are the options of one argument. Secrets are typed into forms only;
// long texts may be left out, which opens a form.
func argOptions(a command.Arg) []appOption {
	if a.Hidden || a.Secret {
		return nil
	}
	o := appOption{Type: optionText, Name: a.Name, Description: describe(a.Summary, a.Name), Local: localized(a.Summary), Required: a.Required && !a.Long}
	switch a.Kind {
	case command.Attachment:
		return fileOptions(a, o)
	case command.Flag:
		o.Type = optionFlag
		return []appOption{o}
	case command.Integer, command.Number:
		o.Type = optionInteger
		if a.Kind == command.Number {
			o.Type = optionNumber
		}
		if a.Max > 0 {
			o.MinValue, o.MaxValue = new(a.Min), new(a.Max)
		}
		return []appOption{o}
	case command.Text, command.List:
	}
	switch {
	case len(a.Choices) > 0 && len(a.Choices) <= fewChoices:
		for _, c := range a.Choices {
			o.Choices = append(o.Choices, appChoice{c, c})
		}
	case len(a.Choices) > 0 || a.Complete != "":
		o.Autocomplete = true
	case a.Kind == command.Text && !a.Long && a.Max > 0:
		// A long text that is too long comes to us and is kept; the others the client holds back.
		o.MaxLength = int(a.Max)
	}
	return []appOption{o}
}

// fileOptions are as many attachment options as files may be given: file1, file2 …
func fileOptions(a command.Arg, o appOption) []appOption {
	o.Type = optionAttachment
	if a.Max <= 1 {
		return []appOption{o}
	}
	var out []appOption
	for i := range int(min(a.Max, 10)) {
		next := o
		next.Name = fileStem(a.Name) + strconv.Itoa(i+1)
		next.Required = o.Required && i == 0
		out = append(out, next)
	}
	return out
}

func fileStem(name string) string { return strings.TrimSuffix(name, "s") }

// argOf finds the argument that an option stands for.
func argOf(s *command.Spec, option string) (command.Arg, bool) {
	if a, ok := s.Arg(option); ok {
		return a, true
	}
	stem := strings.TrimRight(option, "0123456789")
	for _, a := range s.Args {
		if a.Kind == command.Attachment && a.Max > 1 && stem != option && fileStem(a.Name) == stem {
			return a, true
		}
	}
	return command.Arg{}, false
}

// specOf finds the row of the table for a command's name and the path of verbs
// that a person chose.
func specOf(table []command.Spec, name string, path []string) *command.Spec {
	find := func(group, verb string) *command.Spec {
		for i := range table {
			if table[i].Verb == verb && (table[i].Group == group || group == "" && isOwn(table[i].Group)) {
				return &table[i]
			}
		}
		return nil
	}
	group, isGroup := strings.CutPrefix(name, rootCommand+"-")
	switch {
	case len(path) == 2 && (name == rootCommand || name == adminCommand):
		return find(path[0], path[1])
	case len(path) == 1 && name == rootCommand:
		return find("", path[0])
	case len(path) == 1 && isGroup:
		return find(group, path[0])
	}
	return nil
}

// size counts what Discord's limit of 8,000 is about.
func (c appCommand) size() int {
	n := utf8.RuneCountInString(c.Name) + longest(c.Description, c.Local)
	for _, o := range c.Options {
		n += optionSize(o)
	}
	return n
}

// longest is what counts of a description (Discord docs "Application Commands",
// "Localization").
func longest(description string, others local) int {
	n := utf8.RuneCountInString(description)
	for _, own := range others {
		n = max(n, utf8.RuneCountInString(own))
	}
	return n
}

func optionSize(o appOption) int {
	n := utf8.RuneCountInString(o.Name) + longest(o.Description, o.Local)
	for _, c := range o.Choices {
		value, _ := c.Value.(string)
		n += utf8.RuneCountInString(c.Name) + utf8.RuneCountInString(value)
	}
	for _, inner := range o.Options {
		n += optionSize(inner)
	}
	return n
}
