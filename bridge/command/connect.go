package command

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// ConnectionView is an agent that a workspace reaches.
type ConnectionView struct {
	Handle string    `json:"handle"`
	How    string    `json:"how"`                 // secret, invite, register; file for those that the operator brought there
	By     string    `json:"by,omitempty"`        // who connected it
	At     time.Time `json:"at,omitzero"`         // when
	Here   bool      `json:"here"`                // the bridge works for it now
	Where  string    `json:"workspace,omitempty"` // of lists over all workspaces: "discord:1041"
}

// ConnectionList is what "connect list" gives programs.
type ConnectionList struct {
	Items []ConnectionView `json:"items"`
}

// Invited is what "connect invite" gives: the one time that the code is shown.
type Invited struct {
	Agent string    `json:"agent"`
	Code  string    `json:"code"`
	Until time.Time `json:"until"`
}

// maxConnected is how many agents may be connected to one workspace.
const maxConnected = 100

func connectSpecs() []Spec {
	secret := func(name, summary string) Arg {
		return Arg{Name: name, Summary: summary, Required: true, Secret: true, Min: 1, Max: 200}
	}
	list := []Spec{
		{
			Verb: "agent", Summary: "Connect an agent by its secret", Access: Admin, Repeat: Same, Failed: "Not connected", Whole: true, Result: ConnectionView{}, House: connectAgent,
			Args: []Arg{secret("client_id", "the agent's client id"), secret("client_secret", "and its secret"), {Name: "handle", Summary: "to make sure", Max: 31}, workspaceArg()},
		},
		{
			Verb: "redeem", Summary: "Connect an agent by a code", Access: Admin, Repeat: Same, Failed: "Not connected", Whole: true, Result: ConnectionView{}, House: redeemInvite,
			Args: []Arg{secret("code", "what its owner gave"), workspaceArg()},
		},
		{
			Verb: "invite", Summary: "Make a code for another server", Access: Admin, Repeat: Creates, Failed: "No code made", Again: "Make a code", Of: "handle", Result: Invited{}, House: makeInvite,
			Args: []Arg{connectedArg("which agent")},
		},
		{
			Verb: "list", Summary: "Agents connected here", Whole: true, Result: ConnectionList{}, House: listConnections, Args: []Arg{workspaceArg()},
		},
		{
			Verb: "remove", Summary: "Disconnect an agent", Access: Admin, Repeat: Same, Failed: "Not disconnected", Of: "handle", Confirm: true, Result: Success{}, House: removeConnection,
			Question: "Disconnect this agent from here? Its events stop coming, and nobody here can act for it any more.",
			Args:     []Arg{required(connectedArg("which agent")), workspaceArg()},
		},
	}
	for i := range list {
		list[i].Group, list[i].Private = "connect", true
	}
	return list
}

// connectedArg names an agent that the workspace is connected to.
func connectedArg(summary string) Arg {
	return Arg{Name: "handle", Summary: summary, Complete: Agents, Max: maxID}
}

// takes is the workspace that a new agent is for, where the caller may bring one
// and it has room.
func (h *House) takes(ctx context.Context, who Caller, a Args) (tenant, error) {
	t, err := h.tenant(who, a)
	if err == nil {
		err = whole(who)
	}
	if err == nil {
		err = h.room(ctx, t, a.in)
	}
	return t, err
}

// connectAgent takes an agent whose secret somebody has: who has it may do
// everything at ImagineAnything anyway.
func connectAgent(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	t, err := h.takes(ctx, who, a)
	if err != nil {
		return Reply{}, err
	}
	id, secret := strings.TrimSpace(a.Text("client_id")), strings.TrimSpace(a.Text("client_secret"))
	handle, err := h.Accounts.Try(ctx, who.Principal, id, secret)
	if imagine.IsUnauthorized(err) {
		return Reply{}, &Problem{
			Code: 400, Status: "wrong_credentials", Message: "Not connected: ImagineAnything refused this client id and secret.",
			Hint: "Copy both from the agent's settings there; if the secret is lost, make a new one.",
		}
	}
	if err != nil {
		return Reply{}, err
	}
	if want := bareHandle(a.Text("handle")); want != "" && !strings.EqualFold(want, handle) {
		return Reply{}, &Problem{Code: 400, Status: "another_agent", Field: "handle", Message: a.say("Not connected: these are the credentials of @%s, not of @%s.", handle, cut(oneLine(want), 64))}
	}
	if err := h.Accounts.Keep(ctx, who.Principal, imagine.Registration{Handle: handle, ClientID: id, ClientSecret: imagine.Secret(secret)}); err != nil {
		return Reply{}, unwritten(err)
	}
	return h.connect(ctx, who, a, t, handle, bridge.BySecret)
}

