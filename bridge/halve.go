package bridge

import (
	"context"
	"time"
)

const (
	unknownLimit  = 10 * time.Minute // of errors that the sink knows nothing of
	unknownAmidst = 30 * time.Second // the same where another part of the message was taken meanwhile
)

// strangeness is a message of several events that got nothing but errors of which
// the sink knows nothing. Its parts are tried as long as any message, in case the
// destination itself is strange for a while, until it takes one of them: then the
// next that fails is to blame.
type strangeness struct {
	until uint64 // its last event; 0 for none
	taken bool   // the destination took something since
}

// inexplicable reports whether the parcel had nothing but unknown errors for so long
// that no more attempt is made of it as it is.
func (w *Worker) inexplicable(p *parcel, t *trial) bool {
	limit := unknownLimit
	amidst := p.entries[0].Position <= w.strange.until
	if amidst && w.strange.taken {
		limit = unknownAmidst
	}
	if time.Since(t.unknown) <= limit {
		return false
	}
	w.strange = strangeness{until: max(w.strange.until, p.last().Position), taken: amidst && w.strange.taken}
	return true
}

// took notes that the destination took a message.
func (w *Worker) took() {
	w.strange.taken = w.strange.until > 0
}

// refused is what follows when a message can never be sent. One event goes to the
// dead letters. Of several nobody knows which is to blame: half of them are tried
// first, and so on, until the one that is refused by itself is found; the others are
// sent. A crash in between finds the bound in the lane's record.
func (w *Worker) refused(ctx context.Context, p parcel, reason string, attempts int) error {
	w.Circuits.leave(w.Subscription.To, &SendError{Verdict: Reject}, 0)
	if len(p.entries) < 2 {
		w.strange = strangeness{}
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
