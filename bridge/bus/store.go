package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

// StoreFormat is the form of the store that this version writes, and the newest
// that it opens. It grows when an older version could not work beside a newer one;
// what is only added to a record does not make it grow.
const StoreFormat = 1

// More states of the store that a person has to mend.
const (
	TooNew   State = "too_new"   // a newer version made it
	OtherKey State = "other_key" // its secrets were sealed with a key that is not here
	Halfway  State = "halfway"   // a restore of it was broken off
)

// storeSubject is where the store says what it is.
const storeSubject = "$KV." + bucketConfig + ".store"

// keyPlace and keyText are what is sealed to tell whether a key is the store's.
const (
	keyPlace    = bucketConfig + "/store"
	keyText     = "imaginebridge"
	formerPlace = bucketConfig + "/store.former"
)

// storeRecord is what the store says of itself, in IA_CONFIG under store.
type storeRecord struct {
	Format int    `json:"format"`
	MadeBy string `json:"made_by"`       // the newest version that ran on it
	Key    string `json:"key,omitempty"` // keyText, sealed with the key that seals everything

	// Former is the key before, sealed, and Until how long what was made of it is
	// still in use beside what is made of the key.
	Former string    `json:"former,omitempty"`
	Until  time.Time `json:"until,omitzero"`

	newer bridge.Newer
	rev   uint64
}

// readStore reads what the store says of itself. One that says nothing yet has
// Format 0.
func (b *Bus) readStore(ctx context.Context) (r storeRecord, err error) {
	m, err := b.lookUp(ctx, streamConfig, storeSubject)
	if err != nil || m.seq == 0 {
		return r, err
	}
	if err := json.Unmarshal(m.data, &r); err != nil {
		return r, fmt.Errorf("read what the store says of itself: %w", err)
	}
	r.newer, err = bridge.NewerThan[storeRecord](m.data)
	r.rev = m.seq
	return r, err
}

func (b *Bus) writeStore(ctx context.Context, r storeRecord) error {
	data, err := r.newer.Onto(r)
	if err != nil {
		return err
	}
	_, err = b.swap(ctx, swap{stream: streamConfig, subject: storeSubject, stored: storeSubject, data: data, revision: r.rev, mortal: true})
	return err
}

// examine refuses a store that this version must not touch. It changes nothing.
func (b *Bus) examine(ctx context.Context) error {
	if halfway, err := b.hasStream(ctx, streamRestoring); err != nil || halfway {
		if err != nil {
			return err
		}
		return stateOf(Halfway, nil, `%s holds a part of a backup: its restore was broken off. Run "imaginebridge restore FILE --over" again.`, b.where())
	}
	if there, err := b.hasStream(ctx, streamConfig); err != nil || !there {
		return err
	}
	r, err := b.readStore(ctx)
	if err != nil {
		return err
	}
	if r.Format > StoreFormat {
		return stateOf(TooNew, nil, "%s was used by ImagineBridge %s, and this is %s, which does not know its form (%d; it knows %d). Nothing was changed. Use that version or a later one.",
			b.where(), r.MadeBy, b.opts.Version, r.Format, StoreFormat)
	}
	return b.checkKey(ctx, b.opts.Seal, r)
}

// checkKey refuses keys that are not the store's, and otherwise makes the store's key
// the one that seals. In a store that names none, everything sealed has to open.
func (b *Bus) checkKey(ctx context.Context, ring *seal.Ring, r storeRecord) error {
	if ring == nil {
		return nil
	}
	id := seal.KeyOf(r.Key)
	if id == "" {
		return b.checkEntries(ctx, ring)
	}
	_, err := ring.Open(keyPlace, r.Key)
	switch {
	case err == nil:
		ring.Prefer(id)
		return nil
	case !errors.Is(err, seal.ErrKey):
		return stateOf(Damaged, err, "%s: what tells the key of its secrets is damaged (IA_CONFIG, store). Restore a backup.", b.where())
	}
	names, err := b.SealedWith(ctx, id)
	if err != nil {
		return err
	}
	return otherKey(ring, id, names)
}

