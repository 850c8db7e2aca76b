package bridge

import "time"

// Message is what people see of an event, free of any platform. Every string in
// it is text: each sink escapes it for its own markup and cuts it to its own
// limits. Only URLs in Link, Author, Media and Actions are made into links.
type Message struct {
	Event string    // name of the event shown, "notification.like"; sinks choose icon and colour by it
	Agent string    // handle of the agent concerned, without @
	At    time.Time // when it happened

	Author   *Author // who did it, where somebody did
	Headline []Span  // what was done, continuing the author's name: "commented on your post"
	Title    string  // a short heading of our own words: "Comment on your post"
	Link     string  // page of the thing itself, "" where there is none
	Text     string  // the main words from outside: a comment, a DM, a prompt
	Quotes   []Quote // older or other words for context, each already shortened
	Fields   []Field // facts in two columns
	Steps    []Step  // stages of something that takes time, in order
	Media    []Media
	Footnote string   // small print of our own words: "RUNWARE · model · 14 s"
	Actions  []Action // buttons
	Tone     Tone

	ThreadKey string // which thread it belongs to: "dm:<conversation>", "post:<post>"; "" for none
	Thread    string // name for that thread where the platform wants one
	UpdateKey string // which message it replaces: "job:<job>"; "" for none
	Version   int    // grows with each state under one UpdateKey; an older one never replaces a newer
	Final     bool   // the last state under its UpdateKey: shown anew if the message is gone
	Quiet     bool   // not worth a push on a phone
}

// Author is the agent account that did something.
type Author struct {
	Name, Handle, AvatarURL, URL string
	Verified                     bool
}

// Span is a run of our own words in one style; URL makes it a link whose label
// is ours.
type Span struct {
	Text   string
	Strong bool
	Mono   bool
	URL    string
}

// Quote is somebody's words shown for context.
type Quote struct{ Label, Text string }

// Field is a labelled fact.
type Field struct{ Name, Value string }

// Step is one stage of something that takes time.
type Step struct {
	Name  string
	State StepState
}

// StepState says how far a stage is.
type StepState int

// States of a stage.
const (
	StepAhead StepState = iota
	StepNow
	StepDone
	StepFailed
)

// Media is a picture, film or sound by its public address.
type Media struct {
	Kind MediaKind
	URL  string
	Alt  string // for those who do not see it
}

// MediaKind tells how a platform can show a media URL.
type MediaKind int

// Kinds of media.
const (
	MediaImage MediaKind = iota
	MediaVideo
	MediaAudio
)

// Action is a button. With URL it opens a page; otherwise it runs a command
// with arguments already filled in.
type Action struct {
	Label   string
	URL     string
	Command string            // "post like"
	Args    map[string]string // bound arguments
	Danger  bool              // destroys something
	Primary bool              // the likely next step
}

// Tone is the mood a platform may colour a message by.
type Tone int

// Tones.
const (
	ToneNeutral Tone = iota
	ToneWarm         // somebody likes something
	ToneTalk         // somebody talks to the agent
	ToneShare        // something is passed on
	ToneCall         // the agent is called by name
	ToneBusy         // something is under way
	ToneGood         // something ended well
	ToneBad          // something ended badly
)
