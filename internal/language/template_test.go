package language

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pages are the templates whose words are ours. Those of a message's likeness are
// not: they are the platform's.
var pages = []string{"form.html", "frame.html", "page.html", "parts.html", "sheets.html"}

var (
	saidThere    = regexp.MustCompile(`[{( ]t "((?:[^"\\]|\\.)*)"`)
	countedThere = regexp.MustCompile(`[{( ]n \S+ "([^"]*)"`)
	action       = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	spokenMark   = regexp.MustCompile(`(?:placeholder|aria-label|data-label| title|alt)="([^"]*)"`)
	tag          = regexp.MustCompile(`(?s)<[^>]*>`)
	letters      = regexp.MustCompile(`[A-Za-z]{2,}`)
)

// names stay in every language, as those of attributes do.
var names = []string{
	"required aria-invalid true autofocus aria-describedby wrong help",
	"ImagineBridge", "Discord", "Slack", "imagine-anything", "Enter", "Esc", "doctype", "readyz",
}

// eachTemplate hands over the templates of the console's pages.
func eachTemplate(t *testing.T, fn func(name, text string)) {
	t.Helper()
	for _, page := range pages {
		name := filepath.Join("../../sinks/web/templates", page)
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		fn(name, string(text))
	}
}

// readTemplates takes up what the templates say.
func readTemplates(t *testing.T, out *source) {
	t.Helper()
	eachTemplate(t, func(name, text string) {
		for _, m := range saidThere.FindAllStringSubmatch(text, -1) {
			out.sentences[m[1]], out.literals[m[1]] = name, true
		}
		for _, m := range countedThere.FindAllStringSubmatch(text, -1) {
			out.nouns[m[1]], out.literals[m[1]] = name, true
		}
	})
}

// Words that stand in a template as they are would be English for everybody.
func TestTemplatesSayNothingByThemselves(t *testing.T) {
	t.Parallel()
	eachTemplate(t, func(name, text string) {
		text = action.ReplaceAllString(text, "")
		all := []string{}
		for _, m := range spokenMark.FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
		all = append(all, strings.Split(tag.ReplaceAllString(text, "\n"), "\n")...)
		for _, words := range all {
			for _, word := range letters.FindAllString(words, -1) {
				if !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, word) }) {
					t.Errorf("%s: %q is not said by t", name, strings.TrimSpace(words))
				}
			}
		}
	})
}
