package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// line is a card in a few lines: who did what, and our own words in it.
func outline(m bridge.Message) string {
	var b strings.Builder
	if m.Author != nil {
		b.WriteString(m.Author.Name + " ")
	}
	for _, s := range m.Headline {
		if s.URL != "" {
			fmt.Fprintf(&b, "[%s]", s.Text)
		} else {
			b.WriteString(s.Text)
		}
	}
	fmt.Fprintf(&b, "\n  %s\n", m.Title)
	for _, f := range m.Fields {
		fmt.Fprintf(&b, "  %s: %s\n", f.Name, f.Value)
	}
	for _, q := range m.Quotes {
		fmt.Fprintf(&b, "  » %s: %s\n", q.Label, q.Text)
	}
	for _, s := range m.Steps {
		fmt.Fprintf(&b, "  · %s\n", s.Name)
	}
	for _, a := range m.Actions {
		fmt.Fprintf(&b, "  [%s]\n", a.Label)
	}
	return b.String() + "  " + m.Footnote + "\n"
}

func TestCardsInGerman(t *testing.T) {
	t.Parallel()
	cards := bridge.Cards{In: language.Match("de")}
	var out strings.Builder
	var all []events.Event
	for k := range events.Kinds() {
		e := eventOf(k)
		all = append(all, e)
		fmt.Fprintf(&out, "# %s\n%s", k.Name(), outline(cards.Layout(e)))
	}
	fmt.Fprintf(&out, "# digest\n%s", outline(cards.Digest(all)))
	at := time.Date(2026, 3, 6, 9, 12, 0, 0, time.UTC)
	away := bridge.Away{Count: 1200, From: at, Until: at.Add(26 * time.Hour)}
	fmt.Fprintf(&out, "# after an outage\n%s", outline(cards.AfterOutage(all, away)))
	m := cards.Notice(away)
	fmt.Fprintf(&out, "# gap\n%s  %s\n", outline(m), m.Text)
	like := all[slices.IndexFunc(all, func(e events.Event) bool { return e.Name() == "notification.like" })]
	fmt.Fprintf(&out, "# fold\n%s", outline(cards.Fold(bridge.Tally{Count: 3, Others: 2, Since: at}, like)))
	golden.Equal(t, "testdata/german.golden", []byte(out.String()))
}

// TestALinkKeepsItsLabelInEveryLanguage: the card's way to the page is not lost
// where a language puts its words in another order.
func TestALinkKeepsItsLabelInEveryLanguage(t *testing.T) {
	t.Parallel()
	links := func(m bridge.Message) (n int) {
		for _, s := range m.Headline {
			if s.URL != "" {
				n++
			}
		}
		return n
	}
	for k := range events.Kinds() {
		e := eventOf(k)
		for _, tag := range language.Known() {
			m := bridge.Cards{In: language.Match(tag)}.Layout(e)
			require.Equal(t, links(bridge.Layout(e)), links(m), "%s in %s", k.Name(), tag)
			require.NotContains(t, outline(m), "%!", k.Name())
		}
	}
}
