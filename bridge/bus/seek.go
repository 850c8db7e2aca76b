package bus

import (
	"context"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Seek sets the lane back to the first event stored at or after an instant. The
// worker that runs next sends everything from there on, under keys that no message
// had before; number is that of the wish, which is begun once. Errors as with Save.
func (l *Lane) Seek(ctx context.Context, since time.Time, number int) error {
	at, err := l.bus.bounds(ctx, streamEvents)
	if err != nil {
		return err
	}
	position, err := l.bus.before(ctx, l.filters, since.Add(-time.Nanosecond), at.last)
	if err != nil {
		return err
	}
	before := l.Record()
	r := bridge.Record{
		Epoch: before.Epoch, Position: position, Generation: before.Generation + 1, State: bridge.Live, Rerun: number,
		Sent: before.Sent, Failing: before.Failing, Dying: before.Dying, Gap: before.Gap,
	}
	for _, a := range before.Asides {
		if a.Position <= position { // later ones come again with the rest
			r.Asides = append(r.Asides, a)
		}
	}
	return l.Save(ctx, r)
}
