package command

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Statuses of problems about Slack's user groups.
const (
	GroupsUnseen  = "groups_unseen"  // the app may not see who is in them
	GroupsUnknown = "groups_unknown" // Slack does not tell now
)

// earlyLook is how long an acknowledgement waits for who is in a user group. Of whom
// that is not known by then Do makes the record, when it knows.
const earlyLook = time.Second

// groupKind is a user group of Slack in a list: slack:group:S012.
const groupKind = "group"

// groups are the user groups that the lists name.
func (l Lists) groups() []string {
	var out []string
	for _, entry := range slices.Concat(l.Read, l.Write, l.Admin) {
		if platform, kind, id := principalOf(entry); platform == Slack && kind == groupKind && id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// enrol puts a person of Slack into those of the listed groups that they are in at
// this moment. The problem says why that can't be told, where it decides.
func (r *Runner) enrol(ctx context.Context, j *job, lists Lists) *Problem {
	who := &j.q.Principal
	if who.Platform != Slack || r.o.Groups == nil {
		return nil
	}
	who.Roles = nil // whatever they were when the request was stored
	ids := lists.groups()
	if len(ids) == 0 || who.Workspace == "" || who.User == "" {
		return nil
	}
	if j.early {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, earlyLook)
		defer cancel()
	}
	in, err := r.o.Groups(ctx, *who, ids)
	who.Roles = slices.DeleteFunc(in, func(id string) bool { return !slices.Contains(ids, id) })
	inAll := *who
	inAll.Roles = ids
	if p, ok := errors.AsType[*Problem](err); ok && lists.allows(inAll, j.spec.Access) {
		return p
	}
	return nil
}
