package bridge

import "context"

// refused is what follows when a message can never be sent. One event goes to the
// dead letters. Of several nobody knows which is to blame: half of them are tried
// first, and so on, until the one that is refused by itself is found; the others are
// sent. A crash in between finds the bound in the lane's record.
func (w *Worker) refused(ctx context.Context, p parcel, reason string, attempts int) error {
	if len(p.entries) < 2 {
		return w.bury(ctx, p, reason, attempts)
	}
	w.record.Bound = p.entries[len(p.entries)/2-1].Position
	w.record.Intent, w.unsaved = nil, true // nothing arrived
	w.log.Warn("a message of several events was refused, half of them follow", "event_id", p.id(), "attempt", attempts, "count", len(p.entries), "reason", reason)
	return w.insist(ctx, "halve", w.save)
}

// unbound forgets the bound once the lane has passed it.
func (r *Record) unbound() {
	if r.Position >= r.Bound {
		r.Bound = 0
	}
}
