package bus

import (
	"context"
	"errors"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// lacking are the streams that somebody removed while this process runs. They are
// made anew at its next start, with what that means for cursors and lanes: done at
// once it would look like a first start to those who hold a place in them.
func (b *Bus) lacking(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var out []string
	for _, want := range b.opts.assets() {
		if _, err := b.js.Stream(ctx, want.Name); errors.Is(err, jetstream.ErrStreamNotFound) {
			out = append(out, want.Name)
		}
	}
	return out
}

// tellLacking tells once which streams are gone.
func (b *Bus) tellLacking(ctx context.Context, told map[string]bool) {
	gone := strings.Join(b.lacking(ctx), ", ")
	if gone == "" || told["lacks "+gone] {
		return
	}
	told["lacks "+gone] = true
	b.log.Error("streams were removed while the bridge runs; restart it to have them made anew", "streams", gone)
	s := Status{
		Component: "nats", State: Down, Reason: "Somebody removed " + gone + " while the bridge runs.",
		Next: "Restart the bridge: it makes them anew. What they held is gone; ImagineAnything is read again as far as it goes.",
	}
	if err := b.Status(ctx, s); err != nil {
		b.log.Warn("status was not stored", "err", err)
	}
}
