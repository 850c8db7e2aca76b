package bridge

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// WorkspaceRecord is a Discord server or a Slack workspace, as the bridge keeps it.
// It is a value: who changes one stores another over it. What a newer version of
// the bridge wrote into it, and this one does not know, is kept.
type WorkspaceRecord struct {
	Platform   string `json:"platform"`             // "discord", "slack"
	ID         string `json:"id"`                   // guild or team
	Enterprise string `json:"enterprise,omitempty"` // Slack only
	Name       string `json:"name,omitempty"`

	Joined   time.Time `json:"joined,omitzero"`   // when the app was last added; zero: never seen to be
	Left     time.Time `json:"left,omitzero"`     // when it was removed; zero: it is there
	Welcomed time.Time `json:"welcomed,omitzero"` // the one welcome of its life; zero: not yet

	Installer Person                 `json:"installer,omitzero"` // who added the app, where the platform tells it (Slack OAuth)
	Agents    []Connected            `json:"agents,omitempty"`   // agents connected from chat
	Access    map[string]AccessLists `json:"access,omitempty"`   // by handle, EveryAgent for all of them

	Rev uint64 `json:"-"` // of the store; 0 for one that is not stored yet

	newer Newer // fields that this version does not know
}

// EveryAgent stands for all agents: in a subscription, and in the access lists of a
// workspace.
const EveryAgent = "*"

// Connected is an agent that somebody connected to a workspace from chat.
type Connected struct {
	Handle string    `json:"handle"`
	By     Person    `json:"by,omitzero"`
	At     time.Time `json:"at,omitzero"`
	How    string    `json:"how,omitempty"` // BySecret, ByInvite, ByRegistration
}

// The ways to connect an agent to a workspace.
const (
	BySecret = "secret" // its own client id and secret
	ByInvite = "invite" // a code made by who administers it

	ByRegistration = "register" // it was made from there
)

// AccessLists are who may do what with an agent, as principals: "discord:role:ID",
// "discord:user:ID", "slack:user:U1", "slack:group:S1".
type AccessLists struct {
	Read  []string `json:"read,omitempty"`
	Write []string `json:"write,omitempty"`
	Admin []string `json:"admin,omitempty"`
}

// Connection finds the connection of an agent, whatever the case of its handle.
func (r *WorkspaceRecord) Connection(handle string) (Connected, bool) {
	i := slices.IndexFunc(r.Agents, func(c Connected) bool { return strings.EqualFold(c.Handle, handle) })
	if i < 0 {
		return Connected{}, false
	}
	return r.Agents[i], true
}

// Connect adds an agent, in the place of an earlier connection of the same.
func (r *WorkspaceRecord) Connect(c Connected) {
	r.Disconnect(c.Handle)
	r.Agents = append(r.Agents, c)
}

// Disconnect takes an agent out, with the access lists that were its own, and
// reports whether it was connected.
func (r *WorkspaceRecord) Disconnect(handle string) bool {
	had := len(r.Agents)
	r.Agents = slices.DeleteFunc(slices.Clone(r.Agents), func(c Connected) bool { return strings.EqualFold(c.Handle, handle) })
	if len(r.Agents) == had {
		return false
	}
	r.Access = maps.Clone(r.Access)
	maps.DeleteFunc(r.Access, func(agent string, _ AccessLists) bool { return strings.EqualFold(agent, handle) })
	return true
}

// ListsOf are the lists of an agent together with those of every agent.
func (r *WorkspaceRecord) ListsOf(handle string) AccessLists {
	out := AccessLists{}
	for agent, lists := range r.Access {
		if agent == EveryAgent || handle != "" && strings.EqualFold(agent, handle) {
			out.Read, out.Write, out.Admin = union(out.Read, lists.Read), union(out.Write, lists.Write), union(out.Admin, lists.Admin)
		}
	}
	return out
}

// union is the entries of both lists, each once, in order.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// plainWorkspace is a WorkspaceRecord without its ways to be written and read.
type plainWorkspace WorkspaceRecord

// MarshalJSON writes the record with the fields that came from a newer version.
func (r WorkspaceRecord) MarshalJSON() ([]byte, error) { return r.newer.Onto(plainWorkspace(r)) }

// UnmarshalJSON reads the record and keeps the fields that it does not know.
func (r *WorkspaceRecord) UnmarshalJSON(data []byte) error {
	var plain plainWorkspace
	if err := json.Unmarshal(data, &plain); err != nil {
		return err
	}
	newer, err := NewerThan[plainWorkspace](data)
	plain.newer = newer
	*r = WorkspaceRecord(plain)
	return err
}
