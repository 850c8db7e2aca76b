package bridge

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// SubscriptionRecord is a subscription as it is kept, shown and edited: settings
// in people's words, who made it, and what people asked of its lane since. It is a
// value: who changes one stores another over it. Compile makes the Subscription
// that works.
type SubscriptionRecord struct {
	ID     string   `json:"id"`     // for ever; names the lane. Of the file's it is their name
	Name   string   `json:"name"`   // for people; unique within a workspace
	Agents []string `json:"agents"` // handles, "*" for all
	Preset string   `json:"preset,omitempty"`
	Events []string `json:"events"` // patterns; those of the preset where one is named
	Filter string   `json:"filter,omitempty"`
	To     string   `json:"to"`              // "discord:CHANNEL"; may hold a secret where it is an address
	Start  string   `json:"start,omitempty"` // "new", "all" or a duration back from Made

	Digest time.Duration `json:"digest,omitempty"`
	Quiet  *QuietHours   `json:"quiet,omitempty"`

	DigestAt string        `json:"digest_at,omitempty"` // a time of day and its zone: "09:00 Europe/Berlin"
	Cap      int           `json:"cap,omitempty"`
	Fold     time.Duration `json:"fold,omitempty"`
	CatchUp  string        `json:"catch_up,omitempty"`
	Strict   bool          `json:"strict,omitempty"`
	Notify   string        `json:"notify,omitempty"` // where its owner is told of troubles; "" for the log alone

	Audience map[string]string `json:"audience,omitempty"` // whom which events mention: "discord:role:123" by event pattern
	Template string            `json:"template,omitempty"` // own words for single events

	Paused *Pause `json:"paused,omitempty"` // nil: it sends
	Rerun  *Rerun `json:"rerun,omitempty"`  // the newest that was asked for

	Origin    string    `json:"origin"`              // file, chat, cli or nats
	Workspace string    `json:"workspace,omitempty"` // it belongs to, where chat made it
	By        Person    `json:"by,omitzero"`         // who made it; it stays when they go
	Made      time.Time `json:"made,omitzero"`
	Changed   time.Time `json:"changed,omitzero"`

	Rev uint64 `json:"-"` // of the store; 0 for one that is not stored yet

	// Sealed is an address that may hold a secret, as it is stored. Where it is set,
	// this process can't open it, and To is only its host.
	Sealed string `json:"sealed,omitempty"`

	newer Newer // fields that this version does not know
}

// plainSubscription is a SubscriptionRecord without its ways to be written and read.
type plainSubscription SubscriptionRecord

// MarshalJSON writes the record with the fields that came from a newer version.
func (r SubscriptionRecord) MarshalJSON() ([]byte, error) {
	return r.newer.Onto(plainSubscription(r))
}

// UnmarshalJSON reads the record and keeps the fields that it does not know.
func (r *SubscriptionRecord) UnmarshalJSON(data []byte) error {
	var plain plainSubscription
	if err := json.Unmarshal(data, &plain); err != nil {
		return err
	}
	newer, err := NewerThan[plainSubscription](data)
	plain.newer = newer
	*r = SubscriptionRecord(plain)
	return err
}

// Inherit takes over from the record that this one is stored over what people asked
// of its lane, and what a newer version wrote there.
func (r *SubscriptionRecord) Inherit(old SubscriptionRecord) {
	r.Paused, r.Rerun, r.Made, r.Rev, r.newer = old.Paused, old.Rerun, old.Made, old.Rev, old.newer
}

// Origins of a subscription.
const (
	FromFile = "file" // its settings are the file's alone; elsewhere it is paused, resumed and replayed only
	FromChat = "chat"
	FromCLI  = "cli"
	FromNATS = "nats"
)

// QuietHours are the settings of Quiet as they were written.
type QuietHours struct {
	From string `json:"from"`
	To   string `json:"to"`
	Zone string `json:"zone,omitempty"`
}

// String is how people write quiet hours: "22:00-07:00 Europe/Berlin".
func (q *QuietHours) String() string {
	if q == nil {
		return ""
	}
	return strings.TrimSpace(q.From + "-" + q.To + " " + q.Zone)
}

// Pause is a person's wish that nothing be sent. What happens meanwhile waits.
type Pause struct {
	At    time.Time `json:"at"`
	Until time.Time `json:"until,omitzero"` // zero: until somebody resumes it
	By    Person    `json:"by,omitzero"`
}

