package bridge

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/imaginebridge/imaginebridge/events"
)

// resend makes a parcel of the dead letter that a person wants sent, an empty one
// where nobody wants any.
func (w *Worker) resend(ctx context.Context) (parcel, error) {
	keeper, can := w.Lane.(Resender)
	if !can {
		return parcel{}, nil
	}
	for {
		var r Resend
		var ok bool
		err := w.insist(ctx, "resend", func(ctx context.Context) (err error) {
			r, ok, err = keeper.Resend(ctx)
			return err
		})
		if err != nil || !ok {
			return parcel{}, err
		}
		var e events.Event
		if err = json.Unmarshal(r.Letter.Event, &e); err == nil && !w.Subscription.coversAgent(e.Agent()) {
			err = errElsewhere
		}
		if err == nil {
			entry := Entry{Position: r.Letter.Position, Data: r.Letter.Event, Stored: r.Letter.At}
			p := parcel{form: formResend, resend: r, entries: []Entry{entry}, events: []events.Event{e}}
			known, err := w.wasSent(ctx, &p)
			if err != nil || known != wasSent {
				p.unsure = known == maybeSent
				return p, err
			}
			w.log.Info("it was sent before the store was restored", "event_id", e.ID)
		} else {
			// Dropped meanwhile, poison that no attempt makes readable, or not for here.
			w.log.Warn("a dead letter can't be sent again", "position", r.Letter.Position, "reason", cutReason(err))
		}
		sent := err == nil
		if err := w.insist(ctx, "resent", func(ctx context.Context) error { return keeper.Resent(ctx, r, sent) }); err != nil {
			return parcel{}, err
		}
	}
}

// errElsewhere is an event of an agent that the subscription is not about any more.
var errElsewhere = errors.New("its agent is not connected here any more")
