package command

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// AccessView is who may do what in a workspace, with one agent or with all.
type AccessView struct {
	Agent string     `json:"agent,omitempty"` // "" for what holds for every agent
	Read  AccessList `json:"read"`
	Write AccessList `json:"write"`
	Admin AccessList `json:"admin"`
}

// AccessList is who has one class of access, as principals.
type AccessList struct {
	Usual string   `json:"usual,omitempty"` // where nobody is listed: everybody, managers
	File  []string `json:"file,omitempty"`  // named by the operator, in the configuration
	Every []string `json:"every,omitempty"` // named here, for every agent
	Agent []string `json:"agent,omitempty"` // named here, for this agent alone
}

// maxOnList is how many principals one list may name.
const maxOnList = 100

func accessSpecs() []Spec {
	may := func() []Arg {
		return []Arg{
			required(choiceArg("may", "do what", Read.String(), Write.String(), Admin.String())),
			{Name: "who", Summary: "@person or @role", Required: true, People: true, Max: 200},
			connectedArg("this agent alone"),
			workspaceArg(),
		}
	}
	list := []Spec{
		{
			Verb: "show", Summary: "Who may do what", Whole: true, Of: "handle", Result: AccessView{}, House: showAccess, Args: []Arg{connectedArg("this agent alone"), workspaceArg()},
		},
		{
			Verb: "allow", Summary: "Let somebody do more", Access: Admin, Repeat: Same, Failed: "Not allowed", Whole: true, Of: "handle", Result: AccessView{}, House: allowAccess, Args: may(),
		},
		{
			Verb: "remove", Summary: "Take somebody off a list", Access: Admin, Repeat: Same, Failed: "Not removed", Whole: true, Of: "handle", Result: AccessView{}, House: removeAccess, Args: may(),
		},
		{
			Verb: "audit", Summary: "What was done from here", Access: Admin, Whole: true, Of: "handle", Result: AuditList{}, House: showAudit,
			Args: []Arg{connectedArg("with this agent alone"), {Name: "limit", Summary: "how many", Kind: Integer, Min: 1, Max: 100, Default: "15"}, workspaceArg()},
		},
	}
	for i := range list {
		list[i].Group, list[i].Private = "access", true
	}
	return list
}

// scope is the key of a workspace's lists: an agent's own, or those of every agent.
func scope(a Args) string {
	if a.Agent() == "" {
		return bridge.EveryAgent
	}
	return a.Agent()
}

func showAccess(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	t, err := h.tenant(who, a)
	if err != nil {
		return Reply{}, err
	}
	r, err := h.Workspaces.Get(ctx, t.platform, t.id)
	if err != nil {
		return Reply{}, unread(err)
	}
	return h.accessed(ctx, who, a, r, ""), nil
}

// accessed shows the lists, with a sentence before them.
func (h *House) accessed(ctx context.Context, who Caller, a Args, r bridge.WorkspaceRecord, text string) Reply {
	v := h.accessView(r, a)
	m := bridge.Message{Event: "access", Title: "Who may do what"}
	if v.Agent != "" {
		m.Title = a.say("Who may do what with @%s", v.Agent)
	}
	for _, c := range []struct {
		name, everybody string
		list            AccessList
	}{{"Read", "everybody here", v.Read}, {"Write", "who manages this workspace", v.Write}, {"Admin", "who manages this workspace", v.Admin}} {
		value := a.say(c.everybody)
		if c.list.Usual == "" {
			value = c.list.words(ctx, who, a)
		}
		m.Fields = append(m.Fields, bridge.Field{Name: c.name, Value: value})
	}
	m.Footnote = a.say("Who administers may write, and who may write may read.")
	if text == "" {
		text = m.Title + "."
	}
	return Reply{Data: v, Text: text, Messages: []bridge.Message{m}}
}

func (h *House) accessView(r bridge.WorkspaceRecord, a Args) AccessView {
	file, every, own := h.Listed(), r.Access[bridge.EveryAgent], bridge.AccessLists{}
	v := AccessView{Agent: a.Agent()}
	if v.Agent != "" {
		own = listsOf(r, v.Agent)
	}
	of := func(file, every, own []string, usual string) AccessList {
		l := AccessList{File: file, Every: every, Agent: own}
		if len(file)+len(every)+len(own) == 0 {
			l.Usual = usual
		}
		return l
	}
	v.Read = of(file.Read, every.Read, own.Read, "everybody")
	v.Write = of(file.Write, every.Write, own.Write, managersKind)
	v.Admin = of(file.Admin, every.Admin, own.Admin, managersKind)
	return v
}

// listsOf are the lists of one agent alone.
func listsOf(r bridge.WorkspaceRecord, handle string) bridge.AccessLists {
	for agent, lists := range r.Access {
		if agent != bridge.EveryAgent && strings.EqualFold(agent, handle) {
			return lists
		}
	}
	return bridge.AccessLists{}
}

