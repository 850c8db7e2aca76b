package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// errNudged says that a wait for events was broken off: there is something else
// to do.
var errNudged = errors.New("something else waits")

// parcel is what becomes one message: one event, or several.
type parcel struct {
	form    Form
	entries []Entry
	events  []events.Event

	lines  map[string]bool // of a digest, by what makes them one
	due    time.Time       // when it goes with what it has; zero for at once
	full   bool            // of a digest that waits all the same
	tally  *Tally          // of a fold: what its message told before, nil for a new one
	told   *Tally          // and what it tells with these
	resend Resend
	unsure bool // a former run may have sent it, and nobody may look
}

func (p *parcel) last() Entry { return p.entries[len(p.entries)-1] }

// position of the parcel's intent.
func (p *parcel) position() uint64 {
	if p.form == formResend {
		return p.resend.ID
	}
	return p.last().Position
}

// id names the parcel: the event, or the first and last of several.
func (p *parcel) id() string {
	if p.form == formNotice {
		return "notice_" + p.events[0].ID
	}
	first, last := p.events[0].ID, p.events[len(p.events)-1].ID
	if first == last {
		return first
	}
	return "digest_" + first + "_" + last
}

// choose returns what is to be sent next: what an earlier attempt left in doubt,
// a notice, what a person wants sent again, an event set aside whose time has
// come, or the next of the line. An empty parcel means that something was done
// without a message.
func (w *Worker) choose(ctx context.Context) (parcel, error) {
	if in := w.record.Intent; in != nil {
		return w.regather(ctx, *in)
	}
	if w.record.Gap != nil && w.ready() {
		return w.notice(ctx)
	}
	if p, err := w.resend(ctx); err != nil || len(p.events) > 0 {
		return p, err
	}
	if a, ok := w.dueAside(); ok {
		return w.fetchAside(ctx, a)
	}
	if w.record.Ahead > w.record.Position {
		return w.catchUp(ctx)
	}
	p, err := w.gather(ctx)
	if errors.Is(err, errNudged) {
		return parcel{}, nil // what was gathered is gathered again
	}
	return p, err
}

// regather puts the parcel together again that an intent tells of.
func (w *Worker) regather(ctx context.Context, in Intent) (parcel, error) {
	switch in.Form {
	case formNotice:
		if w.record.Gap != nil {
			return w.notice(ctx)
		}
	case formResend:
		if p, err := w.resend(ctx); err != nil || len(p.events) > 0 && p.resend.ID == in.Position {
			return p, err
		}
	case formAhead, formAside:
		if p, err := w.fetch(ctx, in.Position, in.Form); err != nil || len(p.events) > 0 {
			return p, err
		}
	case formPlain, formDigest, formFold, formCatchUp:
		if p, err := w.regatherLine(ctx, in); err != nil || len(p.events) > 0 || w.record.Intent == nil {
			return p, err
		}
	}
	w.record.Intent, w.unsaved = nil, true // nothing of it is left to send
	return parcel{}, nil
}

// regatherLine takes the events of the line up to the intent's.
func (w *Worker) regatherLine(ctx context.Context, in Intent) (parcel, error) {
	p := parcel{form: in.Form}
	for after := w.record.Position; after < in.Position; {
		entry, e, err := w.read(ctx, after, time.Time{})
		switch {
		case errors.Is(err, errNudged):
			continue
		case errors.Is(err, errPoison) && len(p.entries) == 0:
			return parcel{}, w.buryPoison(ctx, entry, err)
		case errors.Is(err, errPoison):
			return p, nil // what was gathered goes first
		case err != nil:
			return p, err
		case entry.Position > in.Position:
			return p, nil // retention took the rest
		}
		after = entry.Position
		if w.lets(ctx, e, entry.Stored) && !w.doneAhead(entry, e) {
			p.entries, p.events = append(p.entries, entry), append(p.events, e)
		}
	}
	if p.form == formFold && len(p.events) > 0 {
		var err error
		p.tally, err = w.tally(ctx, p.events[0], p.entries[0])
		return p, err
	}
	return p, nil
}

// fetch makes a parcel of the one event at a position, an empty one where it is
// gone or of an agent that the subscription is not about any more.
func (w *Worker) fetch(ctx context.Context, position uint64, form Form) (parcel, error) {
	for {
		entry, e, err := w.read(ctx, position-1, time.Time{})
		switch {
		case errors.Is(err, errNudged):
			continue
		case errors.Is(err, errPoison):
			return parcel{}, nil // it can't be: it was read before
		case err != nil:
			return parcel{}, err
		case entry.Position != position, !w.Subscription.meant(e, entry.Stored), form == formAhead && w.former[e.ID] == wasSent:
			return parcel{}, nil
		}
		return parcel{form: form, entries: []Entry{entry}, events: []events.Event{e}}, nil
	}
}

// errPoison is wrapped by errors of events that can't be read.
var errPoison = errors.New("the event can't be read")

// poisonError is what is wrong with an event that can't be read.
type poisonError struct{ err error }

func (e *poisonError) Error() string        { return e.err.Error() }
func (e *poisonError) Is(target error) bool { return target == errPoison }

