package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// Former is a span of time in which another run of the bridge may have sent what
// this one has yet to send: the store was restored from a copy that was made when
// the span began, and the one that it was copied from went on until some time
// before its end.
type Former struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// formerGrace is for clocks that differ, and for what the API tells late.
const formerGrace = 5 * time.Minute

// covers reports whether an event may have been sent in the span. One that happened
// later can't have been; of one without a time of its own, what counts is when it
// was found.
func (f *Former) covers(entry Entry, e events.Event) bool {
	return e.Time.Before(f.Until.Add(time.Minute)) || entry.Stored.Before(f.Until.Add(formerGrace))
}

// Witness is a sink that can tell what was sent.
type Witness interface {
	// Sent looks for what was made of the delivery within the span: its own message,
	// or one that tells of its event among others. Errors are those of Send.
	Sent(ctx context.Context, d Delivery, f Former) (Sighting, error)
}

// Sighting is what a Witness saw.
type Sighting struct {
	Receipt Receipt // of the delivery's own message, with the version that it shows; zero for none
	Told    bool    // a message of several tells of the event
	Blind   bool    // nobody may look there, however often one asks
}

// shows reports whether the delivery is done with. A message that more is folded
// into shows it only where it tells so.
func (s Sighting) shows(d Delivery, fold bool) bool {
	return s.Told || !fold && !s.Receipt.IsZero() && s.Receipt.Version >= d.Message.Version
}

// account is what is known of an event that a former run may have sent.
type account int

const (
	notSent account = iota + 1
	wasSent
	maybeSent // nobody may look
)

// tellsOfFormer finds out whether an event was sent by a former run, for lets to
// know; where it was, its receipt is kept.
func (w *Worker) tellsOfFormer(ctx context.Context, entry Entry, e events.Event) error {
	f := w.record.Former
	if f == nil {
		return nil
	}
	if !f.covers(entry, e) {
		if entry.Stored.After(f.Until.Add(time.Hour)) {
			w.record.Former, w.former, w.unsaved = nil, nil, true
		}
		return nil
	}
	if w.former[e.ID] != 0 || !w.lets(ctx, e, entry.Stored) {
		return nil
	}
	p := parcel{entries: []Entry{entry}, events: []events.Event{e}}
	if w.folds(e) {
		p.form = formFold
		var err error
		if p.tally, err = w.tally(ctx, e, entry); err != nil {
			return err
		}
	}
	known, err := w.wasSent(ctx, &p)
	if err != nil || known == 0 {
		return err
	}
	if known == wasSent {
		w.log.Info("it was sent before the store was restored", "event_id", e.ID)
	}
	if w.former == nil {
		w.former = map[string]account{}
	}
	w.former[e.ID] = known
	return nil
}

// wasSent finds out what a former run made of the parcel, which is about one event,
// and keeps where it stands. The zero account says that nothing can be told now.
func (w *Worker) wasSent(ctx context.Context, p *parcel) (account, error) {
	witness, can := w.Sink.(Witness)
	if w.record.Former == nil || !can {
		return 0, nil
	}
	m, failure := w.render(ctx, p)
	if failure != nil {
		return 0, nil //nolint:nilerr // the message is tried, and told of, when its turn comes
	}
	d, done, err := w.address(ctx, p, m, trial{})
	switch {
	case err != nil:
		return 0, err
	case done != "":
		return wasSent, nil
	}
	anew := d.Replaces.IsZero()
	if p.form == formFold && anew { // a message that it is too late for now may tell of it
		if d.Replaces, err = w.receipt(ctx, w.updateKey(m)); err != nil {
			return 0, err
		}
	}
	seen, known, err := w.witness(ctx, witness, d, *w.record.Former)
	if err != nil || !known {
		return 0, err
	}
	shows := seen.shows(d, p.form == formFold)
	if seen.Blind && anew {
		return maybeSent, nil
	}
	if !seen.Receipt.IsZero() && (shows || p.form != formFold) {
		if err := w.keepFormer(ctx, p, d, seen.Receipt); err != nil {
			return 0, err
		}
	}
	if !shows {
		return notSent, nil
	}
	return wasSent, nil
}

// keepFormer keeps where a message of a former run stands. Of one that more is
// folded into it counts the event among what is told there.
func (w *Worker) keepFormer(ctx context.Context, p *parcel, d Delivery, at Receipt) error {
	if p.form != formFold {
		d.Message.Version = at.Version
		return w.keep(ctx, p, d, at)
	}
	before, err := w.receipt(ctx, w.updateKey(d.Message))
	if err != nil {
		return err
	}
	p.tally = nil
	if before.Message == at.Message {
		p.tally = before.Fold
	}
	if p.tally != nil && p.tally.Told.names(d.Key) {
		return nil
	}
	w.fold(p)
	d.Message.Version-- // what the stream took in the same instant may not be told there
	if e := p.events[0]; p.tally == nil && e.Time.Before(p.told.Since) {
		p.told.Since = e.Time.UTC() // when the stream took it then is not known any more
	}
	return w.keep(ctx, p, d, at)
}

// unsure reports whether nobody knows if a former run sent something of the parcel.
func (w *Worker) unsure(p *parcel) bool {
	return p.unsure || slices.ContainsFunc(p.events, func(e events.Event) bool { return w.former[e.ID] == maybeSent })
}

// witness asks until there is an answer or ctx ends. Nothing is known where the
// destination or its credential refuses: what follows from that is found when the
// message is sent.
func (w *Worker) witness(ctx context.Context, s Witness, d Delivery, f Former) (seen Sighting, known bool, err error) {
	for n := 1; ; n++ {
		asking, cancel := context.WithTimeout(ctx, w.SendTimeout)
		seen, err = s.Sent(asking, d, f)
		cancel()
		if err == nil {
			return seen, true, nil
		}
		if ctx.Err() != nil {
			return seen, false, ctx.Err()
		}
		pause := backoff(n)
		if e, typed := errors.AsType[*SendError](err); typed {
			if e.Verdict == Gone || e.Verdict == Revoked || e.Verdict == Reject {
				return Sighting{}, false, nil
			}
			pause = max(pause, obeyed(e.After))
		}
		w.log.Warn("can't look for what was sent, trying again", "event_id", d.Event.ID, "retry_in", pause, "err", err)
		if err := wait(ctx, pause); err != nil {
			return seen, false, err
		}
	}
}
