package slack

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"plain":         {"How heavy is it?", "How heavy is it?"},
		"newlines":      {"a\r\nb\rc\u2028d\ne", "a\nb\nc\nd\ne"},
		"tab":           {"a\tb", "a b"},
		"controls":      {"a\x00b\x1b[31mc\x7f", "ab[31mc"},
		"bidi":          {"\u202egpj.exe\u202c \u2066x\u2069", "gpj.exe x"},
		"broken":        {"a\xff\xfe", "a\ufffd\ufffd"},
		"marks":         {"z" + strings.Repeat("\u0301", 50) + "x", "z" + strings.Repeat("\u0301", 4) + "x"},
		"joined emoji":  {"👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"},
		"right to left": {"שלום", "שלום"},
		"edges":         {" \n x \n", "x"},
		"much":          {strings.Repeat("x", 1<<20), strings.Repeat("x", maxBytes)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, clean(tc.in))
		})
	}
}

func TestCutKeepsLettersWhole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in    string
		limit int
		want  string
	}{
		"fits":        {"abc", 3, "abc"},
		"cut":         {"abcd", 3, "ab…"},
		"space":       {"ab cd", 4, "ab…"},
		"family":      {"👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 9, "👩‍👩‍👧‍👦…"},
		"family fits": {"👩‍👩‍👧‍👦", 7, "👩‍👩‍👧‍👦"},
		"too small":   {"👩‍👩‍👧‍👦", 3, "…"},
		"accent":      {"e\u0301e\u0301", 3, "e\u0301…"},
		"nothing":     {"abc", 0, "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, cut(tc.in, tc.limit))
		})
	}
	require.Equal(t, "&lt;&lt;…", escape(cutEscaped("<<<<", 9)))
}

func TestRunsFindAddressesAndNothingElse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]run{
		"words":                        {{text: "words"}},
		"see https://a.example/x, ok?": {{text: "see "}, {text: "https://a.example/x", url: "https://a.example/x"}, {text: ", ok?"}},
		"(https://a.example/x_(y))":    {{text: "("}, {text: "https://a.example/x_(y)", url: "https://a.example/x_(y)"}, {text: ")"}},
		"HTTPS://A.example":            {{text: "HTTPS://A.example", url: "https://A.example"}},
		"https://u:p@evil.example/":    {{text: "https://u:p@evil.example/"}},
		"http://аррӏе.com/":            {{text: "http://аррӏе.com/"}},
		"javascript:alert(1)":          {{text: "javascript:alert(1)"}},
		"[bank](http://evil.example)":  {{text: "[bank]("}, {text: "http://evil.example", url: "http://evil.example"}, {text: ")"}},
		"<http://e.example|bank>":      {{text: "<"}, {text: "http://e.example", url: "http://e.example"}, {text: "|bank>"}},
		"http://":                      {{text: "http://"}},
		"xhttp://a.example":            {{text: "xhttp://a.example"}},
	} {
		require.Equal(t, want, runs(in), in)
	}
}

func TestWordsThatSlackWouldFormatStandAsCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"my_agent": "my_agent", "commented on ": "commented on ", "0:24": "0:24", "a & b": "a &amp; b",
		"*x*": "`*x*`", "_x_": "`_x_`", "x_": "`x_`", "~x~": "`~x~`", "a `b`": "`a 'b'`", ":heart:": "`:heart:`", "> q": "`&gt; q`", " *x* ": " `*x*` ",
	} {
		require.Equal(t, want, words(in), in)
	}
	require.Equal(t, "@nova_ai", handle("nova_ai"))
	require.Equal(t, "`@nova_`", handle("nova_"))
	require.Equal(t, "`@&lt;!here&gt;`", handle("<!here>"))
}

func TestLinksLeadWhereTheySay(t *testing.T) {
	t.Parallel()
	require.Equal(t, "<https://a.example/?x=1&amp;y=%7C|label>", linkTo("https://a.example/?x=1&y=|", "label"))
	for _, bad := range []string{"", "javascript:alert(1)", "https://", "ftp://a.example", "//a.example", "https://u@a.example", "https://a.example/" + strings.Repeat("x", maxURL)} {
		require.Equal(t, "label", linkTo(bad, "label"), bad)
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"<!channel>", "&lt;!here&gt;", "*b* _i_ ~s~ `c`", "\u202ex\u202c", "z\u0301\u0301\u0301\u0301\u0301\u0301", "👩‍👩‍👧‍👦", "a\x00\xff",
		"https://a.example/x_(y)).", "http://u@x", "[x](http://y)", "_", ":heart:", "\r\n\r", "|>",
	} {
		f.Add(seed, 10)
	}
	f.Fuzz(func(t *testing.T, in string, limit int) {
		limit = max(1, min(limit, 5000))
		safe := clean(in)
		require.True(t, utf8.ValidString(safe))
		require.Equal(t, safe, clean(safe), "clean text stays as it is")
		short := cut(safe, limit)
		require.LessOrEqual(t, utf8.RuneCountInString(short), limit)
		if body, was := strings.CutSuffix(short, ellipsis); was && len(short) < len(safe) {
			require.True(t, strings.HasPrefix(safe, body))
			require.LessOrEqual(t, uniseg.GraphemeClusterCount(body), uniseg.GraphemeClusterCount(safe))
		}
		require.LessOrEqual(t, utf8.RuneCountInString(escape(cutEscaped(safe, limit))), limit)
		var joined strings.Builder
		for _, r := range runs(safe) {
			joined.WriteString(r.text)
			if r.url != "" {
				_, ok := webURL(r.url)
				require.True(t, ok, r.url)
			}
		}
		require.Equal(t, safe, joined.String(), "no word is lost")
		for _, said := range []string{escape(in), words(safe), mono(safe), handle(in), linkTo(in, words(safe))} {
			seen := fakeslack.Message{Text: quiet(said)}
			require.Empty(t, seen.Mentions(), said)
		}
	})
}
