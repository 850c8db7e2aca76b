package bridge

import (
	"context"
	"strconv"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// noteGap notes events that retention took while the lane waited, and moves the
// lane over them. It is told once, in one message, and reports whether that is to
// be sent next.
func (w *Worker) noteGap(ctx context.Context, after uint64, entry Entry) (told bool, err error) {
	from := w.stood
	w.stood = entry.Stored
	if entry.Skipped == 0 || after >= entry.Position-1 {
		return false, nil
	}
	for _, other := range []time.Time{entry.Since, w.began} {
		if from.IsZero() {
			from = other
		}
	}
	atMost := entry.AtMost || w.record.Former != nil // a former run may have sent some of them
	gap := Away{Count: entry.Skipped, AtMost: atMost, From: from.UTC(), Until: entry.Stored.UTC()}
	if g := w.record.Gap; g != nil {
		gap.Count, gap.AtMost, gap.From = gap.Count+g.Count, gap.AtMost || g.AtMost, g.From
	}
	w.moved(entry.Position-1, false)
	if w.record.Ahead > 0 {
		w.record.Ahead = max(w.record.Ahead, w.record.Position)
	}
	if w.chats() {
		w.record.Gap = &gap
	}
	if err := w.insist(ctx, "save", w.save); err != nil {
		return false, err
	}
	w.log.Warn("events were removed before they could be sent", "count", entry.Skipped, "at_most", atMost, "from", gap.From, "until", gap.Until)
	o := Outcome{Kind: Gap, Position: entry.Position, Count: entry.Skipped, From: gap.From, Until: gap.Until}
	if atMost {
		o.Reason = "So many at most: not all of them need have been for this subscription."
	}
	w.report(ctx, o)
	return true, nil
}

// ready reports whether the count of what will not be sent is complete: the line
// of late events has come to its end.
func (w *Worker) ready() bool {
	return !w.record.Gap.Skipped || !time.Now().Before(w.skipped)
}

// notice makes the message about events that will not be sent, an empty parcel where
// it was told before.
func (w *Worker) notice(ctx context.Context) (parcel, error) {
	if !w.chats() {
		w.record.Gap, w.unsaved = nil, true
		return parcel{}, nil
	}
	e := events.Event{ID: strconv.FormatUint(w.record.Position, 10), Time: w.record.Gap.Until}
	p := parcel{form: formNotice, entries: []Entry{{Position: w.record.Position, Stored: e.Time}}, events: []events.Event{e}}
	known, err := w.wasSent(ctx, &p)
	if err != nil {
		return parcel{}, err
	}
	if known == wasSent {
		w.record.Gap, w.unsaved = nil, true
		return parcel{}, nil
	}
	p.unsure = known == maybeSent
	return p, nil
}

// Notice is the message that says which events will not be sent, and where they
// can still be read.
func (c Cards) Notice(gap Away) Message {
	m := Message{Event: "bridge.gap", At: gap.Until, Tone: ToneBad, Title: c.say("%s not sent", language.Counted(int(min(gap.Count, 1<<31)), "event"))}
	if gap.AtMost {
		m.Title = c.say("Up to %s", m.Title)
	}
	m.Headline = []Span{say(m.Title)}
	span := c.clock(gap.From, gap.Until)
	if gap.Skipped {
		m.Text = c.say("They are from %s and older than 15 minutes, which this subscription leaves out (catch_up: skip). They are stored; a replay sends them.", span)
		return m
	}
	m.Text = c.say("They are from %s and left the store (nats.keep, nats.store) before this subscription came to them. ImagineAnything still shows notifications, messages and posts: look there, or with /ia notify and /ia dm. What a generation looked like on its way is gone; its result is in the gallery.", span)
	return m
}

// clock is a span of time as people write it, "09:12–17:40 UTC".
func (c Cards) clock(from, until time.Time) string {
	from, until = from.UTC(), until.UTC()
	date := func(t time.Time) string {
		return c.say("%[1]d %[2]s", t.Day(), c.In.Word(t.Format("Jan"))) + " " + t.Format("15:04")
	}
	switch {
	case from.IsZero():
		return c.say("before %s", date(until)+" UTC")
	case from.Format(time.DateOnly) == until.Format(time.DateOnly):
		return date(from) + "–" + until.Format("15:04") + " UTC"
	}
	return date(from) + "–" + date(until) + " UTC"
}