func (b *Bus) checkEntries(ctx context.Context, ring *seal.Ring) error {
	all, err := b.locked(ctx)
	if err != nil {
		return err
	}
	var names []string
	id := ""
	for _, s := range all {
		if !slices.Contains(ring.IDs(), s.key) {
			id, names = s.key, append(names, s.name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return otherKey(ring, id, names)
}

func otherKey(ring *seal.Ring, id string, names []string) error {
	locked := "Nothing was changed"
	if len(names) > 0 {
		locked = "It can't open " + brief(names, 10)
	}
	return stateOf(OtherKey, nil, "IMAGINEBRIDGE_KEY, or the file key in the data folder, is not the key of this store, which is sealed with key %s; this is %s. %s. Set the store's own key; where it is lost, begin with an empty store and enter everything anew.",
		id, ring.ID(), locked)
}

// brief lists names, the first n of them.
func brief(names []string, n int) string {
	if len(names) > n {
		return strings.Join(names[:n], ", ") + fmt.Sprintf(" and %d more", len(names)-n)
	}
	return strings.Join(names, ", ")
}

// sign notes in the store which form it has, which version runs on it, and which
// key is its own. Several processes may do so at once.
func (b *Bus) sign(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		r, err := b.readStore(ctx)
		if err != nil {
			return err
		}
		if r.Format > StoreFormat {
			return b.examine(ctx)
		}
		if err := b.checkKey(ctx, b.opts.Seal, r); err != nil { // another was quicker, with another key
			return err
		}
		want := r
		want.Format, want.MadeBy = StoreFormat, newest(r.MadeBy, b.opts.Version)
		if want.Key == "" && b.opts.Seal != nil {
			want.Key = b.opts.Seal.Seal(keyPlace, keyText)
		}
		if want.Format == r.Format && want.MadeBy == r.MadeBy && want.Key == r.Key {
			return nil
		}
		err = b.writeStore(ctx, want)
		if !errors.Is(err, bridge.ErrFenced) || attempt == 20 {
			return err
		}
		if !wait(ctx, backoff(attempt)) {
			return ctx.Err()
		}
	}
}

// newest is the later of two versions; one that can't be compared is taken for it.
func newest(had, have string) string {
	if had == have || have == "" || older(have, had) {
		return had
	}
	return have
}

// watchStore keeps to the key that the store is sealed with while keys change.
func (b *Bus) watchStore(ctx context.Context) error {
	return b.follow(ctx, reading{
		stream: streamConfig,
		from: jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{storeSubject}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		},
		fn: func(m jetstream.Msg, _ *jetstream.MsgMetadata) { b.takeStore(m.Data()) },
	})
}

func (b *Bus) takeStore(data []byte) {
	var r storeRecord
	if json.Unmarshal(data, &r) != nil || b.opts.Seal == nil || r.Key == "" {
		return
	}
	if !b.opts.Seal.Prefer(seal.KeyOf(r.Key)) {
		b.log.Error("the key of the store was changed, and this process does not have the new one; set IMAGINEBRIDGE_KEY to it and start again", "key", seal.KeyOf(r.Key))
		return
	}
	former, until := "", r.Until
	if r.Former != "" {
		former, _ = b.opts.Seal.Open(formerPlace, r.Former)
	}
	b.oldKey.Store(&formerKey{former, until})
}

// formerKey is the key before the last rotation.
type formerKey struct {
	secret string
	until  time.Time
}

// FormerKey is the key before the last rotation, while what was made of it is still
// in use; "" for none.
func (b *Bus) FormerKey() string {
	if f := b.oldKey.Load(); f != nil && time.Now().Before(f.until) {
		return f.secret
	}
	return ""
}

// hasStream reports whether there is a stream of that name.
func (b *Bus) hasStream(ctx context.Context, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := b.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return false, nil
	}
	return err == nil, b.explain("look at stream "+name, err)
}

// KeyInfo is what the store says of its key.
type KeyInfo struct {
	ID      string    // of the key that seals; "" where nothing was ever sealed
	Until   time.Time // how long the one before is still in use for signatures
	Entries []string  // what is sealed with another
}

// Key tells which key the store's secrets are sealed with. Errors: *StateError.
func (b *Bus) Key(ctx context.Context) (KeyInfo, error) {
	r, err := b.readStore(ctx)
	if err != nil {
		return KeyInfo{}, err
	}
	in := KeyInfo{ID: seal.KeyOf(r.Key), Until: r.Until}
	all, err := b.locked(ctx)
	for _, s := range all {
		if s.key != in.ID {
			in.Entries = append(in.Entries, s.name)
		}
	}
	slices.Sort(in.Entries)
	return in, err
}

// TryKey refuses keys that are not the store's. Errors: *StateError.
func (b *Bus) TryKey(ctx context.Context, ring *seal.Ring) error {
	r, err := b.readStore(ctx)
	if err != nil {
		return err
	}
	return b.checkKey(ctx, ring, r)
}
