package bus

import (
	"context"
	"time"
)

// begunSubject is where it is noted, apart from the lane's own record, that a
// subscription's lane has begun: a lane whose record was lost with its stream must
// not begin where it did at first, or all that it sent would be sent again.
func begunSubject(key string) string { return "$KV." + bucketConfig + ".begun." + key }

// begun reports whether the lane of a subscription made at an instant began
// before. A subscription of the same name that was made anew is another one.
func (b *Bus) begun(ctx context.Context, key string, made time.Time) (bool, error) {
	if made.IsZero() {
		return false, nil
	}
	m, err := b.lookUp(ctx, streamConfig, begunSubject(key))
	return err == nil && string(m.data) == madeText(made), err
}

// noteBegun notes that it has, after its record was stored.
func (b *Bus) noteBegun(ctx context.Context, key string, made time.Time) error {
	known, err := b.begun(ctx, key, made)
	if err != nil || known || made.IsZero() {
		return err
	}
	return b.put(ctx, jsonMsg(begunSubject(key), []byte(madeText(made))))
}

func madeText(made time.Time) string { return `"` + made.UTC().Format(time.RFC3339Nano) + `"` }
