package language

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	xlanguage "golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// files are the catalogues, one a language, named by its BCP 47 tag.
//
//go:embed *.json
var files embed.FS

// voice is one language with its catalogue.
type voice struct {
	tag     xlanguage.Tag
	printer *message.Printer
	words   map[string]string
	nouns   map[string]forms
}

func (v *voice) word(key string) string {
	if w, ok := v.words[key]; ok {
		return w
	}
	return key
}

// forms are a noun with its number: {"one": "%d Beitrag", "other": "%d Beiträge"}.
type forms map[string]string

func (f forms) of(form plural.Form) string {
	name := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}[form]
	if s, ok := f[name]; ok {
		return s
	}
	return f["other"]
}

// sheet is a catalogue as its file has it.
type sheet struct {
	Sentences map[string]string `json:"sentences"`
	Nouns     map[string]forms  `json:"nouns"` // by the English noun
}

type choir struct {
	list    []*voice // English first
	matcher xlanguage.Matcher
}

// voices reads the catalogues once. One that can't be read is left out; a test
// keeps that from happening.
var voices = sync.OnceValue(func() choir {
	builder := catalog.NewBuilder(catalog.Fallback(xlanguage.English))
	list := []*voice{{tag: xlanguage.English}}
	entries, _ := files.ReadDir(".")
	for _, e := range entries {
		tag, s, err := read(e.Name())
		if err != nil {
			continue
		}
		for key, text := range s.Sentences {
			if strings.Contains(key, "%") {
				_ = builder.SetString(tag, key, text) // fails for macros only, and there are none
			}
		}
		list = append(list, &voice{tag: tag, words: s.Sentences, nouns: s.Nouns})
	}
	tags := make([]xlanguage.Tag, len(list))
	for i, v := range list {
		tags[i], v.printer = v.tag, message.NewPrinter(v.tag, message.Catalog(builder))
	}
	return choir{list: list, matcher: xlanguage.NewMatcher(tags)}
})

func read(name string) (xlanguage.Tag, sheet, error) {
	var s sheet
	tag, err := xlanguage.Parse(strings.TrimSuffix(name, path.Ext(name)))
	if err != nil {
		return tag, s, fmt.Errorf("catalogue %s: its name is no language: %w", name, err)
	}
	data, err := files.ReadFile(name)
	if err != nil {
		return tag, s, fmt.Errorf("catalogue %s: %w", name, err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return tag, s, fmt.Errorf("catalogue %s: %w", name, err)
	}
	return tag, s, nil
}
