package bridge

import (
	"errors"
	"time"
)

// maxDigest is how many events one digest holds.
const maxDigest = 25

// errDue says that a digest has gathered long enough.
var errDue = errors.New("the digest is due")

// wants reports whether the parcel may take one more event. A parcel that an
// earlier attempt left in doubt is gathered again as it was.
func (w *Worker) wants(p parcel) bool {
	if len(p.entries) == 0 {
		return true
	}
	if in := w.record.Intent; in != nil && in.Position >= p.entries[0].Position {
		return p.last().Position < in.Position
	}
	return w.digests() && len(p.entries) < maxDigest
}

func (w *Worker) digests() bool {
	return w.Subscription.Digest > 0 && w.Subscription.To.Scheme != "webhook" // whose body is one event
}

// due is when the parcel goes with what it has: when its first event has waited
// long enough. What lies ready by then comes along.
func (w *Worker) due(p parcel) time.Time {
	if len(p.entries) == 0 || w.record.Intent != nil {
		return time.Time{}
	}
	due, soon := p.entries[0].Stored.Add(w.Subscription.Digest), time.Now().Add(linger)
	if due.Before(soon) {
		return soon
	}
	return due
}

// message renders the parcel.
func (w *Worker) message(p parcel) Message {
	if len(p.events) == 1 {
		return Layout(p.events[0])
	}
	return Digest(p.events)
}

// id names the parcel: the event, or the first and last of a digest.
func (p *parcel) id() string {
	first, last := p.events[0].ID, p.events[len(p.events)-1].ID
	if first == last {
		return first
	}
	return "digest_" + first + "_" + last
}
