package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

const (
	deadPrefix   = "ia.dead."
	resendPrefix = "ia.resend."
)

// Dead is the store of dead letters, for people who look after them.
func (b *Bus) Dead() *Dead { return &Dead{bus: b} }

// Dead implements command.DeadLetters. A letter's id is its sequence in
// IA_DELIVERY; wishes to send one again stand on ia.resend.<subscription> until
// they are fulfilled.
type Dead struct{ bus *Bus }

var _ command.DeadLetters = (*Dead)(nil)

// List hands over the letters of a subscription, "" for all, oldest first, without
// their events, until fn returns false. Errors: *StateError.
func (d *Dead) List(ctx context.Context, subscription string, fn func(bridge.DeadLetter) bool) error {
	filter := deadPrefix + ">"
	if subscription != "" {
		key, err := events.Token(subscription)
		if err != nil {
			return nil //nolint:nilerr // nothing is of that name
		}
		filter = deadPrefix + key
	}
	cfg := jetstream.ConsumerConfig{FilterSubject: filter, DeliverPolicy: jetstream.DeliverAllPolicy}
	for more := true; more; {
		var last uint64
		left, err := d.bus.read(ctx, streamDelivery, cfg, deadPage, func(m jetstream.Msg, md *jetstream.MsgMetadata) {
			last = md.Sequence.Stream
			if letter, err := readLetter(m.Data(), last); err == nil && more {
				letter.Event = nil
				more = fn(letter)
			}
		})
		if err != nil {
			return err
		}
		if left == 0 {
			return nil
		}
		if last > 0 {
			cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, last+1
		}
	}
	return nil
}

// deadPage is how many letters are read at once: each may hold half a megabyte.
const deadPage = 64

func readLetter(data []byte, id uint64) (bridge.DeadLetter, error) {
	var l bridge.DeadLetter
	if err := json.Unmarshal(data, &l); err != nil {
		return l, fmt.Errorf("dead letter %d can't be read: %w", id, err)
	}
	l.ID = id
	var e events.Event
	if json.Unmarshal(l.Event, &e) == nil {
		l.Agent = e.Agent()
	}
	return l, nil
}

// Get returns one letter with its event; ok is false where none has that id.
// Errors: *StateError.
func (d *Dead) Get(ctx context.Context, id uint64) (l bridge.DeadLetter, ok bool, err error) {
	if id == 0 {
		return l, false, nil
	}
	m, err := d.bus.at(ctx, streamDelivery, id)
	if err != nil || m.seq == 0 || !strings.HasPrefix(m.subject, deadPrefix) {
		return l, false, err
	}
	l, err = readLetter(m.data, id)
	return l, err == nil, err
}

// Drop removes a letter; one that is gone is no error. Errors: *StateError.
func (d *Dead) Drop(ctx context.Context, id uint64) error {
	return d.bus.erase(ctx, id)
}

// Resend notes the wish that a letter be sent again; whoever delivers for its
// subscription fulfils it. One that is wished for already is not sent twice.
// Errors: *StateError.
func (d *Dead) Resend(ctx context.Context, l bridge.DeadLetter) error {
	key, err := events.Token(l.Subscription)
	if err != nil {
		return fmt.Errorf("send dead letter %d again: %w", l.ID, err)
	}
	waits := false
	_, err = d.bus.read(ctx, streamDelivery, jetstream.ConsumerConfig{FilterSubject: resendPrefix + key, DeliverPolicy: jetstream.DeliverAllPolicy}, 1<<14,
		func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
			var w wish
			waits = waits || json.Unmarshal(m.Data(), &w) == nil && w.Dead == l.ID
		})
	if err != nil || waits {
		return err
	}
	data, err := json.Marshal(wish{Dead: l.ID})
	if err != nil {
		return fmt.Errorf("encode a wish: %w", err)
	}
	m := jsonMsg(resendPrefix+key, data)
	m.Header.Set("Nats-Msg-Id", nuid.Next()) // a repeated write is stored once
	return d.bus.put(ctx, m)
}

