package command

import (
	"slices"
	"strings"
)

// Lists are who may do what: principals such as discord:role:ID,
// discord:user:ID, slack:user:ID and slack:group:ID; discord:managers and
// slack:managers are who manages the workspace.
type Lists struct {
	Read  []string // empty: every member of a connected workspace
	Write []string // empty: who manages the workspace
	Admin []string // empty: who manages the workspace
}

// allows decides. A list that names somebody decides alone; administrators may
// write, and who may write may read.
func (l Lists) allows(p Principal, need Access) bool {
	if p.Platform == NATS || p.Platform == Terminal {
		return true
	}
	if p.Workspace == "" || p.User == "" || p.Gone {
		return false
	}
	admin := p.Manages
	if len(l.Admin) > 0 {
		admin = listed(l.Admin, p)
	}
	write := p.Manages
	if len(l.Write) > 0 {
		write = listed(l.Write, p)
	}
	switch need {
	case Read:
		return admin || write || len(l.Read) == 0 || listed(l.Read, p)
	case Write:
		return admin || write
	case Admin:
	}
	return admin
}

func (l Lists) of(need Access) []string {
	switch need {
	case Read:
		return l.Read
	case Write:
		return slices.Concat(l.Write, l.Admin)
	case Admin:
	}
	return l.Admin
}

// listed reports that a principal is on a list, by user, role or group.
func listed(list []string, p Principal) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		platform, rest, _ := strings.Cut(entry, ":")
		kind, id, _ := strings.Cut(rest, ":")
		switch {
		case platform != p.Platform:
			return false
		case kind == managersKind && id == "":
			return p.Manages
		case id == "":
			return false
		case kind == "user":
			return id == p.User
		case kind == "role" && platform == Discord, kind == groupKind && platform == Slack:
			return slices.Contains(p.Roles, id)
		}
		return false
	})
}
