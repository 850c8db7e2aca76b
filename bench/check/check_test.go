package check_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bench/check"
)

var noon = time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return noon.Add(time.Duration(seconds * float64(time.Second)))
}

// happened are five facts, one a second; the last was taken back at once.
func happened() []check.Fact {
	return []check.Fact{
		{ID: "a", At: at(1), Order: 1},
		{ID: "b", At: at(2), Order: 2},
		{ID: "c", At: at(3), Order: 3},
		{ID: "d", At: at(4), Order: 4},
		{ID: "e", At: at(5), Order: 5, Loose: true},
	}
}

// seen is a sight of a fact in the place's one line.
func seen(fact string, second float64) check.Sight {
	return check.Sight{Fact: fact, At: at(second), Line: "channel", Message: fact}
}

func marked(s check.Sight) check.Sight {
	s.Marked = true
	return s
}

func within(message string, s check.Sight) check.Sight {
	s.Message = message
	return s
}

func elsewhere(line string, s check.Sight) check.Sight {
	s.Line = line
	return s
}

// Each broken history is found out, and only what is broken in it.
func TestEachBrokenHistoryIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sights  []check.Sight
		change  func(*check.Place)
		want    map[string]check.Verdict // "ok" where nothing is said
		nothing bool                     // is broken
	}{
		"clean":                      {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6)}, nil, nil, true},
		"taken back, never seen":     {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), seen("d", 5)}, nil, map[string]check.Verdict{"e": check.Excused}, true},
		"lost":                       {[]check.Sight{seen("a", 2), seen("c", 4), seen("d", 5), seen("e", 6)}, nil, map[string]check.Verdict{"b": check.Lost}, false},
		"nothing arrived":            {nil, nil, map[string]check.Verdict{"a": check.Lost, "b": check.Lost, "c": check.Lost, "d": check.Lost, "e": check.Excused}, false},
		"the first lost":             {[]check.Sight{seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6)}, nil, map[string]check.Verdict{"a": check.Lost}, false},
		"the last lost":              {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), seen("e", 6)}, nil, map[string]check.Verdict{"d": check.Lost}, false},
		"a dead letter":              {[]check.Sight{seen("a", 2), seen("c", 4), seen("d", 5), seen("e", 6)}, func(p *check.Place) { p.Excuses = map[string]string{"b": "refused"} }, map[string]check.Verdict{"b": check.Excused}, true},
		"doubled":                    {[]check.Sight{seen("a", 2), seen("a", 2.5), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6)}, nil, map[string]check.Verdict{"a": check.Doubled}, false},
		"doubled much later":         {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6), seen("a", 600)}, nil, map[string]check.Verdict{"a": check.Doubled}, false},
		"doubled in another thread":  {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6), elsewhere("thread", seen("c", 7))}, nil, map[string]check.Verdict{"c": check.Doubled}, false},
		"repeated, marked":           {[]check.Sight{seen("a", 2), marked(seen("a", 3)), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6)}, nil, map[string]check.Verdict{"a": check.Repeated}, true},
		"repeated, marked, may not":  {[]check.Sight{seen("a", 2), marked(seen("a", 3)), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6)}, func(p *check.Place) { p.Once = true }, map[string]check.Verdict{"a": check.Doubled}, false},
		"early":                      {[]check.Sight{seen("a", 0.9), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6)}, nil, map[string]check.Verdict{"a": check.Early}, false},
		"clocks that differ a bit":   {[]check.Sight{seen("a", 0.96), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6)}, nil, nil, true},
		"stale":                      {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), seen("d", 15), seen("e", 16)}, func(p *check.Place) { p.Limit = 10 * time.Second }, map[string]check.Verdict{"d": check.Stale, "e": check.Stale}, false},
		"late, and no limit":         {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), seen("d", 900), seen("e", 901)}, nil, nil, true},
		"reordered":                  {[]check.Sight{seen("a", 4), seen("c", 4.5), seen("b", 4.7), seen("d", 5), seen("e", 6)}, nil, map[string]check.Verdict{"b": check.Reordered}, false},
		"the first comes last":       {[]check.Sight{seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6), seen("a", 7)}, nil, map[string]check.Verdict{"a": check.Reordered}, false},
		"other lines, other order":   {[]check.Sight{seen("c", 4), seen("d", 5), seen("e", 6), elsewhere("thread", seen("a", 7)), elsewhere("thread", seen("b", 8))}, nil, nil, true},
		"order within a digest":      {[]check.Sight{within("1", seen("c", 7)), within("1", seen("a", 7)), within("1", seen("b", 7)), within("2", seen("d", 8)), within("2", seen("e", 8))}, nil, nil, true},
		"order of two digests":       {[]check.Sight{within("1", seen("a", 7)), within("1", seen("c", 7)), within("2", seen("b", 8)), within("2", seen("d", 8)), seen("e", 9)}, nil, map[string]check.Verdict{"b": check.Reordered}, false},
		"overtaken by two":           {[]check.Sight{seen("d", 5), seen("c", 5.5), seen("b", 6), seen("a", 7), seen("e", 8)}, nil, map[string]check.Verdict{"a": check.Reordered, "b": check.Reordered, "c": check.Reordered}, false},
		"no order promised":          {[]check.Sight{elsewhere("", seen("d", 5)), elsewhere("", seen("c", 5.5)), elsewhere("", seen("b", 6)), elsewhere("", seen("a", 7)), seen("e", 8)}, nil, nil, true},
		"misrouted":                  {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6)}, func(p *check.Place) { p.Wants = func(f check.Fact) bool { return f.ID != "b" } }, map[string]check.Verdict{"b": check.Misrouted}, false},
		"not for here, not seen":     {[]check.Sight{seen("a", 2), seen("c", 4), seen("d", 5), seen("e", 6)}, func(p *check.Place) { p.Wants = func(f check.Fact) bool { return f.ID != "b" } }, map[string]check.Verdict{"b": ""}, true},
		"invented":                   {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), seen("d", 5), seen("e", 6), seen("x", 7), seen("x", 8)}, nil, map[string]check.Verdict{"x": check.Invented}, false},
		"a repeat in the wrong turn": {[]check.Sight{seen("a", 2), seen("b", 3), seen("c", 4), marked(seen("a", 4.5)), seen("d", 5), seen("e", 6)}, nil, map[string]check.Verdict{"a": check.Repeated}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			place := check.Place{Name: "here", Wants: func(check.Fact) bool { return true }, Sights: tc.sights}
			if tc.change != nil {
				tc.change(&place)
			}
			want := map[string]check.Verdict{"a": check.OK, "b": check.OK, "c": check.OK, "d": check.OK, "e": check.OK}
			for fact, v := range tc.want {
				if want[fact] = v; v == "" {
					delete(want, fact)
				}
			}
			got, bad := map[string]check.Verdict{}, false
			for _, f := range check.Judge(happened(), place) {
				require.NotContains(t, got, f.Fact, "one verdict each")
				got[f.Fact] = f.Verdict
				bad = bad || f.Verdict.Bad()
			}
			require.Equal(t, want, got)
			require.Equal(t, tc.nothing, !bad)
		})
	}
}

func TestEachBrokenCommandIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		command check.Command
		want    check.Verdict
		bad     bool
	}{
		"done and told":            {check.Command{Taken: true, Told: check.ToldDone, Effects: 1}, check.Answered, false},
		"told, though not in time": {check.Command{Told: check.ToldDone, Effects: 1}, check.Answered, false},
		"refused":                  {check.Command{Taken: true, Told: check.ToldNotDone}, check.Refused, false},
		"nobody was there":         {check.Command{}, check.NotTaken, false},
		"can't be known, done":     {check.Command{Taken: true, Told: check.ToldUnknown, Effects: 1}, check.Doubtful, false},
		"can't be known, not done": {check.Command{Taken: true, Told: check.ToldUnknown}, check.Doubtful, false},
		"told done, not done":      {check.Command{Taken: true, Told: check.ToldDone}, check.FalselyDone, true},
		"done twice":               {check.Command{Taken: true, Told: check.ToldDone, Effects: 2}, check.DoneTwice, true},
		"done twice, not known":    {check.Command{Taken: true, Told: check.ToldUnknown, Effects: 2}, check.DoneTwice, true},
		"told not done, done":      {check.Command{Taken: true, Told: check.ToldNotDone, Effects: 1}, check.FalselyRefused, true},
		"not taken, done":          {check.Command{Effects: 1}, check.FalselyRefused, true},
		"silent":                   {check.Command{Taken: true}, check.Silent, true},
		"silent, done":             {check.Command{Taken: true, Effects: 1}, check.Silent, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check.JudgeCommands([]check.Command{tc.command})
			require.Len(t, got, 1)
			require.Equal(t, tc.want, got[0].Verdict)
			require.Equal(t, tc.bad, got[0].Verdict.Bad())
			require.Equal(t, tc.bad, got[0].Detail != "")
		})
	}
}

func TestTheReportTellsThePathOfTheFirstThreeOfEachKind(t *testing.T) {
	t.Parallel()
	var findings []check.Finding
	for _, fact := range []string{"a", "b", "c", "d"} {
		findings = append(findings, check.Finding{Place: "#alerts", Fact: fact, Verdict: check.Lost, Detail: "happened"})
	}
	findings = append(findings, check.Finding{Place: "#alerts", Fact: "e", Verdict: check.OK}, check.Finding{Place: "hook", Fact: "a", Verdict: check.OK})
	findings = append(findings, check.JudgeCommands([]check.Command{{ID: "one", Door: "commands", Told: check.ToldDone, Effects: 1}})...)
	var out bytes.Buffer
	bad := check.Report(&out, findings, func(place, fact string) []check.Step {
		return []check.Step{{at(2), "attempt of " + fact + " at " + place}, {at(1), "polled"}}
	})
	require.Equal(t, 4, bad)
	require.Equal(t, `#alerts   ok 1 · lost 4 · doubled 0 · reordered 0
hook      ok 1 · lost 0 · doubled 0 · reordered 0
commands  done and told so 1 · told done, not done 0 · done twice 0

#alerts: a is lost: happened
  12:00:01.000  polled
  12:00:02.000  attempt of a at #alerts

#alerts: b is lost: happened
  12:00:01.000  polled
  12:00:02.000  attempt of b at #alerts

#alerts: c is lost: happened
  12:00:01.000  polled
  12:00:02.000  attempt of c at #alerts
`, out.String())
}
