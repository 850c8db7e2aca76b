package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

// formerFor is how long the signatures of the key before a rotation go on beside
// those of the new one.
const formerFor = 24 * time.Hour

// sealedBuckets are where sealed values may stand.
var sealedBuckets = []string{bucketConfig, bucketInstalls, bucketLedger, bucketReceipts}

// sealedValue is a stored record with one sealed text in it.
type sealedValue struct {
	bucket, name string // of the record
	key          string // id of the key
}

// locked finds every sealed text in the store, but for what the store says of itself.
func (b *Bus) locked(ctx context.Context) ([]sealedValue, error) {
	var out []sealedValue
	err := b.eachRecord(ctx, func(bucket, name string, m jetstream.Msg, _ uint64) error {
		_, err := mapStrings(m.Data(), func(text string) (string, error) {
			if id := seal.KeyOf(text); id != "" {
				out = append(out, sealedValue{bucket, bucket + "/" + name, id})
			}
			return text, nil
		})
		return err
	})
	return out, err
}

// SealedWith names the records that hold something sealed with a key.
func (b *Bus) SealedWith(ctx context.Context, key string) ([]string, error) {
	all, err := b.locked(ctx)
	var out []string
	for _, s := range all {
		if s.key == key && !slices.Contains(out, s.name) {
			out = append(out, s.name)
		}
	}
	slices.Sort(out)
	return out, err
}

// eachRecord hands over what the buckets hold now that may be sealed.
func (b *Bus) eachRecord(ctx context.Context, fn func(bucket, name string, m jetstream.Msg, revision uint64) error) error {
	for _, bucket := range sealedBuckets {
		if there, err := b.hasStream(ctx, "KV_"+bucket); err != nil || !there {
			if err != nil {
				return err
			}
			continue
		}
		var failed error
		err := b.replay(ctx, "KV_"+bucket, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubject: "$KV." + bucket + ".>"},
			func(m jetstream.Msg, md *jetstream.MsgMetadata) {
				if m.Subject() == storeSubject || deleted(m.Headers()) || failed != nil {
					return
				}
				failed = fn(bucket, strings.TrimPrefix(m.Subject(), "$KV."+bucket+"."), m, md.Sequence.Stream)
			})
		if err := errors.Join(err, failed); err != nil {
			return err
		}
	}
	return nil
}

// mapStrings puts every string of a JSON value through fn and returns the value as
// it is then, or nil where nothing changed. What is no JSON holds no sealed text.
func mapStrings(data []byte, fn func(string) (string, error)) ([]byte, error) {
	var value any
	if err := decodeExact(data, &value); err != nil {
		return nil, nil //nolint:nilerr // not ours to read
	}
	changed := false
	var walk func(any) (any, error)
	walk = func(v any) (any, error) {
		var err error
		switch v := v.(type) {
		case string:
			text, err := fn(v)
			changed = changed || text != v
			return text, err
		case []any:
			for i := range v {
				if v[i], err = walk(v[i]); err != nil {
					return nil, err
				}
			}
		case map[string]any:
			for name := range v {
				if v[name], err = walk(v[name]); err != nil {
					return nil, err
				}
			}
		}
		return v, nil
	}
	value, err := walk(value)
	if err != nil || !changed {
		return nil, err
	}
	return json.Marshal(value)
}

// Rotation is what a rotation did.
type Rotation struct {
	From, To string // ids of keys
	Entries  int    // records sealed anew
	Until    time.Time
}

// Rotate seals everything anew with a key, which must be in the ring beside the one
// before, and makes it the store's. The others go on meanwhile: they seal with the
// store's key and open with both. It refuses while a process is alive that can't
// have the new key. Broken off, it can be begun again. Errors: *StateError.
func (b *Bus) Rotate(ctx context.Context, to string) (Rotation, error) {
	ring := b.opts.Seal
	if ring == nil {
		return Rotation{}, seal.ErrNoKey
	}
	if err := b.allKnow(ctx, to); err != nil {
		return Rotation{}, err
	}
	r, err := b.readStore(ctx)
	if err != nil {
		return Rotation{}, err
	}
	if err := b.checkKey(ctx, b.opts.Seal, r); err != nil {
		return Rotation{}, err
	}
	out := Rotation{From: seal.KeyOf(r.Key), To: to, Until: r.Until}
	if out.From != to {
		before := ring.Secret()
		if !ring.Prefer(to) {
			return Rotation{}, seal.ErrKey
		}
		r.Key = ring.Seal(keyPlace, keyText)
		r.Until = time.Now().Add(formerFor).UTC().Truncate(time.Second)
		r.Former = ring.Seal(formerPlace, before)
		out.Until = r.Until
		if err := b.writeStore(ctx, r); err != nil {
			return Rotation{}, err
		}
	}
	// Who was about to seal with the former key when the store's changed is found in
	// a later round.
	for quiet := 0; quiet < 2; {
		n, err := b.reseal(ctx)
		if err != nil {
			return out, err
		}
		out.Entries += n
		if quiet++; n > 0 {
			quiet = 0
		}
		if !wait(ctx, time.Second) {
			return out, ctx.Err()
		}
	}
	return out, nil
}

