package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Numbers in names of tests lead to docs/reliability.md, which explains each.
func TestTheReliabilityPageExplainsTheNumbersOfTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/reliability.md")
	require.NoError(t, err)
	explained := map[string]bool{}
	for _, m := range regexp.MustCompile(`\b([A-Z]+)(\d+)(?:(?:–| to )[A-Z]+(\d+))?`).FindAllStringSubmatch(string(page), -1) {
		from, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		to := from
		if m[3] != "" {
			to, err = strconv.Atoi(m[3])
			require.NoError(t, err)
		}
		for n := from; n <= to; n++ {
			explained[m[1]+strconv.Itoa(n)] = true
		}
	}
	number := regexp.MustCompile(`(?m)^func Test((?:NF|[PFBT])\d+)_`)
	used := map[string]string{}
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range number.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = path
		}
		return err
	}))
	require.Greater(t, len(used), 30)
	for id, path := range used {
		require.True(t, explained[id], "%s of %s", id, path)
	}
}

// Every kind of wrong input has its words in a file, which names it.
func TestEveryWrongInputHasItsGolden(t *testing.T) {
	t.Parallel()
	const kinds = 58
	page, err := os.ReadFile("../../docs/reliability.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(page), "## Wrong input")
	section, _, _ = strings.Cut(section, "\n## ")
	number, path := regexp.MustCompile(`B(\d+)(–B(\d+))?`), regexp.MustCompile("`([^`]+)`")
	held := map[int]bool{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		for _, m := range number.FindAllStringSubmatch(cells[1], -1) {
			from, err := strconv.Atoi(m[1])
			require.NoError(t, err)
			to, err := strconv.Atoi(cmp.Or(m[3], m[1]))
			require.NoError(t, err)
			for n := from; n <= to; n++ {
				named := regexp.MustCompile(fmt.Sprintf(`(?i)\bB%d(\b|_)`, n))
				held[n] = true
				var names bool
				for _, p := range path.FindAllStringSubmatch(cells[3], -1) {
					text, err := os.ReadFile("../../" + p[1])
					require.NoError(t, err, "B%d", n)
					require.NotEmpty(t, strings.TrimSpace(string(text)), p[1])
					names = names || named.MatchString(p[1]) || named.Match(text)
				}
				require.True(t, names, "no file of B%d names it", n)
			}
		}
	}
	for n := range kinds {
		require.True(t, held[n+1], "B%d has no row", n+1)
	}
}

// Every threat is held by a test that there is.
func TestEveryThreatHasItsTest(t *testing.T) {
	t.Parallel()
	const threats = 28
	page, err := os.ReadFile("../../docs/reliability.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(page), "## Threats")
	section, _, _ = strings.Cut(section, "\n## ")
	tests := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range function.FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = true
		}
		return err
	}))
	named := regexp.MustCompile("`(Test\\w+)`")
	for n := range threats {
		row := regexp.MustCompile(fmt.Sprintf(`(?m)^\| T%d \|.*$`, n+1)).FindString(section)
		require.NotEmpty(t, row, "T%d has no row", n+1)
		list := named.FindAllStringSubmatch(row, -1)
		if strings.HasSuffix(row, "| CI |") {
			continue
		}
		require.NotEmpty(t, list, "T%d names no test", n+1)
		for _, m := range list {
			require.True(t, tests[m[1]], "T%d: there is no %s", n+1, m[1])
		}
	}
}

func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), m[1]))
			require.NoError(t, err, "%s in %s", m[1], page)
		}
	}
}
