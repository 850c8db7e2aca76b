// Package sinktest is what every sink must pass. A sink's test describes itself
// as a [Subject] and calls [Run].
//
// Each test runs inside a synctest bubble: waits and deadlines take no real
// time. The sink therefore talks to its emulated platform through the
// http.Client of its [Ground], in-process; a sink that opens sockets of its own
// would hold the bubble's clock.
package sinktest

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Subject is a sink under test: how to make it, what it stands on, and what its
// platform can do. Only Open and Platform are required.
type Subject struct {
	// Open makes the sink on the ground given. It is called inside the bubble;
	// what it starts must end in t.Cleanup.
	Open func(t *testing.T, g Ground) bridge.Sink
	// Platform makes a fresh emulated platform, inside the bubble.
	Platform func(t *testing.T) Platform
	// Secrets are what Open gave the sink to keep: tokens, keys, secret parts of
	// addresses. None may appear in an error or a log line.
	Secrets []string

	// Creates tells a request that makes a message from others. nil: all do.
	// It must not read the body.
	Creates func(r *http.Request) bool
	// Answers is the table of what the platform may say to such a request. It
	// needs at least one row for each status of [Statuses].
	Answers []Answer

	// Abilities of the platform; a test that needs one is left out without it.
	Once    bool // a Key shown once stays shown once, even when an answer was lost
	Later   bool // likewise when the repeat comes ten minutes later
	Edits   bool // Delivery.Replaces changes a message
	Threads bool // Delivery.Thread puts a message into a thread
	Markup  bool // people see rendered text: mentions and markup must be escaped
}

// Ground is what a sink stands on during one test.
type Ground struct {
	URL    string       // origin of the platform, without a slash at the end
	Client *http.Client // reaches that origin and no other; it has no timeout of its own
	Log    *slog.Logger // kept and searched for secrets, at debug level
}

// Platform is an emulated platform with one destination.
type Platform struct {
	// Handler takes the platform's requests. nil: the sink needs no network, and
	// tests of answers and lost connections are left out.
	Handler http.Handler
	// To is the destination to send to.
	To bridge.Destination
	// Visible returns what people see there now, oldest first.
	Visible func() []Shown
	// Remove deletes the message with that id, as a moderator would. nil: nobody
	// can.
	Remove func(id string)
	// Objections returns what the emulator found wrong with the requests it got;
	// a test that ends with any fails. nil: it finds nothing.
	Objections func() []string
}

// Shown is one message as people see it.
type Shown struct {
	ID     string // as in Receipt.Message
	Thread string // as in Receipt.Thread, "" outside threads
	// Text is all its words in reading order: names, headings, text, fields,
	// labels of buttons; with the platform's escapes undone.
	Text string
	// Pings are the people, groups and channels whom it notifies.
	Pings []string
	// Links are the targets that hide behind another text.
	Links []string
}

// Answer is one reply of the platform and what must follow from it.
type Answer struct {
	Name   string // of the row
	Status int
	Header map[string]string
	Body   string

	Sent    bool           // it means that the message was sent: no error
	Want    bridge.Verdict // otherwise, the verdict
	After   time.Duration  // the least SendError.After
	Paced   bool           // SendError.Paced
	Unknown bool           // SendError.Unknown
	Advice  bool           // SendError.Advice must tell the owner what to do
}

// Statuses are the HTTP statuses that every table of answers has a row for.
var Statuses = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
	http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests,
	http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}
