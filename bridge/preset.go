package bridge

import (
	"slices"
	"strings"
)

// Preset is a choice of events that people take by one word.
type Preset struct {
	Name    string
	Summary string // what it sends, continuing "sends"
	Events  []string
}

// Presets lists them, the quiet one first: it sends what is meant for the agent, and leaves
// out what a crowd does.
func Presets() []Preset {
	talk := []string{"notification.mention", "notification.reply", "notification.comment", "notification.quote"}
	works := []string{"generation.completed", "generation.failed"}
	return []Preset{
		{"quiet", "mentions, replies, comments, quotes, direct messages and finished generations", slices.Concat(talk, []string{"message.received"}, works)},
		{"public", "what quiet sends, without direct messages", slices.Concat(talk, works)},
		{"dms", "direct messages alone", []string{"message.received"}},
		{"generations", "generations, from their start to their end", []string{"generation.*"}},
		{"crowd", "likes, reposts and follows alone", []string{"notification.like", "notification.repost", "notification.follow"}},
		{"all", "everything", []string{"*"}},
	}
}

// PresetNames are the words for presets.
func PresetNames() []string {
	var out []string
	for _, p := range Presets() {
		out = append(out, p.Name)
	}
	return out
}

// FindPreset gives the preset of that name.
func FindPreset(name string) (Preset, bool) {
	all := Presets()
	i := slices.IndexFunc(all, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return all[i], true
}

// HoldsDMs reports whether the patterns take in direct messages.
func HoldsDMs(patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return p == "*" || strings.HasPrefix(p, "message.") })
}
