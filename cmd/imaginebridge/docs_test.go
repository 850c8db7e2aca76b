package main

import (
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
