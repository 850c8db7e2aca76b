package discord

import (
	"cmp"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// renderPlain draws a message as text alone, for the one more try after Discord
// refused the shape of the first.
func renderPlain(m bridge.Message, inThread bool, mark string) card {
	small := "-# <" + marked(cmp.Or(safeURL(m.Link, maxButtonURL), home), mark) + ">"
	limit := maxContent - maxCalls - units(small) - 2
	var lines []string
	add := func(text string) {
		if text != "" && limit > 0 {
			lines = append(lines, text)
			limit -= units(text) + 1
		}
	}
	if a := author(m.Author); a != nil {
		add(bold(inline(a.Name, maxAuthor)))
	}
	add(inline(m.Title, maxTitle))
	add(description(m, inThread, min(limit, maxContent)))
	for _, f := range fields(m, inThread, max(0, limit-200)) {
		if line := bold(f.Name) + " " + f.Value; units(line) < limit {
			add(line)
		}
	}
	lines = append(lines, small)
	c := card{text: strings.Join(lines, "\n"), flags: flagNoEmbeds}
	if m.Quiet {
		c.flags |= flagNoPush
	}
	return c
}
