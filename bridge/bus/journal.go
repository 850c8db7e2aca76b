package bus

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	allAudits     = "ia.audit.>"
	outcomePrefix = "ia.delivery."
)

// Journal hands over what people and programs did, and what became of deliveries,
// in all processes since an instant and from now on, in the order of the store,
// until ctx ends; it returns ctx's error. The functions are not called
// concurrently.
func (b *Bus) Journal(ctx context.Context, since time.Time, done func(command.Entry), became func(bridge.Outcome)) error {
	return b.follow(ctx, reading{
		stream: streamAudit,
		from: jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{allAudits, outcomePrefix + ">"}, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
		},
		fn: func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
			if o, ok := readOutcome(m); ok {
				became(o)
			} else if e, ok := readAudit(m); ok {
				done(e)
			}
		},
	})
}

// Audits hands over the audit since an instant, oldest first, until fn returns
// false. Errors: *StateError.
func (h *History) Audits(ctx context.Context, since time.Time, fn func(command.Entry) bool) error {
	cfg := jetstream.ConsumerConfig{FilterSubject: allAudits, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since}
	return h.pages(ctx, streamAudit, cfg, func(m jetstream.Msg, _ *jetstream.MsgMetadata) bool {
		e, ok := readAudit(m)
		return !ok || fn(e)
	})
}

func readAudit(m jetstream.Msg) (e command.Entry, ok bool) {
	return e, json.Unmarshal(m.Data(), &e) == nil
}