// redeemInvite takes an agent whose owner gave somebody a code.
func redeemInvite(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	t, err := h.takes(ctx, who, a)
	if err != nil {
		return Reply{}, err
	}
	code := strings.ToUpper(strings.Join(strings.FieldsFunc(a.Text("code"), func(r rune) bool { return r == '-' || r == ' ' }), ""))
	v, ok, err := h.Invites.Take(ctx, code, who.person(), t.String())
	switch {
	case err != nil:
		return Reply{}, unwritten(err)
	case !ok:
		return Reply{}, invalidCode()
	}
	return h.connect(ctx, who, a, t, v.Agent, bridge.ByInvite)
}

// TooManyTries is the answer to a workspace that tries credentials again and again.
func TooManyTries() *Problem {
	return &Problem{Code: 429, Status: "too_many_tries", Message: "Not connected: too many tries from here.", Hint: "Try again in ten minutes."}
}

// invalidCode is the one answer to codes that were never made, were redeemed, or
// are too old: who guesses learns nothing.
func invalidCode() *Problem {
	return &Problem{
		Code: 404, Status: "invalid_code", Field: "code", Message: "Not connected: this code can't be redeemed.",
		Hint: "A code works once and for 24 hours. Ask the agent's owner for a new one.",
	}
}

// room refuses one more agent where there are too many.
func (h *House) room(ctx context.Context, t tenant, in language.Speaker) error {
	r, err := h.Workspaces.Get(ctx, t.platform, t.id)
	if err == nil && len(r.Agents) >= maxConnected {
		return &Problem{Code: 409, Status: "too_many", Message: in.Say("Not connected: %d agents are connected here, the most there may be.", maxConnected)}
	}
	return unread(err)
}

// connect notes the connection, and makes sure that the agent is still there.
func (h *House) connect(ctx context.Context, who Caller, a Args, t tenant, handle, how string) (Reply, error) {
	made := bridge.Connected{Handle: handle, By: who.person(), At: a.Since().UTC(), How: how}
	had := false
	_, err := h.Workspaces.Change(ctx, t.platform, t.id, func(r *bridge.WorkspaceRecord) (bool, error) {
		var was bridge.Connected
		if was, had = r.Connection(handle); had {
			made = was
			return false, nil
		}
		r.Connect(made)
		return true, nil
	})
	if err != nil {
		return Reply{}, unwritten(err)
	}
	there, err := h.Accounts.Hold(ctx, handle)
	if err != nil {
		return Reply{}, unwritten(err)
	}
	if !there { // its last workspace let it go at this moment
		_, err := h.Workspaces.Change(ctx, t.platform, t.id, func(r *bridge.WorkspaceRecord) (bool, error) { return r.Disconnect(handle), nil })
		if err != nil {
			return Reply{}, unwritten(err)
		}
		return Reply{}, invalidCode()
	}
	text := a.say("Connected: @%s.", handle)
	if had {
		text = a.say("@%s was connected here already.", handle)
	}
	return Reply{
		Data: ConnectionView{Handle: handle, How: made.How, By: made.By.Name, At: made.At, Here: true}, Text: text, about: handle,
		Messages: []bridge.Message{{
			Event: "connect.agent", Agent: handle, Title: text, Tone: bridge.ToneGood, Text: a.say("Who may do what with it: /ia access show. What happens to it comes into a channel with /ia subscribe add."),
			Actions: []bridge.Action{{Label: "Subscribe", Command: "subscribe add", Primary: true, Args: map[string]string{Form: "yes", "agents": handle}}, press("Disconnect", "connect remove", "handle", handle)},
		}},
	}, nil
}

// makeInvite makes a code for whoever administers the agent here, or for the
// operator.
func makeInvite(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	agent := a.Agent()
	if agent == "" {
		return Reply{}, &Problem{Code: 400, Status: "agent_required", Field: "handle", Message: a.say("Several agents are connected here: %s.", allOf(who.Agents)), Hint: "Say which one."}
	}
	if err := h.owns(ctx, who, a, agent); err != nil {
		return Reply{}, err
	}
	code, now := rand.Text(), time.Now().UTC() // 130 bits
	v := bridge.Invite{Agent: agent, By: who.person(), Made: now, Until: now.Add(bridge.InviteLife)}
	if err := h.Invites.Put(ctx, code, v); err != nil {
		return Reply{}, unwritten(err)
	}
	// The code stands on the card alone: the ledger keeps the sentences of private
	// answers, and nothing else of them.
	return Reply{
		Data: Invited{Agent: agent, Code: code, Until: v.Until}, Text: a.say("A code for @%s: whoever redeems it connects the agent to their server. It works once, until %s.", agent, Moment(v.Until, a.zone)), about: agent,
		Messages: []bridge.Message{{Event: "connect.invite", Title: "Invite code", Text: code, Footnote: "/ia connect redeem"}},
	}, nil
}

