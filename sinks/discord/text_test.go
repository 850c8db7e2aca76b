package discord

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/load"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

// hostileTexts try to be more than text. Their escaped forms are a golden file.
var hostileTexts = []string{
	"@everyone @here", "<@80351110224678912> <@!80351110224678912>", "<@&165511591545143296>", "<#103735883630395392>",
	"</ia post create:1>", "<id:customize> <id:browse>", "<t:1:R> <t:0>", "<:blob:1> <a:blob:1>", ":smile: 12:30:45 a::b",
	"[bank](http://evil.example)", "[bank](<http://evil.example>)", "[https://bank.example](http://evil.example)",
	"[a](https://x.example \"t\")", "\\[bank\\](http://evil.example)", "[b\\](http://evil.example)", "![x](http://evil.example)",
	"<http://evil.example>", "<mailto:a@b.example>", "<tel:+1>", "see https://a.example/b_c_d_e", "(https://a.example/x_(y))",
	"https://a.example/**x**", "**https://a.example**", "https://a.example]", "https://a.example|||x||", "https://a.example`x`",
	"https://a.example<@1>", "https://a.example>", "https://*", "https://_a_", "https://", "http://x", "https://münchen.example/ß_ü_",
	"https://a.example/[x](http://evil.example)", "https://user:pw@evil.example/x_y_", "HTTPS://A.EXAMPLE/x_y_",
	"xhttps://a.example/_b_", "javascript:alert(1)", "*a* **b** ***c***", "_a_ __b__ snake_case_name", "~~gone~~ ||spoiler||",
	"`code` ``co`de``", "```\nfence\n```", "``` open", "# one\n## two\n### three\n-# small\n#hash", " # spaced\n  - spaced",
	"> quote\n>>> all", "- a\n* b\n+ c\n1. d\n12. e\n1.5 f", "a # b - c 1. d", "¯\\_(ツ)_/¯", "\\", "\\\\*a*", "a\\",
	"safe \u202egpj.exe\u202c \u2066x\u2069 \u061c", "@\u200beveryone a\u200bb\u2060c\ufeff", "z\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301 end",
	"a\x00b\x1b[31mred\x1b[0m \xff\xfe \xed\xa0\x80 end", "a\r\nb\rc\u2028d\n\n\n\n\ne", " \u200b\n\t\u3164 ", "\U000e0041\U000e0042 tags",
	"👩‍👩‍👧‍👦 1️⃣ ❤️ *️⃣ 🏳️‍🌈 a\u200db", "؀*x*", "discord.gg/x discord.com/invite/x", "&lt;@1&gt; &amp;",
}

func TestF48_HostileTextStaysText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, s := range hostileTexts {
		fmt.Fprintf(&b, "%q\n  block  %q\n  inline %q\n  quoted %q\n  plain  %q\n", s, block(s, 200), inline(s, 200), quoted(s, 200), plain(s, 200))
		checkText(t, s)
	}
	golden.Equal(t, "testdata/hostile.golden", []byte(b.String()))
	for _, s := range sinktest.HostileTexts(hostileTexts, load.Pick(t, 130, 300))[len(hostileTexts):] {
		checkText(t, s)
	}
}

// checkText is what holds for every text: read back by a client it is the clean
// text, with its addresses whole and nothing else that means anything.
func checkText(t *testing.T, s string) {
	t.Helper()
	for where, written := range map[string]string{"block": block(s, 1<<20), "inline": inline(s, 1<<20)} {
		want := clean(s)
		if where == "inline" {
			want = oneLine(s)
		}
		got := readMarkdown(written)
		require.Empty(t, got.pings, "%s of %q mentions: %q", where, s, written)
		require.Empty(t, got.masked, "%s of %q hides a link: %q", where, s, written)
		require.Empty(t, got.styled, "%s of %q is styled: %q", where, s, written)
		require.Equal(t, squash(want), squash(got.plain), "%s of %q is written %q", where, s, written)
		require.True(t, utf8.ValidString(written))
		for _, link := range got.links {
			require.Contains(t, want, link, "%s of %q changes an address: %q", where, s, written)
		}
	}
	quote := readMarkdown(quoted(s, 1<<20))
	require.Empty(t, append(quote.pings, quote.masked...))
	for _, style := range quote.styled {
		require.Equal(t, "head >", style)
	}
	for limit := range 40 {
		for _, cut := range []string{block(s, limit), inline(s, limit), plain(s, limit), quoted(s, limit)} {
			require.LessOrEqual(t, units(cut), limit, "%q", s)
			require.True(t, utf8.ValidString(cut))
		}
		got := readMarkdown(block(s, limit))
		require.Empty(t, append(append(got.pings, got.masked...), got.styled...), "cut at %d: %q", limit, block(s, limit))
	}
}

// An address swallows the signs behind it: where a style ends with one, or the next
// begins, a space keeps them apart, or what a code holds would be read as markup.
func TestAnAddressIsKeptApartFromTheStylesAroundIt(t *testing.T) {
	t.Parallel()
	const address, trap = "http://evil.example", "[bank](http://evil.example)"
	got := headline([]bridge.Span{{Text: address}, {Text: address, Strong: true}, {Text: trap, Mono: true}, {Text: address}, {Text: " said"}}, 1000)
	require.Equal(t, "http://evil.example **http://evil.example **`[bank](http://evil.example)`http://evil.example said", got)
	read := readMarkdown(got)
	require.Empty(t, read.masked)
	require.Equal(t, []string{"bold", "code"}, read.styled)
	for written, apart := range map[string]bool{
		"see http://evil.example": true, "(http://evil.example)": true, "\\[bank\\](http://evil.example)": true, "http://evil.example/a,": true,
		"[post](https://imagineanything.com/post/1)": false, "`http://evil.example`": false, "http://evil.example ": false, "Nova": false, "": false,
	} {
		require.Equal(t, apart, openLink.MatchString(written), written)
	}
	require.Equal(t, "**see http://evil.example **", bold("see http://evil.example"))
	require.Equal(t, "**Nova**", bold("Nova"))
	require.Equal(t, "https://a.example/**x", bold("https://a.example/**x"))
}

// squash forgets spaces: one may be put behind an address so that Discord does
// not read on.
func squash(s string) string { return strings.Join(strings.Fields(s), "") }

func TestTextIsCutBetweenLetters(t *testing.T) {
	t.Parallel()
	family := "👩‍👩‍👧‍👦"
	got := block(strings.Repeat(family, 50), 100)
	require.True(t, strings.HasSuffix(got, family+"…"), got)
	require.LessOrEqual(t, units(got), 100)
	require.Equal(t, "ab…", plain("abcd", 3))
	require.Equal(t, "abcd", plain("abcd", 4))
	require.Equal(t, `\*…`, block("****", 4), "no escape is cut from its sign")
	require.Equal(t, "see …", strings.ReplaceAll(block("see https://a.example/long", 20), "see…", "see …"), "an address is shown whole or not at all")
	require.Empty(t, block("x", 0))
	require.Equal(t, 11*50, uniseg.GraphemeClusterCount(strings.Repeat(family, 50))*11)
}

func TestQuotesHoldEveryLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "> a\n> \n> \\# b", quoted("a\n\n# b", 100))
	require.Empty(t, quoted(" \n ", 100))
}

func FuzzText(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2000 {
			return // long inputs only slow the reader down
		}
		checkText(t, s)
	})
}
