package discord

import "strconv"

// permission is a bit of Discord's permissions with the name that its settings
// show (docs, "Bitwise Permission Flags").
type permission struct {
	bit  uint64
	name string
}

var (
	viewChannel    = permission{1 << 10, "View Channel"}
	sendMessages   = permission{1 << 11, "Send Messages"}
	embedLinks     = permission{1 << 14, "Embed Links"}
	readHistory    = permission{1 << 16, "Read Message History"}
	publicThreads  = permission{1 << 35, "Create Public Threads"}
	sendInThreads  = permission{1 << 38, "Send Messages in Threads"}
	administrator  = uint64(1 << 3)
	manageServer   = uint64(1 << 5)
	everyPermitted = ^uint64(0)
)

// InstallPermissions is what the install link asks for: view, send, embed,
// attach, read history, react, public threads, send in threads.
const InstallPermissions = 309237763136

// managing reports permissions that manage a server.
func managing(have uint64) bool { return have&(administrator|manageServer) != 0 }

// mayManage reads permissions as an event writes them.
func mayManage(text string) bool {
	n, err := strconv.ParseUint(text, 10, 64)
	return err == nil && managing(n)
}

// bits is a set of permissions, which Discord writes as a decimal string.
type bits uint64

// UnmarshalJSON implements json.Unmarshaler.
func (b *bits) UnmarshalJSON(raw []byte) error {
	var s flexText
	if err := s.UnmarshalJSON(raw); err != nil {
		return err
	}
	n, err := strconv.ParseUint(string(s), 10, 64)
	*b = bits(n)
	return err
}

type role struct {
	ID          flexID `json:"id"`
	Name        string `json:"name"`
	Permissions bits   `json:"permissions"`
	Mentionable bool   `json:"mentionable"`
}

// overwrite changes permissions in one channel for a role (type 0) or a member
// (type 1).
type overwrite struct {
	ID    flexID `json:"id"`
	Type  int    `json:"type"`
	Allow bits   `json:"allow"`
	Deny  bits   `json:"deny"`
}

// permissionsIn computes what a member may do in a channel (docs, "Permission
// Hierarchy"): the roles' together, then the overwrites of everyone, of the
// roles, of the member.
func permissionsIn(guild, member flexID, mine []flexID, roles []role, overwrites []overwrite) uint64 {
	has := map[flexID]bool{guild: true}
	for _, id := range mine {
		has[id] = true
	}
	var all bits
	for _, r := range roles {
		if has[r.ID] {
			all |= r.Permissions
		}
	}
	if uint64(all)&administrator != 0 {
		return everyPermitted
	}
	var allow, deny bits
	for _, o := range overwrites {
		switch {
		case o.ID == guild:
			all = all&^o.Deny | o.Allow
		case o.Type == 0 && has[o.ID]:
			allow, deny = allow|o.Allow, deny|o.Deny
		}
	}
	all = all&^deny | allow
	for _, o := range overwrites {
		if o.Type == 1 && o.ID == member {
			all = all&^o.Deny | o.Allow
		}
	}
	return uint64(all)
}

// lacking names those of the wanted permissions that are missing. Without View
// Channel nothing else counts.
func lacking(have uint64, wanted ...permission) []string {
	if have&viewChannel.bit == 0 {
		return []string{viewChannel.name}
	}
	var out []string
	for _, p := range wanted {
		if have&p.bit == 0 {
			out = append(out, p.name)
		}
	}
	return out
}
