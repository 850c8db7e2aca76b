package command

import "github.com/imaginebridge/imaginebridge/internal/language"

// A sentence made of parts is said where it is put together, by one of the
// methods below. A whole one, a button's label and a fact's name are written in
// English and said where they leave: by dressed and Problem.In.

// speaker speaks the language of the person who asks.
func (q Request) speaker() language.Speaker { return language.Match(q.Locale) }

func (j *job) say(key string, args ...any) string { return j.q.speaker().Say(key, args...) }

func (a Args) say(key string, args ...any) string { return a.in.Say(key, args...) }

func (s site) say(key string, args ...any) string { return s.in.Say(key, args...) }

func (w where) say(key string, args ...any) string { return w.in.Say(key, args...) }

// phrase is a sentence of a reader not known yet.
func phrase(key string, args ...any) language.Phrase { return language.Later(key, args...) }

// counted says "1 follower", "2 followers", "1,200 followers".
func counted(n int, one string) language.Phrase { return language.Counted(n, one) }

// found says how many there are: "No posts.", "1 post.", "10 posts."
func found(in language.Speaker, n int, one string) string {
	if n == 0 {
		return in.Word("No " + one + "s.")
	}
	return in.Count(n, one) + "."
}

// number makes a limit of the table fit to be said: 500, not 500.0.
func number(f float64) any {
	if f == float64(int(f)) {
		return int(f)
	}
	return f
}
