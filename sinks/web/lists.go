package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

const (
	shownLetters = 100
	shownEvents  = 200
	maxSearched  = 50_000 // events that one search looks at
)

// pathOf is the address of a page with what it is about.
func pathOf(name string, args ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(args); i += 2 {
		q.Set(args[i], args[i+1])
	}
	return "/console/" + name + "?" + q.Encode()
}

// agentRow is an agent with what serves it.
type agentRow struct {
	Agent
	Dot           string
	Subscriptions int
	Workspaces    []string
}

func (s *Server) agents(ctx context.Context, _ visit) (any, error) {
	all, err := s.desk.agents.get(ctx)
	if err != nil {
		return nil, err
	}
	subscriptions, err := s.desk.subscriptions.get(ctx)
	if err != nil {
		return nil, err
	}
	places, err := s.desk.workspaces.get(ctx)
	if err != nil {
		return nil, err
	}
	var rows []agentRow
	for _, a := range all {
		row := agentRow{Agent: a, Dot: stateOf(a.State)}
		for _, sub := range subscriptions {
			if slices.ContainsFunc(sub.Agents, func(h string) bool { return h == bridge.EveryAgent || strings.EqualFold(h, a.Handle) }) {
				row.Subscriptions++
			}
		}
		for _, w := range places {
			if _, ok := w.Connection(a.Handle); ok && w.Left.IsZero() {
				row.Workspaces = append(row.Workspaces, oneLine(cmp.Or(w.Name, w.ID), maxName))
			}
		}
		rows = append(rows, row)
	}
	return map[string]any{"Rows": rows}, nil
}

// Percent is how much of the budget is left.
func (b Budget) Percent() int { return 100 * b.Remaining / max(1, b.Limit) }

// searchPage is the list of events.
type searchPage struct {
	Q, Since string
	Lines    []eventLine
	Cut      bool // there are more, or more was not looked at
}

// spans are how far back a search may look, besides the newest.
var spans = map[string]time.Duration{"1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour}

// search lists the newest events with the words; with a span, those that are
// stored, not only those that this process saw.
func (s *Server) search(ctx context.Context, v visit) (any, error) {
	p := searchPage{Q: v.typed("q"), Since: v.Query.Get("since")}
	words := wordsOf(p.Q)
	back, deep := spans[p.Since]
	if !deep {
		p.Since, p.Lines = "", s.desk.recent.newest(words, shownEvents)
		return p, nil
	}
	looked := 0
	err := s.desk.o.History.Events(ctx, []string{bridge.EveryAgent}, time.Now().Add(-back), func(e events.Event, _ bridge.Entry) bool {
		if l := lineOf(e); l.matches(words) {
			if p.Lines = append(p.Lines, l); len(p.Lines) == 2*shownEvents {
				p.Lines, p.Cut = slices.Clone(p.Lines[shownEvents:]), true
			}
		}
		looked++
		p.Cut = p.Cut || looked == maxSearched
		return looked < maxSearched
	})
	p.Cut = p.Cut || len(p.Lines) > shownEvents
	p.Lines = p.Lines[max(0, len(p.Lines)-shownEvents):]
	slices.Reverse(p.Lines)
	return p, err
}

// eventPage is one event as both platforms show it.
type eventPage struct {
	eventLine
	Stored   time.Time
	Position uint64
	View     rootView
	JSON     string
	Lanes    []command.SubscriptionView
}

func (s *Server) event(ctx context.Context, v visit) (any, error) {
	id := v.Query.Get("id")
	e, at, ok, err := s.desk.o.History.Find(ctx, []string{bridge.EveryAgent}, id)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, &command.Problem{Code: 404, Status: "no_event", Message: "No event of that id is kept.", Hint: "It may be older than what is kept."}
	}
	p := eventPage{eventLine: lineOf(e), Stored: at.Stored, Position: at.Position, JSON: source(at.Data)}
	p.View = s.look.view(root{n: 1, head: entry{msg: bridge.Layout(e), posted: e.Time}})
	p.Lanes, err = s.desk.subscriptions.get(ctx)
	return p, err
}

const maxSource = 64 << 10 // bytes of a stored event that are shown