// read returns the next entry after the position and its event, or errDue,
// errNudged, or an error that is errPoison together with the entry.
func (w *Worker) read(ctx context.Context, after uint64, due time.Time) (Entry, events.Event, error) {
	entry, err := w.next(ctx, after, due)
	if err != nil {
		return entry, events.Event{}, err
	}
	var e events.Event
	if err := json.Unmarshal(entry.Data, &e); err != nil {
		return entry, e, &poisonError{err}
	}
	return entry, e, w.tellsOfFormer(ctx, entry, e)
}

// gather returns the next parcel of the line, past what the filter holds back and
// what can't be read.
func (w *Worker) gather(ctx context.Context) (parcel, error) {
	var p parcel
	after := w.record.Position
gathering:
	for w.wants(&p) {
		if err := ctx.Err(); err != nil {
			return p, err
		}
		entry, e, err := w.read(ctx, after, w.goes(&p))
		switch {
		case errors.Is(err, errDue):
			return p, nil
		case err != nil && !errors.Is(err, errPoison):
			return p, err
		case len(p.entries) > 0 && (err != nil || entry.Skipped > 0 && after < entry.Position-1):
			break gathering // what was gathered goes first
		}
		if told, saveErr := w.noteGap(ctx, after, entry); told || saveErr != nil {
			return p, saveErr
		}
		if err != nil {
			return p, w.buryPoison(ctx, entry, err)
		}
		through := w.lets(ctx, e, entry.Stored)
		switch {
		case through && len(p.entries) == 0:
			if later, err := w.begin(ctx, &p, entry, e); later || err != nil {
				return parcel{}, err
			}
		case through && !w.fits(&p, entry, e):
			break gathering
		case through:
			p.take(entry, e)
		case len(p.entries) == 0:
			w.moved(entry.Position, false)
		}
		after = entry.Position
	}
	if p.full && time.Now().Before(p.due) {
		return p, w.idle(ctx, time.Until(p.due))
	}
	return p, nil
}

// begin opens the parcel with its first event and decides its form. It is for
// later where the lane has to catch up first.
func (w *Worker) begin(ctx context.Context, p *parcel, entry Entry, e events.Event) (later bool, err error) {
	pace := &w.Subscription.Pace
	late := w.late(ctx, entry)
	switch free := w.slot(); {
	case w.digests():
		p.form, p.due, p.full = formDigest, w.digestDue(entry), pace.DigestAt != nil
	case late && (!urgent(e) || pace.CatchUp == CatchUpSkip): // an urgent one goes by itself, being first
		return true, w.turnBack(ctx, entry, e)
	case w.record.Gap != nil:
		w.skipped = time.Time{} // what was left out is told first
		return true, nil
	case time.Now().Before(free):
		p.form, p.due, p.full = formDigest, free, true
	case w.folds(e):
		p.form = formFold
		if p.tally, err = w.tally(ctx, e, entry); err != nil {
			return false, err
		}
		if p.tally != nil {
			p.due = p.tally.At.Add(foldPause)
		}
	}
	w.behind = late
	if soon := time.Now().Add(linger); p.form != formPlain && p.due.Before(soon) {
		p.due = soon
	}
	p.take(entry, e)
	return false, nil
}

func (p *parcel) take(entry Entry, e events.Event) {
	p.entries, p.events = append(p.entries, entry), append(p.events, e)
	if p.lines == nil {
		p.lines = map[string]bool{}
	}
	p.lines[lineKey(e)] = true
}

// wants reports whether the parcel may take one more event.
func (w *Worker) wants(p *parcel) bool {
	switch {
	case len(p.entries) == 0:
		return true
	case p.form == formPlain:
		return false
	}
	return len(p.entries) < maxGathered && len(p.lines) <= maxDigest
}

// fits reports whether the event belongs into the parcel with what it has.
func (w *Worker) fits(p *parcel, entry Entry, e events.Event) bool {
	if bound := w.record.Bound; entry.Position > bound && len(p.entries) > 0 && p.entries[0].Position <= bound {
		return false
	}
	switch p.form {
	case formFold:
		return foldKey(e) == foldKey(p.events[0]) && entry.Stored.Sub(p.since()) <= w.Subscription.Pace.Fold
	case formPlain, formDigest, formCatchUp, formAhead, formAside, formNotice, formResend:
	}
	return len(p.lines) < maxDigest || p.lines[lineKey(e)]
}

// goes is when the parcel goes with what it has; of an empty one, when something
// else is due. What lies ready by then comes along.
func (w *Worker) goes(p *parcel) time.Time {
	if len(p.entries) > 0 {
		return p.due
	}
	var due time.Time
	if len(w.record.Asides) > 0 {
		due = w.firstAside().Due
	}
	if w.record.Gap != nil && (due.IsZero() || w.skipped.Before(due)) {
		due = w.skipped
	}
	return due
}

func (w *Worker) firstAside() Aside {
	return slices.MinFunc(w.record.Asides, func(a, b Aside) int { return a.Due.Compare(b.Due) })
}

func (w *Worker) buryPoison(ctx context.Context, entry Entry, err error) error {
	return w.bury(ctx, parcel{entries: []Entry{entry}}, cutReason(err), 0)
}
