package metric_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/metric"
)

// query is an expression of a shipped file, with where it stands.
type query struct{ at, expr string }

// alerts reads the alert rules.
func alerts(t *testing.T) []query {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/prometheus/imaginebridge.rules.yaml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Expr        string            `yaml:"expr"`
				For         string            `yaml:"for"`
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	require.NoError(t, yaml.UnmarshalWithOptions(raw, &file, yaml.Strict()))
	var out []query
	names := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			require.Regexp(t, `^Imaginebridge[A-Z]\w+$`, r.Alert)
			require.False(t, names[r.Alert], "%s is there twice", r.Alert)
			names[r.Alert] = true
			require.Contains(t, []string{"warning", "critical"}, r.Labels["severity"], r.Alert)
			require.NotEmpty(t, r.Annotations["summary"], r.Alert)
			require.NotEmpty(t, r.Annotations["next"], "%s says what is wrong, and not what to do", r.Alert)
			out = append(out, query{r.Alert, r.Expr})
		}
	}
	require.Greater(t, len(out), 10)
	return out
}

type panel struct {
	ID      int    `json:"id"`
	Type    string `json:"type"`
	Title   string `json:"title"`
	GridPos struct {
		X, Y, W, H int
	} `json:"gridPos"`
	Targets []struct {
		RefID string `json:"refId"`
		Expr  string `json:"expr"`
	} `json:"targets"`
}

// panels reads the dashboard.
func panels(t *testing.T) []query {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/grafana/imaginebridge.json")
	require.NoError(t, err)
	var board struct {
		Title, UID    string
		SchemaVersion int
		Panels        []panel
	}
	require.NoError(t, json.Unmarshal(raw, &board))
	require.NotEmpty(t, board.Title)
	require.NotEmpty(t, board.UID)
	require.Positive(t, board.SchemaVersion)
	var out []query
	ids := map[int]bool{}
	for _, p := range board.Panels {
		require.False(t, ids[p.ID], "two panels have the id %d", p.ID)
		ids[p.ID] = true
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		if p.Type == "row" {
			continue
		}
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$job", "bridge").Replace(target.Expr)
			require.NotContains(t, expr, "$", "%s uses a variable that nobody sets", p.Title)
			out = append(out, query{p.Title + " " + target.RefID, expr})
		}
	}
	require.Greater(t, len(out), 20)
	return out
}

var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	selector = regexp.MustCompile(`([a-z][a-z0-9_]*)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`^\s*([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*$`)
	words    = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_]*`)
)

// language are the words of PromQL that the shipped files use.
var language = []string{
	"absent", "and", "by", "count", "histogram_quantile", "increase", "max", "min", "on", "or", "rate", "sum", "vector",
	"m", "h", "s", // of durations
}

// Whoever scrapes looks with these files: what they name has to be there.
func TestShippedQueriesNameMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	shown := scrape(t, exercised())
	labels := labelsOf(shown)
	rows := map[string]metric.Family{}
	for _, f := range metric.Table(sets) {
		rows[f.Name] = f
	}
	used := map[string]bool{}
	for _, q := range append(alerts(t), panels(t)...) {
		require.Equal(t, strings.Count(q.expr, "("), strings.Count(q.expr, ")"), "%s: %s", q.at, q.expr)
		for _, s := range selector.FindAllStringSubmatch(q.expr, -1) {
			for m := range strings.SplitSeq(s[2], ",") {
				parts := matcher.FindStringSubmatch(m)
				require.NotNil(t, parts, "%s: %s", q.at, m)
				checkMatcher(t, q, s[1], rows, labels[s[1]], parts)
			}
		}
		plain := quoted.ReplaceAllString(q.expr, "")
		known := slices.Concat(language, []string{"job", "instance", "le"})
		for _, all := range labels {
			known = append(known, all...)
		}
		for _, word := range words.FindAllString(plain, -1) {
			if _, there := labels[word]; there {
				used[strings.TrimSuffix(word, "_bucket")] = true
				continue
			}
			require.Contains(t, known, word, "%s: %s", q.at, q.expr)
		}
	}
	for name := range rows {
		require.True(t, used[name] || slices.Contains(lookedAtSeldom, name), "nobody looks at %s: put it on the dashboard", name)
	}
}

// lookedAtSeldom are on no dashboard.
var lookedAtSeldom = []string{"imaginebridge_nats_stream_entries", "imaginebridge_console_streams"}

// checkMatcher holds one label = value to the table.
func checkMatcher(t *testing.T, q query, name string, rows map[string]metric.Family, labels, parts []string) {
	t.Helper()
	if parts[1] == "job" {
		return
	}
	require.Contains(t, labels, parts[1], "%s: %s has no such label", q.at, name)
	row, ours := rows[name]
	if !ours {
		return
	}
	i := slices.IndexFunc(row.Labels, func(l metric.Label) bool { return l.Name == parts[1] })
	require.GreaterOrEqual(t, i, 0, "%s: %s", q.at, name)
	values := []string{parts[3]}
	if parts[2] == "=~" || parts[2] == "!~" {
		values = strings.Split(parts[3], "|")
	}
	for _, v := range values {
		require.Contains(t, row.Labels[i].Values, v, "%s: %s has no such %s", q.at, name, parts[1])
	}
}

// labelsOf lists what a scrape shows, by name, with the labels.
func labelsOf(text string) map[string][]string {
	out := map[string][]string{}
	line := regexp.MustCompile(`(?m)^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+$`)
	for _, m := range line.FindAllStringSubmatch(text, -1) {
		if out[m[1]] == nil {
			out[m[1]] = []string{}
		}
		for _, p := range pair.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(out[m[1]], p[1]) {
				out[m[1]] = append(out[m[1]], p[1])
			}
		}
	}
	return out
}
