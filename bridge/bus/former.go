package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// copySubject is where a store that was restored says which moment it is a copy of.
const copySubject = "$KV." + bucketConfig + ".copy"

// copyRecord is what is stored there.
type copyRecord struct {
	Made time.Time `json:"made"` // when the copy was made that the store was restored from
}

func (b *Bus) noteCopy(ctx context.Context, made time.Time) error {
	data, err := json.Marshal(copyRecord{Made: made})
	if err != nil {
		return err
	}
	return b.put(ctx, jsonMsg(copySubject, data))
}

// former is the span in which another run, the one that the store was copied from,
// may have sent what a lane has yet to send; nil for none. noted is when the lane's
// record was stored: one stored since the restore knows of it already.
func (b *Bus) former(ctx context.Context, noted time.Time) (*bridge.Former, error) {
	m, err := b.lookUp(ctx, streamConfig, copySubject)
	if err != nil || m.seq == 0 || deleted(m.header) || noted.After(m.time) {
		return nil, err
	}
	var c copyRecord
	if err := json.Unmarshal(m.data, &c); err != nil {
		return nil, fmt.Errorf("read when the store was copied: %w", err)
	}
	return &bridge.Former{From: c.Made, Until: time.Now().UTC()}, nil
}

// doubtCommands marks the commands that were not begun when the copy was made and
// may have been since: they are settled by looking, not begun again.
func (b *Bus) doubtCommands(ctx context.Context) error {
	records := b.Records()
	open, err := records.Open(ctx)
	if err != nil {
		return err
	}
	for _, r := range open {
		since := r.At
		switch {
		case r.State == command.Scheduled && r.Due.Before(time.Now()):
			since = r.Due
		case r.State != command.Recorded:
			continue
		}
		r.State, r.Since, r.Owner = command.Running, since, ""
		if _, err := records.Update(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