// Rerun is a person's wish that everything since an instant be sent again.
type Rerun struct {
	Number int       `json:"number"` // grows with each
	At     time.Time `json:"at"`
	Since  time.Time `json:"since"`
	By     Person    `json:"by,omitzero"`
}

// Person is somebody on a platform, as far as records need it.
type Person struct {
	Platform string `json:"platform,omitempty"`
	ID       string `json:"id,omitempty"`
	Name     string `json:"name,omitempty"`
}

// RecordError is a setting of a subscription that can't be.
type RecordError struct {
	Field  string // as the record's JSON spells it
	Reason string // a sentence
	Err    error  // the cause, may be nil
}

// Error is the sentence.
func (e *RecordError) Error() string { return e.Reason }

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Err }

// MinDigest is the shortest time that a digest gathers.
const MinDigest = time.Minute

// Compile checks the settings and makes the subscription that works. Errors are
// *RecordError and name the first setting that can't be.
func (r *SubscriptionRecord) Compile() (Subscription, error) {
	s := Subscription{Name: r.ID, Agents: r.Agents, Events: r.Events, To: ParseDestination(r.To), Start: r.Start, Digest: r.Digest}
	wrong := func(field string, err error) (Subscription, error) {
		return Subscription{}, &RecordError{Field: field, Reason: err.Error(), Err: err}
	}
	if r.Sealed != "" {
		return wrong("to", errors.New("its address was sealed with another key; start the bridge with the former IMAGINEBRIDGE_KEY, or remove it and make it anew"))
	}
	if len(r.Events) == 0 {
		return wrong("events", fmt.Errorf("no events are named; one is %q", "notification.*"))
	}
	for _, pattern := range r.Events {
		if err := knownPattern(pattern); err != nil {
			return wrong("events", err)
		}
	}
	if r.Digest != 0 && r.Digest < MinDigest {
		return wrong("digest", fmt.Errorf("%s is too short for a digest; 1m is the least, 0s sends each event at once", r.Digest))
	}
	var err error
	if s.Pace, err = r.pace(); err != nil {
		return wrong("digest", err)
	}
	if r.Filter != "" {
		if s.Filter, err = CompileFilter(r.Filter, r.Events); err != nil {
			return wrong("filter", err)
		}
	}
	if r.Rerun != nil {
		s.Replayed = r.Rerun.At
	}
	if s.Audience, err = ParseAudience(s.To, r.Audience); err != nil {
		return wrong("audience", err)
	}
	if r.Template != "" {
		if s.Template, err = CompileTemplate(r.Template, r.Events); err != nil {
			return wrong("template", err)
		}
	}
	if r.Quiet != nil {
		if s.Quiet, err = ParseQuiet(r.Quiet.From, r.Quiet.To, r.Quiet.Zone); err != nil {
			return wrong("quiet", err)
		}
	}
	return s, nil
}

func knownPattern(pattern string) error {
	known := events.Patterns()
	if slices.Contains(known, pattern) {
		return nil
	}
	near := nearest(pattern, known)
	if near == "" {
		return fmt.Errorf("no event is called %q", pattern)
	}
	return fmt.Errorf("no event is called %q; did you mean %q?", pattern, near)
}

// Sends reports whether the subscription may send now, and when that changes by
// itself; zero for never.
func (r *SubscriptionRecord) Sends(now time.Time) (yes bool, changes time.Time) {
	switch {
	case r.Paused == nil:
		return true, time.Time{}
	case r.Paused.Until.IsZero():
		return false, time.Time{}
	}
	return !now.Before(r.Paused.Until), r.Paused.Until
}

// Label is the destination as people may see it.
func (r *SubscriptionRecord) Label() string { return ParseDestination(r.To).Label() }

// Reruns is the number of the newest rerun, 0 for none.
func (r *SubscriptionRecord) Reruns() int {
	if r.Rerun == nil {
		return 0
	}
	return r.Rerun.Number
}

// SameSettings reports that two records say the same about what goes where and
// when, whatever was asked of their lanes.
func (r *SubscriptionRecord) SameSettings(o *SubscriptionRecord) bool {
	return reflect.DeepEqual(r.settings(), o.settings())
}

// settings is the record without what people asked of its lane.
func (r *SubscriptionRecord) settings() SubscriptionRecord {
	out := *r
	out.Start = cmp.Or(out.Start, "new")
	out.Paused, out.Rerun, out.By, out.Made, out.Changed, out.Rev = nil, nil, Person{}, time.Time{}, time.Time{}, 0
	out.newer = Newer{}
	return out
}
