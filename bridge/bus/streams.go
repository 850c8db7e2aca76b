package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Names of streams and buckets. The fixed names of the house; other programs
// rely on them.
const (
	streamEvents   = "IA_EVENTS"
	streamDelivery = "IA_DELIVERY"
	streamAudit    = "IA_AUDIT"

	bucketMembers  = "IA_MEMBERS"
	bucketShards   = "IA_SHARDS"
	bucketConfig   = "IA_CONFIG"
	bucketInstalls = "IA_INSTALLS"
	bucketReceipts = "IA_RECEIPTS"
	bucketLedger   = "IA_LEDGER"

	allEvents = "ia.event.>"
)

const day = 24 * time.Hour

// assets is everything the bridge keeps in JetStream. The shares of the store
// leave some over: a store without room refuses the small writes too.
func (o Options) assets() []jetstream.StreamConfig {
	share := func(percent int64) int64 { return o.Store * percent / 100 }
	log := func(name string, percent int64, keep time.Duration, subjects ...string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Subjects: subjects, Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
			Discard: jetstream.DiscardOld, MaxBytes: share(percent), MaxAge: keep,
			Duplicates: min(2*time.Minute, keep), Compression: jetstream.S2Compression,
			AllowDirect: true, AllowRollup: true, AllowMsgTTL: true,
		}
	}
	bucket := func(name string, percent int64, c jetstream.StreamConfig) jetstream.StreamConfig {
		c.Name, c.Subjects = "KV_"+name, []string{"$KV." + name + ".>"}
		c.Storage, c.MaxBytes = jetstream.FileStorage, share(percent)
		c.MaxMsgsPerSubject = max(1, c.MaxMsgsPerSubject)
		c.Duplicates = 2 * time.Minute
		if c.MaxAge > 0 {
			c.Duplicates = min(c.Duplicates, c.MaxAge)
		}
		c.AllowRollup, c.DenyDelete, c.AllowDirect = true, true, true
		return c
	}
	events := log(streamEvents, 60, o.Keep, "ia.put.event.>", "ia.put.cursor.>")
	events.AllowAtomicPublish, events.MaxConsumers = true, 5000
	events.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "ia.put.>", Destination: "ia.>"}
	events.RePublish = &jetstream.RePublish{Source: allEvents, Destination: allEvents}
	delivery := log(streamDelivery, 15, 90*day, "ia.lane.>", deadPrefix+">", resendPrefix+">")
	delivery.AllowAtomicPublish = true
	return []jetstream.StreamConfig{
		events, delivery,
		log(streamAudit, 10, 30*day, "ia.audit.>", "ia.delivery.>", "ia.status.>"),
		bucket(bucketMembers, 1, jetstream.StreamConfig{
			MaxAge: memberTTL, AllowMsgTTL: true, SubjectDeleteMarkerTTL: time.Minute, Discard: jetstream.DiscardOld,
		}),
		bucket(bucketShards, 1, jetstream.StreamConfig{Discard: jetstream.DiscardNew}),
		bucket(bucketConfig, 2, jetstream.StreamConfig{Discard: jetstream.DiscardNew, MaxMsgsPerSubject: 10}),
		bucket(bucketInstalls, 1, jetstream.StreamConfig{Discard: jetstream.DiscardNew}),
		// The oldest leave when there are too many: an old receipt is worth less
		// than a new one.
		bucket(bucketReceipts, 5, jetstream.StreamConfig{Discard: jetstream.DiscardOld, MaxAge: 30 * day}),
		// What is scheduled may wait for longer than the rest is kept.
		bucket(bucketLedger, 3, jetstream.StreamConfig{Discard: jetstream.DiscardOld, MaxAge: 30 * day, AllowMsgTTL: true}),
	}
}

// converge brings every stream and bucket to its form and makes those that are
// missing. It refuses what would lose data.
func (b *Bus) converge(ctx context.Context) error {
	missing := b.missing(ctx)
	for _, want := range b.opts.assets() {
		if err := b.convergeOne(ctx, want); err != nil {
			return err
		}
	}
	b.tellMissing(missing)
	if b.host == nil {
		return nil
	}
	call, done := context.WithTimeout(ctx, patience)
	defer done()
	_, err := b.js.CreateOrUpdateConsumer(call, streamEvents, jetstream.ConsumerConfig{
		Durable: subscriberName, FilterSubject: allEvents, AckPolicy: jetstream.AckExplicitPolicy,
		DeliverPolicy: jetstream.DeliverAllPolicy, MaxAckPending: 1000, AckWait: 30 * time.Second,
		Description: "for the credentials in " + SubscriberFile,
	})
	return b.explain("make the subscriber's consumer", err)
}

func (b *Bus) convergeOne(ctx context.Context, want jetstream.StreamConfig) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	there, err := b.js.Stream(ctx, want.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return b.create(ctx, want)
	case err != nil:
		return b.explain("look at stream "+want.Name, err)
	}
	have := there.CachedInfo().Config
	if have.Retention != want.Retention || have.Storage != want.Storage {
		return stateOf(Mismatch, nil, "stream %s is there with another retention or storage, which can't be changed without loss. Rename or remove it by hand, or use another NATS account.", want.Name)
	}
	if want.Replicas = max(b.opts.Replicas, 1); b.opts.Replicas == 0 {
		want.Replicas = have.Replicas
	} else if want.Replicas < have.Replicas {
		return stateOf(Mismatch, nil, "stream %s has %d replicas and %d are asked for; the bridge takes none away. Do it by hand if you mean it.", want.Name, have.Replicas, want.Replicas)
	}
	if have.MaxConsumers != 0 && want.MaxConsumers == 0 {
		want.MaxConsumers = have.MaxConsumers // the server's own default comes back as a number
	}
	_, err = b.js.UpdateStream(ctx, want)
	return b.explain("bring stream "+want.Name+" up to date", err)
}

func (b *Bus) create(ctx context.Context, want jetstream.StreamConfig) error {
	if b.host != nil {
		if dir, gone := b.host.emptied(want.Name); gone {
			return stateOf(Damaged, nil,
				"%s holds messages, but the description of stream %s beside them (meta.inf) is damaged. Nothing was changed. Put meta.inf back from a copy, or move the folder away to start with an empty stream.", dir, want.Name)
		}
	}
	want.Replicas = max(b.opts.Replicas, 1)
	if b.opts.Replicas == 0 && b.nc.ConnectedClusterName() != "" && len(b.nc.Servers()) >= 3 {
		want.Replicas = 3
	}
	_, err := b.js.CreateStream(ctx, want)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil // another process was faster, with the same table
	}
	return b.explain("create stream "+want.Name, err)
}

// bounds are the first sequence of a stream, and its last with its time.
type bounds struct {
	first, last uint64
	lastAt      time.Time
	bytes       uint64
}

func (b *Bus) bounds(ctx context.Context, stream string) (bounds, error) {
	return b.boundsWithin(ctx, callTimeout, stream)
}

func (b *Bus) boundsWithin(ctx context.Context, d time.Duration, stream string) (bounds, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return bounds{}, b.explain("look at stream "+stream, err)
	}
	st := s.CachedInfo().State
	return bounds{first: st.FirstSeq, last: st.LastSeq, lastAt: st.LastTime, bytes: st.Bytes}, nil
}
