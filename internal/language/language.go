// Package language says the bridge's sentences in the language of their reader.
//
// The English sentence is the key: it stands in the code, where it is read and
// found, and needs no catalogue. Every other language is one file of this
// folder (de.json), from English to its own words. What a catalogue misses is
// said in English, so that a language may grow.
//
// A key holds verbs as fmt has them; numbers come out as the language writes
// them. What has a number and a noun is Counted, and its plural is the
// catalogue's business (Unicode CLDR plural rules).
package language

import (
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	xlanguage "golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Speaker says sentences in one language. The zero value speaks English. It is
// safe for concurrent use.
type Speaker struct{ v *voice }

// Match gives a speaker for the first of the locales that is not empty, as
// platforms, systems and browsers write them: "de", "en-GB", "de_AT.UTF-8",
// "fr, de;q=0.5". What is no locale, or has no catalogue, gives English.
func Match(locales ...string) Speaker {
	for _, l := range locales {
		if l == "" {
			continue
		}
		if !strings.ContainsAny(l, ",;") {
			l, _, _ = strings.Cut(l, ".") // the encoding that POSIX names
		}
		tags, _, err := xlanguage.ParseAcceptLanguage(l)
		if err != nil {
			return Speaker{}
		}
		all := voices()
		_, i, _ := all.matcher.Match(tags...) // English where nothing fits
		return Speaker{all.list[i]}
	}
	return Speaker{}
}

// Known lists the languages there are, by their BCP 47 tags, English first.
func Known() []string {
	var out []string
	for _, v := range voices().list {
		out = append(out, v.tag.String())
	}
	return out
}

// Tag is the language's BCP 47 tag: "en", "de".
func (s Speaker) Tag() string { return s.voice().tag.String() }

// Say fills a sentence's verbs and says it. Phrases among the arguments are said
// in the same language.
func (s Speaker) Say(key string, args ...any) string {
	v := s.voice()
	if len(args) == 0 && !strings.Contains(key, "%") {
		return v.word(key)
	}
	return v.printer.Sprintf(message.Key(key, key), s.said(args)...)
}

// Word says a sentence or a word without verbs. One that the catalogue does not
// hold, such as a name from outside, stays as it is.
func (s Speaker) Word(text string) string { return s.voice().word(text) }

// Count says a number of things: "1 follower", "1,200 followers". one is the
// English noun, whose plural has an s: "entries" where it ends like "entry".
func (s Speaker) Count(n int, one string) string {
	v := s.voice()
	if forms, ok := v.nouns[one]; ok {
		form := plural.Cardinal.MatchPlural(v.tag, n, 0, 0, 0, 0)
		return v.printer.Sprintf(forms.of(form), n)
	}
	if stem, ry := strings.CutSuffix(one, "ry"); ry && n != 1 {
		one = stem + "rie"
	}
	if n != 1 {
		one += "s"
	}
	return v.printer.Sprintf("%d %s", n, one)
}

// Speak says a phrase.
func (s Speaker) Speak(p Phrase) string {
	if p.counted {
		return s.Count(p.n, p.key)
	}
	return s.Say(p.key, p.args...)
}

// Day writes a day as people do: "2 January 2006". The day is that of t's zone.
func (s Speaker) Day(t time.Time) string {
	return s.Say("%[1]d %[2]s %[3]s", t.Day(), s.Word(t.Month().String()), t.Format("2006"))
}

// said says the phrases among arguments.
func (s Speaker) said(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		if p, ok := a.(Phrase); ok {
			a = s.Speak(p)
		}
		out[i] = a
	}
	return out
}

func (s Speaker) voice() *voice {
	if s.v == nil {
		return voices().list[0]
	}
	return s.v
}

// Phrase is a sentence that is said later, when the language is known. The zero
// value says nothing.
type Phrase struct {
	key     string
	args    []any
	n       int
	counted bool
}

// Later makes a phrase of what Say would take.
func Later(key string, args ...any) Phrase { return Phrase{key: key, args: args} }

// Counted makes a phrase of what Count would take.
func Counted(n int, one string) Phrase { return Phrase{key: one, n: n, counted: true} }

// String is the phrase in English.
func (p Phrase) String() string { return Speaker{}.Speak(p) }

// IsZero reports a phrase that says nothing.
func (p Phrase) IsZero() bool { return p.key == "" && !p.counted }