// owns refuses people of a workspace that has the agent by a code itself: whom its
// owner invited invites nobody else.
func (h *House) owns(ctx context.Context, who Caller, a Args, agent string) error {
	if who.program() {
		return nil
	}
	r, err := h.Workspaces.Get(ctx, who.Principal.Platform, who.Principal.Workspace)
	if err != nil {
		return unread(err)
	}
	if c, ok := r.Connection(agent); ok && c.How == bridge.ByInvite {
		return &Problem{Code: 403, Status: "invited", Message: a.say("No code made: @%s was connected here by a code itself.", agent), Hint: "Ask its owner for one, or connect it by its secret."}
	}
	return nil
}

func listConnections(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	out := ConnectionList{Items: []ConnectionView{}}
	if who.program() && !a.Has("workspace") {
		all, err := h.Workspaces.List(ctx)
		if err != nil {
			return Reply{}, unread(err)
		}
		for _, r := range all {
			out.Items = append(out.Items, h.connections(r, who, tenant{r.Platform, r.ID}.String())...)
		}
		return Reply{Data: out, Text: a.say("Connected from chat: %s.", counted(len(out.Items), "agent"))}, nil
	}
	t, err := h.tenant(who, a)
	if err != nil {
		return Reply{}, err
	}
	r, err := h.Workspaces.Get(ctx, t.platform, t.id)
	if err != nil {
		return Reply{}, unread(err)
	}
	out.Items = h.connections(r, who, "")
	for _, handle := range who.inhabitants(h.Reach(t.platform, t.id)) {
		if _, chat := r.Connection(handle); !chat {
			out.Items = append(out.Items, ConnectionView{Handle: handle, How: "file", Here: true})
		}
	}
	m := bridge.Message{Event: "connect.list", Title: "Connected here"}
	for _, c := range out.Items {
		m.Fields = append(m.Fields, bridge.Field{Name: "@" + c.Handle, Value: c.words(a)})
	}
	if len(out.Items) == 0 {
		return Reply{Data: out, Text: "No agent is connected here yet.", Messages: []bridge.Message{{
			Event: "connect.list", Title: "No agent is connected here yet.", Actions: []bridge.Action{{Label: "Connect an agent", Command: "connect agent", Primary: true}, {Label: "I have a code", Command: "connect redeem"}},
		}}}, nil
	}
	return Reply{Data: out, Text: a.say("Connected here: %s.", counted(len(out.Items), "agent")), Messages: []bridge.Message{m}}, nil
}

// connections are those made from chat, in the order of their handles.
func (h *House) connections(r bridge.WorkspaceRecord, who Caller, where string) []ConnectionView {
	reached := h.Reach(r.Platform, r.ID)
	out := []ConnectionView{}
	for _, c := range r.Agents {
		if len(who.inhabitants([]string{c.Handle})) == 1 {
			here := slices.ContainsFunc(reached, func(h string) bool { return strings.EqualFold(h, c.Handle) })
			out = append(out, ConnectionView{Handle: c.Handle, How: c.How, By: c.By.Name, At: c.At, Here: here, Where: where})
		}
	}
	slices.SortFunc(out, func(a, b ConnectionView) int { return strings.Compare(a.Handle, b.Handle) })
	return out
}

// words say how an agent was connected.
func (c ConnectionView) words(a Args) string {
	var how string
	switch c.How {
	case bridge.BySecret:
		how = a.say("by its secret")
	case bridge.ByInvite:
		how = a.say("by an invite code")
	case bridge.ByRegistration:
		how = a.say("registered here")
	default:
		how = a.say("by the operator of the bridge")
	}
	when := ""
	if !c.At.IsZero() {
		when = Moment(c.At, a.zone)
	}
	if !c.Here {
		return dots(how, c.By, when, a.say("not at work now"))
	}
	return dots(how, c.By, when)
}

func removeConnection(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	t, err := h.tenant(who, a)
	if err != nil {
		return Reply{}, err
	}
	handle := a.Agent()
	had := false
	_, err = h.Workspaces.Change(ctx, t.platform, t.id, func(r *bridge.WorkspaceRecord) (bool, error) {
		had = r.Disconnect(handle)
		return had, nil
	})
	if err != nil {
		return Reply{}, unwritten(err)
	}
	if !had {
		return Reply{}, &Problem{
			Code: 409, Status: "from_the_file", Message: a.say("Not disconnected: the operator of the bridge brought @%s here.", handle), Hint: "A subscription of the configuration points into a channel of this workspace.",
		}
	}
	erased, err := h.Accounts.Release(ctx, handle)
	if err != nil {
		return Reply{}, unwritten(err)
	}
	text := a.say("Disconnected: @%s.", handle)
	if erased {
		text += " " + a.say("No other workspace is connected to it, so its secret is erased and it is watched no more.")
	} else if slices.ContainsFunc(h.Operated(t.platform, t.id), func(o string) bool { return strings.EqualFold(o, handle) }) {
		text += " " + a.say("It is still here by the word of the operator: a subscription of the configuration points into a channel of this workspace.")
	}
	r := success(text)
	r.about = handle
	return r, nil
}
