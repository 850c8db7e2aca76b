package slack

import (
	"context"
	"errors"
	"slices"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	methodTeams  = "auth.teams.list"
	teamsPerPage = 1000
	maxTeamPages = 20
)

// teams lists the workspaces that a token is good for.
func (d *desk) teams(ctx context.Context, token string) ([]string, *fault) {
	api := slackgo.New(token,
		slackgo.OptionAPIURL(d.web.origin.String()+"/api/"), slackgo.OptionHTTPClient(d.web.client), slackgo.OptionLog(silent{}))
	var out []string
	cursor := ""
	for range maxTeamPages {
		var seen exchange
		calling, cancel := context.WithTimeout(context.WithValue(ctx, exchangeKey{}, &seen), d.web.timeout)
		list, next, err := api.ListTeamsContext(calling, slackgo.ListTeamsParameters{Limit: teamsPerPage, Cursor: cursor})
		cancel()
		if bad := diagnose(methodTeams, seen, err); bad != nil {
			return nil, bad
		}
		for _, t := range list {
			out = append(out, t.ID)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return out, nil
}

// survey asks once, by each process for each installation, which workspaces of its
// organisation it serves: no event tells of those that were there before, or that
// came and went while nobody listened. It says when to look again.
func (a *Apps) survey(ctx context.Context) time.Duration {
	next := 24 * time.Hour
	for _, r := range a.live() {
		if r.Team != bridge.WholeOrganisation || a.surveyedAt(keyOf(r)).Equal(r.Installed) {
			continue
		}
		teams, bad := a.desk.teams(ctx, r.Bot)
		if bad != nil {
			a.log.WarnContext(ctx, "workspaces of an organisation not listed", "installation", r.String(), "err", bad)
			next = min(next, max(settleAgain, bad.pause))
			continue
		}
		a.mu.Lock()
		a.surveyed[keyOf(r)] = r.Installed
		for _, team := range teams {
			a.owed[seat{keyOf(r), team}], a.told[seat{keyOf(r), team}] = true, true
		}
		for _, team := range r.Teams {
			if !slices.Contains(teams, team) {
				a.gone(seat{keyOf(r), team})
			}
		}
		a.mu.Unlock()
	}
	return next
}

func (a *Apps) surveyedAt(key installKey) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.surveyed[key]
}

// gone notes that an organisation took the app out of a workspace. The caller holds mu.
func (a *Apps) gone(at seat) {
	a.owed[at] = false
	delete(a.told, at)
}

// enlist keeps in the record of an organisation's installation that it serves a
// workspace, or does not any more, so that the next process knows it at once.
func (a *Apps) enlist(ctx context.Context, at seat, serves bool) error {
	for a.record(at.by).Team == bridge.WholeOrganisation && at.team != bridge.WholeOrganisation {
		r, err := a.opt.Installs.Get(ctx, platform, at.by.enterprise, at.by.team)
		if err != nil || !r.Live() || slices.Contains(r.Teams, at.team) == serves {
			return err
		}
		r.Teams = slices.DeleteFunc(slices.Clone(r.Teams), func(team string) bool { return team == at.team })
		if serves {
			r.Teams = append(r.Teams, at.team)
			slices.Sort(r.Teams)
		}
		r, err = a.opt.Installs.Put(ctx, r)
		if errors.Is(err, bridge.ErrFenced) {
			continue
		}
		if err == nil {
			a.note(r)
		}
		return err
	}
	return nil
}

// organisation is the one that a workspace is known to be part of, "" for none.
func (a *Apps) organisation(team string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, r := range a.all {
		if key.team == bridge.WholeOrganisation && r.Live() && slices.Contains(r.Teams, team) {
			return key.enterprise
		}
	}
	for at := range a.told { // it was heard of, and is not stored yet
		if at.team == team && at.by.team == bridge.WholeOrganisation {
			return at.by.enterprise
		}
	}
	return ""
}

// seats are the workspaces that the live installations are known to serve.
func (a *Apps) seats() []seat {
	var out []seat
	for _, r := range a.live() {
		if r.Team != bridge.WholeOrganisation {
			out = append(out, seat{keyOf(r), r.Team})
			continue
		}
		for _, team := range r.Teams {
			out = append(out, seat{keyOf(r), team})
		}
	}
	return out
}