// source is a stored event as it is read: indented, and with what can't be seen
// written out.
func source(data []byte) string {
	var pretty bytes.Buffer
	if json.Indent(&pretty, data, "", "  ") != nil {
		pretty.Write(data)
	}
	text := strings.ToValidUTF8(string(pretty.Bytes()[:min(pretty.Len(), maxSource)]), "�")
	var b strings.Builder
	for _, r := range text {
		if r != '\n' && unseen(r, 0) && r != unicode.ReplacementChar {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	if pretty.Len() > maxSource {
		b.WriteString("\n…")
	}
	return b.String()
}

// letterRow is a dead letter as the console shows it.
type letterRow struct {
	bridge.DeadLetter
	Number       string
	Replay, Drop deed
}

func letterOf(v visit, l bridge.DeadLetter) letterRow {
	id := strconv.FormatUint(l.ID, 10)
	row := letterRow{DeadLetter: l, Number: id, Replay: v.press(v.In.Say("Replay"), "dead replay", "id", id), Drop: v.press(v.In.Say("Drop"), "dead drop", "id", id)}
	row.Drop.Danger = true
	return row
}

// deadPage is the dead letters that fit.
type deadPage struct {
	Subscription, Reason string
	Choices              []option // subscriptions that have dead letters
	Rows                 []letterRow
	Total                int
	ReplayAll, DropAll   *deed
}

func (s *Server) dead(ctx context.Context, v visit) (any, error) {
	all, err := s.desk.dead.get(ctx)
	if err != nil {
		return nil, err
	}
	p := deadPage{Subscription: v.typed("subscription"), Reason: v.typed("reason")}
	p.Choices = addressees(all, p.Subscription)
	for _, l := range all {
		if p.Subscription != "" && l.Subscription != p.Subscription || !strings.Contains(strings.ToLower(l.Reason), strings.ToLower(p.Reason)) {
			continue
		}
		if p.Total++; len(p.Rows) < shownLetters {
			p.Rows = append(p.Rows, letterOf(v, l))
		}
	}
	if p.Total > 1 {
		args := []string{"id", "all"}
		for _, f := range []field{{"subscription", p.Subscription}, {"reason", p.Reason}} {
			if f.Value != "" {
				args = append(args, f.Name, f.Value)
			}
		}
		p.ReplayAll, p.DropAll = new(v.press(v.In.Say("Replay all %d", p.Total), "dead replay", args...)), new(v.press(v.In.Say("Drop all %d", p.Total), "dead drop", args...))
		p.ReplayAll.Say, p.DropAll.Say, p.DropAll.Danger = p.ReplayAll.Label, p.DropAll.Label, true
	}
	return p, nil
}

// addressees are the subscriptions that have dead letters, and the one asked for.
func addressees(all []bridge.DeadLetter, asked string) []option {
	ids := map[string]bool{}
	for _, l := range all {
		ids[oneLine(l.Subscription, maxName)] = true
	}
	if asked != "" {
		ids[asked] = true
	}
	var out []option
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		out = append(out, option{Value: id, Label: id})
	}
	return out
}

// workspaceRow is a Discord server or a Slack workspace as the console shows it.
type workspaceRow struct {
	bridge.Workplace
	Title string
	Dot   string
	Lists []string  // who may, as principals
	Since time.Time // the app is not there any more
	Word  string    // of the platform's for that
	Lacks []string  // what was not granted
	Ended time.Time // of a token that nobody renewed
}

// workspaceRow says how the app stands at a place.
func (s *Server) workspaceRow(v visit, w bridge.Workplace) workspaceRow {
	row := workspaceRow{Workplace: w, Title: cmp.Or(w.Name, w.ID), Dot: StateOK}
	if row.Since, row.Word = w.Gone(); !row.Since.IsZero() {
		row.Dot = StateStarting
		return row
	}
	if w.Install == nil {
		return row
	}
	if row.Lacks = s.desk.o.NotGranted(v.In, w.Install.Scopes); len(row.Lacks) > 0 {
		row.Dot = StateDegraded
	}
	if end := w.Install.Expires; !end.IsZero() && time.Now().After(end) {
		row.Dot, row.Ended = StateDown, end
	}
	return row
}

func (s *Server) workspaces(ctx context.Context, v visit) (any, error) {
	all, err := s.desk.workspaces.get(ctx)
	if err != nil {
		return nil, err
	}
	var rows []workspaceRow
	for _, w := range all {
		row := s.workspaceRow(v, w)
		for _, agent := range slices.Sorted(maps.Keys(w.Access)) {
			lists := w.Access[agent]
			for _, l := range []struct {
				may string
				who []string
			}{{"read", lists.Read}, {"write", lists.Write}, {"admin", lists.Admin}} {
				if len(l.who) > 0 {
					row.Lists = append(row.Lists, handles(v.In, []string{agent})+", "+v.In.Word(l.may)+": "+strings.Join(l.who, ", "))
				}
			}
		}
		rows = append(rows, row)
	}
	return map[string]any{"Rows": rows}, nil
}

// auditPage is the audit, newest first.
type auditPage struct {
	Q, Since string
	Rows     []auditRow
}

type auditRow struct {
	command.Entry
	Who, What, Where, Dot string
}

func (s *Server) audit(ctx context.Context, v visit) (any, error) {
	p := auditPage{Q: v.typed("q"), Since: v.Query.Get("since")}
	var all []command.Entry
	var err error
	if back, deep := spans[p.Since]; deep && back > auditBack {
		all, err = s.desk.audits(ctx, time.Now().Add(-back))
	} else {
		p.Since = ""
		all, err = s.desk.audit.get(ctx)
	}
	words := wordsOf(p.Q)
	for _, e := range all {
		if row := auditOf(e); contains(words, row.Who, row.What, row.Where, e.Agent, e.Outcome, e.Status, e.Door) {
			p.Rows = append(p.Rows, row)
		}
	}
	return p, err
}

func auditOf(e command.Entry) auditRow {
	who := cmp.Or(e.Principal.Name, e.Principal.User, e.Principal.Platform)
	row := auditRow{Entry: e, Who: oneLine(who, maxName), Where: oneLine(strings.TrimSpace(e.Door+" "+e.Place), maxQuote)}
	what := []string{e.Group + " " + e.Verb}
	for _, name := range slices.Sorted(maps.Keys(e.Targets)) {
		what = append(what, name+":"+e.Targets[name])
	}
	row.What = oneLine(strings.Join(what, " "), maxText)
	switch e.Outcome {
	case "done", "scheduled":
		row.Dot = StateOK
	case "asked", "running":
		row.Dot = StateStarting
	case "refused":
		row.Dot = StateDegraded
	default:
		row.Dot = StateDown
	}
	return row
}
