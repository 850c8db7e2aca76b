package bridge

import (
	"context"
	"errors"
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
	// Sent returns where the delivery's message stands that was made within the
	// span, or the zero Receipt where there is none. Errors are those of Send.
	Sent(ctx context.Context, d Delivery, f Former) (Receipt, error)
}

// tellsOfFormer finds out whether an event was sent by a former run, for lets to
// know; where it was, its receipt is kept.
func (w *Worker) tellsOfFormer(ctx context.Context, entry Entry, e events.Event) error {
	f := w.record.Former
	witness, can := w.Sink.(Witness)
	if f == nil || !can {
		return nil
	}
	if !f.covers(entry, e) {
		if entry.Stored.After(f.Until.Add(time.Hour)) {
			w.record.Former, w.former, w.unsaved = nil, nil, true
		}
		return nil
	}
	if _, known := w.former[e.ID]; known || !w.lets(ctx, e, entry.Stored) {
		return nil
	}
	p := parcel{entries: []Entry{entry}, events: []events.Event{e}}
	m, failure := w.render(ctx, &p)
	if failure != nil {
		return nil //nolint:nilerr // the message is tried, and told of, when its turn comes
	}
	d, done, err := w.address(ctx, &p, m, trial{})
	if err != nil {
		return err
	}
	told := done != ""
	if !told && d.Replaces.IsZero() { // what is edited is edited again
		r, known, err := w.witness(ctx, witness, d, *f)
		if err != nil || !known {
			return err
		}
		if told = !r.IsZero(); told {
			if err := w.keep(ctx, &p, d, r); err != nil {
				return err
			}
			w.log.Info("it was sent before the store was restored", "event_id", e.ID)
		}
	}
	if w.former == nil {
		w.former = map[string]bool{}
	}
	w.former[e.ID] = told
	return nil
}

// witness asks until there is an answer or ctx ends. Nothing is known where the
// destination or its credential refuses: what follows from that is found when the
// message is sent.
func (w *Worker) witness(ctx context.Context, s Witness, d Delivery, f Former) (r Receipt, known bool, err error) {
	for n := 1; ; n++ {
		asking, cancel := context.WithTimeout(ctx, w.SendTimeout)
		r, err = s.Sent(asking, d, f)
		cancel()
		if err == nil {
			return r, true, nil
		}
		if ctx.Err() != nil {
			return r, false, ctx.Err()
		}
		pause := backoff(n)
		if e, typed := errors.AsType[*SendError](err); typed {
			if e.Verdict == Gone || e.Verdict == Revoked || e.Verdict == Reject {
				return Receipt{}, false, nil
			}
			pause = max(pause, obeyed(e.After))
		}
		w.log.Warn("can't look for what was sent, trying again", "event_id", d.Event.ID, "retry_in", pause, "err", err)
		if err := wait(ctx, pause); err != nil {
			return r, false, err
		}
	}
}
