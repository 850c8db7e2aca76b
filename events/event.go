// Package events is the public contract of ImagineBridge: what happened to an
// ImagineAnything agent, as CloudEvents 1.0 in structured JSON.
//
// The main type is [Event]; [Kinds] is the table every other view is derived
// from: subjects, decoding, JSON Schemas and docs/events.md. The package knows
// neither NATS nor any chat platform and imports nothing of ours, so that other
// Go services can depend on it alone.
package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// ContentType is the media type of an encoded event: CloudEvents 1.0 in
// structured mode (CloudEvents HTTP and NATS protocol bindings).
const ContentType = "application/cloudevents+json"

// SpecVersion is the version of the CloudEvents specification that is written.
const SpecVersion = "1.0"

// TypePrefix is what every event type starts with; family and name follow.
const TypePrefix = "com.imagineanything."

// MaxSize bounds an encoded event in bytes. A source cuts what is longer, so
// that a NATS server (1 MiB by default) never refuses one.
const MaxSize = 256 << 10

// Event is one thing that happened to one agent.
type Event struct {
	// ID comes from the occurrence, never from chance ("ntf_81f…"): polling the
	// same thing twice makes the same id. It is also the Nats-Msg-Id and the
	// webhook-id.
	ID string
	// Source is "<base url>/agents/<handle>", the agent concerned.
	Source string
	// About is the CloudEvents subject: the id of the post, conversation, job
	// or agent that the event is about.
	About string
	// Time is when it happened at ImagineAnything.
	Time time.Time
	// Data is the typed payload; it decides the event's type.
	Data Payload
}

// Payload is the typed data of an event. It is sealed: the structs of this
// package that are named after a family and a type are the only payloads.
type Payload interface{ kind() string }

// New makes an event about the agent with the given handle at baseURL.
func New(baseURL, handle, id, about string, at time.Time, data Payload) Event {
	return Event{ID: id, Source: SourceOf(baseURL, handle), About: about, Time: at.UTC(), Data: data}
}

// SourceOf returns the CloudEvents source of an agent: "<base url>/agents/<handle>".
func SourceOf(baseURL, handle string) string {
	return strings.TrimRight(baseURL, "/") + "/agents/" + url.PathEscape(handle)
}

// Agent returns the handle of the agent concerned, taken from the source, or ""
// where the source is not one of ours.
func (e Event) Agent() string {
	_, handle, found := cutLast(e.Source, "/agents/")
	if !found {
		return ""
	}
	plain, err := url.PathUnescape(handle)
	if err != nil {
		return ""
	}
	return plain
}

// Kind returns the row of the catalogue that the payload belongs to, or nil for
// an event without data.
func (e Event) Kind() *Kind {
	if e.Data == nil {
		return nil
	}
	return kindNamed(e.Data.kind())
}

// Name returns "<family>.<type>", the form that event patterns match, or "" for
// an event without data.
func (e Event) Name() string {
	if e.Data == nil {
		return ""
	}
	return e.Data.kind()
}

// Type returns the CloudEvents type, "com.imagineanything.<family>.<type>".
func (e Event) Type() string { return TypePrefix + e.Name() }

// envelope is the CloudEvents JSON event format (CloudEvents 1.0, JSON Event
// Format §3). Attributes are written in this order so that a person reading
// `nats sub` sees what it is before the data.
type envelope struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Type            string          `json:"type"`
	Source          string          `json:"source"`
	Subject         string          `json:"subject,omitempty"`
	Time            string          `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	DataSchema      string          `json:"dataschema"`
	Data            json.RawMessage `json:"data"`
}

// MarshalJSON encodes the event as a CloudEvent in structured JSON.
func (e Event) MarshalJSON() ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return nil, fmt.Errorf("encode data of event %s: %w", e.ID, err)
	}
	return json.Marshal(envelope{
		SpecVersion: SpecVersion, ID: e.ID, Type: e.Type(), Source: e.Source, Subject: e.About,
		Time: e.Time.UTC().Format(time.RFC3339Nano), DataContentType: "application/json",
		DataSchema: e.Kind().SchemaID(), Data: data,
	})
}

// UnmarshalJSON decodes a CloudEvent in structured JSON. Errors are of type
// *DecodeError.
func (e *Event) UnmarshalJSON(b []byte) error {
	var in envelope
	if err := json.Unmarshal(b, &in); err != nil {
		return &DecodeError{Reason: "not a JSON object of the CloudEvents format", Err: err}
	}
	if in.SpecVersion != SpecVersion {
		return &DecodeError{ID: in.ID, Reason: fmt.Sprintf("specversion is %q, %q is understood", in.SpecVersion, SpecVersion)}
	}
	name, ours := strings.CutPrefix(in.Type, TypePrefix)
	kind := kindNamed(name)
	if !ours || kind == nil {
		return &DecodeError{ID: in.ID, Reason: fmt.Sprintf("type %q is not in the catalogue", in.Type)}
	}
	at, err := time.Parse(time.RFC3339Nano, in.Time)
	if err != nil {
		return &DecodeError{ID: in.ID, Reason: "time is not RFC 3339", Err: err}
	}
	data, err := kind.decode(in.Data)
	if err != nil {
		return &DecodeError{ID: in.ID, Reason: "data does not fit " + name, Err: err}
	}
	out := Event{ID: in.ID, Source: in.Source, About: in.Subject, Time: at.UTC(), Data: data}
	if err := out.Validate(); err != nil {
		return &DecodeError{ID: in.ID, Reason: "incomplete", Err: err}
	}
	*e = out
	return nil
}

// Validate reports what an event lacks before it can be stored: id, source of
// an agent, time, data.
func (e Event) Validate() error {
	var missing []error
	if e.ID == "" {
		missing = append(missing, errors.New("id is empty"))
	}
	if e.Agent() == "" {
		missing = append(missing, fmt.Errorf("source %q names no agent", e.Source))
	}
	if e.Time.IsZero() {
		missing = append(missing, errors.New("time is missing"))
	}
	if e.Kind() == nil {
		missing = append(missing, errors.New("data is missing"))
	}
	return errors.Join(missing...)
}

// DecodeError says why bytes are not an event of the catalogue.
type DecodeError struct {
	ID     string // the event's id as far as it could be read
	Reason string // one phrase for people
	Err    error  // the cause, may be nil
}

// Error implements error.
func (e *DecodeError) Error() string {
	text := "decode event"
	if e.ID != "" {
		text += " " + e.ID
	}
	text += ": " + e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