// allKnow refuses a key that a living process can't have.
func (b *Bus) allKnow(ctx context.Context, key string) error {
	blind := 0
	err := b.eachMember(ctx, func(m member) {
		reads := b.opts.KeySource != "" && slices.Contains(m.Keys, b.opts.KeySource)
		if !reads && !slices.Contains(m.Keys, key) {
			blind++
		}
	})
	if err != nil || blind == 0 {
		return err
	}
	return stateOf(OtherKey, nil, "%d of the processes at work do not have the new key yet. Start each of them anew with both keys in IMAGINEBRIDGE_KEY, the new one first. Nothing was changed.", blind)
}

// eachMember hands over the processes that are alive now.
func (b *Bus) eachMember(ctx context.Context, fn func(member)) error {
	return b.replay(ctx, "KV_"+bucketMembers, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubject: "$KV." + bucketMembers + ".>"},
		func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
			var v member
			if !deleted(m.Headers()) && json.Unmarshal(m.Data(), &v) == nil {
				fn(v)
			}
		})
}

// reseal goes through the store once, and returns how many records it sealed anew.
func (b *Bus) reseal(ctx context.Context) (n int, err error) {
	type stale struct {
		bucket, name string
		data         []byte
		header       nats.Header
		revision     uint64
	}
	var found []stale
	err = b.eachRecord(ctx, func(bucket, name string, m jetstream.Msg, revision uint64) error {
		places := placesOf(bucket, name, m.Data())
		data, err := mapStrings(m.Data(), func(text string) (string, error) {
			if seal.KeyOf(text) == "" || !b.opts.Seal.Stale(text) {
				return text, nil
			}
			return b.resealText(text, places)
		})
		switch {
		case err != nil:
			return stateOf(OtherKey, err, "%s/%s can't be sealed anew: %s. Set the key it was sealed with as a further one in IMAGINEBRIDGE_KEY, or remove it.", bucket, name, err)
		case data != nil:
			found = append(found, stale{bucket, name, data, m.Headers(), revision})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, f := range found {
		subject := "$KV." + f.bucket + "." + f.name
		_, err := b.swap(ctx, swap{
			stream: "KV_" + f.bucket, subject: subject, stored: subject, data: f.data, revision: f.revision, mortal: true, header: keptHeader(f.header),
		})
		if err != nil && !errors.Is(err, bridge.ErrFenced) { // one that changed meanwhile is for the next round
			return n, err
		}
		n++
	}
	return n, nil
}

// resealText seals a text anew for the place it was sealed for.
func (b *Bus) resealText(text string, places []string) (string, error) {
	for _, place := range places {
		secret, err := b.opts.Seal.Open(place, text)
		switch {
		case err == nil:
			return b.opts.Seal.Seal(place, secret), nil
		case errors.Is(err, seal.ErrKey):
			return "", fmt.Errorf("its key is %s", seal.KeyOf(text))
		}
	}
	return "", errors.New("it is damaged")
}

// placesOf are the places that a text in a record may be sealed for: that of its
// key, or that of the first token of it with what a field of the record says.
func placesOf(bucket, name string, data []byte) []string {
	kind, _, _ := strings.Cut(name, ".")
	places := []string{bucket + "/" + name}
	var record map[string]any
	if json.Unmarshal(data, &record) != nil {
		return places
	}
	for _, field := range slices.Sorted(maps.Keys(record)) {
		if text, ok := record[field].(string); ok && len(text) <= 200 {
			places = append(places, bucket+"/"+kind+"."+text)
		}
	}
	return places
}

// keptHeader is what of a message's header belongs to its content.
func keptHeader(h nats.Header) nats.Header {
	out := nats.Header{}
	for name, values := range h {
		if !strings.HasPrefix(name, "Nats-") && name != writeHeader || name == jetstream.MsgTTLHeader {
			out[name] = values
		}
	}
	return out
}
