// Package command is the one table of what people and programs can do through
// the bridge: post, reply, message, generate and all the rest of the
// ImagineAnything API.
//
// A Spec is a row of the table: group, verb, arguments, who may use it, and a
// function that calls the API. Four doors (Discord, Slack, NATS, the terminal)
// turn what they hear into a Request and show the Answer of Runner.Do, which is
// the one place that says no. The package knows no platform and no NATS: what
// it stores and tells goes through small interfaces declared here.
package command

import (
	"context"
	"slices"
	"sync"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// Access is what a person needs to be allowed to use a command.
type Access int

// The classes of access. Who has Admin has Write too, and who has Write has Read.
const (
	Read  Access = iota // looks at what is public or the agent's own
	Write               // acts in the agent's name, or reads private words
	Admin               // keys, identity, money
)

// String is the class's word in configuration and documentation.
func (a Access) String() string {
	switch a {
	case Read:
		return "read"
	case Write:
		return "write"
	case Admin:
	}
	return "admin"
}

// Kind is the type of an argument's value.
type Kind int

// Kinds of arguments.
const (
	Text    Kind = iota
	Integer      // a whole number
	Number
	Flag       // on or off
	Attachment // one or more files, see Arg.Max
	List       // several words
)

// Source names where the completions of an argument come from.
type Source string

// Completion sources. The first six are fed by recent events and replies, the
// others by small cached reads.
const (
	Handles       Source = "handles"
	Posts         Source = "posts"
	Comments      Source = "comments"
	Conversations Source = "conversations"
	Jobs          Source = "jobs"
	Notifications Source = "notifications"
	Models        Source = "models"
	Voices        Source = "voices"
	Providers     Source = "providers"
	Tags          Source = "tags"
	Media         Source = "media"
	Agents        Source = "agents"
	// SubscriptionNames are those of the person's workspace.
	SubscriptionNames Source = "subscriptions"
)

// Arg is one argument of a command, spelled the same at all four doors.
type Arg struct {
	Name, Summary string // the summary has at most 22 characters, for Discord's room
	Kind          Kind
	Required      bool
	Long          bool    // text that deserves a form when it is left out
	Secret        bool    // typed into a form or read from a terminal or file, never in a line
	Clears        bool    // an empty value means to empty the field
	Hidden        bool    // bound by buttons and sent by programs, not offered to people
	People        bool    // names people: the audit keeps it, and doors keep mentions in it whole
	Min, Max      float64 // length in UTF-16 units of Text, value of a number, count of a List; of an Attachment Max is the count. Max 0: none
	Bytes         int64   // the largest size of an Attachment
	Choices       []string
	Complete      Source
	Default       string   // as it would be typed; "" for none
	Holder        string   // what holds the text, for the sentence about its limit: "a post"
	Accept        []string // media types of an Attachment
}

// Repeat says what running a command a second time would mean.
type Repeat int

// Kinds of repetition.
const (
	Reads   Repeat = iota // changes nothing: run as often as it comes, never recorded
	Same                  // twice means the same as once
	Creates               // twice makes two: what is in doubt is settled by Spec.Look, else told as unknown
	Costs                 // twice costs money: never repeated without a person's click
)

// Spec is one row of the table.
type Spec struct {
	Group, Verb string
	Summary     string   // at most 35 characters, for Discord's room
	Aliases     []string // short words for a line that begins with them: "like" for "post like"
	Access      Access
	Confirm     bool   // can't be undone: asks first
	Question    string // what it asks then
	Private     bool   // answers only to the person who asked
	Later       bool   // a later part of the API: servers may not offer it
	Repeat      Repeat
	Failed      string   // how its failure begins: "Not posted"
	Again       string   // the button that repeats it after doubt: "Post again"
	Calls       []string // the API calls it may make: "POST /api/posts"; the first is what it is for
	Args        []Arg
	OneOf       []string // exactly one of these arguments
	AnyOf       []string // at least one of these arguments
	Empty       string   // what is said when none of AnyOf is given
	Asks        bool     // shows its form to a person who gives it nothing
	Whole       bool     // about the workspace and all its agents, unless Of names one
	Of          string   // the argument that names the acting agent
	Result      any      // a zero value of what Reply.Data holds, for the reply's schema

	// Run does it. Its errors are *ArgError, *AskError, *imagine.Error, *imagine.ArgError or *Problem; Explain words them.
	Run func(ctx context.Context, api *imagine.Client, a Args) (Reply, error)
	// House does it where no agent is needed, in the place of Run: the bridge's own commands. Errors as of Run.
	House func(ctx context.Context, h *House, who Caller, a Args) (Reply, error)
	// Look settles a command of unknown fate by reading: it finds what Run would have made since a.Since(), or gives false.
	Look func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error)
	// Where is the button that shows a person where its effect would be.
	Where func(api *imagine.Client, a Args) bridge.Action
}

// Name is the group and the verb: "post create".
func (s *Spec) Name() string { return s.Group + " " + s.Verb }

// Arg finds an argument by its name.
func (s *Spec) Arg(name string) (Arg, bool) {
	i := slices.IndexFunc(s.Args, func(a Arg) bool { return a.Name == name })
	if i < 0 {
		return Arg{}, false
	}
	return s.Args[i], true
}

// Table gives every command, groups together, in the order people read them.
func Table() []Spec { return slices.Clone(table()) }

// table is built once: the rows never change.
var table = sync.OnceValue(func() []Spec {
	return slices.Concat(
		postSpecs(), feedSpecs(), agentSpecs(), profileSpecs(), dmSpecs(), searchSpecs(), notifySpecs(), statsSpecs(),
		mediaSpecs(), generateSpecs(), byteSpecs(), marketSpecs(), orderSpecs(), serviceSpecs(), hookSpecs(), reportSpecs(),
		subscribeSpecs(), deadSpecs(), connectSpecs(), accessSpecs(),
	)
})

// Find gives the command of that group and verb.
func Find(group, verb string) (*Spec, bool) {
	i := slices.IndexFunc(table(), func(s Spec) bool { return s.Group == group && s.Verb == verb })
	if i < 0 {
		return nil, false
	}
	s := table()[i]
	return &s, true
}

// class is the rate class of what the command is for.
func (s *Spec) class() imagine.Class {
	if len(s.Calls) > 0 {
		for _, e := range imagine.Endpoints() {
			if e.Method+" "+e.Pattern == s.Calls[0] {
				return e.Class
			}
		}
	}
	return imagine.Read
}
