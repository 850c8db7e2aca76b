package language

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// verb is what a sentence is filled in by.
var verb = regexp.MustCompile(`%(\[\d+\])?[-+# 0]*\d*(\.\d+)?[a-zA-Z%]`)

func TestEverySentenceHasItsTranslation(t *testing.T) {
	t.Parallel()
	src := readSource(t)
	for _, name := range catalogues(t) {
		_, sheet, err := read(name)
		require.NoError(t, err)
		for text, at := range src.sentences {
			if _, ok := sheet.Sentences[text]; !ok && excuses[text] == "" && sheet.Nouns[text] == nil {
				t.Errorf("%s lacks %q (%s)", name, text, at)
			}
		}
		for noun, at := range src.nouns {
			if _, ok := sheet.Nouns[noun]; !ok {
				t.Errorf("%s lacks the noun %q (%s)", name, noun, at)
			}
		}
		for _, noun := range src.listed {
			if none := "No " + noun + "s."; sheet.Sentences[none] == "" {
				t.Errorf("%s lacks %q", name, none)
			}
		}
	}
}

func TestEveryTranslationHasItsUse(t *testing.T) {
	t.Parallel()
	src := readSource(t)
	for _, noun := range src.listed {
		src.literals["No "+noun+"s."] = true
	}
	for text := range excuses {
		require.True(t, src.literals[text], "nobody says %q any more", text)
	}
	for _, name := range catalogues(t) {
		_, sheet, err := read(name)
		require.NoError(t, err)
		for text := range sheet.Sentences {
			if !src.literals[text] && !src.derived(text) {
				t.Errorf("%s: nobody says %q", name, text)
			}
		}
		for noun := range sheet.Nouns {
			if !src.literals[noun] {
				t.Errorf("%s: nobody counts %q", name, noun)
			}
		}
	}
}

func TestTranslationsTakeTheSameVerbs(t *testing.T) {
	t.Parallel()
	for _, name := range catalogues(t) {
		_, sheet, err := read(name)
		require.NoError(t, err)
		for text, own := range sheet.Sentences {
			require.Equal(t, verbs(text), verbs(own), "%s: %q", name, text)
			require.NotEmpty(t, own, text)
			if strings.Contains(text, " ") {
				require.Equal(t, strings.HasSuffix(text, "."), strings.HasSuffix(own, "."), "%s: %q ends otherwise", name, text)
			}
		}
		for noun, forms := range sheet.Nouns {
			require.NotEmpty(t, forms["other"], noun)
			for _, form := range forms {
				require.Equal(t, []string{"d"}, verbs(form), "%s: %q", name, noun)
			}
		}
	}
}

// verbs are a sentence's verbs in the order of its arguments. Quotation marks
// are the language's own: %q may become %s between them.
func verbs(text string) []string {
	var out []string
	index := map[string]string{}
	for _, v := range verb.FindAllStringSubmatch(text, -1) {
		letter := v[0][len(v[0])-1:]
		switch {
		case letter == "%":
		case v[1] != "":
			index[v[1]] = letter
		default:
			out = append(out, strings.Replace(letter, "q", "s", 1))
		}
	}
	for i := range len(index) {
		out = append(out, strings.Replace(index["["+string(rune('1'+i))+"]"], "q", "s", 1))
	}
	return out
}

func TestFormsOfNumbers(t *testing.T) {
	t.Parallel()
	de := Match("de")
	require.Equal(t, "1 Beitrag", de.Count(1, "post"))
	require.Equal(t, "1.200 Beiträge", de.Count(1200, "post"))
	require.Equal(t, "1,200 posts", Speaker{}.Count(1200, "post"))
	require.Equal(t, "1 post", Counted(1, "post").String())
	require.Equal(t, "2 entries", Counted(2, "entry").String())
	require.Equal(t, "1 entry", Counted(1, "entry").String())
	require.Equal(t, "4,8 von 5", de.Say("%.1f of 5", 4.75))
	require.Equal(t, "4.8 of 5", Match("en-US").Say("%.1f of 5", 4.75))
}

func TestPhrasesInsideSentences(t *testing.T) {
	t.Parallel()
	p := Later("%s makes %s, not %s.", "Runware", Later("images"), Later("music"))
	require.Equal(t, "Runware makes images, not music.", p.String())
	require.Equal(t, "Runware macht Bilder, nicht Musik.", Match("de").Speak(p))
	require.True(t, Phrase{}.IsZero())
	require.Empty(t, Phrase{}.String())
}

func TestLocalesOfAllKinds(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{
		"": "en", "de": "de", "de-DE": "de", "de-AT": "de", "de_CH.UTF-8": "de", "en-GB": "en", "en-US": "en", "fr": "en", "zh-CN": "en", "C": "en", "POSIX": "en",
		"C.UTF-8": "en", "fr, de;q=0.5": "de", "fr;q=0.5, de": "de", "🦦": "en", "../../etc/passwd": "en", strings.Repeat("de-", 5000): "en",
	} {
		require.Equal(t, want, Match(locale).Tag(), "%.40q", locale)
	}
	require.Equal(t, "de", Match("", "de").Tag(), "the first that is told decides")
	require.Equal(t, "en", Match("fr", "de").Tag(), "the first that is told decides")
}

func TestForeignWordsStay(t *testing.T) {
	t.Parallel()
	require.Equal(t, "100 % Otter %s", Match("de").Word("100 % Otter %s"))
	require.Equal(t, "nothing known", Match("de").Say("nothing known"))
}

func catalogues(t *testing.T) []string {
	t.Helper()
	entries, err := files.ReadDir(".")
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	require.True(t, slices.Contains(out, "de.json"))
	return out
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []string{"de", "en-GB", "de_AT.UTF-8", "fr, de;q=0.5", "*", ";q=", "x-y-z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, locale string) {
		require.NotEmpty(t, Match(locale).Tag())
	})
}
