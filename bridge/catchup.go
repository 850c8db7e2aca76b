package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

const (
	lateAge   = 15 * time.Minute // an event that waited so long is late
	lateCount = 50               // and so is a line of more than these after an outage
	// gather is how long the first event of a worker waits for those behind it: what was
	// missed while nothing ran is found by the page.
	gather = time.Second
)

// backlog is a lane that knows about how many events wait for it.
type backlog interface{ Lag() uint64 }

// late reports whether the lane has to catch up, looking at the first event that
// waits: it is old, or too many stand behind it after an outage.
func (w *Worker) late(ctx context.Context, entry Entry) bool {
	first := !w.gathered
	w.gathered = true
	how := w.Subscription.Pace.CatchUp
	if how != CatchUpDigest && how != CatchUpSkip || !w.chats() && how == CatchUpDigest {
		return false
	}
	if time.Since(entry.Stored) > lateAge {
		return true
	}
	b, knows := w.Lane.(backlog)
	if how != CatchUpDigest || !w.behind || !knows {
		return false
	}
	if first && b.Lag() <= lateCount {
		_ = wait(ctx, gather) // what ended it ends the send too
	}
	return b.Lag() > lateCount
}

// turnBack begins to catch up, or leaves the late event out.
func (w *Worker) turnBack(ctx context.Context, entry Entry, e events.Event) error {
	if w.Subscription.Pace.CatchUp == CatchUpSkip {
		w.skip(ctx, entry, e)
		return nil
	}
	w.record.Ahead, w.record.Away = max(w.record.Ahead, w.record.Position), &Away{}
	_, err := w.scout(ctx)
	if errors.Is(err, errNudged) {
		return nil
	}
	return err
}

// catchUp returns the next message of a catch-up: the first urgent event that is
// not told yet, however far down the line it stands, else a digest of what was
// passed over for it.
func (w *Worker) catchUp(ctx context.Context) (p parcel, err error) {
	if newest, knows := w.newest(); !knows || newest != w.scouted {
		if p, err = w.scout(ctx); err == nil && len(p.events) == 0 {
			w.scouted = newest
		}
	}
	if err == nil && len(p.events) == 0 {
		p, err = w.collect(ctx)
	}
	if errors.Is(err, errNudged) {
		return parcel{}, nil
	}
	return p, err
}

// newest is the end of the stream where the lane knows it. While it stays where it
// was there is nothing to scout for, and the lane need not leave its place: going
// back and forth makes the store unpack the same again and again.
func (w *Worker) newest() (uint64, bool) {
	end, knows := w.Lane.(interface{ Newest() uint64 })
	if !knows {
		return 0, false
	}
	return end.Newest(), true
}

// scout reads on from where urgent events are done to the next one, or to the end
// of what there is.
func (w *Worker) scout(ctx context.Context) (parcel, error) {
	for {
		after := w.record.Ahead
		entry, e, err := w.read(ctx, after, time.Now().Add(linger))
		switch {
		case errors.Is(err, errDue):
			return parcel{}, nil
		case errors.Is(err, errPoison):
			w.record.Ahead, w.unsaved = entry.Position, true // buried when the line comes to it
			continue
		case err != nil:
			return parcel{}, err
		}
		if entry.Skipped > 0 && after < entry.Position-1 {
			return parcel{}, nil // told when the line comes to it
		}
		if !w.lets(ctx, e, entry.Stored) {
			w.record.Ahead, w.unsaved = entry.Position, true
			continue
		}
		if urgent(e) {
			return parcel{form: formAhead, entries: []Entry{entry}, events: []events.Event{e}}, nil
		}
		w.record.Ahead, w.unsaved = entry.Position, true
		w.countAway(entry)
	}
}

// countAway counts an event among those the lane catches up with.
func (w *Worker) countAway(entry Entry) {
	away := Away{}
	if w.record.Away != nil {
		away = *w.record.Away
	}
	if away.Count++; away.From.IsZero() {
		away.From = entry.Stored.UTC()
	}
	away.Until = entry.Stored.UTC()
	w.record.Away = &away
}

// collect makes a digest of what stands before the point up to which urgent
// events are done. Without anything left the lane has caught up.
func (w *Worker) collect(ctx context.Context) (parcel, error) {
	p := parcel{form: formCatchUp}
	after := w.record.Position
	for after < w.record.Ahead && w.wants(&p) {
		entry, e, err := w.read(ctx, after, time.Now().Add(lazily))
		switch {
		case errors.Is(err, errDue):
			return p, nil
		case err != nil && !errors.Is(err, errPoison):
			return p, err
		case entry.Position > w.record.Ahead && len(p.entries) == 0:
			after = w.record.Ahead // retention took the rest
			continue
		case entry.Position > w.record.Ahead:
			return p, nil
		case entry.Skipped > 0 && after < entry.Position-1 && len(p.entries) > 0:
			return p, nil
		}
		if told, saveErr := w.noteGap(ctx, after, entry); told || saveErr != nil {
			return p, saveErr
		}
		if err != nil {
			if len(p.entries) > 0 {
				return p, nil
			}
			return p, w.buryPoison(ctx, entry, err)
		}
		switch through := w.lets(ctx, e, entry.Stored) && !w.doneAhead(entry, e); {
		case through && !w.fits(&p, entry, e):
			return p, nil
		case through:
			p.take(entry, e)
		case len(p.entries) == 0:
			w.moved(entry.Position, false)
		}
		after = entry.Position
	}
	if len(p.entries) == 0 {
		w.moved(after, false)
	}
	return p, nil
}

// doneAhead reports whether the event was sent out of line already.
func (w *Worker) doneAhead(entry Entry, e events.Event) bool {
	return entry.Position <= w.record.Ahead && urgent(e)
}

// urgent reports whether somebody talks to the agent: such events are not left
// waiting behind a crowd. Both sides of a conversation are, so that it stays in
// order.
func urgent(e events.Event) bool {
	switch e.Data.(type) {
	case events.MessageReceived, events.MessageSent, events.NotificationMention:
		return true
	}
	return false
}

// skip passes over a late event and counts it.
func (w *Worker) skip(ctx context.Context, entry Entry, e events.Event) {
	gap := Away{Skipped: true, From: entry.Stored.UTC()}
	if w.record.Gap != nil {
		gap = *w.record.Gap
	}
	gap.Count, gap.Until = gap.Count+1, entry.Stored.UTC()
	w.record.Gap = &gap
	w.moved(entry.Position, false)
	o := Outcome{Kind: Skipped, Position: entry.Position, EventID: e.ID, Event: e.Name(), EventTime: e.Time}
	w.report(ctx, o)
	w.skipped = time.Now().Add(time.Second) // for more of them
}
