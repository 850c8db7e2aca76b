package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/language"
)

// reader is the language of who looks, as their browser tells it.
func reader(r *http.Request) language.Speaker { return language.Match(r.Header.Get("Accept-Language")) }

// parseAll reads the templates for every language there is, by its tag.
func parseAll() (map[string]*template.Template, error) {
	out := map[string]*template.Template{}
	for _, tag := range language.Known() {
		t, err := parsePages(language.Match(tag))
		if err != nil {
			return nil, err
		}
		out[tag] = t
	}
	return out, nil
}

// parsePages reads the templates that the program holds. In them t says a sentence, w
// what a table of ours holds, and n counts.
func parsePages(in language.Speaker) (*template.Template, error) {
	t, err := template.New("console").Funcs(template.FuncMap{
		"rfc":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"day":   func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") },
		"clock": func(t time.Time) string { return t.UTC().Format("15:04") },
		"path":  pathOf,
		"line":  func(text string) string { return oneLine(text, maxQuote) },
		"t":     in.Say, "n": in.Count, "lang": in.Tag,
		"w":     func(text string) string { return in.Word(oneLine(text, maxQuote)) },
		"words": func() (string, error) { return spoken(in) },
	}).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse the templates: %w", err)
	}
	return t, nil
}

// spoken are the words of the scripts, as JSON; # stands for a number.
func spoken(in language.Speaker) (string, error) {
	words, err := json.Marshal(map[string]string{
		"live": in.Say("live"), "off": in.Say("not live"), "wait": in.Say("connecting …"), "paused": in.Say("paused"), "held": in.Say("paused · # waiting"),
		"now": in.Say("just now"), "today": in.Say("Today at #"), "yesterday": in.Say("Yesterday at #"),
		"fresh": in.Say("# new"), "reply": in.Say("New reply in a thread"), "pause": in.Say("Pause"), "go": in.Say("Go on"),
	})
	return string(words), err
}
