package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// State names a condition of the store that a person, not a retry, has to mend,
// or that lasts until the server is itself again.
type State string

// States of the store that refuse work.
const (
	Full        State = "store_full"    // the store or a stream takes nothing more
	Off         State = "jetstream_off" // JetStream is switched off, or switched itself off
	TooOld      State = "too_old"       // the server is older than what the bridge needs
	Forbidden   State = "not_permitted" // the NATS user lacks a permission
	Unreachable State = "unreachable"   // no answer
	InUse       State = "in_use"        // another process has the data folder
	PortTaken   State = "port_taken"    // another program listens at the address
	BadFolder   State = "bad_folder"    // the data folder can't be used
	Damaged     State = "damaged"       // the store lost what it can't do without
	Mismatch    State = "mismatch"      // a stream is there in a form that can't be changed without loss
	Invalid     State = "invalid"       // an option makes no sense
	TooLong     State = "max_payload"   // the server's max_payload is below what is to be stored
)

// StateError says in a sentence for people what is wrong with the store and what
// to do. It holds no secret.
type StateError struct {
	State State
	Text  string // what is wrong; what to do
	Err   error  // the cause, may be nil
}

// Error implements error.
func (e *StateError) Error() string { return e.Text }

// Unwrap returns the cause.
func (e *StateError) Unwrap() error { return e.Err }

func stateOf(s State, err error, format string, args ...any) *StateError {
	return &StateError{State: s, Text: fmt.Sprintf(format, args...), Err: err}
}

// Codes of the JetStream API that decide something here (nats-server,
// server/errors.json).
const (
	codeNotFound      = jetstream.ErrorCode(10037) // no message found
	codeDuplicate     = jetstream.ErrorCode(10201) // the batch holds an id of the last two minutes
	codeAccountFull   = jetstream.ErrorCode(10002) // the account's own limit is reached
	codeNoResources   = jetstream.ErrorCode(10023) // the account or server has no room
	codeNoStorage     = jetstream.ErrorCode(10047) // the stream asks for more room than there is
	codeStoreFailed   = jetstream.ErrorCode(10077) // the message could not be stored
	codeOff           = jetstream.ErrorCode(10076) // JetStream is not enabled
	codeOffForAccount = jetstream.ErrorCode(10039)
	codeUnavailable   = jetstream.ErrorCode(10008) // JetStream is temporarily unavailable
)

func saysFull(c jetstream.ErrorCode) bool {
	return c == codeAccountFull || c == codeNoResources || c == codeNoStorage || c == codeStoreFailed
}

func saysOff(c jetstream.ErrorCode) bool { return c == codeOff || c == codeOffForAccount }

func codeOf(err error) jetstream.ErrorCode {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.ErrorCode
	}
	return 0
}

// explain turns an error of the store into a *StateError where people can do
// something about it, and otherwise wraps it with what was tried. Errors of the
// JetStream API hold neither secrets nor addresses.
func (b *Bus) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*StateError](err); ok {
		return err
	}
	switch code := codeOf(err); {
	case saysFull(code):
		return stateOf(Full, err, "%s has no room left (%s). Raise nats.store, or shorten nats.keep.", b.where(), what)
	case saysOff(code):
		return stateOf(Off, err, "%s has JetStream switched off; start it with -js.", b.where())
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return stateOf(Off, err, "%s has JetStream switched off; start it with -js.", b.where())
	case errors.Is(err, nats.ErrMaxPayload):
		return stateOf(TooLong, err, "%s takes messages of %d bytes at most, and this is longer (%s). Raise its max_payload; 1 MiB is enough.", b.where(), b.nc.MaxPayload(), what)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		return stateOf(Off, err, "%s does not answer for JetStream (%s).", b.where(), what)
	}
	unanswered := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, context.Canceled) && b.onDenied.Load() != nil
	if denied := b.denied.Load(); unanswered && denied != nil && time.Since(denied.at) < 2*callTimeout {
		return stateOf(Forbidden, err, `%s: this user may not %s (%s); give it the permissions of deploy/nats/permissions.conf, or let a user who has them run "imaginebridge check" once.`,
			b.where(), what, denied.text)
	}
	if !b.nc.IsConnected() && refused(b.nc.LastError()) {
		return b.refusal()
	}
	if unanswered || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrDisconnected) {
		return stateOf(Unreachable, err, "%s does not answer (%s).", b.where(), what)
	}
	return fmt.Errorf("%s: %w", what, err)
}
