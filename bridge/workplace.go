package bridge

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Workplace is a server, workspace or organisation that the app was added to: what is
// kept of it, and what it granted.
type Workplace struct {
	WorkspaceRecord

	Install *Installation // nil where it has none of its own
	Whole   bool          // an organisation's: it stands for all of its workspaces
	Under   bool          // the installation of its organisation serves it
}

// Workplaces brings records and installations together, by platform, name and id.
func Workplaces(records []WorkspaceRecord, installs []Installation) []Workplace {
	out := make([]Workplace, 0, len(records))
	for _, r := range records {
		out = append(out, Workplace{WorkspaceRecord: r})
	}
	for _, in := range installs {
		id, whole := in.Team, in.Team == WholeOrganisation
		if whole {
			id = in.Enterprise
		}
		i := slices.IndexFunc(out, func(w Workplace) bool { return w.Platform == in.Platform && w.ID == id })
		if i < 0 {
			i = len(out)
			out = append(out, Workplace{WorkspaceRecord: WorkspaceRecord{Platform: in.Platform, ID: id}})
		}
		out[i].Install, out[i].Whole = &in, whole
		out[i].Name = cmp.Or(in.Name, out[i].Name)
		if out[i].Installer == (Person{}) {
			out[i].Installer = in.Installer
		}
		if out[i].Joined.Before(in.Installed) {
			out[i].Joined = in.Installed
		}
	}
	for i, w := range out {
		out[i].Under = w.Install == nil && w.Enterprise != "" && slices.ContainsFunc(installs, func(in Installation) bool {
			return in.Team == WholeOrganisation && in.Enterprise == w.Enterprise && in.Ended.IsZero()
		})
	}
	slices.SortStableFunc(out, func(a, b Workplace) int {
		return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(strings.ToLower(cmp.Or(a.Name, a.ID)), strings.ToLower(cmp.Or(b.Name, b.ID))), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Gone is when the app was removed, with the platform's word for it where there is
// one; zero while it is there.
func (w Workplace) Gone() (at time.Time, why string) {
	if w.Install != nil && !w.Install.Ended.IsZero() {
		return w.Install.Ended, w.Install.Why
	}
	return w.Left, ""
}
