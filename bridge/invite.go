package bridge

import (
	"encoding/json"
	"time"
)

// InviteLife is how long an invite code can be redeemed.
const InviteLife = 24 * time.Hour

// Invite lets one workspace connect an agent without its secret, once. It is kept
// under a hash of its code; the code itself is nowhere.
type Invite struct {
	Agent  string    `json:"agent"`
	By     Person    `json:"by,omitzero"` // who made it
	Made   time.Time `json:"made"`
	Until  time.Time `json:"until"`         // it can't be redeemed later
	Used   time.Time `json:"used,omitzero"` // zero: not yet
	UsedBy Person    `json:"used_by,omitzero"`
	UsedIn string    `json:"used_in,omitempty"` // the workspace: "discord:1041"

	newer Newer // fields that this version does not know
}

// plainInvite is an Invite without its ways to be written and read.
type plainInvite Invite

// MarshalJSON writes the record with the fields that came from a newer version.
func (v Invite) MarshalJSON() ([]byte, error) { return v.newer.Onto(plainInvite(v)) }

// UnmarshalJSON reads the record and keeps the fields that it does not know.
func (v *Invite) UnmarshalJSON(data []byte) error {
	var plain plainInvite
	if err := json.Unmarshal(data, &plain); err != nil {
		return err
	}
	newer, err := NewerThan[plainInvite](data)
	plain.newer = newer
	*v = Invite(plain)
	return err
}
