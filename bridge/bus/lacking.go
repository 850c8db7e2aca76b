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

// missing are the streams that are gone of a store that was in use. Whether it was is
// asked first: of a new one others may be making the streams at this moment.
func (b *Bus) missing(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for _, want := range b.opts.assets() {
		if s, err := b.js.Stream(ctx, want.Name); err == nil && s.CachedInfo().State.LastSeq > 0 {
			return b.lacking(ctx)
		}
	}
	return nil
}

// tellMissing says what a stream held that was missing at the start, and what can be
// done about it.
func (b *Bus) tellMissing(streams []string) {
	for _, name := range streams {
		held, next := heldIn(name)
		if held != "" {
			b.log.Warn("a stream was missing and is made anew", "stream", name, "held", held, "next", next)
		}
	}
}

// heldIn says what a stream holds that does not come back by itself, "" for nothing,
// and what to do where it was lost.
func heldIn(stream string) (held, next string) {
	switch stream {
	case streamEvents:
		return "events, and how far each agent was read",
			"What ImagineAnything shows by now counts as history. What was not sent yet: look there, or restore a backup."
	case streamDelivery:
		return "how far each subscription was sent, and dead letters",
			"Subscriptions begin at what is new. imaginebridge subscriptions replay 2h subscription=NAME sends what they missed."
	case streamAudit:
		return "the audit, and what became of deliveries", "A backup has what was there when it was made."
	case "KV_" + bucketReceipts:
		return "where messages stand", "What was sent is not edited any more; threads begin anew."
	case "KV_" + bucketConfig:
		return "subscriptions, workspaces and agents that were added while the bridge ran",
			"Those of the file are there. For the others restore a backup, or have them added again."
	case "KV_" + bucketLedger:
		return "commands: which ran, and which were to run later", "Posts that were ordered for later have to be ordered again."
	case "KV_" + bucketInstalls:
		return "installations of the Slack app", "Restore a backup, or have the app installed again."
	}
	return "", ""
}