// wish is what stands on ia.resend.<subscription>.
type wish struct {
	Dead uint64 `json:"dead"`
}

var _ bridge.Resender = (*Lane)(nil)

// Resend implements bridge.Resender. It asks the store only after a wish came, or
// may have come.
func (l *Lane) Resend(ctx context.Context) (r bridge.Resend, ok bool, err error) {
	if !l.wished.Swap(false) {
		return r, false, nil
	}
	defer func() {
		if ok || err != nil {
			l.wished.Store(true) // there may be more
		}
	}()
	m, err := l.bus.get(ctx, streamDelivery, "read "+resendPrefix+l.key, map[string]any{"seq": 1, "next_by_subj": resendPrefix + l.key})
	if err != nil || m.seq == 0 {
		return r, false, err
	}
	var w wish
	if err := json.Unmarshal(m.data, &w); err != nil {
		return bridge.Resend{ID: m.seq}, true, nil // a wish for nothing is removed
	}
	letter, _, err := l.bus.Dead().Get(ctx, w.Dead)
	if err != nil && stateful(err) {
		return r, false, err
	}
	letter.ID = w.Dead
	return bridge.Resend{ID: m.seq, Letter: letter}, true, nil
}

// stateful reports an error of the store, not of what it holds.
func stateful(err error) bool {
	_, ok := errors.AsType[*StateError](err)
	return ok
}

// Resent implements bridge.Resender: first the letter goes, then the wish, so that
// a crash in between leaves a wish for nothing.
func (l *Lane) Resent(ctx context.Context, r bridge.Resend, sent bool) error {
	if sent && r.Letter.ID > 0 {
		if err := l.bus.erase(ctx, r.Letter.ID); err != nil {
			return err
		}
	}
	return l.bus.erase(ctx, r.ID)
}

// OnWish calls fn, which does not block, whenever somebody wants a dead letter of
// the lane sent again.
func (l *Lane) OnWish(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onWish = fn
}

func (l *Lane) wish() {
	l.wished.Store(true)
	l.mu.Lock()
	fn := l.onWish
	l.mu.Unlock()
	if fn != nil {
		fn()
	}
}

// A wish is heard as it passes, which may be a moment before it can be read: lanes
// are told of it again, so that none that looked too soon forgets it.
const (
	wishAgain = time.Second
	wishTimes = 5
)

// hearWishes tells lanes of wishes as they are stored. Those that came while the
// connection was gone are found by tail.doubt.
func (b *Bus) hearWishes(ctx context.Context) error {
	heard := make(chan *nats.Msg, 1<<12)
	sub, err := b.nc.ChanSubscribe(resendPrefix+"*", heard)
	if err != nil {
		return b.explain("hear of wishes", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may be gone
	tick := time.NewTicker(wishAgain)
	defer tick.Stop()
	for left := map[string]int{}; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m := <-heard:
			key := strings.TrimPrefix(m.Subject, resendPrefix)
			b.tail.wish(key)
			left[key] = wishTimes
		case <-tick.C:
			for key := range left {
				b.tail.wish(key)
				if left[key]--; left[key] == 0 {
					delete(left, key)
				}
			}
		}
	}
}

func (t *tail) wish(key string) {
	t.mu.Lock()
	l := t.all[key]
	t.mu.Unlock()
	if l != nil {
		l.wish()
	}
}

// erase removes one message of IA_DELIVERY; one that is gone is no error.
func (b *Bus) erase(ctx context.Context, id uint64) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := b.js.Stream(ctx, streamDelivery)
	if err == nil {
		err = s.DeleteMsg(ctx, id)
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) && b.goneMsg(ctx, id) {
		return nil
	}
	return b.explain("remove a message of "+streamDelivery, err)
}

func (b *Bus) goneMsg(ctx context.Context, id uint64) bool {
	m, err := b.at(ctx, streamDelivery, id)
	return err == nil && m.seq == 0
}
