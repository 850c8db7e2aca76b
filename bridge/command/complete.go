package command

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// Choice is one suggestion while a person types an argument. Label is what they
// read, in one line, and Value is what the argument becomes; neither is empty,
// and neither has more than 100 UTF-16 units (Discord's limit; Slack shows 75).
type Choice struct{ Label, Value string }

const (
	maxChoices = 25  // Discord API docs, "Autocomplete": 25 choices
	maxLabel   = 100 // of a choice's name and of its value there
	maxKept    = 100 // remembered things of one agent and source
	maxTyped   = 100 // what of the typed text is looked at
)

// Completer suggests values for arguments. What events and replies told is
// remembered, newest first; lists that only the API knows are kept for an hour
// (tags five minutes) and read in the background by Run. Complete never waits
// for the API, so it answers as quickly when that is dead. It is safe for
// concurrent use. It knows nothing of workspaces: callers name only agents that
// the person reaches.
type Completer struct {
	agents func() map[string]*imagine.Client
	wake   chan struct{}

	mu    sync.Mutex
	known map[string]*memory // by handle
}

// memory is what is known of one agent.
type memory struct {
	recent map[Source][]entry // newest first
	lists  map[string]*list   // by what is read: "voices", "models/OPENAI/image"
	wanted []string           // keys of lists, in the order to read them
	reads  bool               // a read is under way
	next   time.Time          // no read before
}

// entry is a choice and the words it is found by.
type entry struct {
	Choice

	words []string // lower case; the typed text may begin or be inside each
	kind  string   // narrows a source: the kind of generation a model is for
}

// NewCompleter makes one for the agents of each moment.
func NewCompleter(agents func() map[string]*imagine.Client) *Completer {
	return &Completer{agents: agents, wake: make(chan struct{}, 1), known: map[string]*memory{}}
}

// Narrow is the source of an argument's completions as the command narrows it,
// and what was chosen before: the models of "generate video" are those for
// videos, with a provider chosen those of that one. Complete takes it where it
// takes the source itself.
func Narrow(spec *Spec, arg Arg, chosen map[string]any) Source {
	kind := kindOf(spec.Verb)
	if spec.Group != "generate" || arg.Complete != Models && arg.Complete != Providers || !slices.Contains(imagine.GenerationTypes(), kind) {
		return arg.Complete
	}
	narrow := arg.Complete + "/" + Source(kind)
	provider, _ := chosen["provider"].(string)
	if id := providerID(provider); arg.Complete == Models && slices.Contains(imagine.Providers()[id], kind) {
		narrow += "/" + Source(id)
	}
	return narrow
}

// Complete suggests at most 25 values for what is typed so far: those that begin
// with it, then those that hold it, the newest first in each. It reads memory
// only; what is missing or old is read in the background. Of agents it knows
// nothing: give their handles to Choices.
func (c *Completer) Complete(_ context.Context, agent string, source Source, typed string) []Choice {
	base, kind, _ := strings.Cut(string(source), "/")
	kind, provider, _ := strings.Cut(kind, "/")
	source = Source(base)
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.of(bareHandle(agent))
	if m == nil {
		return nil
	}
	var all []entry
	switch source {
	case Handles, Posts, Comments, Conversations, Jobs, Notifications:
		all = m.recent[source]
	case Providers, Models, Voices, Tags, Media:
		all = c.listed(m, source, kind, provider)
	case Agents, SubscriptionNames: // the doors know them
	}
	if kind != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.kind != "" && !slices.Contains(strings.Fields(e.kind), kind) })
	}
	return pick(all, source, typed)
}

// Choices suggests from a list of words, such as the agents a person reaches or
// the fixed choices of an argument.
func Choices(words []string, typed string) []Choice {
	var all []entry
	for _, w := range words {
		all = append(all, newEntry(w, w)...)
	}
	return pick(all, Agents, typed)
}

// of gives the memory of an agent that is here; nil for any other. What is known
// of agents that went is forgotten.
func (c *Completer) of(agent string) *memory {
	here := c.agents()
	maps.DeleteFunc(c.known, func(handle string, _ *memory) bool { return here[handle] == nil })
	if here[agent] == nil {
		return nil
	}
	if c.known[agent] == nil {
		c.known[agent] = &memory{recent: map[Source][]entry{}, lists: map[string]*list{}}
	}
	return c.known[agent]
}

// remember puts an entry first, in place of an older one of the same value.
func (m *memory) remember(source Source, found ...entry) {
	for _, e := range found {
		old := slices.DeleteFunc(m.recent[source], func(o entry) bool { return o.Value == e.Value })
		kept := append([]entry{e}, old[:min(len(old), maxKept-1)]...)
		m.recent[source] = kept
	}
}

// pick chooses what fits the typed text.
func pick(all []entry, source Source, typed string) []Choice {
	switch source {
	case Handles, Agents:
		typed = bareHandle(typed)
	case Tags:
		typed = strings.TrimLeft(typed, "#＃")
	case Posts:
		typed = pastedID(typed, "post")
	case Comments, Conversations, Jobs, Notifications, Models, Voices, Providers, Media, SubscriptionNames:
	}
	typed = strings.ToLower(oneLine(cut(typed, maxTyped)))
	var begin, inside []Choice
	for _, e := range all {
		switch {
		case slices.ContainsFunc(e.words, func(w string) bool { return strings.HasPrefix(w, typed) }):
			begin = append(begin, e.Choice)
		case slices.ContainsFunc(e.words, func(w string) bool { return strings.Contains(w, typed) }):
			inside = append(inside, e.Choice)
		}
	}
	out := append(begin, inside...)
	return out[:min(len(out), maxChoices)]
}

// newEntry makes an entry that is found by its value, its label and further
// words; none where the value can be no argument of a choice.
func newEntry(value, label string, words ...string) []entry {
	if value == "" || units(value) > maxLabel || strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return nil
	}
	if label = labelOf(label); label == "" {
		label = value
	}
	e := entry{Choice: Choice{Label: label, Value: value}}
	for _, w := range append([]string{value, label}, words...) {
		if w = strings.ToLower(labelOf(w)); w != "" && !slices.Contains(e.words, w) {
			e.words = append(e.words, w)
		}
	}
	return []entry{e}
}

// labelOf makes one line of text from outside, free of what turns or hides
// letters, within a label's limit.
func labelOf(text string) string {
	text = oneLine(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F, r == 0x061C:
			return -1
		}
		return r
	}, cut(text, maxLabel)))
	if blank(text) {
		return ""
	}
	for n := maxLabel; units(text) > maxLabel; n -= 5 {
		text = cut(text, n)
	}
	return text
}