// words names the people of a list.
func (l AccessList) words(ctx context.Context, who Caller, a Args) string {
	var names []string
	for _, part := range []struct {
		list []string
		why  string
	}{{l.File, a.say("by the operator")}, {l.Every, ""}, {l.Agent, a.say("for this agent")}} {
		for _, entry := range part.list {
			name := who.nameOf(ctx, a, entry)
			if part.why != "" {
				name += " (" + part.why + ")"
			}
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// nameOf is a listed principal as people know it.
func (who Caller) nameOf(ctx context.Context, a Args, entry string) string {
	if _, kind, _ := principalOf(entry); kind == managersKind {
		return a.say("who manages this workspace")
	}
	if who.label != nil {
		if name := who.label(ctx, entry); name != "" {
			return name
		}
	}
	return entry
}

// managersKind stands in a list for who manages the workspace: the usual
// writers and administrators, once somebody else is listed beside them.
const managersKind = "managers"

// principalOf takes an entry of a list apart: "discord:user:1".
func principalOf(entry string) (platform, kind, id string) {
	platform, rest, _ := strings.Cut(entry, ":")
	kind, id, _ = strings.Cut(rest, ":")
	return platform, kind, id
}

var (
	discordMention = regexp.MustCompile(`^<@([!&]?)([0-9]{5,25})>$`)
	slackMention   = regexp.MustCompile(`^@?([UW][A-Z0-9]{2,30})$`)
	slackGroup     = regexp.MustCompile(`^<!subteam\^(S[A-Z0-9]{2,30})(?:\|[^<>]*)?>$`)
	listedForm     = regexp.MustCompile(`^(discord:(?:user|role):[0-9]{1,25}|slack:(?:user:[UW]|group:S)[A-Z0-9]{2,30}|(?:discord|slack):managers)$`)
)

// listedPrincipal reads who is meant: a mention, or a principal as it is stored.
func listedPrincipal(t tenant, text string) (string, error) {
	text = strings.TrimSpace(text)
	entry := text
	switch d, s, g := discordMention.FindStringSubmatch(text), slackMention.FindStringSubmatch(text), slackGroup.FindStringSubmatch(text); {
	case d != nil && d[1] == "&":
		entry = "discord:role:" + d[2]
	case d != nil:
		entry = "discord:user:" + d[2]
	case s != nil:
		entry = "slack:user:" + s[1]
	case g != nil:
		entry = "slack:group:" + g[1]
	case strings.EqualFold(text, managersKind):
		entry = t.platform + ":" + managersKind
	}
	if platform, _, _ := principalOf(entry); listedForm.MatchString(entry) && platform == t.platform {
		return entry, nil
	}
	e := &ArgError{Arg: "who", Status: "wrong_type", Reason: phrase("%q is nobody that can be listed here.", cut(oneLine(text), 64))}
	e.Hint = phrase("Mention a person or a role, or write discord:user:ID or discord:role:ID.")
	if t.platform == Slack {
		e.Hint = phrase("Mention a person or a user group with @, or write slack:user:ID or slack:group:ID.")
	}
	return "", e
}

// allowAccess puts somebody on a list of the workspace.
func allowAccess(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	text := ""
	r, err := h.editAccess(ctx, who, a, func(e *accessEdit) error {
		name := who.nameOf(ctx, a, e.entry)
		switch need := accessOf(a); {
		case slices.Contains(e.list, e.entry):
			text = a.say("Listed already: %s.", name)
			return nil
		case len(e.list) >= maxOnList:
			return &Problem{Code: 409, Status: "too_many", Message: a.say("Not allowed: %d are on this list, the most there may be.", maxOnList)}
		case len(listFor(h.combined(*e.r, a.Agent()), need)) > 0:
		case need != Read:
			e.list = append(slices.Clone(e.list), e.t.platform+":"+managersKind) // they stay what they are
		case !a.Confirmed():
			return &AskError{Question: a.say("So far everybody here may look. From now on only those on the list may, and who may act. Do it?")}
		}
		e.list = append(slices.Clone(e.list), e.entry)
		text = a.say("Allowed: %s may %s.", name, phrase(doing(accessOf(a))))
		return nil
	}, nil)
	if err != nil {
		return Reply{}, err
	}
	if unseen := h.unseen(ctx, who, a); unseen != "" {
		text += " " + unseen
	}
	return h.accessed(ctx, who, a, r, text), nil
}

// unseen says that the bridge can't tell who is in the user group that is meant, and
// what to do; "" where it can.
func (h *House) unseen(ctx context.Context, who Caller, a Args) string {
	t, err := h.tenant(who, a)
	if err != nil {
		return ""
	}
	entry, _ := listedPrincipal(t, a.Text("who"))
	if _, kind, id := principalOf(entry); kind == groupKind && who.group != nil {
		if p, ok := errors.AsType[*Problem](who.group(ctx, t, id)); ok {
			return a.in.Word(p.Message) + " " + a.in.Word(p.Hint)
		}
	}
	return ""
}

// removeAccess takes somebody off a list of the workspace.
func removeAccess(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	text := ""
	r, err := h.editAccess(ctx, who, a, func(e *accessEdit) error {
		i := slices.Index(e.list, e.entry)
		if i < 0 {
			return h.notListed(ctx, who, a, *e.r, e.entry)
		}
		e.list = slices.Delete(slices.Clone(e.list), i, i+1)
		text = a.say("Taken off the list: %s.", who.nameOf(ctx, a, e.entry))
		return nil
	}, func(after Lists) error {
		switch need := accessOf(a); {
		case len(listFor(after, need)) > 0:
		case need != Read:
			text += " " + a.say("Nobody is listed any more: who manages this workspace may do it.")
		case !a.Confirmed():
			return &AskError{Question: a.say("Then nobody is on that list, and everybody here may look. Do it?")}
		}
		return nil
	})
	if err != nil {
		return Reply{}, err
	}
	return h.accessed(ctx, who, a, r, text), nil
}

// notListed says why somebody can't be taken off a list.
func (h *House) notListed(ctx context.Context, who Caller, a Args, r bridge.WorkspaceRecord, entry string) error {
	name := who.nameOf(ctx, a, entry)
	if slices.Contains(listFor(h.Listed(), accessOf(a)), entry) {
		return &Problem{Code: 409, Status: "from_the_file", Message: a.say("Not removed: the operator of the bridge listed %s.", name), Hint: "That is in the configuration file, under access."}
	}
	p := &Problem{Code: 404, Status: "not_listed", Field: "who", Message: a.say("%s is not on that list.", name)}
	if a.Agent() != "" && slices.Contains(listFor(Lists(r.Access[bridge.EveryAgent]), accessOf(a)), entry) {
		p.Hint = "They are on that of every agent: leave the handle out."
	}
	return p
}

// accessEdit is one change of one list.
type accessEdit struct {
	t     tenant
	r     *bridge.WorkspaceRecord // as it was
	list  []string                // to be changed
	entry string                  // who is meant
}

// editAccess changes one list of a workspace, and refuses whoever would lock
// themselves out by it. look, where there is one, looks at what then decides.
func (h *House) editAccess(ctx context.Context, who Caller, a Args, edit func(*accessEdit) error, look func(after Lists) error) (bridge.WorkspaceRecord, error) {
	t, err := h.tenant(who, a)
	if err == nil && a.Agent() == "" {
		err = whole(who)
	}
	if err != nil {
		return bridge.WorkspaceRecord{}, err
	}
	entry, err := listedPrincipal(t, a.Text("who"))
	if err != nil {
		return bridge.WorkspaceRecord{}, err
	}
	var refused error
	r, err := h.Workspaces.Change(ctx, t.platform, t.id, func(r *bridge.WorkspaceRecord) (bool, error) {
		lists := r.Access[scope(a)]
		list := map[Access]*[]string{Read: &lists.Read, Write: &lists.Write, Admin: &lists.Admin}[accessOf(a)]
		e := accessEdit{t: t, r: r, list: *list, entry: entry}
		if refused = edit(&e); refused != nil || slices.Equal(e.list, *list) {
			return false, refused
		}
		*list = slices.Compact(slices.Sorted(slices.Values(e.list)))
		r.Access = maps.Clone(r.Access)
		if r.Access == nil {
			r.Access = map[string]bridge.AccessLists{}
		}
		r.Access[scope(a)] = lists
		if len(lists.Read)+len(lists.Write)+len(lists.Admin) == 0 {
			delete(r.Access, scope(a))
		}
		after := h.combined(*r, a.Agent())
		if !after.allows(who.Principal, Admin) {
			refused = &Problem{Code: 409, Status: "locked_out", Message: "Not changed: you could not administer it any more yourself.", Hint: "List yourself, or a role of yours, first."}
		} else if look != nil {
			refused = look(after)
		}
		return refused == nil, refused
	})
	if refused != nil {
		return r, refused
	}
	return r, unwritten(err)
}

// combined are the lists that decide: those of the operator with the workspace's
// own. An empty list adds nothing, and takes nothing away.
func (h *House) combined(r bridge.WorkspaceRecord, agent string) Lists {
	return h.Listed().With(r.ListsOf(agent))
}

// With are both lists together: each list names whom either names.
func (l Lists) With(own bridge.AccessLists) Lists {
	return Lists{Read: slices.Concat(l.Read, own.Read), Write: slices.Concat(l.Write, own.Write), Admin: slices.Concat(l.Admin, own.Admin)}
}

// listFor is the one list of a class of access.
func listFor(l Lists, need Access) []string {
	switch need {
	case Read:
		return l.Read
	case Write:
		return l.Write
	case Admin:
	}
	return l.Admin
}

// accessOf is the class of access that the arguments name.
func accessOf(a Args) Access {
	switch a.Text("may") {
	case Read.String():
		return Read
	case Write.String():
		return Write
	}
	return Admin
}

// doing is what a class of access allows, as a verb.
func doing(need Access) string {
	switch need {
	case Read:
		return "look"
	case Write:
		return "act"
	case Admin:
	}
	return "administer"
}
