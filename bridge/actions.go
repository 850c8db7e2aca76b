package bridge

import "maps"

// Merge puts the actions of one card together, each once: those that come first,
// then the others. One card has one likely next step, so only the first Primary
// action stays that. Sinks cut to the number that their platform shows.
func Merge(first, then []Action) []Action {
	var out []Action
	led := false
	for _, list := range [][]Action{first, then} {
		for _, a := range list {
			if has(out, a) {
				continue
			}
			a.Primary = a.Primary && !led
			led = led || a.Primary
			out = append(out, a)
		}
	}
	return out
}

// has reports whether an action that does the same is among them.
func has(list []Action, a Action) bool {
	for _, b := range list {
		if a.URL == b.URL && a.Command == b.Command && maps.Equal(a.Args, b.Args) {
			return true
		}
	}
	return false
}
