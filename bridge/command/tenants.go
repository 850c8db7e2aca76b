package command

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// Workspaces keeps the servers and workspaces that are connected to agents.
type Workspaces interface {
	List(ctx context.Context) ([]bridge.WorkspaceRecord, error)
	// Get gives one; of an absent one only platform and id are set.
	Get(ctx context.Context, platform, id string) (bridge.WorkspaceRecord, error)
	// Change reads one, lets change edit it, and stores it, again where somebody else
	// was quicker. change gives false to leave it as it is.
	Change(ctx context.Context, platform, id string, change func(*bridge.WorkspaceRecord) (bool, error)) (bridge.WorkspaceRecord, error)
}

// Invites keeps invite codes, none of them readable.
type Invites interface {
	Put(ctx context.Context, code string, v bridge.Invite) error
	// Take redeems a code, once; ok is false for one that can't be redeemed.
	Take(ctx context.Context, code string, by bridge.Person, in string) (v bridge.Invite, ok bool, err error)
}

// Accounts keeps the agents that the bridge works for.
type Accounts interface {
	// Try signs in with somebody's credentials and tells whose they are. Errors are
	// *imagine.Error and *Problem.
	Try(ctx context.Context, p Principal, clientID, clientSecret string) (handle string, err error)
	// Keep seals the secret of an agent, unless the configuration has that agent.
	Keep(ctx context.Context, p Principal, r imagine.Registration) error
	// Hold makes sure of an agent that a workspace was just connected to; false says
	// that it was let go of meanwhile.
	Hold(ctx context.Context, handle string) (bool, error)
	// Release erases the secret of an agent that was added from chat, where no
	// workspace is connected to it any more. It reports whether it did.
	Release(ctx context.Context, handle string) (bool, error)
}

// tenant is the workspace that a command is about.
type tenant struct{ platform, id string }

func (t tenant) String() string { return t.platform + ":" + t.id }

// workspaceArg names a workspace where no door tells it: to programs and to people
// at a terminal.
func workspaceArg() Arg {
	return Arg{Name: "workspace", Summary: "discord:ID or slack:ID", Hidden: true, Max: 100}
}

// tenant is the caller's workspace, or the one that a program named.
func (h *House) tenant(who Caller, a Args) (tenant, error) {
	if !who.program() {
		return tenant{who.Principal.Platform, who.Principal.Workspace}, nil
	}
	platform, id, ok := strings.Cut(a.Text("workspace"), ":")
	if !ok || id == "" || platform != Discord && platform != Slack {
		return tenant{}, &ArgError{Arg: "workspace", Status: "required", Reason: phrase("Say which workspace is meant: workspace is discord:SERVER or slack:TEAM.")}
	}
	return tenant{platform, id}, nil
}

// whole refuses callers whose permission is for one agent alone.
func whole(who Caller) error {
	if !who.narrow {
		return nil
	}
	return &Problem{Code: 403, Status: "forbidden", Message: "That is not for one agent alone.", Hint: "Ask on ia.cmd.-, with permission for it."}
}

// inhabitants are the agents of a workspace that a caller may hear of: from chat
// all of it, from a program with permission for one agent that one alone.
func (who Caller) inhabitants(all []string) []string {
	if who.only == "" {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(h string) bool { return !strings.EqualFold(h, who.only) })
}

// AuditView is an entry of the audit as people of its workspace see it.
type AuditView struct {
	At      time.Time         `json:"at"`
	By      string            `json:"by"`             // as a principal: "discord:user:1"
	Name    string            `json:"name,omitempty"` // as the platform told it then
	Place   string            `json:"place,omitempty"`
	Agent   string            `json:"agent,omitempty"`
	Command string            `json:"command"`
	Targets map[string]string `json:"targets,omitempty"`
	Outcome string            `json:"outcome"`
	Status  string            `json:"status,omitempty"`
}

// AuditList is what "access audit" gives programs.
type AuditList struct {
	Items []AuditView `json:"items"`
}

// showAudit shows what was done and refused at the doors of one workspace. Entries
// of others are not its own, also where they are about the same agent.
func showAudit(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	t, err := h.tenant(who, a)
	if err != nil {
		return Reply{}, err
	}
	entries, err := h.newest(ctx, a.Int("limit"), func(e Entry) bool {
		return e.Principal.Platform == t.platform && e.Principal.Workspace == t.id && (a.Agent() == "" || strings.EqualFold(e.Agent, a.Agent()))
	})
	if err != nil {
		return Reply{}, unread(err)
	}
	out := AuditList{Items: []AuditView{}}
	m := bridge.Message{Event: "access.audit", Title: "What was done from here"}
	for _, e := range entries {
		v := AuditView{
			At: e.At.UTC(), By: t.platform + ":user:" + e.Principal.User, Name: e.Principal.Name, Place: e.Place,
			Agent: e.Agent, Command: e.Group + " " + e.Verb, Targets: e.Targets, Outcome: e.Outcome, Status: e.Status,
		}
		out.Items = append(out.Items, v)
		m.Quotes = append(m.Quotes, bridge.Quote{Label: dots(Moment(v.At, a.zone), cut(oneLine(v.Name), maxName)), Text: v.words(a)})
	}
	if len(entries) == 0 {
		return Reply{Data: out, Text: a.say("Nothing was done from here in the last 30 days.")}, nil
	}
	return Reply{Data: out, Text: a.say("The newest of what was done from here: %s.", counted(len(entries), "entry")), Messages: []bridge.Message{m}}, nil
}

// words are an entry in one line: what, as whom, with what, and what came of it.
func (v AuditView) words(a Args) string {
	agent := ""
	if v.Agent != "" {
		agent = "@" + v.Agent
	}
	var targets []string
	for _, name := range slices.Sorted(maps.Keys(v.Targets)) {
		targets = append(targets, name+":"+v.Targets[name])
	}
	outcome := a.say(v.Outcome)
	if v.Status != "" {
		outcome += " (" + v.Status + ")"
	}
	return cut(oneLine(dots(v.Command, agent, strings.Join(targets, " "), outcome)), maxQuote)
}

// newest are the last n entries of the audit that are wanted, newest first. It
// looks back in steps, as far as the audit is kept.
func (h *House) newest(ctx context.Context, n int, wanted func(Entry) bool) ([]Entry, error) {
	const day = 24 * time.Hour
	var found []Entry
	for _, back := range []time.Duration{time.Hour, day, 7 * day, 31 * day} {
		found = nil
		err := h.Audits(ctx, time.Now().Add(-back), func(e Entry) bool {
			if wanted(e) {
				found = append(found[max(0, len(found)+1-n):], e)
			}
			return ctx.Err() == nil
		})
		if err != nil {
			return nil, err
		}
		if len(found) == n {
			break
		}
	}
	slices.Reverse(found)
	return found, nil
}
