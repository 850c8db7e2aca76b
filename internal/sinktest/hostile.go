package sinktest

import (
	"math/rand/v2"
	"strings"
)

// HostileTexts are n texts that try to be more than text: the given ones, and then
// such as two or three of them make when they stand together, are torn anywhere, or
// are repeated. The same ones make the same.
func HostileTexts(of []string, n int) []string {
	glue := []string{"", " ", "\n", "\n\n", "`", "```", "*", "_", "|", "||", "\\", "[", "](", ")", "<", ">", "&", "&amp;", "\u200b", "\u202e", "\x00", ":", "#", "/"}
	dice := rand.New(rand.NewPCG(48, uint64(n))) //nolint:gosec // the same numbers again, and no secret
	out := make([]string, 0, n)
	for i := range n {
		if i < len(of) {
			out = append(out, of[i])
			continue
		}
		var b strings.Builder
		for part := range 2 + dice.IntN(2) {
			if part > 0 {
				b.WriteString(glue[dice.IntN(len(glue))])
			}
			text := of[dice.IntN(len(of))]
			text = text[:min(len(text), 512)] // long ones stand by themselves
			switch dice.IntN(8) {
			case 0:
				text = text[:dice.IntN(len(text)+1)]
			case 1:
				text = text[dice.IntN(len(text)+1):]
			case 2:
				text = strings.Repeat(text, 4)
			}
			b.WriteString(text)
		}
		out = append(out, b.String())
	}
	return out
}
