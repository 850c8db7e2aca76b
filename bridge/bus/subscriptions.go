package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

const (
	streamConfig        = "KV_" + bucketConfig
	subscriptionsPrefix = "$KV." + bucketConfig + ".subscription."

	// maxSubscription bounds a stored subscription, in bytes.
	maxSubscription = 64 << 10
)

// Subscriptions are the subscriptions of all processes, in IA_CONFIG under
// subscription.<id>. Every change is made by compare-and-set.
func (b *Bus) Subscriptions() *Subscriptions { return &Subscriptions{bus: b} }

// Subscriptions implements command.Subscriptions.
type Subscriptions struct{ bus *Bus }

var _ command.Subscriptions = (*Subscriptions)(nil)

func (s *Subscriptions) rows() rows[bridge.SubscriptionRecord] {
	return rows[bridge.SubscriptionRecord]{
		bus: s.bus, stream: streamConfig, prefix: subscriptionsPrefix, decode: s.decode,
		order: func(a, b bridge.SubscriptionRecord) int { return cmp.Compare(a.ID, b.ID) },
	}
}

func (s *Subscriptions) decode(m jetstream.Msg, revision uint64) (bridge.SubscriptionRecord, bool) {
	var kept bridge.SubscriptionRecord
	if err := json.Unmarshal(m.Data(), &kept); err != nil {
		s.bus.log.Warn("a subscription can't be read", "key", m.Subject(), "err", err)
		return kept, false
	}
	r := s.bus.opened(kept)
	r.Rev = revision
	return r, true
}

func sealPlace(id string) string { return bucketConfig + "/subscription." + id }

// sealed is how a subscription is stored: of an address that may hold a secret only
// the host can be read.
func (b *Bus) sealed(r bridge.SubscriptionRecord) (bridge.SubscriptionRecord, error) {
	if r.Label() == r.To || r.Sealed != "" {
		return r, nil
	}
	if b.opts.Seal == nil {
		return r, fmt.Errorf("subscription %s: there is no key to seal its address with", r.ID)
	}
	r.Sealed = b.opts.Seal.Seal(sealPlace(r.ID), r.To)
	r.To = r.Label()
	return r, nil
}

// opened is a subscription as it was before it was stored. One whose address can't
// be opened stays sealed.
func (b *Bus) opened(r bridge.SubscriptionRecord) bridge.SubscriptionRecord {
	if r.Sealed == "" || b.opts.Seal == nil {
		return r
	}
	to, err := b.opts.Seal.Open(sealPlace(r.ID), r.Sealed)
	if err != nil {
		b.log.Warn("a subscription's address was sealed with another key", "subscription", r.ID, "err", err)
		return r
	}
	r.To, r.Sealed = to, ""
	return r
}

// List returns all of them, in the order of their ids. Errors: *StateError.
func (s *Subscriptions) List(ctx context.Context) ([]bridge.SubscriptionRecord, error) {
	return s.rows().list(ctx)
}

// Put stores a subscription over the one of its revision, or a new one where that
// is 0, and returns it with its new revision. Errors: command.ErrMoved when another
// is stored there by now, *StateError.
func (s *Subscriptions) Put(ctx context.Context, r bridge.SubscriptionRecord) (bridge.SubscriptionRecord, error) {
	subject, err := subscriptionSubject(r.ID)
	if err != nil {
		return r, err
	}
	kept, err := s.bus.sealed(r)
	if err != nil {
		return r, err
	}
	data, err := json.Marshal(kept)
	switch {
	case err != nil:
		return r, fmt.Errorf("encode subscription %s: %w", r.ID, err)
	case len(data) > maxSubscription:
		return r, fmt.Errorf("subscription %s: %d bytes are more than %d", r.ID, len(data), maxSubscription)
	}
	revision := r.Rev
	if revision == 0 { // one of that id may have been there before
		var free bool
		switch revision, free, err = s.rows().vacant(ctx, subject); {
		case err != nil:
			return r, err
		case !free:
			return r, fmt.Errorf("store subscription %s: %w", r.ID, command.ErrMoved)
		}
	}
	r.Rev, err = s.bus.swap(ctx, swap{stream: streamConfig, subject: subject, stored: subject, data: data, revision: revision, mortal: true})
	return r, moved("store", r.ID, err)
}

// Remove takes a subscription out, with its lane; its dead letters stay. Errors as
// with Put.
func (s *Subscriptions) Remove(ctx context.Context, r bridge.SubscriptionRecord) error {
	subject, err := subscriptionSubject(r.ID)
	if err != nil {
		return err
	}
	if err := s.rows().remove(ctx, subject, r.Rev); err != nil {
		return moved("remove", r.ID, err)
	}
	return s.ForgetLane(ctx, r.ID)
}

func moved(what, id string, err error) error {
	if errors.Is(err, bridge.ErrFenced) {
		return fmt.Errorf("%s subscription %s: %w", what, id, command.ErrMoved)
	}
	return err
}

// ForgetLane removes the record of a subscription's lane: its worker, where one
// still runs, can move nothing any more. Errors: *StateError.
func (s *Subscriptions) ForgetLane(ctx context.Context, id string) error {
	key, err := events.Token(id)
	if err != nil {
		return fmt.Errorf("forget lane %q: %w", id, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stream, err := s.bus.js.Stream(ctx, streamDelivery)
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSubject("ia.lane."+key))
	}
	return s.bus.explain("forget lane "+id, err)
}

// Watch calls changed with all subscriptions, at the start and after every change,
// until ctx ends; it returns ctx's error.
func (s *Subscriptions) Watch(ctx context.Context, changed func([]bridge.SubscriptionRecord)) error {
	return s.rows().watch(ctx, changed)
}

func subscriptionSubject(id string) (string, error) {
	token, err := events.Token(id)
	if err != nil {
		return "", fmt.Errorf("subscription %q: %w", id, err)
	}
	return subscriptionsPrefix + token, nil
}
