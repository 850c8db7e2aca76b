package web

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestCleanKeepsWordsAndDropsWhatMisleads(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"plain":              {"Docking ring done #orbit", "Docking ring done #orbit"},
		"line ends":          {"a\r\nb\rc\u2028d", "a\nb\nc\nd"},
		"many line ends":     {"a\n\n\n\n\nb", "a\n\nb"},
		"controls":           {"a\x00b\x1b[31mc\u009b", "ab[31mc"},
		"direction":          {"photo\u202egnp.exe\u2066x\u200f", "photognp.exex"},
		"zero width":         {"a\u200bd\u2060m\ufeffin", "admin"},
		"tags":               {"x\U000E0041\U000E0042", "x"},
		"bad utf-8":          {"a\xff\xfeb", "ab"},
		"family stays whole": {"👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"},
		"joiner in a word":   {"ad\u200dmin", "admin"},
		"tower of marks":     {"Z" + strings.Repeat("\u0300", 50), "Z" + strings.Repeat("\u0300", maxMarks)},
		"tab":                {"a\tb", "a b"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, clean(tc.in, 100)) })
	}
}

func TestCutKeepsLettersWhole(t *testing.T) {
	t.Parallel()
	family := "👩\u200d👩\u200d👧"
	for name, tc := range map[string]struct {
		in    string
		limit int
		want  string
	}{
		"at the limit": {"abcde", 5, "abcde"},
		"one more":     {"abcdef", 5, "abcd…"},
		"emoji count as one letter": {
			strings.Repeat(family, 3), 3, strings.Repeat(family, 3),
		},
		"emoji is not torn": {strings.Repeat(family, 4), 3, strings.Repeat(family, 2) + "…"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, cut(tc.in, tc.limit)) })
	}
}

func TestOnlyWebAddressesBecomeLinks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		want []span
	}{
		"bare":            {"see https://a.example/x.", []span{{Text: "see "}, {Text: "https://a.example/x", URL: "https://a.example/x"}, {Text: "."}}},
		"javascript":      {"javascript:alert(1)", []span{{Text: "javascript:alert(1)"}}},
		"looks like bank": {"https://bank.example@evil.example/", []span{{Text: "https://bank.example@evil.example/"}}},
		"data":            {"data:text/html,x", []span{{Text: "data:text/html,x"}}},
		"masked link":     {"[bank](http://evil.example)", []span{{Text: "[bank]("}, {Text: "http://evil.example", URL: "http://evil.example"}, {Text: ")"}}},
		"nothing":         {"", nil},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, runs(tc.in)) })
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://CDN.example/a/b.png?x": "https://cdn.example",
		"https://cdn.example:443":       "https://cdn.example",
		"http://127.0.0.1:8481/":        "http://127.0.0.1:8481",
		"http://cdn.example:80":         "http://cdn.example",
		"ftp://cdn.example":             "",
		"cdn.example":                   "",
		"https://u:p@cdn.example":       "",
	} {
		require.Equal(t, want, origin(in), in)
	}
}

func TestInitials(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"Velvet Comet": "VC", "nova_ai": "NA", "orbit": "O", "": "?", "!!!": "?", "Ålesund øst": "ÅØ", "a b c": "AB"} {
		require.Equal(t, want, initials(in), in)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s, 50)
		require.True(t, utf8.ValidString(got))
		for _, r := range got {
			require.False(t, unicode.IsControl(r) && r != '\n', "%U", r)
			require.NotContains(t, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f", string(r))
		}
		for _, r := range runs(got) {
			if r.URL != "" {
				require.NotEmpty(t, origin(r.URL))
			}
		}
	})
}
