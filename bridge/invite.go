package bridge

import "time"

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
}
